"""The rate (KL of the posterior from the prior) of a record, and the controller that holds it at a target."""

from __future__ import annotations

import math

from torch import Tensor


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL of N(mean, variance) from N(0, 1) in every dimension, in nats; all of one shape."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)


class RateController:
    """Holds the rate (KL of the posterior from N(0, I), nats per row) at a target by moving beta.

    Dual ascent on the constraint KL = target: beta rises while the rate is above it and falls while it is
    below. A fixed small beta, as in the paper, lets the latent hold the whole record (63 nats on Adult),
    which the prior then has to model; beta = 1 leaves it unused. The rate-constrained view: Alemi et al.,
    Fixing a Broken ELBO (2018), section 3.
    """

    GAIN, LOWEST, HIGHEST = 0.02, math.log(0.01), math.log(3.0)

    def __init__(self, target: float):
        self.target = target
        self.log_beta = 0.0

    @property
    def beta(self) -> float:
        return math.exp(self.log_beta)

    def update(self, rate: float, gain: float = GAIN) -> None:
        """rate: of the last step; gain: how far beta moves, where that is more than `GAIN`."""
        error = min(1.0, max(-1.0, rate / self.target - 1)) if self.target > 0 else 1.0
        self.log_beta = min(self.HIGHEST, max(self.LOWEST, self.log_beta + max(gain, self.GAIN) * error))
