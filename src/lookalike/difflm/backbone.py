"""The language model over a record's tokens: a small causal transformer, trained from scratch."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Cache:
    """Keys and values of the positions so far, two tensors per layer: (positions, rows, heads, head width).

    length: positions that there is room for. Positions come first, so that a new one is written in one
    stretch of memory and one query is answered by two passes over it (three times as fast on a CPU as
    scaled_dot_product_attention, which is made for many queries).
    """

    def __init__(self, layers: int, length: int):
        self.length = length
        self.filled = [0] * layers
        self.pairs: list[tuple[Tensor, Tensor] | None] = [None] * layers

    def extend(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Add (rows, heads, n, head width); returns all so far, positions first."""
        rows, heads, n, width = key.shape
        pair = self.pairs[layer]
        if pair is None:
            pair = (
                key.new_empty(self.length, rows, heads, width),
                key.new_empty(self.length, rows, heads, width),
            )
            self.pairs[layer] = pair
        start, stop = self.filled[layer], self.filled[layer] + n
        pair[0][start:stop], pair[1][start:stop] = key.permute(2, 0, 1, 3), value.permute(2, 0, 1, 3)
        self.filled[layer] = stop
        return pair[0][:stop], pair[1][:stop]

    def select(self, rows: Tensor) -> None:
        """Keep these rows, in this order (a row may come twice)."""
        self.pairs = [None if p is None else (p[0][:, rows], p[1][:, rows]) for p in self.pairs]


class Block(nn.Module):
    """Pre-norm attention and feed-forward; both start as the identity."""

    def __init__(self, width: int, heads: int, expansion: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, expansion * width), nn.Linear(expansion * width, width)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(
        self, x: Tensor, layer: int, cache: Cache | None, memory: tuple[Tensor, Tensor] | None
    ) -> Tensor:
        """x: (rows, positions, width).

        memory: keys and values that every position sees, (rows, heads, n, head width).
        """
        rows, length, width = x.shape
        qkv = self.qkv(self.norm_attention(x)).view(rows, length, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        if memory is not None and (cache is None or not cache.filled[layer]):
            key, value = torch.cat([memory[0], key], 2), torch.cat([memory[1], value], 2)
        if cache is not None:
            keys, values = cache.extend(layer, key, value)
            if length == 1:
                return self._finish(x, _one_query(query[:, :, 0], keys, values).unsqueeze(2))
            key, value = keys.permute(1, 2, 0, 3), values.permute(1, 2, 0, 3)
        extra, mask = key.shape[2] - length, None
        if length > 1 and extra:
            mask = torch.ones(length, length + extra, dtype=torch.bool, device=x.device).tril(extra)
        attended = F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=length > 1 and mask is None
        )
        return self._finish(x, attended)

    def _finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """attended: (rows, heads, positions, head width)."""
        x = x + self.dropout(self.out(attended.transpose(1, 2).reshape(x.shape)))
        return x + self.dropout(self.down(F.gelu(self.up(self.norm_mlp(x)))))


def _one_query(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attention of one position: (rows, heads, width); keys and values: (positions, rows, heads, width)."""
    scores = (keys * query).sum(-1) / math.sqrt(query.shape[-1])
    return (scores.softmax(0).unsqueeze(-1) * values).sum(0)


class Backbone(nn.Module):
    """Causal transformer. No position embedding: what a token is and what comes next is in its vector."""

    def __init__(self, width: int, layers: int, heads: int, expansion: int, dropout: float):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, expansion, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(
        self, x: Tensor, cache: Cache | None = None, memory: list[tuple[Tensor, Tensor]] | None = None
    ) -> Tensor:
        """(rows, positions, width) -> the same shape; with a cache, only the new positions are given."""
        x = self.dropout(x)
        for layer, block in enumerate(self.blocks):
            x = block(x, layer, cache, None if memory is None else memory[layer])
        return self.norm(x)
