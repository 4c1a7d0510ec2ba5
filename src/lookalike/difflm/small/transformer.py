"""The language model over a record's tokens: a small causal transformer, trained from scratch."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lookalike.difflm.norm import LayerNorm
from lookalike.difflm.small.fused import LONGEST, FusedBlock

PIECE = 2**18  # products of a query that are formed at once: more do not fit a processor's cache

SCRATCH = -1  # of the spare memory, what no layer keeps


class Cache:
    """Keys and values of the positions so far, two tensors per layer: (positions, rows, heads, head width).

    length: positions that there is room for at first. Positions come first, so that a new one is written in
    one stretch of memory, and one query is answered over all of it at once (on a CPU faster than
    scaled_dot_product_attention, which is made for many queries).
    padding: (rows,) positions at the start of each row that nothing may see, for rows that begin at different
    places; None: no row has any. They come after the injected memory, if there is one.
    spare: memory that one cache leaves to the next, which begins when the first is done with: to take new
    memory from the system costs as much as what is written to it.
    """

    def __init__(
        self,
        layers: int,
        length: int,
        padding: Tensor | None = None,
        memory: int = 0,
        spare: dict[int, Tensor] | None = None,
    ):
        self.length, self.padding, self.memory = length, padding, memory
        self.spare = {} if spare is None else spare
        self.filled = [0] * layers
        self.pairs: list[tuple[Tensor, Tensor] | None] = [None] * layers
        self._bags: tuple[int, int, Tensor, Tensor] | None = None

    def extend(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Add (rows, heads, n, head width); returns all so far, positions first."""
        rows, heads, n, width = key.shape
        keys, values = self.grown(layer, n, (rows, heads, width), key)
        keys[-n:], values[-n:] = key.permute(2, 0, 1, 3), value.permute(2, 0, 1, 3)
        return keys, values

    def grown(self, layer: int, n: int, shape: tuple[int, int, int], like: Tensor) -> tuple[Tensor, Tensor]:
        """Room for n more positions; returns all, the last n of which are to be written.

        shape: rows, heads, head width; like: a tensor of the same type and device.
        """
        pair, stop = self.pairs[layer], self.filled[layer] + n
        if pair is None:
            room = max(self.length, stop)
            own = like.new_empty(0, dtype=torch.promote_types(like.dtype, torch.float32))
            pair = self._room(2 * layer, (room, *shape), own), self._room(2 * layer + 1, (room, *shape), own)
        elif stop > len(pair[0]):  # a text may be long: room is made as it is needed
            more = pair[0].new_empty(len(pair[0]) // 2 + n, *shape)
            pair = torch.cat([pair[0], more]), torch.cat([pair[1], more])
        self.pairs[layer], self.filled[layer] = pair, stop
        return pair[0][:stop], pair[1][:stop]

    def _room(self, which: int, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """Memory of this shape, of the spare one where it is enough."""
        size = math.prod(shape)
        if which not in self.spare or len(self.spare[which]) < size:
            self.spare[which] = like.new_empty(size)
        return self.spare[which][:size].view(shape)

    def scratch(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """Memory of this shape for what is used at once."""
        return self._room(SCRATCH, shape, like)

    def bags(self, positions: int, each: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """`bags`, kept for the next layer."""
        if self._bags is None or self._bags[:2] != (positions, each):
            self._bags = positions, each, *bags(positions, each, device)
        return self._bags[2:]

    def put(self, rows: Tensor, other: Cache, at: Tensor) -> None:
        """In the places of these rows those of another cache of as many positions, `at` there."""
        for mine, pair, n in zip(self.pairs, other.pairs, self.filled, strict=True):
            if mine is not None and pair is not None:
                mine[0][:n, rows], mine[1][:n, rows] = pair[0][:n, at], pair[1][:n, at]

    def places(self, layer: int, at: Tensor) -> Tensor:
        """The places in their rows of the next positions, (n,) or (rows, 1, n); at: 0 to n - 1."""
        at = at + max(0, self.filled[layer] - self.memory)
        return at if self.padding is None else (at - self.padding[:, None, None]).clamp(min=0)

    def hidden(self, positions: int) -> Tensor | None:
        """(positions, rows) True where a position is padding."""
        if self.padding is None:
            return None
        at = torch.arange(positions, device=self.padding.device)[:, None] - self.memory
        return (at >= 0) & (at < self.padding)

    def select(self, rows: Tensor) -> None:
        """Keep these rows, in this order (a row may come twice)."""
        self.pairs = [
            None if p is None else (p[0][:n][:, rows], p[1][:n][:, rows])
            for p, n in zip(self.pairs, self.filled, strict=True)
        ]
        self.padding = None if self.padding is None else self.padding[rows]


class Block(nn.Module):
    """Pre-norm attention and feed-forward; both start as the identity.

    rotary: queries and keys are turned by their place (Su et al., RoFormer, 2021, section 3.2.2).
    """

    def __init__(self, width: int, heads: int, expansion: int, dropout: float, rotary: bool):
        super().__init__()
        self.heads, self.rotary = heads, rotary
        self.norm_attention, self.norm_mlp = LayerNorm(width), LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, expansion * width), nn.Linear(expansion * width, width)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(
        self,
        x: Tensor,
        layer: int,
        cache: Cache | None,
        memory: tuple[Tensor, Tensor] | None,
        last: bool = False,
    ) -> Tensor:
        """x: (rows, positions, width).

        memory: keys and values that every position sees, (rows, heads, n, head width). last: with a cache,
        only what the last position becomes is wanted, (rows, 1, width).
        """
        rows, length, width = x.shape
        qkv = self.qkv(self.norm_attention(x)).view(rows, length, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        if self.rotary:
            at = torch.arange(length, device=x.device)
            if cache is not None:
                at = cache.places(layer, at)
            query, key = _turn(torch.stack([query, key]), at)
        if memory is not None and (cache is None or not cache.filled[layer]):
            key, value = torch.cat([memory[0], key], 2), torch.cat([memory[1], value], 2)
        gone = None
        if cache is not None:
            keys, values = cache.extend(layer, key, value)
            gone = cache.hidden(len(keys))  # (positions, rows)
            if length == 1 or last:
                return self._finish(
                    x[:, -1:], one_query(query[:, :, -1], keys, values, gone, cache).unsqueeze(2)
                )
            key, value = keys.permute(1, 2, 0, 3), values.permute(1, 2, 0, 3)
        extra, mask = key.shape[2] - length, None
        if length > 1 and (extra or gone is not None):
            mask = torch.ones(length, length + extra, dtype=torch.bool, device=x.device).tril(extra)
        if mask is not None and gone is not None:
            # padding sees itself: a row of nothing but hidden positions would be undefined
            itself = torch.eye(length, length + extra, dtype=torch.bool, device=x.device).roll(extra, 1)
            mask = (mask & ~gone.T[:, None, None]) | itself
        attended = F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=length > 1 and mask is None
        )
        return self._finish(x, attended)

    def learns(self, x: Tensor, cache: Cache | None, memory: Any) -> bool:
        """Whether `learn` can take the place of `forward`."""
        plain = cache is None and memory is None and not self.rotary and not self.dropout.p
        few = x.shape[1] <= LONGEST and x.dtype == torch.float32
        return plain and few and x.device.type == "cpu" and torch.is_grad_enabled()

    def learn(self, x: Tensor, wanted: int) -> Tensor:
        """`forward`, where it `learns`, at the last `wanted` positions: (rows, wanted, width)."""
        first, second = self.norm_attention, self.norm_mlp
        out: Tensor = FusedBlock.apply(  # type: ignore[no-untyped-call]
            x, self.heads, first.eps, wanted, first.weight, first.bias, self.qkv.weight, self.out.weight,
            second.weight, second.bias, self.up.weight, self.up.bias, self.down.weight, self.down.bias,
        )  # fmt: skip
        return out

    def _finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """attended: (rows, heads, positions, head width)."""
        x = x + self.dropout(self.out(attended.transpose(1, 2).reshape(x.shape)))
        return x + self.dropout(self.down(F.gelu(self.up(self.norm_mlp(x)))))


def bags(positions: int, each: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """What `torch.embedding_bag` adds up: for each of `each` rows x heads one value of every position.

    Returns (each x positions,) indices into (positions x each) values, and (each + 1,) where each bag begins,
    and the last one ends.
    """
    at = torch.arange(each, device=device, dtype=torch.int32)
    index = at[:, None] + each * torch.arange(positions, device=device, dtype=torch.int32)
    return index.flatten(), torch.arange(each + 1, device=device, dtype=torch.int32) * positions


def one_query(query: Tensor, keys: Tensor, values: Tensor, gone: Tensor | None, cache: Cache) -> Tensor:
    """Attention of one position: (rows, heads, width); keys and values: (positions, rows, heads, width).

    The products of query and keys are written to memory of the cache, piece by piece; an embedding bag adds
    the values by their weights without writing any. (1,024 rows, 11 positions, CPU: 340 us; 600 when each
    product takes new memory; 850 to 1,800 by bmm or scaled_dot_product_attention.)
    """
    query = query / math.sqrt(query.shape[-1])
    piece = min(keys.shape[0], max(1, PIECE // query.numel()))
    products = cache.scratch((piece, *query.shape), query)
    scores = query.new_empty(keys.shape[:-1])
    for part, score in zip(keys.split(piece), scores.split(piece), strict=True):
        torch.sum(torch.mul(part, query, out=products[: len(part)]), -1, out=score)
    if gone is not None:
        scores = scores.masked_fill(gone.unsqueeze(-1), -math.inf)
    index, starts = cache.bags(len(keys), query.shape[0] * query.shape[1], query.device)
    weights = scores.softmax(0).flatten(1).T.reshape(-1)
    out, *_ = torch.embedding_bag(
        values.reshape(-1, query.shape[-1]), index, starts[:-1], per_sample_weights=weights
    )
    return out.view(query.shape)


def _turn(x: Tensor, at: Tensor) -> Tensor:
    """Rotary places: (..., rows, heads, positions, head width); at: (positions,) or (rows, 1, positions)."""
    half = x.shape[-1] // 2
    angle = at.unsqueeze(-1) * 1e4 ** (-torch.arange(half, device=x.device) / half)
    cos, sin = angle.cos(), angle.sin()
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


class Transformer(nn.Module):
    """Causal transformer.

    rotary: for records with texts. The others need no places: what a token is and what comes next is in its
    vector.
    """

    def __init__(
        self, width: int, layers: int, heads: int, expansion: int, dropout: float, rotary: bool = False
    ):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, expansion, dropout, rotary) for _ in range(layers))
        self.norm = LayerNorm(width)

    def forward(
        self,
        x: Tensor,
        cache: Cache | None = None,
        memory: list[tuple[Tensor, Tensor]] | None = None,
        last: bool = False,
        wanted: int | None = None,
    ) -> Tensor:
        """(rows, positions, width) -> the same shape; with a cache, only the new positions are given, and
        where `last` is set only the last of them comes back. wanted: how many of the last positions come
        back, None for all.
        """
        x, wanted = self.dropout(x), wanted or x.shape[1]
        for layer, block in enumerate(cast("list[Block]", self.blocks)):
            own, final = None if memory is None else memory[layer], layer == len(self.blocks) - 1
            if block.learns(x, cache, own):
                x = block.learn(x, wanted if final else x.shape[1])
            else:
                x = block(x, layer, cache, own, last and final)
        return self.norm(x[:, -wanted:])
