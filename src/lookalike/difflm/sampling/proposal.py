"""Latents that are tried for a condition: of the prior, and more of those that are likely to suit it.

The latents that suit a rare condition are as rare as it is. A few scouts tell how likely it is given a
latent, as a function of the noise that the latent is made of: a quadratic fit of the logarithm, times the
standard normal that noise follows, is a Gaussian of which candidates are drawn instead. Each weighs what it
is likelier among noise (importance sampling), so that rows follow what they follow with candidates of the
prior alone. (The fit is repeated where it says that the condition is likely: the cross-entropy method,
Rubinstein 1999.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lookalike.difflm.latent.prior import Prior

SCOUTS, ROUNDS = 128, 3  # latents of a round
COMMON = 0.5  # effective share of the first scouts from which on candidates of the prior are as good
RIDGE = 4.0  # of the fit, in rows
FARTHEST = 50.0  # nats below the best scout: what is less likely than that is all the same
MOST = 4.0  # standard deviations of noise that candidates are moved by


@dataclass(frozen=True)
class Proposal:
    """Draws candidates for a condition.

    mean, variance: (latent size,) of the noise that they are made of; None where candidates of the prior do.
    """

    prior: Prior
    mean: Tensor | None = None
    variance: Tensor | None = None

    def noise(self, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """(rows, latent size) noise, and (rows,) the logarithms of what it weighs, None for all alike."""
        device = self.prior.mean.device
        found = torch.randn(rows, self.prior.size, generator=generator, device=device)
        if self.mean is None or self.variance is None:
            return found, None
        moved = self.mean + self.variance.sqrt() * found
        return moved, (found.square() - moved.square()).sum(1) / 2

    def draw(self, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """(rows, latent size) latents, and what each weighs, as `noise` says."""
        noise, log_weight = self.noise(rows, generator)
        return self.prior.of_noise(noise), log_weight


def proposed(prior: Prior, suits: Callable[[Tensor], Tensor], generator: torch.Generator) -> Proposal:
    """suits: (rows, latent size) -> (rows,) the log likelihood of the condition given each latent."""
    proposal, noise, found = Proposal(prior), torch.zeros(0), torch.zeros(0)
    for turn in range(ROUNDS):
        more, _ = proposal.noise(SCOUTS, generator)
        told = suits(prior.of_noise(more))
        if not turn and effective(told) >= COMMON:
            return proposal
        noise, found = (torch.cat([noise, more]), torch.cat([found, told])) if turn else (more, told)
        proposal = Proposal(prior, *_fitted(noise, found))
    return proposal


def effective(log_weight: Tensor) -> float:
    """The effective share of weighted draws, from 0 to 1 (Kish): 1 where all weigh alike."""
    weight = log_weight.double().softmax(0)
    return float(1 / (len(weight) * weight.square().sum()))


def _fitted(noise: Tensor, found: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance, each (latent size,), of the Gaussian that is the standard normal times a quadratic
    fit of (rows,) `found`; no variance is above 1, so that what was likely stays so.
    """
    size = noise.shape[1]
    found = found.clamp(min=float(found.max()) - FARTHEST).double()
    terms = torch.cat([noise, noise.square()], 1).double()
    terms = terms - terms.mean(0)
    ridge = RIDGE * torch.eye(2 * size, dtype=terms.dtype, device=terms.device)
    slope = torch.linalg.solve(terms.T @ terms + ridge, terms.T @ (found - found.mean())).float()
    variance = 1 / (1 - 2 * slope[size:].clamp(max=0))
    mean = variance * slope[:size]
    return mean * (MOST / mean.norm().clamp(min=MOST)), variance
