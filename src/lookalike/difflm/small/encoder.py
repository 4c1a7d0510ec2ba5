"""Record -> posterior over the latent tokens."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lookalike.difflm.norm import LayerNorm


class Encoder(nn.Module):
    """Reads the embedded slots of a record and gives the mean and log variance of its latent.

    `latent_tokens` learned weightings pool the slots, a small network reads the pools. At a rate of a few
    nats a small encoder is enough; a network over every slot before the pooling brought no gain.
    """

    def __init__(self, slots: int, width: int, latent_tokens: int, latent_width: int):
        super().__init__()
        self.position = nn.Parameter(torch.randn(slots, width) * 0.3)
        self.pool = nn.Parameter(torch.randn(slots, latent_tokens, width) * 0.1)
        self.norm = LayerNorm(latent_tokens * width)
        self.read = nn.Linear(latent_tokens * width, 4 * width)
        self.posterior = nn.Linear(4 * width, 2 * latent_tokens * latent_width)
        nn.init.normal_(self.posterior.weight, std=0.3 * self.posterior.weight.std().item())
        nn.init.zeros_(self.posterior.bias)

    def forward(self, embedded: Tensor) -> tuple[Tensor, Tensor]:
        """(rows, slots, width) -> mean and log variance, each (rows, latent_tokens x latent_width)."""
        pooled = torch.einsum("rsw,skw->rkw", F.gelu(embedded + self.position), self.pool)
        mean, log_variance = self.posterior(F.gelu(self.read(self.norm(pooled.flatten(1))))).chunk(2, -1)
        return mean, log_variance.clamp(-8, 4)
