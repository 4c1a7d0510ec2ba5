"""Weights -> rows: expected counts, the cap, and what cannot be done."""

import numpy as np
import pytest

from lookalike.curate import resample
from lookalike.errors import OptionError


@pytest.mark.parametrize(
    ("m", "n", "most"), [(50, 200, 5), (50, 250, 5), (1000, 10, 1), (7, 7, 1), (3, 20, 9)]
)
def test_the_cap_is_honoured_and_n_is_exact(m: int, n: int, most: int) -> None:
    weights = np.random.default_rng(0).dirichlet(np.full(m, 0.1))
    rows = resample(weights, n, most, seed=0)
    counts = np.bincount(rows, minlength=m)
    assert len(rows) == n and counts.max() <= most


def test_counts_are_the_expected_ones_rounded_up_or_down() -> None:
    weights = np.random.default_rng(0).dirichlet(np.ones(100))
    expected = 1000 * weights
    totals = np.zeros(100)
    for seed in range(300):
        counts = np.bincount(resample(weights, 1000, 1000, seed), minlength=100)
        assert (np.abs(counts - expected) < 1 + 1e-6).all()
        totals += counts
    assert np.abs(totals / 300 - expected).max() < 0.15  # five standard errors


def test_what_the_cap_takes_goes_to_the_others_by_weight() -> None:
    counts = np.bincount(resample(np.array([0.9, 0.06, 0.04, 0.0]), 15, 5), minlength=4)
    assert counts.tolist() == [5, 5, 5, 0]
    assert np.bincount(resample(np.array([0.9, 0.06, 0.04, 0.0]), 18, 5)).tolist() == [5, 5, 5, 3]
    assert np.bincount(resample(np.array([0.8, 0.15, 0.05]), 10, 6), minlength=3).tolist() == [6, 3, 1]


def test_equal_weights_repeat_nothing() -> None:
    assert sorted(resample(np.full(1000, 1e-3), 1000, 5)) == list(range(1000))
    assert len(np.unique(resample(np.full(1000, 1e-3), 999, 5))) == 999


def test_same_seed_same_rows() -> None:
    weights = np.random.default_rng(0).random(100)
    one, same, other = (resample(weights, 50, 3, seed).tolist() for seed in (1, 1, 2))
    assert one == same != other


def test_more_than_the_cap_allows() -> None:
    with pytest.raises(OptionError, match="11 rows cannot be made of 5"):
        resample(np.ones(5), 11, 2)
