"""Record -> posterior over the latent tokens."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lookalike.difflm.half import linear
from lookalike.difflm.norm import LayerNorm, one_thread


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
        pooled: Tensor = _Pooled.apply(  # type: ignore[no-untyped-call]
            F.gelu(embedded + self.position), self.pool
        )
        raised = F.gelu(linear(self.norm(pooled.flatten(1)), self.read)).float()
        mean, log_variance = self.posterior(raised).chunk(2, -1)
        return mean, log_variance.clamp(-8, 4)


class _Pooled(torch.autograd.Function):
    """`torch.einsum("rsw,skw->rkw")` of (rows, slots, width) and (slots, pools, width), number by number.

    torch makes `width` products of small matrices of it, each of which is copied first: three times as slow.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, pool: Tensor) -> Tensor:
        ctx.save_for_backward(x, pool)
        return torch.stack([(x * one).sum(1) for one in pool.unbind(1)], 1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, pool = ctx.saved_tensors
        d_x = torch.zeros_like(x)
        for one, own in zip(pool.unbind(1), grad.unbind(1), strict=True):
            d_x.addcmul_(own.unsqueeze(1), one)
        with one_thread():
            d_pool = torch.stack([(x * own.unsqueeze(1)).sum(0) for own in grad.unbind(1)], 1)
        return d_x, d_pool
