"""Ticks <-> tokens: a bin is a token, a cell is a place inside of it (see cells.py).

Tokens: the bins in ascending order, then -inf, +inf, missing and the column's exceptions, where there are
any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lookalike.codec.slot import Array, Slot
from lookalike.codec.ticks.cells import Cells, draw, locate, mass, partition
from lookalike.codec.ticks.numbers import ABOVE, BELOW, EXCEPTION, LIMIT, UNREAD, Ranges


@dataclass(frozen=True)
class Bins:
    """What is learned of ticks: their bins, which are tokens, and the cells inside of them.

    special: rows of -inf, +inf, missing and each of the exceptions; positions: their tokens, None where there
    are none; tokens: how many there are; moments: the scale, and mean and deviation in units of it.
    """

    cells: Cells
    special: list[int]
    positions: list[int | None]
    tokens: int
    moments: list[float]

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Bins:
        """Those of a saved model, whose fields are `facts`."""
        return cls(**{**facts, "cells": Cells(**facts["cells"])})


def fit(ticks: Array, marks: Array, rare: int, exceptions: int = 0, endings: bool = False) -> Bins:
    """The bins of ticks (int64, float64 or Python ints) and their marks (0 = an ordinary value).

    exceptions: how many marks of exceptions there are; endings: as of `partition`.
    """
    values, counts = np.unique(ticks[marks == 0], return_counts=True)
    if len(values):
        cells = partition(values, counts, rare, endings=endings)
    else:  # nothing but infinities: one bin that no row has
        zero, one = np.zeros(1, dtype=ticks.dtype), np.ones(1)
        first = np.zeros(1, dtype=np.int64)
        cells = Cells(zero, zero, zero, one, 0 * one, first, first, np.zeros((1, 0)))
    tokens, positions, special = cells.tokens, [], []
    for mark in range(BELOW, EXCEPTION + exceptions):
        rows = int((marks == mark).sum())
        positions.append(tokens if rows else None)
        special.append(rows)
        tokens += rows > 0
    floats, weights = values.astype(np.float64), counts / max(counts.sum(), 1)
    scale = float(np.abs(floats).max(initial=0)) or 1.0  # squares of huge values overflow
    mean = float((floats / scale * weights).sum())
    deviation = float(np.sqrt(((floats / scale - mean) ** 2 * weights).sum())) or 1.0
    return Bins(cells, special, positions, int(tokens), [scale, mean, deviation])


def bounded(bins: Bins, low: Any, high: Any) -> Bins:
    """The same cells, clipped to the range of an edited schema."""
    cells = bins.cells
    low, high = (cells.low[0] if low is None else low), (cells.high[-1] if high is None else high)

    def clipped(ends: Array) -> Array:
        return np.minimum(np.maximum(ends, low), high).astype(ends.dtype)

    inside = cells._replace(low=clipped(cells.low), knee=clipped(cells.knee), high=clipped(cells.high))
    cut = (inside.knee <= inside.low) & (inside.low < inside.high) & (inside.low > cells.low)
    inside = inside._replace(
        knee=np.where(cut, inside.high, inside.knee), share=np.where(cut, 1.0, cells.share)
    )
    return replace(bins, cells=inside)


def slot(bins: Bins, column: Any, part: str = "", numbers: Sequence[Any] = ()) -> Slot:
    """The slot of a column, by name, or of a part of it.

    numbers: of each of the exceptions the tick that it stands for, None where it is no number.
    """
    cells = bins.cells
    shape = (bins.tokens, int(cells.place.max()) + 1)
    counts, rank, value = np.zeros(shape), np.full(shape, np.nan), np.full(shape, np.nan)
    below, above = bins.special[:2]
    scale, mean, deviation = bins.moments
    total = max(below + above + cells.rows.sum(), 1.0)
    counts[cells.token, cells.place] = cells.rows
    rank[cells.token, cells.place] = (below + np.cumsum(cells.rows) - cells.rows / 2) / total
    centre = (cells.knee.astype(np.float64) / scale - mean) / deviation
    value[cells.token, cells.place] = np.clip(centre, -5, 5)
    ends = [(below / 2 / total, -5.0), (1 - above / 2 / total, 5.0)]
    others = len(bins.positions) - 2
    for tick in [None, *numbers, *[None] * others][:others]:  # missing first
        if tick is None:
            ends.append((np.nan, np.nan))
        else:
            lower = cells.rows[cells.high < tick].sum() + cells.rows[cells.low <= tick].sum()
            centre = np.clip((float(tick) / scale - mean) / deviation, -5, 5)
            ends.append(((below + lower / 2) / total, float(centre)))
    for token, rows, (at, height) in zip(bins.positions, bins.special, ends, strict=True):
        if token is not None:
            counts[token, 0], rank[token, 0], value[token, 0] = rows, at, height
    name = f"{column}/{part}" if part else str(column)
    return Slot(column, part, counts, rank, value, vocabulary=name)


def encode(bins: Bins, ticks: Array, marks: Array) -> tuple[Array, Array]:
    """(tokens, cells), each (rows, 1)."""
    cells = bins.cells
    if ticks.dtype == object and cells.low.dtype == np.int64:
        ticks = np.clip(ticks, -LIMIT, LIMIT)
    index = locate(cells.low, cells.high, ticks.astype(cells.low.dtype))
    tokens, places = cells.token[index].astype(np.int32), cells.place[index].astype(np.int16)
    for mark, token in enumerate(bins.positions, BELOW):
        rows = marks == mark
        instead = {BELOW: 0, ABOVE: cells.tokens - 1}.get(mark, -1)
        tokens[rows], places[rows] = instead if token is None else token, 0
    tokens[marks == UNREAD], places[marks == UNREAD] = -1, 0
    return tokens[:, None], places[:, None]


def decode(
    bins: Bins, tokens: Array, places: Array, rng: np.random.Generator, ranges: Ranges = None
) -> tuple[Array, Array]:
    """(ticks, marks) drawn inside the cells, within `ranges` where the cell meets them."""
    cells = bins.cells
    table = cells.table()
    token = np.where(tokens < len(table), np.maximum(tokens, 0), 0)
    index = table[token, np.clip(places, 0, table.shape[1] - 1)]
    marks = np.zeros(len(tokens), dtype=np.int8)
    for mark, special in enumerate(bins.positions, BELOW):
        if special is not None:
            marks[tokens == special] = mark
    return draw(cells, index, rng, ranges), marks


def allowed(bins: Bins, ranges: Ranges, missing: bool) -> Array:
    """(tokens, cells): share of each cell in the ranges."""
    cells = bins.cells
    share = np.zeros((bins.tokens, int(cells.place.max()) + 1))
    at_below, at_above, at_missing = bins.positions[:3]
    if ranges is None:
        share[:] = 1.0
    for low, high in ranges or []:
        if low <= high:
            share[cells.token, cells.place] += mass(cells, low, high)
        for token, infinity in ((at_below, -np.inf), (at_above, np.inf)):
            if token is not None and low <= infinity <= high:
                share[token, 0] = 1.0
    if at_missing is not None:
        share[at_missing, 0] = missing
    return np.clip(share, 0.0, 1.0)
