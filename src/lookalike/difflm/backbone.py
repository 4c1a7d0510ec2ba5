"""The language model over a record's tokens: a small causal transformer, trained from scratch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Cache:
    """Keys and values of the positions so far, a pair per layer: (rows, heads, positions, head width)."""

    def __init__(self, layers: int):
        self.pairs: list[tuple[Tensor, Tensor] | None] = [None] * layers

    def extend(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        held = self.pairs[layer]
        if held is not None:
            key, value = torch.cat([held[0], key], 2), torch.cat([held[1], value], 2)
        self.pairs[layer] = (key, value)
        return key, value

    def select(self, rows: Tensor) -> None:
        """Keep these rows, in this order (a row may come twice)."""
        self.pairs = [None if p is None else (p[0][rows], p[1][rows]) for p in self.pairs]


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
        mask = None
        if cache is not None:
            if memory is not None and cache.pairs[layer] is None:
                key, value = torch.cat([memory[0], key], 2), torch.cat([memory[1], value], 2)
            key, value = cache.extend(layer, key, value)
        elif memory is not None:
            key, value = torch.cat([memory[0], key], 2), torch.cat([memory[1], value], 2)
        extra = key.shape[2] - length
        if length > 1 and extra:
            mask = torch.ones(length, length + extra, dtype=torch.bool, device=x.device).tril(extra)
        attended = F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=length > 1 and mask is None
        )
        x = x + self.dropout(self.out(attended.transpose(1, 2).reshape(rows, length, width)))
        return x + self.dropout(self.down(F.gelu(self.up(self.norm_mlp(x)))))


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
