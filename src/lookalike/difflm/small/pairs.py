"""What two numbers of a record differ by, as an input.

A small network learns `a - b` of two columns slowly, where both are skewed and only their ranks and values
are its inputs; and trees, which ask one column at a time, need many splits for it. So the difference of a
pair is told with whichever of the two is written later, by its rank and the waves of its rank.

Which pairs are told is asked of the rows (`find_pairs`): those whose difference goes with a third number
beyond what goes with it in line with both of them.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import ndtri
from torch import Tensor, nn

from lookalike.codec import Slot
from lookalike.codec.slot import Array
from lookalike.difflm.small.numbers import number_features

EDGES = 256  # of the ranks of a difference
MOST = 16  # pairs, at most
LEAST = 0.01  # of the variance of a third number's rank, that the difference of a pair tells
DISTINCT = 50  # cells that a number of a pair has, at least
NUMBERS = 40  # that pairs are made of, at most
LOOKED_AT = 10_000  # rows that are asked, about
LAID = 100_000  # rows that the ranks of the differences are learned from, about
FEWEST = 1000
ALIKE = 30.0  # times the spread of the other that a number of a pair has, at most


class Pairs(nn.Module):
    """The differences of some pairs of slots.

    pairs: of slots of a record; slots: of the record; field_of: slot -> fixed slot; width: of every vector.
    """

    def __init__(self, pairs: list[tuple[int, int]], slots: list[Slot], field_of: list[int], width: int):
        super().__init__()
        self.pairs = [(int(a), int(b)) for a, b in pairs]
        self.fields = [(field_of[a], field_of[b]) for a, b in self.pairs]
        self.of: dict[int, list[int]] = {}  # slot -> the pairs that it is one of
        for p, pair in enumerate(self.pairs):
            for slot in pair:
                self.of.setdefault(slot, []).append(p)
        for slot in self.of:
            table = torch.from_numpy(values(slots[slot])).float()
            self.register_buffer(f"value{slot}", table, persistent=False)
        self.sides: Tensor  # (pairs, 2) fixed slots
        self.register_buffer("sides", torch.tensor(self.fields), persistent=False)
        self.edges: Tensor  # (pairs, EDGES) quantiles of the differences
        self.register_buffer("edges", torch.zeros(len(self.pairs), EDGES))
        rank = (np.arange(EDGES + 1) / EDGES)[:, None]
        waves = number_features(rank, np.zeros_like(rank), ndtri(rank.clip(1e-3, 1 - 1e-3)))
        self.features: Tensor  # (EDGES + 1, features)
        self.register_buffer("features", torch.from_numpy(waves[:, 0]).float(), persistent=False)
        self.map = nn.Parameter(torch.randn(len(self.pairs), waves.shape[-1], width) * 0.1)

    def difference(self, p: int, tokens: Tensor, cells: Tensor) -> Tensor:
        """(rows, slots) -> (rows,), nan where one of the two is missing or empty."""
        a, b = (self._value(slot, tokens[:, slot], cells[:, slot]) for slot in self.pairs[p])
        return a - b

    def _value(self, slot: int, tokens: Tensor, cells: Tensor) -> Tensor:
        table: Tensor = getattr(self, f"value{slot}")
        found = table.flatten()[tokens.clamp(min=0) * table.shape[1] + cells]
        return torch.where(tokens < 0, torch.nan, found)

    @torch.no_grad()
    def lay(self, tokens: Tensor, cells: Tensor) -> None:
        """Learn the ranks of the differences."""
        device = self.edges.device
        levels = torch.linspace(0, 1, EDGES + 2, device=device)[1:-1]
        rows = torch.arange(0, len(tokens), max(1, len(tokens) // LAID))
        tokens, cells = tokens[rows].to(device).long(), cells[rows].to(device).long()
        for p in range(len(self.pairs)):
            own = self.difference(p, tokens, cells)
            own = own[~own.isnan()]
            if len(own):
                self.edges[p] = torch.quantile(own, levels)

    def embed(self, tokens: Tensor, cells: Tensor, which: list[int] | None = None) -> Tensor:
        """(rows, slots) -> (rows, pairs, width) of all pairs, or of some; 0 where a number is missing."""
        which = list(range(len(self.pairs))) if which is None else which
        found = torch.stack([self.difference(p, tokens, cells) for p in which])
        edges = self.edges[which]
        bad = found.isnan()
        found = found.masked_fill(bad, 0.0).contiguous()
        place = torch.searchsorted(edges, found) + torch.searchsorted(edges, found, right=True)
        told = F.embedding(place // 2, self.features) * ~bad.unsqueeze(-1)
        return torch.bmm(told, self.map[which]).transpose(0, 1)

    def later(self, at: Tensor) -> Tensor:
        """(rows, pairs) the fixed slot of each pair that is written later. at: (rows, fixed slots) places."""
        first, second = at[:, self.sides[:, 0]], at[:, self.sides[:, 1]]
        return torch.where(first > second, self.sides[:, 0], self.sides[:, 1])


def values(slot: Slot) -> Array:
    """(tokens, cells) numbers in the column's own unit, nan where there are none."""
    assert slot.value is not None
    middle, spread = slot.unit
    return slot.value * spread + middle


