"""A block of the transformer with its gradients written out: on a CPU half of the cost of autograd's.

Attention over the few positions of a record is two batched products a head, read where they stand in queries,
keys and values; `scaled_dot_product_attention` is made for long texts and takes three times as long. What the
products are made of is kept in bfloat16 where the processor multiplies it (`half.py`). Sums, norms, and what
is added from block to block stay in float32.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lookalike.difflm.half import half
from lookalike.difflm.norm import normed_backward

STEEP = 60.0  # a score up to which e to its power, either sign, is far from the limits of a float
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
        normed = half(normed).flatten(0, 1)
        query, key, value = (normed @ half(qkv).T).view(rows, length, 3 * width).chunk(3, -1)
        query = query[:, length - wanted :]
        hidden, shares = _hidden(wanted, length), []
        attended, own_heads = normed.new_empty(rows * wanted, width), []
        places = attended.view(rows, wanted, width).chunk(heads, -1)
        for place, *three in zip(places, *(one.chunk(heads, -1) for one in (query, key, value)), strict=True):
            q, k, v = (one.contiguous() for one in three)
            scores = torch.baddbmm(
                hidden, q.float(), k.float().transpose(1, 2), alpha=1 / math.sqrt(q.shape[-1])
            )
            shares.append(softmax(scores))
            place.copy_(torch.bmm(half(shares[-1]), v))  # in float32 bmm into a part takes five times as long
            own_heads += [q, k, v]
        middle = (attended @ half(out).T).float().add_(own)
        second, mean2, inverse2 = torch.native_layer_norm(middle, (width,), scale2, shift2, eps)
        second = half(second)
        raised = torch.addmm(half(up_bias), second, half(up).T)
        active = F.gelu(raised)
        result = torch.addmm(half(down_bias), active, half(down).T).float() + middle
        ctx.save_for_backward(
            x, normed, mean1, inverse1, attended, middle, second, mean2, inverse2, raised, active,
            *shares, *own_heads, scale1, shift1, qkv, out, scale2, shift2, up, down,
        )  # fmt: skip
        ctx.heads, ctx.wanted = heads, wanted
        return result.view(rows, wanted, width)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        heads, wanted = ctx.heads, ctx.wanted
        x, normed, mean1, inverse1, attended, middle, second, mean2, inverse2, raised, active = (
            ctx.saved_tensors[:11]
        )
        shares, own_heads = ctx.saved_tensors[11 : 11 + heads], ctx.saved_tensors[11 + heads : 11 + 4 * heads]
        scale1, shift1, qkv, out, scale2, shift2, up, down = ctx.saved_tensors[11 + 4 * heads :]
        rows, length, width = x.shape
        grad = grad.reshape(-1, width)
        # feed-forward
        coarse = half(grad)
        d_down, d_down_bias = coarse.T @ active, grad.sum(0)
        d_raised = torch.ops.aten.gelu_backward(coarse @ half(down), raised)
        d_up, d_up_bias = d_raised.T @ second, (d_raised.new_ones(1, len(d_raised)) @ d_raised)[0]
        d_second = (d_raised @ half(up)).float()
        d_middle, d_scale2, d_shift2 = normed_backward(d_second, middle, mean2, inverse2, scale2, shift2)
        d_middle += grad
        # attention
        coarse = half(d_middle)
        d_out = coarse.T @ attended
        d_attended = (coarse @ half(out)).view(rows, wanted, width)
        d_heads = coarse.new_empty(rows * length, 3 * width)
        d_query, d_key, d_value = d_heads.view(rows, length, 3 * width).chunk(3, -1)
        d_query[:, : length - wanted] = 0
        d_query = d_query[:, length - wanted :]
        places = zip(*(one.chunk(heads, -1) for one in (d_query, d_key, d_value)), strict=True)
        for h, (at_query, at_key, at_value) in enumerate(places):
            share, (q, k, v) = shares[h], own_heads[3 * h : 3 * h + 3]
            g = d_attended.chunk(heads, -1)[h].contiguous()
            at_value.copy_(torch.bmm(half(share).transpose(1, 2), g))
            d_score = softmax_backward((g @ v.transpose(1, 2)).float(), share)
            d_score = half(d_score.div_(math.sqrt(q.shape[-1])))
            at_query.copy_(torch.bmm(d_score, k))
            at_key.copy_(torch.bmm(d_score.transpose(1, 2), q))
        d_qkv = d_heads.T @ normed
        d_normed = (d_heads @ half(qkv)).float().view(rows, length, width)
        d_x, d_scale1, d_shift1 = normed_backward(d_normed, x, mean1, inverse1, scale1, shift1)
        d_x[:, length - wanted :] += d_middle.view(rows, wanted, width)
        own = (
            d_scale1, d_shift1, d_qkv, d_out, d_scale2, d_shift2, d_up, d_up_bias, d_down, d_down_bias,
        )  # fmt: skip
        return d_x, None, None, None, *(one.float() for one in own)


def softmax(scores: Tensor) -> Tensor:
    """Over the last dimension, overwriting the scores, of which the first is no hidden one: a third of the
    time of torch's over so few of them.
    """
    if not float(scores.amax()) < STEEP or not float(scores[..., 0].amin()) > -STEEP:
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
