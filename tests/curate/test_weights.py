"""The weights against a quadratic-programming solution, the random features against the exact kernel."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import minimize

from lookalike.curate import weights
from lookalike.curate.kernel import Features, kernel, mean_kernel, mmd2_test
from lookalike.curate.weights import project, steps, weigh
from lookalike.sampling import median_distance

Draw = Callable[..., tuple[np.ndarray, np.ndarray]]


def problem(real: np.ndarray, synthetic: np.ndarray, length: float) -> tuple[np.ndarray, np.ndarray]:
    real, synthetic = real.astype(np.float64), synthetic.astype(np.float64)
    return kernel(synthetic, synthetic, length), mean_kernel(synthetic, real, length)


@pytest.mark.parametrize("most", [1.0, 0.03])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_exact_agrees_with_quadratic_programming(mixture: Draw, seed: int, most: float) -> None:
    real, synthetic = mixture(200, [0.5, 0.3, 0.2], seed)[0], mixture(60, [0.1, 0.2, 0.7], seed + 10)[0]
    length = median_distance(real, np.random.default_rng(0))
    gram, kappa = problem(real, synthetic, length)
    found = weigh(real, synthetic, length, most=most)
    best = minimize(
        lambda w: w @ gram @ w - 2 * kappa @ w,
        np.full(60, 1 / 60),
        jac=lambda w: 2 * (gram @ w - kappa),
        bounds=[(0, most)] * 60,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(60)},
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 1000},
    )
    assert best.success
    assert abs(found @ gram @ found - 2 * kappa @ found - best.fun) < 1e-4
    assert found.min() >= 0 and found.max() <= most + 1e-12 and abs(found.sum() - 1) < 1e-9


def test_the_cap_can_leave_no_choice(mixture: Draw) -> None:
    real, synthetic = mixture(100, [1.0], 0)[0], mixture(50, [1.0], 1)[0]
    np.testing.assert_allclose(weigh(real, synthetic, 1.0, most=1 / 50), 1 / 50, atol=1e-9)


def test_a_biased_subset_is_weighed_back(mixture: Draw) -> None:
    real, (synthetic, of) = mixture(3000, [0.5, 0.5], 0)[0], mixture(2000, [0.8, 0.2], 1)
    length = median_distance(real, np.random.default_rng(0))
    for method in weights.METHODS:
        found = weigh(real, synthetic, length, method=method)
        assert 0.47 < found[of == 1].sum() < 0.53


def test_the_real_rows_themselves_keep_equal_weights(mixture: Draw) -> None:
    real = mixture(800, [0.5, 0.5], 0)[0]
    for method in weights.METHODS:
        found = weigh(real, real.copy(), 1.0, method=method)
        assert 1 / (found**2).sum() > 0.999 * 800
    other = mixture(800, [0.5, 0.5], 1)[0]
    assert 1 / (weigh(real, other, 1.0) ** 2).sum() > 0.4 * 800  # its own sampling noise is matched away


def test_random_features_agree_with_the_exact_kernel(mixture: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    real, synthetic = mixture(4000, [0.25] * 4, 0)[0], mixture(3000, [0.1, 0.2, 0.3, 0.4], 1)[0]
    length = median_distance(real, np.random.default_rng(0))
    gram, kappa = problem(real, synthetic, length)
    exact = weigh(real, synthetic, length)
    monkeypatch.setattr(weights, "EXACT_ROWS", 0)
    approximate = weigh(real, synthetic, length)
    same = np.full(3000, 1 / 3000)
    left, reached, start = (w @ gram @ w - 2 * kappa @ w for w in (exact, approximate, same))
    assert reached - left < 0.02 * (start - left)
    monkeypatch.setattr(weights, "BLOCK", 1000)
    assert steps(3000) == 3 * weights.STEPS
    blocks = weigh(real, synthetic, length)
    assert abs(blocks.sum() - 1) < 1e-9
    assert blocks @ gram @ blocks - 2 * kappa @ blocks - left < 0.05 * (start - left)


@pytest.mark.parametrize("dims", [3, 64, 400])
def test_features_are_about_the_kernel(dims: int) -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((100, dims)).astype(np.float32)
    length = median_distance(points, rng)
    features = Features(dims, length, rng)
    made = features(points)
    assert np.abs(made @ made.T - kernel(points, points, length)).mean() < 0.04
    np.testing.assert_allclose(features.mean(points), made.mean(0), atol=1e-6)


def test_mean_kernel_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = np.random.default_rng(0).random((2, 300, 4))
    np.testing.assert_allclose(mean_kernel(one, other, 0.5), kernel(one, other, 0.5).mean(1))


@pytest.mark.parametrize("most", [1.0, 0.2, 0.05])
def test_projection_is_the_nearest(most: float) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        v = rng.standard_normal(20) * rng.choice([0.01, 1, 100])
        w = project(v, most)
        assert abs(w.sum() - 1) < 1e-9 and w.min() >= 0 and w.max() <= most
        corners = rng.dirichlet(np.ones(20), 500)
        feasible = corners[corners.max(1) <= most] if most < 1 else corners
        assert ((v - w) @ (feasible - w).T <= 1e-9 * (1 + np.abs(v).max())).all()


def test_the_two_sample_test_knows_its_level_and_its_power(mixture: Draw) -> None:
    rng, values = np.random.default_rng(0), []
    for seed in range(40):
        same = mmd2_test(mixture(100, [0.5, 0.5], seed)[0], mixture(150, [0.5, 0.5], 100 + seed)[0], 1.0, rng)
        values.append(same)
    found, p = np.array(values).T
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(40)  # unbiased
    assert (p <= 0.1).sum() <= 10 and 0.35 < p.mean() < 0.65
    assert mmd2_test(mixture(100, [0.5, 0.5], 0)[0], mixture(150, [0.9, 0.1], 1)[0], 1.0, rng)[1] < 0.01
