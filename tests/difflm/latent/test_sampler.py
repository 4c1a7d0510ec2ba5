"""The solver against answers that are known: Gaussians and a mixture of them."""

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lookalike.difflm import half
from lookalike.difflm.latent.denoiser import Denoiser, DenoiserConfig, Drift
from lookalike.difflm.latent.prior import Prior
from lookalike.difflm.latent.sampler import angles, carried

WEIGHTS = torch.tensor([0.3, 0.7])
CENTRES = torch.tensor([[1.2, -0.6], [-0.5, 0.3]])
WIDTH = 0.35  # of both components, in both directions


def denoise_mixture(x: Tensor, sigma: Tensor) -> Tensor:
    """The expected clean point of the mixture, exactly."""
    variance = WIDTH**2 + sigma**2
    distance = (x.unsqueeze(1) - CENTRES).square().sum(-1)
    share = (WEIGHTS.log() - distance / (2 * variance)).softmax(-1)
    means = CENTRES + WIDTH**2 / variance * (x.unsqueeze(1) - CENTRES)
    return (share.unsqueeze(-1) * means).sum(1)


def denoise_gaussian(x: Tensor, sigma: Tensor) -> Tensor:
    return x / (1 + sigma**2)


def drift(denoise: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, float], Tensor]:
    """The right side of the equation by its definition: x is scaled by cos(a), and sigma is tan(a)."""

    def change(x: Tensor, angle: float) -> Tensor:
        cos, sin = math.cos(angle), math.sin(angle)
        clean = denoise(x / cos, torch.full((1, 1), sin / cos, dtype=x.dtype))
        return (x - cos * clean) * (cos / sin) - sin * clean

    return change


def test_a_mixture_of_gaussians_is_recovered() -> None:
    noise = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0))
    found = carried(drift(denoise_mixture), noise, angles(20))
    component = (found.unsqueeze(1) - CENTRES).square().sum(-1).argmin(1)
    for i in range(2):
        own = found[component == i]
        assert len(own) / len(found) == pytest.approx(WEIGHTS[i].item(), abs=0.015)
        torch.testing.assert_close(own.mean(0), CENTRES[i], atol=0.03, rtol=0)
        torch.testing.assert_close(own.std(0), torch.full((2,), WIDTH), atol=0.03, rtol=0)


def test_half_the_step_is_an_eighth_of_the_error() -> None:
    """Third order: what is asked for between the ends of a step."""
    noise = torch.randn(2000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    exact = carried(drift(denoise_mixture), noise, angles(640))
    coarse, fine = (
        (carried(drift(denoise_mixture), noise, angles(n)) - exact).abs().median() for n in (20, 40)
    )
    assert coarse > 6 * fine


def test_a_standard_gaussian_is_kept_exactly_with_few_steps() -> None:
    noise = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        carried(drift(denoise_gaussian), noise, angles(5)), noise, atol=1e-4, rtol=1e-4
    )


def test_of_noise_alone_nothing_is_asked() -> None:
    """The first look would tell the mean, that of whitened latents, 0: the path is nearly the same."""
    asked: list[float] = []
    change = drift(denoise_mixture)

    def told(x: Tensor, angle: float) -> Tensor:
        asked.append(angle)
        return change(x, angle)

    noise = torch.randn(2000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = carried(told, noise, angles(20), noise=True)
    assert len(asked) == 59 and max(asked) < angles(20)[0]
    assert float((found - carried(change, noise, angles(20))).abs().median()) < 0.002


def test_an_untrained_denoiser_is_that_of_a_gaussian() -> None:
    x, sigma = torch.randn(50, 3), torch.full((1, 1), 0.7)
    untrained = Denoiser(3, DenoiserConfig(width=8, blocks=1))
    torch.testing.assert_close(untrained(x, sigma), denoise_gaussian(x, sigma))


@pytest.mark.parametrize(("use", "near"), [(False, 1e-5), (True, 0.02)])
@torch.no_grad()
def test_the_drift_is_that_of_the_denoiser(use: bool, near: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half, "HALF", use)
    torch.manual_seed(0)
    denoiser = Denoiser(3, DenoiserConfig(width=8, blocks=2))
    for weight in denoiser.parameters():  # it begins as that of a Gaussian
        weight.add_(torch.randn_like(weight) * 0.3)
    denoiser.active[1] = 0  # a dimension that is not in use stays as it is
    x, drawn = torch.randn(50, 3), Drift(denoiser)
    for angle in (1.5, 0.8, 0.1):
        found, expected = drawn(x, angle), drift(denoiser)(x, angle)
        assert float((found - expected).norm() / expected.norm()) < near
        assert (found[:, 1] == 0).all()


def test_the_angles_fall_to_zero() -> None:
    for highest in (40.0, 0.5, 0.001):
        path = angles(5, highest)
        assert len(path) == 6 and path[-1] == 0 and path[0] == pytest.approx(math.atan(highest))
        assert all(a > b for a, b in itertools.pairwise(path))


@pytest.fixture(scope="module")
def prior() -> Prior:
    made = Prior(4, DenoiserConfig(width=8, blocks=1))
    made.mean.copy_(torch.tensor([1.0, 0, 0, -2]))
    made.deviation.copy_(torch.tensor([2.0, 1, 1, 0.5]))
    return made


def test_the_distance_of_variations_grows_with_strength(prior: Prior) -> None:
    generator = torch.Generator().manual_seed(0)
    latent = prior.sample(4000, generator)
    torch.testing.assert_close(prior.vary(latent, 0.0, generator), latent)
    distances = []
    for strength in (0.1, 0.3, 0.6, 1.0):
        varied = prior.whiten(prior.vary(latent, strength, generator))
        distances.append((varied - prior.whiten(latent)).square().mean().item())
        # the angle is strength x 90 degrees: what is left of the latent is its cosine
        assert distances[-1] == pytest.approx(2 - 2 * math.cos(strength * math.pi / 2), rel=0.08)
        torch.testing.assert_close(varied.std(0), torch.ones(4), atol=0.06, rtol=0)
    assert distances == sorted(distances)


def test_whitened_latents_have_mean_0_and_variance_1() -> None:
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(20_000, 3, generator=generator) * torch.tensor([0.1, 2, 1]) + 3
    log_variance = torch.tensor([0.2, 0.5, 1.0]).log().expand(20_000, -1)
    prior = Prior(3, DenoiserConfig(width=8, blocks=1))
    prior.fit_whitening(mean, log_variance)
    samples = mean + torch.randn(mean.shape, generator=generator) * (0.5 * log_variance).exp()
    white = prior.whiten(samples)
    torch.testing.assert_close(white.mean(0), torch.zeros(3), atol=0.03, rtol=0)
    torch.testing.assert_close(white.std(0), torch.ones(3), atol=0.03, rtol=0)
