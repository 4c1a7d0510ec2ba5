"""The time of a row as one input: rows that lie near in time are near for the network.

A date is several slots of a record: parts of a date column, or columns of their own such as year, month, day
and hour. What depends on the time of a row, as the weather does, depends on all of them together, and a small
network learns it only coarsely from each (on Beijing it knew the date to about ten days). The *axis* puts
them into one order, coarsest first, and gives its place to all slots that are written after them: the *knots*
of the axis lie equally many times apart, each has a vector, and between two of them lies what lies between
their vectors.

Whether there is a time that tells more than its parts do is asked of the rows (`find_axis`): sorted by time,
neighbours are alike in some number, beyond what its mean over many neighbours says.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lookalike.codec import RecordCodec, Slot
from lookalike.codec.kinds import number
from lookalike.codec.slot import Array
from lookalike.difflm.small.near import Near
from lookalike.seed import child

UNITS = {  # of columns that are parts of a date: least, largest and fewest values
    "year": (1800, 2200, 2),
    "month": (1, 12, 10),
    "day": (1, 31, 28),
    "hour": (0, 23, 20),
    "minute": (0, 59, 12),
}
FEWEST = 1000  # rows that an axis is looked for in
WINDOW = 40  # parts of the axis, within which a mean tells nothing of the time
ALIKE = 0.25  # correlation of neighbours that makes an axis
KNOT_ROWS = 20  # rows of a knot
LEVELS = 3  # of knots: each has a quarter of those of the one before
INNER = 32  # width of what a knot knows
TINY = 1e-9  # between two knots, at least
ONCE = 0.999  # times a row, from which on a time is said to come once


class Axis(nn.Module):
    """What the slots after those of a time are told of it.

    parts: the slots of the time in a record, coarsest first, and how many tokens and cells each has; told:
    fixed slots that are told of it; knots: of the finest level; near: what rows near the time hold, if
    that is told. learning: whether the rows are those that it was laid with.
    """

    def __init__(
        self, parts: list[tuple[int, int, int]], told: int, knots: int, width: int, near: Near | None = None
    ):
        super().__init__()
        self.near, self.learning = near, False
        self.slots = [slot for slot, _, _ in parts]
        self.parts = parts
        self.levels = [max(2, knots // 4**level) for level in range(LEVELS)]
        self.starts = np.cumsum([0, *self.levels])[:-1].tolist()
        self.edges: Tensor  # (knots,) where the finest ones lie, ascending
        self.once: Tensor  # whether no two rows have the same time
        self.register_buffer("edges", torch.arange(self.levels[0], dtype=torch.float64))
        self.register_buffer("once", torch.zeros((), dtype=torch.bool))
        self.knots = nn.Parameter(torch.randn(sum(self.levels), INNER) * 0.1)
        self.tell = nn.Parameter(torch.randn(told, INNER + (near.size if near else 0), width) * 0.1)

    def order(self, tokens: Tensor, cells: Tensor) -> Tensor:
        """(rows, slots) -> (rows,) numbers in the order of the time; an empty part counts as its first."""
        found = torch.zeros(len(tokens), dtype=torch.float64, device=tokens.device)
        for slot, count, width in self.parts:
            own = tokens[:, slot].clamp(min=0) * width + cells[:, slot]
            found = found * (count * width) + own
        return found

    def order_each(self, tokens: Tensor, cells: Tensor, slot: int) -> Tensor:
        """(rows, slots) -> (rows, n) as `order`, with each of the n tokens of this part of the time."""
        at = self.slots.index(slot)
        step = math.prod(count * width for _, count, width in self.parts[at + 1 :])
        _, count, width = self.parts[at]
        own = tokens[:, slot].clamp(min=0) * width + cells[:, slot]
        each = torch.arange(count, device=tokens.device) * width
        return self.order(tokens, cells).unsqueeze(1) + step * (each - own.unsqueeze(1))

    @torch.no_grad()
    def lay(self, tokens: Tensor, cells: Tensor) -> None:
        """Put the knots where the rows are, each after as many different times."""
        tokens, cells = tokens.long(), cells.long()
        place = self.order(tokens, cells)
        if self.near is not None:
            self.near.lay(place, tokens, cells)
        places = place.unique().cpu().numpy()
        self.once.fill_(len(places) >= ONCE * len(place))
        wanted = np.interp(np.linspace(0, 1, len(self.edges)), np.linspace(0, 1, len(places)), places)
        self.edges.copy_(torch.from_numpy(wanted))

    def embed(self, tokens: Tensor, cells: Tensor) -> Tensor:
        """(rows, slots) -> (rows, INNER)."""
        place, last = self.order(tokens, cells), len(self.edges) - 1
        right = torch.searchsorted(self.edges, place).clamp(1, last)
        low, high = self.edges[right - 1], self.edges[right]
        apart = (high - low).clamp(min=TINY)  # knots of one place, of which no number lies between them
        at = (right - 1 + ((place - low) / apart).clamp(0, 1)).float() / last
        out = torch.zeros(len(tokens), INNER, device=tokens.device)
        for start, count in zip(self.starts, self.levels, strict=True):
            fine = at * (count - 1)
            left = fine.floor().clamp(max=count - 2)
            share, index = (fine - left).unsqueeze(1), left.long() + start
            pair = F.embedding(index, self.knots), F.embedding(index + 1, self.knots)
            out = out + pair[0] * (1 - share) + pair[1] * share
        if self.near is None:
            return out
        own = self.near.held(tokens, cells) if self.learning else None
        return torch.cat([out, self.near(place, own)], 1)


def find_axis(codec: RecordCodec, table: pd.DataFrame) -> tuple[int, ...]:
    """The slots of the time that tells most of the other columns, coarsest first; () where none does."""
    candidates = [*_dates(codec), *_split(codec)]
    if not candidates or len(table) < FEWEST:
        return ()
    tokens, cells = codec.encode(table)
    told = [max(_alike(codec.slots, tokens, cells, one), default=0.0) for one in candidates]
    best = int(np.argmax(told))
    return candidates[best] if told[best] >= ALIKE else ()


def _dates(codec: RecordCodec) -> list[tuple[int, ...]]:
    """The parts of every date column."""
    found = []
    for column in codec.columns:
        parts = tuple(slot for slot in column if codec.slots[slot].rank is not None)
        if parts and codec.schema[codec.slots[column[0]].column].is_date:
            found.append(parts)
    return found


def _split(codec: RecordCodec) -> list[tuple[int, ...]]:
    """Whole numbers that look like the parts of a date, where there are two or more; of several that look
    like the same part, the one that has its name, or the first.
    """
    parts: dict[str, int] = {}
    for slots in codec.columns:
        slot = codec.slots[slots[0]]
        params = codec.params_of(slot.column)
        if not isinstance(params, number.Params) or len(slots) != 1 or slot.cells > 1:
            continue
        values = np.asarray(params.cells.low, dtype=np.float64)
        for name, (least, largest, fewest) in UNITS.items():
            whole = name == "year" or (values[0] == least and values[-1] >= 0.9 * largest)
            if not whole or values[0] < least or values[-1] > largest or len(values) < fewest:
                continue
            if name not in parts or (str(slot.column).lower().startswith(name)):
                parts[name] = slots[0]
            break
    found = tuple(parts[name] for name in UNITS if name in parts)
    return [found] if len(found) > 1 else []


def _alike(slots: list[Slot], tokens: Array, cells: Array, axis: tuple[int, ...]) -> list[float]:
    """Of every other number: how alike neighbours on the axis are, beyond a mean over many."""
    place = np.zeros(len(tokens))
    for index in axis:
        of, token = slots[index], np.maximum(tokens[:, index], 0)
        place = place * (of.tokens * of.cells) + token * of.cells + cells[:, index]
    # rows of one time in any order, and not in that of the table, in which others may be alike
    order = np.lexsort((child(0, "rows of one time").random(len(place)), place))
    found = []
    for index, slot in enumerate(slots):
        if index in axis or slot.rank is None:
            continue
        token, cell = tokens[:, index], cells[:, index]
        rank = np.where(token < 0, np.nan, slot.rank[np.maximum(token, 0), cell])
        own = rank[order][~np.isnan(rank[order])]
        parts = np.array_split(own, WINDOW)
        left = np.concatenate([part - part.mean() for part in parts if len(part)]) if len(own) else own
        spread = float(np.square(left).sum())
        found.append(float((left[1:] * left[:-1]).sum()) / spread if spread > 1e-9 else 0.0)
    return found


def knots_of(rows: int) -> int:
    """How many knots a table of so many rows has."""
    return int(np.clip(rows // KNOT_ROWS, 16, 2048))
