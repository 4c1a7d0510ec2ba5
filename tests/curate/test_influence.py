"""Influence against refitting without each row; weights that are learned from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lookalike.curate.influence import fit, influence, outer_real, outer_reverse, reweigh
from lookalike.learn import classifier


def _made(rows: int, seed: int, share: float = 0.0, classes: int = 3) -> tuple[Any, Any, Any]:
    """(points, labels, which are wrong)."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, classes, rows)
    points = np.random.default_rng(9).normal(0, 1, (classes, 6))[true] * 0.7 + rng.normal(0, 0.8, (rows, 6))
    wrong = rng.random(rows) < share
    return points, np.where(wrong, (true + 1) % classes, true), wrong


def test_the_fit_is_the_minimum() -> None:
    points, codes, _ = _made(200, 0)
    fitted = fit(points, codes, 3)
    truth = np.eye(3)[codes]
    gradient = fitted.points.T @ (fitted.chances - truth) + fitted.penalty * fitted.theta
    assert np.abs(gradient).max() < 1e-2
    theirs = classifier().fit(points, codes)  # its intercept has no penalty: nearly the same
    assert np.abs(theirs.predict_proba(points) - fitted.chances).max() < 0.02
    doubled = fit(points, codes, 3, np.where(np.arange(200) < 50, 2.0, 1.0))
    again = fit(np.concatenate([points, points[:50]]), np.concatenate([codes, codes[:50]]), 3)
    np.testing.assert_allclose(doubled.theta, again.theta, atol=1e-3)


def test_influence_is_what_refitting_without_each_row_says() -> None:
    scipy = pytest.importorskip("scipy.stats")
    points, codes, _ = _made(200, 1, 0.2)
    real, real_codes, _ = _made(60, 2)

    def loss(rows: Any) -> float:
        found = fit(points[rows], codes[rows], 3).predict(real)[np.arange(60), real_codes]
        return float(-np.log(found).mean())

    fitted = fit(points, codes, 3)
    said = influence(fitted, codes, outer_real(fitted, real, real_codes))
    every = np.arange(200)
    true = np.array([loss(np.delete(every, row)) for row in every]) - loss(every)
    assert scipy.spearmanr(said, true).statistic >= 0.95
    assert np.abs(said - true).max() < 0.3 * np.abs(true).max()


def test_wrong_labels_harm() -> None:
    points, codes, wrong = _made(600, 3, 0.2)
    fitted = fit(points, codes, 3)
    for outer in (outer_reverse(fitted, codes), outer_real(fitted, *_made(200, 4)[:2])):
        said = influence(fitted, codes, outer)
        assert (said[wrong][:, None] < said[~wrong]).mean() > 0.75


def test_weights_are_learned_where_they_help_and_not_where_they_do_not() -> None:
    points, codes, wrong = _made(600, 5, 0.35)
    real, real_codes, _ = _made(60, 6)
    found = reweigh(points, codes, real, real_codes, 3)
    assert 1 <= found.steps <= 8 and found.outer in ("reverse", "real")
    assert found.weights[wrong].mean() < 0.8 < 1 < found.weights[~wrong].mean()
    assert found.weights.mean() == pytest.approx(1)


@pytest.mark.parametrize("share", [0.0, 0.35])
def test_what_is_taught_is_not_worse(share: float) -> None:
    points, codes, _ = _made(600, 7, share)
    real, real_codes, _ = _made(60, 6)
    found = reweigh(points, codes, real, real_codes, 3)
    test, truth, _ = _made(3000, 8)
    both, told = np.concatenate([points, real]), np.append(codes, real_codes)
    right = [
        (fit(both, told, 3, np.append(some, np.ones(60))).predict(test).argmax(1) == truth).mean()
        for some in (np.ones(600), found.weights)
    ]
    assert right[1] >= right[0] - 0.005
