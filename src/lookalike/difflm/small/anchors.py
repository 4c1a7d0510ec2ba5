"""Numbers that lie near others of their row: a bill near its limit, a payment near the bill before it.

A mixture of logistics over a column's own scores (`fields.py`) would have to compute where the value of
another column lies among them, and a small network does so only roughly. So of some pairs of columns the
mixture has *anchored* logistics, of which the mean is counted from there: the score that the value of the
other column, the *anchor*, would have in this one. They weigh nothing where the anchor is written later or
holds no number.

Which columns are anchors is asked of the rows (`find_anchors`): those near which there are more rows than a
smooth relation would have. What is smooth the network learns by itself.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lookalike.codec import RecordCodec
from lookalike.codec.slot import Array, Slot
from lookalike.difflm.small.numbers import NumberTables, number_tables
from lookalike.seed import child

EACH = 6  # anchors of a number, at most
MOST = 40  # numbers of a table in which anchors are looked for
FEWEST, ROWS = 1000, 8000  # rows in which they are looked for, at least and at most
SHARES = (0.03, 0.1, 0.25, 0.5, 0.8)  # of the rows that lie near an anchor, which are tried
SCALES = (0.003, 0.01, 0.03, 0.1)  # of their distances, in normal scores
CLEAR = 0.1  # nats per row that the sharpest anchor of a number tells, beyond what its neighbourhood does
SHARP = 0.01  # the same of its others
GAIN = 0.003  # nats per row by which an anchor makes a number likelier beside those before it, at least
BINS = 20  # of the anchor's values, in each of which a number has a mean and a deviation of its own
AWAY = -30.0  # what the weight of an anchored logistic falls by where there is no anchor


class Scores:
    """Cells of numbers as scores of their own column, and of others. slots: of the numbers."""

    def __init__(self, slots: list[Slot], tables: NumberTables):
        self.slots, self.tables = slots, tables
        size = len(tables.spread)
        self.spread = np.repeat(tables.spread, tables.cells).reshape(size, tables.cells)
        self.middle = ((tables.low + tables.high) / 2).reshape(size, tables.cells)
        self.number = np.full((size, tables.cells), np.nan)
        for slot, at in zip(slots, tables.starts, strict=True):
            if slot.number is not None:
                self.number[at : at + slot.tokens, : slot.cells] = slot.number

    def part(self, n: int) -> slice:
        return slice(self.tables.starts[n], self.tables.starts[n] + self.slots[n].tokens)

    def scores(self, n: int, anchor: int) -> Array:
        """(tokens, cells) of the anchor -> the scores that its values have in the number n; nan for none."""
        own, other = self.part(n), self.number[self.part(anchor)]
        inside = self.spread[own] & ~np.isnan(self.number[own]) & (self.middle[own] < self.middle[own].max())
        x, y = self.number[own][inside], self.middle[own][inside]
        if len(x) < 2:
            return np.full_like(other, np.nan)
        order = np.argsort(x, kind="stable")
        return np.where(np.isnan(other), np.nan, np.interp(np.nan_to_num(other), x[order], y[order]))


Pair = tuple[
    int, int, float, float
]  # a number, its anchor, the share of rows near it, the scale of distances


def find_anchors(codec: RecordCodec, table: pd.DataFrame) -> tuple[Pair, ...]:
    """The anchors of the numbers of a table, by their slots in a record; () where there are none."""
    slots = codec.slots
    numbers = [s for s, slot in enumerate(slots) if slot.rank is not None and slot.number is not None]
    if not 2 <= len(numbers) <= MOST or len(table) < FEWEST:
        return ()
    tokens, cells = codec.encode(table)
    some = child(0, "rows of the anchors").permutation(len(tokens))[:ROWS]
    tokens, cells = tokens[some], cells[some]
    own = Scores([slots[s] for s in numbers], number_tables([slots[s] for s in numbers]))
    found: list[Pair] = []
    for n, s in enumerate(numbers):
        at = np.maximum(tokens[:, s], 0), cells[:, s]
        there = own.spread[own.part(n)][at] & (tokens[:, s] >= 0)
        if there.sum() < FEWEST / 2:
            continue
        y = own.middle[own.part(n)][at][there]
        log_density = -np.square(y) / 2 - np.log(2 * np.pi) / 2
        near = {}
        for m, other in enumerate(numbers):
            if m != n:
                score = own.scores(n, m)[np.maximum(tokens[there, other], 0), cells[there, other]]
                near[other] = np.where(tokens[there, other] < 0, np.nan, score)
        before = {
            other
            for other in near
            if np.count_nonzero(slots[other].counts) < np.count_nonzero(slots[s].counts)
        }
        sharpness = {other: _sharpness(y, score) for other, score in near.items()}
        if max(sharpness.values()) < CLEAR:
            continue
        near = {other: score for other, score in near.items() if sharpness[other] >= SHARP}
        around = {other: _around(y, score) for other, score in near.items()}
        left = EACH
        for candidates in (before, {*near}):  # in the canonical order those of few values come first
            candidates &= {*near}
            while left and candidates:
                likelier = {other: _likeliest(around[other], log_density) for other in sorted(candidates)}
                best = max(likelier, key=lambda other: float(likelier[other][0].mean()))
                density, share, scale = likelier[best]
                if float((density - log_density).mean()) < GAIN:
                    break
                found.append((s, best, share, scale))
                log_density, left = density, left - 1
                candidates.discard(best)
                del near[best]
    return tuple(found)


def _sharpness(y: Array, score: Array) -> float:
    """Nats per row that lying near an anchor tells, beyond what rows tell of which the anchors are dealt anew
    among those of about the same anchor.
    """
    there = ~np.isnan(score)
    if there.sum() < FEWEST / 2:
        return 0.0
    own, score = y[there], score[there]
    dealt, rng = score.copy(), child(0, "anchors")
    density = np.empty(len(own))
    for part in np.array_split(np.argsort(score, kind="stable"), BINS):
        deviation = max(float(own[part].std()), SCALES[-1])
        density[part] = -np.square((own[part] - own[part].mean()) / deviation) / 2 - np.log(deviation)
        dealt[part] = score[rng.permutation(part)]
    density -= np.log(2 * np.pi) / 2
    near, chance = (float(_likeliest(_around(own, one), density)[0].mean()) for one in (score, dealt))
    return (near - chance) * len(own) / len(y)


def _around(y: Array, score: Array) -> list[Array]:
    """The log density of every row around its anchor, of each scale; nan where it has none."""
    found = []
    for scale in SCALES:
        z = np.abs(y - score) / scale
        found.append(-z - 2 * np.log1p(np.exp(-z)) - np.log(scale))
    return found


def _likeliest(around: list[Array], log_density: Array) -> tuple[Array, float, float]:
    """The mixture with a logistic around the anchor that makes rows likeliest: (rows,) its log density, the
    share and the scale of the logistic.
    """
    best, known = (log_density, 0.0, SCALES[0]), float(log_density.mean())
    for near, scale in zip(around, SCALES, strict=True):
        gone, near = np.isnan(near), np.nan_to_num(near)
        for share in SHARES:
            both = np.logaddexp(np.log(share) + near, np.log1p(-share) + log_density)
            both = np.where(gone, log_density, both)
            if both.mean() > known:
                best, known = (both, share, scale), float(both.mean())
    return best


class Anchors(nn.Module):
    """What is added to the mixtures of numbers, of which the last `each` logistics are anchored.

    slots: of the numbers; pairs: as `find_anchors` gives them, by places among all fixed slots; numbers: the
    places of the numbers there; mixtures: logistics, those that are anchored included.
    """

    def __init__(self, slots: list[Slot], pairs: Sequence[Pair], numbers: list[int], mixtures: int):
        super().__init__()
        tables = number_tables(slots)
        own, place = Scores(slots, tables), {s: n for n, s in enumerate(numbers)}
        self.mixtures, self.cells = mixtures, tables.cells
        self.of: dict[int, list[int]] = {s: [] for s in numbers}
        for s, anchor, _, _ in pairs:
            self.of[s].append(anchor)
        self.each = max(map(len, self.of.values()))
        anchor_of, begin, parts, size = torch.zeros(len(numbers), self.each, dtype=torch.long), [], [], 1
        for n, s in enumerate(numbers):
            begin.append([0] * self.each)
            for k, anchor in enumerate(self.of[s]):
                scores = own.scores(n, place[anchor])
                full = np.full((len(scores), tables.cells), np.nan)
                full[:, : scores.shape[1]] = scores
                anchor_of[n, k], begin[n][k] = anchor, size
                parts.append(full.ravel())
                size += full.size
        table = torch.from_numpy(np.concatenate([[np.nan], *parts])).float()
        self.anchor_of: Tensor
        self.begin: Tensor  # of each pair in the table; 0 for none, where the table has no number
        self.table: Tensor
        self.numbers: Tensor
        self.register_buffer("anchor_of", anchor_of, persistent=False)
        self.register_buffer("begin", torch.tensor(begin), persistent=False)
        self.register_buffer("table", table, persistent=False)
        self.register_buffer("numbers", torch.tensor(numbers), persistent=False)

    def begin_with(self, weight: Tensor, bias: Tensor, pairs: Sequence[Pair]) -> None:
        """Sets the heads of the anchored logistics as they were found: among others they would be lost.

        weight: (numbers, width, 3 x logistics); bias: (numbers, 1, 3 x logistics).
        """
        k, free = self.mixtures, self.mixtures - self.each
        for part in range(3):
            weight[..., part * k + free : (part + 1) * k] = 0
            bias[..., part * k + free : (part + 1) * k] = 0
        found: dict[int, list[tuple[float, float]]] = {}
        for s, _, share, scale in pairs:
            found.setdefault(s, []).append((share, scale))
        for n, s in enumerate(self.numbers.tolist()):
            left = 1.0  # the share of what was there before the anchors that follow
            for place, (share, scale) in reversed([*enumerate(found.get(s, []), free)]):
                bias[n, 0, place], bias[n, 0, 2 * k + place] = math.log(share * left), math.log(scale)
                left *= 1 - share
            bias[n, 0, free : free + len(found.get(s, []))] -= math.log(left / free)

    def added(self, tokens: Tensor, cells: Tensor, at: Tensor) -> Tensor:
        """(rows, numbers, 3 x logistics), added to their mixtures.

        tokens, cells: (rows, fixed slots); at: the same, the place of each in the order it is written in.
        """
        token = tokens[:, self.anchor_of]  # (rows, numbers, each)
        earlier = (at[:, self.anchor_of] < at[:, self.numbers].unsqueeze(-1)) & (token >= 0)
        index = self.begin + (token.clamp(min=0) * self.cells + cells[:, self.anchor_of]) * (self.begin > 0)
        return self._added(F.embedding(index, self.table[:, None])[..., 0], earlier)

    def added_to(self, number: int, tokens: Tensor, cells: Tensor, written: Container[int]) -> Tensor:
        """(rows, 3 x logistics), added to the mixture of one number.

        tokens, cells: (rows, fixed slots); written: the fixed slots that are written before.
        """
        own = self.anchor_of[number]
        token = tokens[:, own]
        known = [anchor in written for anchor in self.of[int(self.numbers[number])]]
        earlier = torch.tensor(known + [False] * (self.each - len(known)), device=token.device) & (token >= 0)
        index = self.begin[number] + (token.clamp(min=0) * self.cells + cells[:, own]) * (
            self.begin[number] > 0
        )
        return self._added(self.table[index], earlier)

    def _added(self, score: Tensor, earlier: Tensor) -> Tensor:
        there = earlier & ~score.isnan()
        weight = AWAY * ~there
        free = self.mixtures - self.each
        parts = (F.pad(one, (free, 0)) for one in (weight, torch.where(there, score, 0.0)))
        return torch.cat([*parts, score.new_zeros(*score.shape[:-1], self.mixtures)], -1)
