"""A block of the transformer with its gradients written out: on a CPU half of the cost of autograd's.

Attention over the few positions of a record is two batched products a head, read where they stand in queries,
keys and values; `scaled_dot_product_attention` is made for long texts and takes three times as long. What the
products are made of is kept in bfloat16 where the processor multiplies it (`half.py`). Sums, norms, and what
is added from block to block stay in float32.
"""

from __future__ import annotations

import math
from functools import lru_cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lookalike.difflm.half import half
from lookalike.difflm.halves import added, cut
from lookalike.difflm.norm import normed_backward

LONGEST = 64  # positions of a record, at most: the products of longer ones do not fit a processor's cache


class FusedBlock(torch.autograd.Function):
    """`Block` without dropout, places, cache and memory: (rows, positions, width) -> the last ones of these.

    weights: scale and shift of the first norm, qkv, out, scale and shift of the second norm, up and its bias,
    down and its bias; wanted: how many of the positions are asked for.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, heads: int, eps: float, wanted: int, *weights: Tensor) -> Tensor:
        scale1, shift1, qkv, out, scale2, shift2, up, up_bias, down, down_bias = weights
        rows, length, width = x.shape
        own = x[:, length - wanted :].reshape(-1, width)
        normed, mean1, inverse1 = torch.native_layer_norm(x, (width,), scale1, shift1, eps)
        normed = half(normed)
        key_value = normed.flatten(0, 1) @ half(qkv[width:]).T
        asking = normed[:, length - wanted :].reshape(-1, width)
        query = (asking @ half(qkv[:width]).T).view(rows, wanted, width)
        key, value = key_value.view(rows, length, 2 * width).chunk(2, -1)
        hidden, shares = _hidden(wanted, length), []
        attended, own_heads = torch.empty_like(asking), []
        places = attended.view(rows, wanted, width).chunk(heads, -1)
        for place, *three in zip(places, *(one.chunk(heads, -1) for one in (query, key, value)), strict=True):
            q, k, v = (one.float() for one in three)
            scores = torch.baddbmm(hidden, q, k.transpose(1, 2), alpha=1 / math.sqrt(q.shape[-1]))
            shares.append(softmax(scores))
            place.copy_(shares[-1] @ v)
            own_heads += [q, k, v]
        middle = own + attended @ half(out).T
        second, mean2, inverse2 = torch.native_layer_norm(middle, (width,), scale2, shift2, eps)
        second = half(second)
        raised = torch.addmm(half(up_bias), second, half(up).T)
        active = F.gelu(raised)
        result = middle + torch.addmm(half(down_bias), active, half(down).T)
        ctx.save_for_backward(
            x, normed, mean1, inverse1, attended, middle, second, mean2, inverse2, raised, active,
            *shares, *own_heads, scale1, shift1, qkv, out, scale2, shift2, up, down,
        )  # fmt: skip
        ctx.heads, ctx.wanted, ctx.cut = heads, wanted, cut()
        return result.view(rows, wanted, width)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        heads, wanted, first = ctx.heads, ctx.wanted, ctx.cut
        x, normed, mean1, inverse1, attended, middle, second, mean2, inverse2, raised, active = (
            ctx.saved_tensors[:11]
        )
        shares, own_heads = ctx.saved_tensors[11 : 11 + heads], ctx.saved_tensors[11 + heads : 11 + 4 * heads]
        scale1, shift1, qkv, out, scale2, shift2, up, down = ctx.saved_tensors[11 + 4 * heads :]
        rows, length, width = x.shape
        grad, summed = grad.reshape(-1, width), partial(added, cut=first, rows=rows)
        # feed-forward
        coarse = half(grad)
        d_down, d_down_bias = summed(_product, coarse, active), summed(_total, grad)
        d_raised = torch.ops.aten.gelu_backward(coarse @ half(down), raised)
        d_up, d_up_bias = summed(_product, d_raised, second), summed(_total_by_product, d_raised)
        d_second = (d_raised @ half(up)).float()
        d_middle, d_scale2, d_shift2 = normed_backward(
            d_second, middle, mean2, inverse2, scale2, shift2, first and first * wanted
        )
        d_middle += grad
        # attention
        coarse = half(d_middle)
        d_out = summed(_product, coarse, attended)
        d_attended = (coarse @ half(out)).view(rows, wanted, width)
        d_query, d_key_value = torch.empty_like(coarse), coarse.new_empty(rows * length, 2 * width)
        places = zip(
            d_query.view(rows, wanted, width).chunk(heads, -1),
            *(one.chunk(heads, -1) for one in d_key_value.view(rows, length, 2 * width).chunk(2, -1)),
            strict=True,
        )
        for h, (at_query, at_key, at_value) in enumerate(places):
            share, (q, k, v) = shares[h], own_heads[3 * h : 3 * h + 3]
            g = d_attended.chunk(heads, -1)[h].float()
            at_value.copy_(share.transpose(1, 2) @ g)
            d_score = softmax_backward(g @ v.transpose(1, 2), share)
            d_score /= math.sqrt(q.shape[-1])
            at_query.copy_(d_score @ k)
            at_key.copy_(d_score.transpose(1, 2) @ q)
        asking = normed[:, length - wanted :].reshape(-1, width)
        d_qkv = torch.cat(
            [summed(_product, d_query, asking), summed(_product, d_key_value, normed.flatten(0, 1))]
        )
        d_normed = (d_key_value @ half(qkv[width:])).float().view(rows, length, width)
        d_normed[:, length - wanted :] += (d_query @ half(qkv[:width])).view(rows, wanted, width)
        d_x, d_scale1, d_shift1 = normed_backward(d_normed, x, mean1, inverse1, scale1, shift1, first)
        d_x[:, length - wanted :] += d_middle.view(rows, wanted, width)
        return (
            d_x, None, None, None,
            d_scale1, d_shift1, d_qkv, d_out, d_scale2, d_shift2, d_up, d_up_bias, d_down, d_down_bias,
        )  # fmt: skip


def _product(grad: Tensor, x: Tensor) -> Tensor:
    """The gradient of a matrix, (out, in), from that of what it made, (n, out), of (n, in)."""
    return grad.T @ x


def _total(grad: Tensor) -> Tensor:
    """The gradient of a bias, (width,), from that of what it was added to, (n, width)."""
    return grad.sum(0)


def _total_by_product(grad: Tensor) -> Tensor:
    """`_total` of products in bfloat16, in which sums by themselves are slow."""
    return (grad.new_ones(1, len(grad)) @ grad)[0]


def softmax(scores: Tensor) -> Tensor:
    """Over the last dimension, overwriting the scores: a third of the time of torch's over so few of them."""
    scores -= scores.amax(-1, keepdim=True)
    scores.exp_()
    scores /= scores.sum(-1, keepdim=True)
    return scores


def softmax_backward(grad: Tensor, share: Tensor) -> Tensor:
    """The gradient of what `softmax` made the shares of, overwriting theirs."""
    grad *= share
    return grad.addcmul_(share, grad.sum(-1, keepdim=True), value=-1)


@lru_cache(8)
def _hidden(wanted: int, length: int) -> Tensor:
    """(wanted, length): what is added to the scores of the last positions, so that none sees a later one."""
    return torch.full((wanted, length), -math.inf).triu(length - wanted + 1)
