"""Whole shares of a number."""

import numpy as np
import pytest

from lookalike.sampling import apportion, in_groups, median_distance


@pytest.mark.parametrize("n", [1, 7, 100, 12345])
def test_apportion_sums_to_n_and_is_off_by_less_than_one(n: int) -> None:
    weights = np.random.default_rng(n).random(13)
    counts = apportion(weights, n)
    assert counts.sum() == n
    assert np.abs(counts - weights / weights.sum() * n).max() < 1


@pytest.mark.parametrize(
    "counts, first",
    [([1] * 7, [0, 3]), ([5, 1, 1, 1, 9], [0, 1, 4]), ([1, 1], [0]), ([3, 3, 1], [0, 1])],
)
def test_groups_have_rows_enough_and_the_last_one_takes_what_is_left(
    counts: list[int], first: list[int]
) -> None:
    assert in_groups(np.array(counts), 3) == first


def test_the_median_distance_is_that_of_rows_that_differ() -> None:
    rng = np.random.default_rng(0)
    line = np.array([[0.0], [1.0], [3.0]])  # distances 1, 2, 3
    assert median_distance(line, rng) == 2.0
    assert median_distance(np.repeat(line, (50, 1, 2), axis=0), rng) == pytest.approx(3.0)  # most are equal
    assert median_distance(np.ones((9, 2)), rng) == 1.0
