"""The denoiser learns how latents depend on each other, from samples of the posteriors."""

import pytest
import torch

from lookalike.difflm.latent.denoiser import DenoiserConfig
from lookalike.difflm.latent.prior import Prior
from lookalike.difflm.latent.train import train_denoiser
from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.course import Clock
from lookalike.difflm.training.threads import Threads

ROWS = 4000


def posteriors() -> tuple[torch.Tensor, torch.Tensor]:
    """Two latents that go together (correlation .9 of the means), and one that no row uses."""
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, ROWS, generator=generator)
    mean = torch.stack([5 + 2 * a, -3 + 0.9 * a + 0.19**0.5 * b, torch.zeros(ROWS)], 1)
    return mean, torch.tensor([-4.0, -4.0, 0.0]).expand(ROWS, 3)


def trained(steps: int, limit: float | None = None, seed: int = 0) -> tuple[Prior, dict]:
    torch.manual_seed(0)
    prior = Prior(3, DenoiserConfig(width=48))
    config = TrainConfig(denoiser_steps=steps, denoiser_batch=512, denoiser_learning_rate=3e-3)
    facts = train_denoiser(prior, *posteriors(), config, Clock(limit), Threads(1), seed, progress=False)
    return prior, facts


def correlation(prior: Prior) -> float:
    rows = prior.sample(4000, torch.Generator().manual_seed(1))
    return float(torch.corrcoef(rows.T)[0, 1])


def test_latents_that_go_together_are_drawn_together() -> None:
    prior, facts = trained(250)
    assert facts["ended"] == "steps" and facts["denoiser_steps"] == 250
    assert prior.denoiser.active.tolist() == [1, 1, 0]
    rows = prior.sample(4000, torch.Generator().manual_seed(1))
    assert rows.mean(0).tolist() == pytest.approx([5, -3, 0], abs=0.15)
    assert rows.std(0).tolist() == pytest.approx([2, 1, 1], rel=0.12)
    assert correlation(prior) == pytest.approx(0.88, abs=0.08)
    assert abs(correlation(trained(0)[0])) < 0.1


def test_the_same_seed_gives_the_same_denoiser() -> None:
    first, again, other = (trained(3, seed=seed)[0].state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(weight, again[name]) for name, weight in first.items())
    assert any(not torch.equal(weight, other[name]) for name, weight in first.items())


def test_the_untrained_network_is_the_exact_denoiser_of_normal_latents() -> None:
    """EDM's weights make its squared error 1 at every noise level."""
    denoiser = Prior(4, DenoiserConfig()).denoiser
    generator = torch.Generator().manual_seed(0)
    assert denoiser.loss(torch.randn(64_000, 4, generator=generator), generator).item() == pytest.approx(
        1, abs=0.02
    )