def find_pairs(slots: list[Slot], tokens: Array, cells: Array) -> tuple[tuple[int, int], ...]:
    """Pairs of slots whose differences tell most of other numbers; tokens, cells: (rows, slots)."""
    numbers = [
        i
        for i, slot in enumerate(slots)
        if slot.value is not None and not slot.part and np.count_nonzero(slot.counts) >= DISTINCT
    ][:NUMBERS]
    if len(numbers) < 3 or len(tokens) < FEWEST:
        return ()
    step = max(1, len(tokens) // LOOKED_AT)
    raw, score = {}, {}
    for i in numbers:
        own = values(slots[i])[np.maximum(tokens[::step, i], 0), cells[::step, i]]
        own = np.where(tokens[::step, i] < 0, np.nan, own)
        raw[i], score[i] = own, _ranks(own)
    whole = np.stack([score[i] for i in numbers])
    found = []
    for a, b in combinations(numbers, 2):
        spreads = [slots[i].unit[1] for i in (a, b)]
        if max(spreads) > ALIKE * max(min(spreads), 1e-300):
            continue
        others = [n for n, i in enumerate(numbers) if i not in (a, b)]
        told = _told(_ranks(raw[a] - raw[b]), score[a], score[b], whole[others])
        found.append((float(told.max()), float(told.sum()), a, b))
    found = sorted((one for one in found if one[0] >= LEAST), key=lambda one: -one[1])[:MOST]
    return tuple((a, b) for _, _, a, b in found)


def _ranks(own: Array) -> Array:
    """Ranks from -1 to 1, missing ones in the middle."""
    known = ~np.isnan(own)
    out = np.zeros(len(own))
    order = np.sort(own[known])
    ends = np.searchsorted(order, own[known], "left") + np.searchsorted(order, own[known], "right")
    out[known] = ends / max(1, len(order)) - 1
    return out


def _told(difference: Array, a: Array, b: Array, others: Array) -> Array:
    """(others,) share of the variance of each that goes with the difference beyond both ranks and their
    squares and product.
    """
    basis = np.stack([np.ones_like(a), a, b, a * a, b * b, a * b], 1)
    orthogonal, _ = np.linalg.qr(basis)
    left = difference - orthogonal @ (orthogonal.T @ difference)
    spread = float(left @ left)
    if spread < 1e-6 * len(a):
        return np.zeros(len(others))
    rest = others - (others @ orthogonal) @ orthogonal.T
    whole = np.square(others - others.mean(1, keepdims=True)).sum(1)
    return np.square(rest @ left) / (spread * np.maximum(whole, 1e-9))
