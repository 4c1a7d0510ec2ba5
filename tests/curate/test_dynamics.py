"""Learning dynamics and the area under the margin find labels that are wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lookalike.curate.dynamics import Dynamics, area_under_margin, dynamics


def _made(rows: int, seed: int, share: float) -> tuple[Any, Any, Any]:
    """(points, labels, which are wrong), of three classes."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 3, rows)
    points = np.eye(3)[true] * 2.2 + rng.normal(0, 0.6, (rows, 3))
    wrong = rng.random(rows) < share
    return points, np.where(wrong, (true + 1) % 3, true), wrong


@pytest.mark.parametrize("kind", ["table", "text"])
def test_wrong_labels_have_low_confidence(kind: str) -> None:
    real, real_codes, _ = _made(60, 0, 0)
    points, codes, wrong = _made(300, 1, 0.3)
    found = dynamics(real, real_codes, points, codes, kind=kind)
    assert (found.confidence[wrong][:, None] < found.confidence[~wrong]).mean() > 0.93
    assert found.aleatoric.min() >= 0 and found.aleatoric.max() <= 0.25
    assert found.hard(0.3)[wrong].mean() > 0.6 and found.hard(0.3)[~wrong].mean() < 0.1
    assert found.wrong(0.3)[wrong].mean() > 0.75 and found.wrong(0.3).sum() <= 90
    assert (found.chances[np.arange(300), codes] == found.confidence).all()
    assert np.allclose(found.chances.sum(1), 1)
    again = dynamics(real, real_codes, points, codes, kind=kind)
    assert (again.confidence == found.confidence).all()


def test_the_authors_rule_by_hand() -> None:
    found = Dynamics(
        np.array([0.1, 0.1, 0.2, 0.5, 0.9]), np.array([0.05, 0.2, 0.1, 0.25, 0.05]), np.ones((5, 1))
    )
    assert found.hard().tolist() == [True, False, True, False, False]  # .15 is three quarters of the range
    assert found.wrong(0.4).tolist() == [True, True, False, False, False]
    assert not Dynamics(np.full(4, 0.6), np.full(4, 0.1), np.ones((4, 1))).wrong(1.0).any()


def test_margins_of_wrong_labels_stay_low() -> None:
    points, codes, wrong = _made(600, 2, 0.2)
    margins, below = area_under_margin(points, codes)
    assert (margins[wrong][:, None] < margins[~wrong]).mean() > 0.9
    assert below[wrong].mean() > 0.8 and below[~wrong].mean() < 0.2
