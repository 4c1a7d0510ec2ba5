"""The detector's AUC, and what it may not see."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from lookalike.evaluate.chapters import detection


def test_auc_agrees_with_sklearn_with_ties():
    rng = np.random.default_rng(0)
    y, score = rng.integers(0, 2, 500), rng.integers(0, 9, 500)
    assert detection.auc(score, y) == pytest.approx(roc_auc_score(y, score))
    assert detection.auc_spread(score, y, rng) == pytest.approx(0.026, abs=0.006)


def test_values_that_occur_once_are_ordered_at_random():
    """Their order must not tell the detector which table they came from."""
    place = detection.by_frequency(np.arange(2000), np.random.default_rng(0))
    assert (place < 253).sum() == 253
    assert 80 < (place[:1000] < 253).sum() < 173


def test_many_columns_are_cut_into_fewer_bins_and_still_seen_through():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 300)), np.repeat([0, 1], 100)
    x[y == 1, 7] += 3
    owner, plain = np.arange(300), np.zeros(300, dtype=bool)
    data = detection.Features(x, y, np.arange(100), plain, owner)
    few = detection.Features(x[:, :100], y, np.arange(100), plain[:100], owner[:100])
    assert (detection._bins(few), detection._bins(data)) == (255, 85)
    score, _ = detection.boosted(data, 2, 0)
    assert detection.auc(score, y) > 0.9
    codes = np.tile(np.arange(200.0) % 150, (300, 1)).T
    named = detection.Features(codes, y, np.arange(100), ~plain, owner)
    assert detection._bins(named) == 150
