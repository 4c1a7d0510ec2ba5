"""Random features: their sums over shards are exact, and how far they are from the kernel is bounded."""

import numpy as np
import pytest

from lookalike.curate.kernel import FREQUENCIES, Features, kernel


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(3000, 6)).astype(np.float32)


def test_the_sum_over_shards_is_that_of_the_joined_table(points: np.ndarray) -> None:
    features = Features(6, 2.5, np.random.default_rng(1))
    shards = np.split(points, [700, 1900])
    summed = sum(features.mean(one) * len(one) for one in shards) / len(points)
    assert np.abs(summed - features.mean(points)).max() < 1e-6
    weights = np.random.default_rng(2).random(3000)  # and so is one with weights
    parts = np.split(weights, [700, 1900])
    whole = weights @ features(points).astype(np.float64)
    own = sum(w @ features(one).astype(np.float64) for w, one in zip(parts, shards, strict=True))
    assert np.abs(own - whole).max() / weights.sum() < 1e-6


def test_the_features_are_as_near_to_the_kernel_as_their_number_lets_them(points: np.ndarray) -> None:
    one, other = points[:400].astype(np.float64), points[400:800].astype(np.float64) + 0.5
    exact = [kernel(a, b, 2.5) for a, b in ((one, one), (other, other), (one, other))]
    apart = []
    for seed in range(20):
        features = Features(6, 2.5, np.random.default_rng(seed))
        a, b = features(one), features(other)
        off = a @ b.T - exact[2]
        assert np.sqrt((off**2).mean()) < 1 / np.sqrt(FREQUENCIES)  # of a pair, as Rahimi and Recht say
        apart.append(float(((features.mean(one) - features.mean(other)) ** 2).sum()))
    squared = exact[0].mean() + exact[1].mean() - 2 * exact[2].mean()
    assert np.mean(apart) == pytest.approx(squared, rel=0.05)  # the features are without bias
    assert np.std(apart) < 0.25 * squared
