"""Sampling from the diffusion prior: a third-order solver, as plain functions.

The path is followed in the angle a with sigma = tan(a), and x scaled by cos(a), so that its variance stays 1
(EDM's s(t) and sigma(t), table 1, chosen as in the cosine schedule). For Gaussian data nothing then moves:
whitened latents of a low rate are nearly that, and a few steps are enough. (In sigma itself, ten steps made
latents 6% too wide.)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor

STEPS = 2
FEW_STEPS, LOW_RATE = 1, 5.0  # steps that are enough for latents of at most so many nats
# (Adult, 4 nats: 1 and 2 steps are .0055 and .0022 off the exact path; Heun's solver was in 5 and 11 looks at
# the network, .0053 and .0020)
SIGMA_MAX = 40.0


def angles(steps: int = STEPS, highest: float = SIGMA_MAX) -> list[float]:
    """steps + 1 angles from that of the noise level `highest` down to 0."""
    top = math.atan(highest)
    return [top * (steps - i) / steps for i in range(steps + 1)]


@torch.no_grad()
def carried(
    drift: Callable[[Tensor, float], Tensor], x: Tensor, path: list[float], noise: bool = False
) -> Tensor:
    """x carried from the angle path[0] to path[-1], 0, along the probability-flow equation.

    By Ralston's third-order method (1962), which does not look at the end of a step: at angle 0 there is
    nothing to look at. drift: (x, angle) -> dx/da; x: (rows, size), of variance 1. noise: whether x is
    noise alone, of which no more is expected than the mean of whitened latents, 0: the network need not be
    asked. (Adult, Beijing, one step: .009 and .013 off the exact path so, .012 and .017 with what it says.)
    """
    for now, after in itertools.pairwise(path):
        step = after - now
        first = torch.zeros_like(x) if noise and now == path[0] else drift(x, now)
        second = drift(x + step / 2 * first, now + step / 2)
        third = drift(x + 3 * step / 4 * second, now + 3 * step / 4)
        x = x + step / 9 * (2 * first + 3 * second + 4 * third)
    return x
