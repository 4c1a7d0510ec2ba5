"""The language model at the next positions of many rows, when nothing is learned: what sampling waits for."""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from lookalike.difflm.half import half
from lookalike.difflm.small.transformer import Block, Cache, Transformer, bags, one_query

STEEP = 80.0  # a score up to which e to its power, either sign, fits a float: no softmax is needed


class Known(NamedTuple):
    """Vectors that are looked up, and what the first block reads of each, (values, width).

    at: (rows,) which of them a row has.
    """

    vectors: Tensor
    query: Tensor
    key: Tensor
    value: Tensor
    at: Tensor


class Stepper:
    """`Transformer.forward` of records without places, as its weights are when it is made, without dropout.

    Vectors are *centred*, of mean 0 (what is added to them is, too): a norm then takes half of the time.
    Products are in bfloat16 where the processor multiplies it.
    """

    def __init__(self, model: Transformer):
        blocks = [cast(Block, block) for block in model.blocks]
        self.layers = [_Layer(block) for block in blocks]
        self.attention = Attention()
        self.norm = model.norm

    def read(self, x: Tensor) -> Tensor:
        """(rows, width), centred -> query, key and value of the first block, (rows, 3 x width)."""
        return self.layers[0].read(x)

    def __call__(
        self,
        x: Tensor,
        cache: Cache,
        known: Known | None = None,
        memory: list[tuple[Tensor, Tensor]] | None = None,
    ) -> Tensor:
        """What the last of some new positions becomes, (rows, width).

        x: (positions, rows, width), centred; known: what the first block reads of a single one, looked up;
        memory: keys and values that come before the first position, (rows, heads, n, head width) a layer.
        """
        positions, rows, width = x.shape
        for at, layer in enumerate(self.layers):
            if memory is not None and not cache.filled[at]:
                cache.extend(at, *memory[at])
            if at or known is None:
                both = layer.read(x).view(positions, rows, 3, layer.heads, -1)
                query, key, value = both.unbind(2)
                keys, values = cache.extend(at, key.permute(1, 2, 0, 3), value.permute(1, 2, 0, 3))
                query = query.to(keys.dtype)
            else:
                query = known.query.index_select(0, known.at).view(1, rows, layer.heads, -1)
                keys, values = cache.grown(at, 1, (rows, layer.heads, width // layer.heads), query)
                torch.index_select(known.key, 0, known.at, out=keys[-1].view(rows, width))
                torch.index_select(known.value, 0, known.at, out=values[-1].view(rows, width))
            first = positions - 1 if layer is self.layers[-1] else 0
            before = len(keys) - positions + 1
            seen = [
                self.attention(query[i], keys[: before + i], values[: before + i], cache)
                for i in range(first, positions)
            ]
            attended = seen[0] if len(seen) == 1 else torch.cat(seen)
            x = layer.finish(x[first:], attended.view(positions - first, rows, width))
        return F.layer_norm(x[-1], (width,), self.norm.weight, self.norm.bias, self.norm.eps)


class _Layer:
    """The weights of a block: what norms scale and shift by is part of what is multiplied next."""

    def __init__(self, block: Block):
        attention_norm, mlp_norm = block.norm_attention, block.norm_mlp
        self.heads, self.eps = block.heads, attention_norm.eps
        self.qkv = half(block.qkv.weight * attention_norm.weight)
        self.qkv_bias = half(block.qkv.weight @ attention_norm.bias)
        self.out = half(centred(block.out.weight.T).T)
        self.up = half(block.up.weight * mlp_norm.weight)
        self.up_bias = half(block.up.weight @ mlp_norm.bias + block.up.bias)
        self.down, self.down_bias = half(centred(block.down.weight.T).T), half(centred(block.down.bias))

    def read(self, x: Tensor) -> Tensor:
        return F.linear(self._normed(x), self.qkv, self.qkv_bias)

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """(positions, rows, width), what they see -> what the block makes of them."""
        x = _added(x, F.linear(half(attended), self.out))
        raised = F.gelu(F.linear(self._normed(x), self.up, self.up_bias))
        return _added(x, F.linear(raised, self.down, self.down_bias))

    def _normed(self, x: Tensor) -> Tensor:
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        return half(x * (norm.square_() / x.shape[-1] + self.eps).rsqrt_())


def _added(x: Tensor, more: Tensor) -> Tensor:
    """Their sum, in x's type: in the memory of `more`, or of what it becomes."""
    return more.to(x.dtype).add_(x)


def centred(x: Tensor) -> Tensor:
    """Vectors, (..., width), without their mean."""
    return x - x.mean(-1, keepdim=True)


class Attention:
    """Attention of one position: (rows, heads, width); keys and values: (positions, rows, heads, width).

    On a CPU each query is multiplied with the keys of its row alone, as the places of a sparse product (1,024
    rows, 11 positions: 110 us; 240 by elements, 310 by bmm); an embedding bag adds up the values. Where these
    places are is the same for all blocks of rows.
    """

    def __init__(self) -> None:
        self.known: dict[tuple[int, int], tuple[Tensor, Tensor, Tensor]] = {}

    def __call__(self, query: Tensor, keys: Tensor, values: Tensor, cache: Cache) -> Tensor:
        gone, positions, width = cache.hidden(len(keys)), len(keys), query.shape[-1]
        if gone is not None or query.device.type != "cpu" or query.dtype != torch.float32:
            return one_query(query, keys, values, gone, cache)
        each = query.shape[0] * query.shape[1]
        if (positions, each) not in self.known:
            self.known[positions, each] = _places(positions, each)
        sparse, at, starts = self.known[positions, each]
        weights = sparse.values().view(each, positions)
        weights.zero_()  # what stands there counts 0 times, NaN as NaN
        torch.sparse.sampled_addmm(
            sparse, query.reshape(each, width), keys.reshape(-1, width).T,
            beta=0.0, alpha=1 / math.sqrt(width), out=sparse,
        )  # fmt: skip
        low, high = torch.aminmax(weights)
        if float(low) > -STEEP and float(high) < STEEP:
            weights = weights.exp_()
            total = weights.sum(-1, keepdim=True)
        else:
            weights, total = weights.softmax(-1), weights.new_ones(1, 1)
        out, *_ = torch.embedding_bag(
            values.reshape(-1, width), at, starts, per_sample_weights=weights.view(-1)
        )
        return out.div_(total).view(query.shape)


def _places(positions: int, each: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of (positions x each) keys those of each of `each` rows x heads: their scores as a sparse matrix, which
    keys they are, and where they begin.
    """
    index, starts = bags(positions, each, torch.device("cpu"))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        scores = torch.zeros(each * positions)
        size = (each, each * positions)
        sparse = torch.sparse_csr_tensor(starts, index, scores, size=size, check_invariants=False)
    return sparse, index, starts[:-1]
