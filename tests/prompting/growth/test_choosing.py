"""Rows that are chosen lie as the real ones do, whatever there are too many of."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.prompting.growth import choosing
from lookalike.prompting.growth.choosing import chosen

CENTRES = np.eye(4, dtype=np.float32)


def around(counts: list[int], seed: int) -> np.ndarray:
    """So many unit vectors around each of the first axes."""
    rng = np.random.default_rng(seed)
    found = np.repeat(CENTRES, counts, axis=0) + 0.1 * rng.standard_normal((sum(counts), 4)).astype(
        np.float32
    )
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.mark.parametrize("most", [4000, 150])  # at once, and in three parts
def test_what_there_is_too_much_of_is_left_out(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "MOST", most)
    real, made = around([40, 30, 20, 10], 0), around([260, 60, 60, 40], 1)
    kept = chosen(real, made, 100, 3)
    assert kept == sorted(set(kept)) and len(kept) == 100 and kept == chosen(real, made, 100, 3)
    counts = np.bincount(made[kept].argmax(1), minlength=4)
    assert np.abs(counts - [40, 30, 20, 10]).max() <= 3
    assert made[:260].argmax(1).tolist() == [0] * 260  # which was 62% of all


def test_no_choice_keeps_all() -> None:
    some = around([2, 1, 0, 0], 0)
    assert chosen(some, some, 3, 0) == [0, 1, 2] and chosen(some, some, 0, 0) == []
    assert len(chosen(some[:1], np.ones((5, 4), dtype=np.float32), 2, 0)) == 2  # all of them the same
