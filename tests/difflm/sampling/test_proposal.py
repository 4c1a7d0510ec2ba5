"""Latents for a condition: as likely as without the search for them, and more of them."""

from typing import cast

import pytest
import torch
from torch import Tensor

from lookalike.difflm.categorical import resample
from lookalike.difflm.latent.denoiser import DenoiserConfig
from lookalike.difflm.latent.prior import Prior
from lookalike.difflm.sampling.proposal import MOST, Proposal, effective, proposed

SIZE, ROWS = 6, 300
RARE, COMMON = -8.0, 0.0  # log odds of the condition at latent 0


def prior() -> Prior:
    """An untrained one: N(mean, deviation)."""
    own = Prior(SIZE, DenoiserConfig(width=8))
    own.mean.copy_(torch.linspace(-1, 1, SIZE))
    own.deviation.copy_(torch.linspace(0.5, 2, SIZE))
    return own


def suits(latent: Tensor, odds: float = RARE) -> Tensor:
    return torch.nn.functional.logsigmoid(2 * latent[:, 0] - latent[:, 5] + odds)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def chosen(proposal: Proposal, seed: int) -> Tensor:
    """The latents of as many rows as are asked for, as a lane chooses them of its candidates."""
    latent, log_weight = proposal.draw(ROWS, seeded(seed))
    weight = suits(latent) if log_weight is None else suits(latent) + log_weight
    return latent[resample(weight, ROWS, False, seeded(seed))]


def test_a_rare_condition_has_many_latents_and_the_same_distribution() -> None:
    own = prior()
    found = proposed(own, suits, seeded())
    assert found.mean is not None
    fresh = own.sample(400_000, seeded(9))
    weight = suits(fresh).softmax(0)
    mean = weight @ fresh
    deviation = (weight @ (fresh - mean).square()).sqrt()
    many, few = ([chosen(one, seed) for seed in range(20)] for one in (found, Proposal(own)))
    drawn = torch.cat(many)
    assert ((drawn.mean(0) - mean) / deviation).abs().max() < 0.1
    assert (drawn.std(0) / deviation - 1).abs().max() < 0.1
    distinct = [sum(len(one.unique(dim=0)) for one in rows) for rows in (many, few)]
    assert distinct[0] > 2.5 * distinct[1]


def test_a_common_condition_has_candidates_of_the_prior() -> None:
    own = prior()
    calls: list[int] = []

    def common(latent: Tensor) -> Tensor:
        calls.append(len(latent))
        return suits(0.3 * latent, COMMON)

    found = proposed(own, common, seeded())
    latent, log_weight = found.draw(ROWS, seeded(3))
    assert len(calls) == 1 and found.mean is None and log_weight is None
    assert torch.equal(latent, own.sample(ROWS, seeded(3)))


def test_the_effective_share_of_draws() -> None:
    assert effective(torch.full((50,), -300.0)) == pytest.approx(1)
    assert effective(torch.tensor([0.0, *[-200.0] * 49])) == pytest.approx(1 / 50)


def test_what_no_scout_finds_possible_moves_nothing_far() -> None:
    """A token that was never learned has a logit of -1e9."""

    def never(latent: Tensor) -> Tensor:
        return torch.where(latent[:, 0] > 0, suits(latent), -1e9)

    mean = cast("Tensor", proposed(prior(), never, seeded()).mean)
    assert mean.isfinite().all() and mean.norm() < MOST + 0.01
