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
