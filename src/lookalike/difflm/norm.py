"""Layer normalisation and clipping of gradients that give the same bits with any number of threads.

torch sums in as many parts as there are threads. Here each sum has one order, at a cost of under 1% of a
step. The model of a table without texts has no other such sums on a CPU: it stays the same when threads are
added or taken away in mid-run (`threads.py`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lookalike.difflm.halves import cut


class LayerNorm(nn.LayerNorm):
    """`torch.nn.LayerNorm` over the last dimension; (..., width) -> the same shape."""

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu" or not torch.is_grad_enabled():
            return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        out: Tensor = _Normed.apply(x, self.weight, self.bias, self.eps)  # type: ignore[no-untyped-call]
        return out


class _Normed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        out, mean, inverse = torch.native_layer_norm(x, weight.shape, weight, bias, eps)
        ctx.save_for_backward(x, mean, inverse, weight, bias)
        ctx.cut = cut()
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        return *normed_backward(grad, *ctx.saved_tensors, ctx.cut), None


def normed_backward(
    grad: Tensor,
    x: Tensor,
    mean: Tensor,
    inverse: Tensor,
    weight: Tensor,
    bias: Tensor,
    first: int | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x, weight and bias, from that of what `torch.native_layer_norm` made of them.

    first: of x, how many belong to the first half of a batch; None: it is not cut.
    """
    shape, backward = weight.shape, torch.ops.aten.native_layer_norm_backward
    own, _, _ = backward(grad, x, shape, mean, inverse, weight, bias, [True, False, False])
    halves = zip(*(one.split(first or len(x)) for one in (grad, x, mean, inverse)), strict=True)
    with one_thread():
        sums = [
            backward(g, half, shape, m, i, weight, bias, [False, True, True])[1:] for g, half, m, i in halves
        ]
    (scale, shift), *second = sums
    for more in second:
        scale, shift = scale + more[0], shift + more[1]
    return own, scale, shift


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """For what torch sums in as many parts as there are threads."""
    threads = torch.get_num_threads()
    if threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


ALONE = 32_768  # numbers that torch sums with one thread, at most


def _norm(x: Tensor) -> Tensor:
    """The norm of a tensor of any shape, that of a large one from those of its rows."""
    rows = torch.linalg.vector_norm(x.flatten(1), dim=1) if x.ndim > 1 and x.numel() > ALONE else x
    return torch.linalg.vector_norm(rows)


@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], most: float) -> None:
    """Scales the gradients down where their common norm is larger than `most`."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = torch.linalg.vector_norm(torch.stack([_norm(one) for one in gradients]))
    torch._foreach_mul_(gradients, (most / (norm + 1e-6)).clamp(max=1.0))
