"""The prior over latents: a diffusion model preconditioned as EDM (Karras et al. 2022, table 1, section 5).

Latents are whitened before (mean 0, variance 1 in every dimension), hence SIGMA_DATA = 1. The untrained
network is then the exact denoiser of N(0, 1), and only the dimensions that the posterior uses have more to
learn: the others are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lookalike.difflm.half import half
from lookalike.difflm.norm import LayerNorm

SIGMA_DATA = 1.0


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
        """noisy: (rows, latent size); sigma: noise level, (rows, 1) or (1, 1). Returns `noisy`'s shape."""
        total = sigma**2 + SIGMA_DATA**2
        skip, out, scale = SIGMA_DATA**2 / total, sigma * SIGMA_DATA / total.sqrt(), total.rsqrt()
        level = sigma.log() / 4 * 2.0 ** torch.arange(8, device=noisy.device)
        noise = self.noise(torch.cat([level.sin(), level.cos()], -1))
        hidden = self.inputs(noisy * scale * self.active) + noise
        for block in self.blocks:
            hidden = hidden + (block(hidden) if torch.is_grad_enabled() else _drawn(block, hidden))
        return skip * noisy + out * self.active * self.outputs(F.silu(hidden))

    def loss(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """Weighted squared error at random noise levels, mean of rows and active dimensions (EDM, eq. 8)."""
        shape, device = (len(clean), 1), clean.device
        log_sigma = torch.randn(shape, generator=generator, device=device) * self.config.log_sigma_std
        sigma = (log_sigma + self.config.log_sigma_mean).exp()
        noise = torch.randn(clean.shape, generator=generator, device=device)
        weight = (sigma**2 + SIGMA_DATA**2) / (sigma * SIGMA_DATA) ** 2
        error = (self(clean + sigma * noise, sigma) - clean).square() * self.active
        return (weight * error).mean() * (len(self.active) / self.active.sum().clamp(min=1))


def _drawn(block: nn.Module, hidden: Tensor) -> Tensor:
    """A block's step when nothing is learned."""
    norm, first, activation, second = cast("tuple[nn.Module, nn.Linear, nn.Module, nn.Linear]", block)
    raised = activation(F.linear(half(norm(hidden)), half(first.weight), half(first.bias)))
    return F.linear(raised, half(second.weight), half(second.bias))
