"""Muon (Jordan et al. 2024): matrices move along the nearest orthogonal one of their mean gradient.

As `torch.optim.Muon` with `adjust_lr_fn="match_rms_adamw"`. That one makes one matrix after the other
orthogonal, in hundreds of small operations a step; here all of about one size are done at once.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from lookalike.difflm.half import half
from lookalike.difflm.training.adamw import Uncompiled

MOMENTUM = 0.95
FACTORS = 3.4445, -4.7750, 2.0315  # of the iteration of Newton and Schulz, as Jordan chose them
SMALL = 192  # the longer side of a matrix up to which it is filled up, rather than done alone
MATCHED = 0.2  # times the root of the longer side: steps are as long as AdamW's


class Muon(Uncompiled):
    """steps: of the iteration that makes gradients orthogonal."""

    def __init__(self, matrices: Iterable[Tensor], rate: float, weight_decay: float, steps: int):
        super().__init__(list(matrices), {"lr": rate, "weight_decay": weight_decay, "steps": steps})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            matrices = [p for p in group["params"] if p.grad is not None]
            if not matrices:
                continue
            gradients = [p.grad for p in matrices]
            means = [self._mean(p) for p in matrices]
            torch._foreach_lerp_(means, gradients, 1 - MOMENTUM)
            moves = torch._foreach_lerp(gradients, means, MOMENTUM)  # Nesterov's
            torch._foreach_mul_(matrices, 1 - group["lr"] * group["weight_decay"])
            for matrix, move in zip(matrices, orthogonal(list(moves), group["steps"]), strict=True):
                matrix.add_(move, alpha=-group["lr"] * MATCHED * math.sqrt(max(matrix.shape)))

    def _mean(self, matrix: Tensor) -> Tensor:
        state = self.state[matrix]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        found: Tensor = state["momentum_buffer"]
        return found


def orthogonal(matrices: list[Tensor], steps: int) -> list[Tensor]:
    """About the nearest matrix with orthonormal rows, or columns, of each."""
    alike: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, one in enumerate(matrices):
        short, long = min(one.shape), max(one.shape)
        alike[short, max(long, SMALL)].append(i)
    found: dict[int, Tensor] = {}
    a, b, c = FACTORS
    for (short, long), members in alike.items():  # columns of 0 stay so, and change nothing else
        long = min(long, max(max(matrices[i].shape) for i in members))
        x = matrices[0].new_zeros(len(members), short, long)
        for own, i in zip(x, members, strict=True):
            one = matrices[i]
            own[:, : max(one.shape)] = one.T if one.shape[0] > short else one
        x = x / torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True).clamp(min=1e-7)
        x = half(x) if x.device.type == "cpu" else x.bfloat16()
        for _ in range(steps):
            gram = x @ x.mT
            x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
        for own, i in zip(x, members, strict=True):
            one = matrices[i]
            own = own[:, : max(one.shape)]
            found[i] = own.T if one.shape[0] > short else own
    return [found[i] for i in range(len(matrices))]
