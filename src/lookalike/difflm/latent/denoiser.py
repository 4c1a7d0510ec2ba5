"""The prior over latents: a diffusion model preconditioned as EDM (Karras et al. 2022, table 1, section 5).

Latents are whitened before (mean 0, variance 1 in every dimension), hence SIGMA_DATA = 1. The untrained
network is then the exact denoiser of N(0, 1), and only the dimensions that the posterior uses have more to
learn: the others are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lookalike.difflm.half import half, linear
from lookalike.difflm.norm import LayerNorm

SIGMA_DATA = 1.0
SHARED = 16  # latents of a batch that have one noise level: what the network is told of it is computed once


@dataclass(frozen=True)
class DenoiserConfig:
    """width, blocks: of the network; log_sigma_mean, log_sigma_std: of the noise levels seen in training."""

    width: int = 128
    blocks: int = 2
    log_sigma_mean: float = -0.4
    log_sigma_std: float = 1.2


class Denoiser(nn.Module):
    """D(x; sigma): the expected clean latent, given a noisy one.

    active: (latent size,) 1 for the dimensions that are learned, 0 for those that are N(0, 1).
    """

    active: Tensor

    def __init__(self, size: int, config: DenoiserConfig):
        super().__init__()
        self.config, width = config, config.width
        self.register_buffer("active", torch.ones(size))
        self.inputs = nn.Linear(size, width)
        self.noise = nn.Sequential(nn.Linear(16, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(
            nn.Sequential(LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
            for _ in range(config.blocks)
        )
        self.outputs = nn.Linear(width, size)
        nn.init.zeros_(self.outputs.weight)
        nn.init.zeros_(self.outputs.bias)

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        """noisy: (..., latent size); sigma: noise levels, broadcast to (..., 1). Returns `noisy`'s shape."""
        total = sigma**2 + SIGMA_DATA**2
        skip, out, scale = SIGMA_DATA**2 / total, sigma * SIGMA_DATA / total.sqrt(), total.rsqrt()
        hidden = self.inputs(noisy * scale * self.active) + self.told(sigma)
        for block in self.blocks:
            norm, first, activation, second = cast("_Block", block)
            hidden = hidden + linear(activation(linear(norm(hidden), first)), second).float()
        return skip * noisy + out * self.active * self.outputs(F.silu(hidden))

    def told(self, sigma: Tensor) -> Tensor:
        """What the network is told of noise levels, (..., 1) -> (..., width)."""
        level = sigma.log() / 4 * 2.0 ** torch.arange(8, device=sigma.device)
        told: Tensor = self.noise(torch.cat([level.sin(), level.cos()], -1))
        return told

    def loss(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """Weighted squared error at random noise levels, mean of rows and active dimensions (EDM, eq. 8).

        clean: (rows, latent size), whitened; rows: a multiple of SHARED.
        """
        clean, device = clean.view(-1, SHARED, clean.shape[-1]), clean.device
        shape = (len(clean), 1, 1)
        log_sigma = torch.randn(shape, generator=generator, device=device) * self.config.log_sigma_std
        sigma = (log_sigma + self.config.log_sigma_mean).exp()
        noise = torch.randn(clean.shape, generator=generator, device=device)
        weight = (sigma**2 + SIGMA_DATA**2) / (sigma * SIGMA_DATA) ** 2
        error = (self(clean + sigma * noise, sigma) - clean).square() * self.active
        return (weight * error).mean() * (len(self.active) / self.active.sum().clamp(min=1))


class Drift:
    """How latents move along the probability-flow equation (`sampler.py`), as the weights are now.

    In the angle a with sigma = tan(a), and with x scaled by cos(a), the expected clean latent is cos(a) x +
    sin(a) n(x), n being the network, and the equation is dx/da = -n(x): what the network is not asked for
    need not be computed. Products are in bfloat16 where the processor multiplies it.
    """

    def __init__(self, denoiser: Denoiser):
        active, outputs = denoiser.active, denoiser.outputs
        self.denoiser = denoiser
        self.inputs = denoiser.inputs.weight * active
        self.outputs, self.outputs_bias = -outputs.weight * active[:, None], -outputs.bias * active
        self.blocks = [_Step(block) for block in denoiser.blocks]

    def __call__(self, x: Tensor, angle: float) -> Tensor:
        """(rows, latent size) -> what they change by for each radian."""
        sigma = torch.full((1, 1), math.tan(angle), device=x.device)
        hidden = F.linear(x, self.inputs, self.denoiser.inputs.bias + self.denoiser.told(sigma)[0])
        for block in self.blocks:
            hidden = block(hidden)
        return F.linear(F.silu(hidden), self.outputs, self.outputs_bias)


_Block = tuple[LayerNorm, nn.Linear, nn.Module, nn.Linear]


class _Step:
    """A block when nothing is learned: what its norm scales and shifts by is part of the next product."""

    def __init__(self, block: nn.Module):
        norm, first, _, second = cast("_Block", block)
        self.shape, self.eps = norm.normalized_shape, norm.eps
        self.first = half(first.weight * norm.weight)
        self.first_bias = half(first.weight @ norm.bias + first.bias)
        self.second, self.second_bias = half(second.weight), half(second.bias)

    def __call__(self, hidden: Tensor) -> Tensor:
        raised = F.linear(half(F.layer_norm(hidden, self.shape, eps=self.eps)), self.first, self.first_bias)
        return hidden + F.linear(F.silu(raised), self.second, self.second_bias)
