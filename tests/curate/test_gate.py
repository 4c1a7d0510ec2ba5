"""The gate: changes that help are made, others are not, and it says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lookalike.curate.gate import CANDIDATES, changed, decide, smallest
from lookalike.curate.labels import Audit
from lookalike.curate.views import Committee, Views

CENTRES = np.random.default_rng(5).normal(0, 1, (2, 12)) * 0.45


def _made(rows: int, share: float, seed: int, one_sided: bool = False) -> tuple[Any, Any, Any]:
    """(points, labels, true classes)."""
    rng = np.random.default_rng(seed)
    true = np.arange(rows) % 2
    points = CENTRES[true] + rng.normal(0, 0.6, (rows, 12))
    hit = (rng.random(rows) < share) & ((true == 1) | (not one_sided))
    return points, np.where(hit, 1 - true, true), true


def test_clean_labels_are_left() -> None:
    points, codes, _ = _made(400, 0.0, 0)
    real, real_codes, _ = _made(240, 0.0, 1)
    found = decide(points, codes, real, real_codes)
    assert found.method == "nothing" and found.seen and found.judged == 240
    assert (found.codes == codes).all() and (found.weights == 1).all()
    assert "no label was changed" in found.sentence("label") and "by more than chance" in found.sentence(
        "label"
    )


def test_one_sided_noise_is_mended_and_the_real_rows_say_so() -> None:
    points, codes, _ = _made(600, 0.45, 0, one_sided=True)
    real, real_codes, _ = _made(240, 0.0, 1)
    found = decide(points, codes, real, real_codes)
    assert found.method != "nothing" and found.after > found.before + 0.02
    test, _, test_true = _made(2000, 0.0, 2)

    def right(labels: Any, weights: Any) -> float:
        both, ones = Views.of(points) + Views.of(real), np.ones(240)
        model = Committee().fit(both, np.append(labels, real_codes), np.append(weights, ones))
        return float((model.predict(Views.of(test)) == test_true).mean())

    assert right(found.codes, found.weights) > right(codes, np.ones(600)) + 0.02
    assert f"{found.after:.1%}" in found.sentence("label")


def test_few_real_rows_only_weigh_and_only_where_it_is_sure() -> None:
    real, real_codes, _ = _made(40, 0.0, 1)
    noisy = decide(*_made(600, 0.4, 0, one_sided=True)[:2], real, real_codes)
    assert (noisy.method, noisy.seen, noisy.judged) == ("weigh", False, 40)
    assert noisy.part == noisy.audit.excess and 0.5 < noisy.part < 1
    assert noisy.weights.min() < 0.5 and (noisy.codes == _made(600, 0.4, 0, True)[1]).all()
    clean = decide(*_made(600, 0.0, 0)[:2], real, real_codes)
    assert clean.method == "nothing" and "too few" in clean.sentence("y")
    asked = decide(*_made(600, 0.4, 0, one_sided=True)[:2], real, real_codes, methods=["drop"])
    assert asked.method == "drop" and set(asked.weights) == {0.0, 1.0}


def test_the_smallest_change_within_one_standard_error_of_the_best() -> None:
    right = np.zeros((3, 100))
    right[0, :70], right[1, :80], right[2, 1:82] = 1, 1, 1
    assert smallest(right) == 1  # one row in a hundred is chance, ten are not
    right[0, :80] = 1
    assert smallest(right) == 0


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_candidates_change_what_they_say(candidate: tuple[str, float]) -> None:
    chances = np.tile([[0.9, 0.1], [0.2, 0.8]], (10, 1))
    codes = np.tile([0, 0], 10)
    codes[:4] = 1
    found = Audit(chances, chances[np.arange(20), codes], "mean", 0.4)
    new, kept = changed(*candidate, found, codes)
    method, part = candidate
    assert ((new != codes).sum() > 0) == (method == "relabel")
    assert (kept == 0).sum() == (int(8 * part) if method == "drop" else 0)
    assert ((kept < 1).any() and kept.mean() >= 1 - 0.4 * part - 1e-6) if method == "weigh" else True
