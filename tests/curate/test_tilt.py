"""The function of a row weighs as `weigh` does all rows at once, and rows that it has not seen alike."""

import numpy as np
import pytest

from lookalike.curate import tilt, weights
from lookalike.curate.kernel import Features

LENGTH = 2.0


@pytest.fixture(scope="module")
def points():
    """(real, synthetic, fresh rows like the synthetic ones)"""
    rng = np.random.default_rng(0)

    def two(near: int, far: int, spread: float):
        parts = rng.normal(0, spread, (near, 3)), rng.normal(3, spread / 2, (far, 3))
        return np.concatenate(parts).astype(np.float32)

    return two(900, 300, 1.0), two(2500, 2500, 1.3), two(2500, 2500, 1.3)


def objective(real, synthetic, weight) -> float:
    features = Features(3, LENGTH, np.random.default_rng(7))
    gap = weight @ features(synthetic).astype(np.float64) - features.mean(real)
    return float(gap @ gap)


@pytest.mark.parametrize("most", [1.0, 2 / 5000])
def test_it_ends_near_the_least_distance(points, most):
    real, synthetic, fresh = points
    least = objective(real, synthetic, weights.weigh(real, synthetic, LENGTH, most=most))
    own = tilt.weigh(real, synthetic, LENGTH, most=most)
    assert own.sum() == pytest.approx(1) and own.min() >= 0 and own.max() <= most * (1 + 1e-9)
    assert objective(real, synthetic, own) < least + 2e-4
    assert objective(real, synthetic, np.full(5000, 1 / 5000)) > least + 0.04
    others = tilt.tilt(real, synthetic, LENGTH, most=most)(fresh)
    assert others.mean() == pytest.approx(1, abs=0.06) and others.max() <= 5000 * most * (1 + 1e-9)
    assert objective(real, fresh, others / others.sum()) < least + 2e-3


def test_linear_matches_the_means(points):
    real, synthetic, _ = points
    found = tilt.tilt(real, synthetic, LENGTH, method="linear")(synthetic)
    assert (found @ synthetic / found.sum() - real.mean(0)) == pytest.approx([0, 0, 0], abs=0.01)
    assert synthetic.mean(0)[0] - real.mean(0)[0] > 0.5


def test_a_part_of_the_rows_weighs_as_it_does_among_all(points):
    real, synthetic, _ = points
    own = tilt.tilt(real, synthetic, LENGTH)
    whole = own(synthetic)
    parts = [own(synthetic[np.argsort(synthetic[:, 0])[a::3]]) for a in range(3)]
    assert sum(map(np.sum, parts)) == pytest.approx(whole.sum(), rel=1e-6)


def test_rows_that_are_all_the_same_weigh_alike(points):
    real, synthetic, _ = points
    same = np.repeat(synthetic[:1], 20, axis=0)
    assert tilt.weigh(real, same, LENGTH, most=1 / 20) == pytest.approx([1 / 20] * 20)
    assert tilt.weigh(same, same, LENGTH, method="linear") == pytest.approx([1 / 20] * 20)
