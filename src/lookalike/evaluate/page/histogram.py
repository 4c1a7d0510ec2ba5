"""Shares of a column's values by bin or category: what the report draws.

A report may travel further than the real table, so it shows no real value that fewer than 5 rows have: such
categories are summed under "other"; the axis of a number has round ends, near where 0.5% of the real values
lie beyond (the end bins hold them); and no bin is one whole number that 1 to 4 real rows have.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.evaluate.columns import ComparedColumn
from lookalike.evaluate.parts import Part, counts
from lookalike.evaluate.section import Histogram

Array = npt.NDArray[Any]

BINS = 24
CATEGORIES = 10
RARE = 5
ROUND = (10, 20, 25, 50, 100)  # tenths of a power of ten that a bin of numbers may span
SMALL = (1, 2, 5, 10)  # whole numbers in a bin
SECOND, DAY = 1_000_000, 86_400_000_000  # microseconds
SPANS = [  # of a bin of moments
    *(
        n * SECOND
        for n in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200)
    ),
    *(n * DAY for n in (1, 2, 5, 10, 15, 30, 60, 90, 180, 365)),
]


def histogram(column: ComparedColumn) -> Histogram | None:
    """Shares of the values of each table that are not missing; None for an id and a column without values."""
    if not column.parts:
        return None
    part = column.parts[0]
    totals = {table: counts(part, table) for table in part.codes}
    if not part.support:
        return None
    if not part.ordered:
        return _categories(part, totals, by_value=column.is_number)
    edges = bin_edges(column)
    place = np.clip(
        np.searchsorted(edges, np.asarray(part.labels, float) / part.scale, side="right") - 1,
        0,
        len(edges) - 2,
    )
    shares = {t: _shares(np.bincount(place, weights=n, minlength=len(edges) - 1)) for t, n in totals.items()}
    return Histogram(True, edge_labels(column, edges), shares)


def _shares(numbers: Array) -> list[float]:
    return (numbers / max(numbers.sum(), 1)).round(5).tolist()


def _categories(part: Part, totals: dict[str, Array], by_value: bool) -> Histogram:
    real = totals["real"]
    order = [int(i) for i in np.argsort(-real, kind="stable") if real[i] >= RARE][:CATEGORIES]
    if by_value:
        order.sort()  # codes of numbers are in their order
    labels = np.asarray(part.labels)
    names = [_number(float(labels[i])) if by_value else str(labels[i]) for i in order]
    rest = np.setdiff1d(np.arange(part.support), order)
    shares = {}
    for table, number in totals.items():
        share = np.array(_shares(number))
        shares[table] = [*share[order].tolist(), *([round(float(share[rest].sum()), 5)] if len(rest) else [])]
    return Histogram(False, [*names, *([f"{len(rest):,} other"] if len(rest) else [])], shares)


def bin_edges(column: ComparedColumn) -> Array:
    """At most about BINS + 3 ascending edges, in units of the part's scale: multiples of a round step, which
    say nothing of single rows. Bins of whole numbers begin half below one."""
    part = column.parts[0]
    assert part.values is not None
    values = part.values["real"]
    values = values[np.isfinite(values)]
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = np.quantile(values, [0.005, 0.995], method="nearest")
    if low == high:  # nearly all are one value: show what the rest is like
        low, high = np.quantile(values, [0.0005, 0.9995], method="nearest")
    if column.is_date:
        return _multiples(low, high, next((s for s in SPANS if s * BINS >= high - low), SPANS[-1]))
    if column.integer or column.is_textual:
        least = (high - low + 1) / BINS
        if least <= 1 and (np.unique(values, return_counts=True)[1] < RARE).any():
            least = 2  # a bin of width 1 would be a value that few rows have
        if least <= 10:
            return _multiples(low, high, next(s for s in SMALL if s >= least)) - 0.5
        return _multiples(low, high, *_round_step(least)) - 0.5
    return _multiples(low, high, *_round_step((high - low) / BINS if high > low else 1.0))


def _round_step(least: float) -> tuple[int, int]:
    """(m, power): the smallest round step m x 10^power that is at least `least`."""
    power = max(int(np.floor(np.log10(least))) - 1, -290)
    return next(m for m in ROUND if m * 10.0**power >= least or m == ROUND[-1]), power


def _multiples(low: float, high: float, count: int, power: int = 0) -> Array:
    """The multiples of count x 10^power from the last one up to low to the first one beyond high."""
    step = count * 10.0**power
    places = np.arange(np.floor(low / step), np.floor(high / step) + 2) * count
    return places * 10.0**power if power >= 0 else places / 10.0**-power  # the nearest floats


def edge_labels(column: ComparedColumn, edges: Array) -> list[str]:
    """The edges as text: a day, a minute, a number."""
    if column.is_date:
        digits = 10 if edges[1] - edges[0] >= DAY else 19
        return [pd.Timestamp(int(edge), unit="us").isoformat(" ")[:digits] for edge in edges]
    if column.integer or column.is_textual:
        return [_number(np.ceil(edge) + 0.0) for edge in edges]  # + 0.0: no "-0"
    largest = float(np.finfo(float).max)
    return [_number(max(-largest, min(largest, float(edge) * column.parts[0].scale))) for edge in edges]


def ranges(column: ComparedColumn, table: str) -> list[str]:
    """(rows,) the bin of each number or date of a column with an order, as "20 to 30", "under 10" or
    "over 90"; "" where it is missing or infinite."""
    part = column.parts[0]
    assert part.values is not None
    edges = bin_edges(column)
    labels = edge_labels(column, edges)
    whole = column.integer and column.is_number
    upper = [_number(np.ceil(edge) - 1) for edge in edges] if whole else labels
    last = len(edges) - 2
    said = []
    for value, at in zip(
        part.values[table], np.searchsorted(edges, part.values[table], side="right") - 1, strict=True
    ):
        if not np.isfinite(value):
            said.append("")
        elif at < 0 or at > last:
            said.append(f"under {labels[0]}" if at < 0 else f"over {upper[-1]}")
        else:
            said.append(labels[at] if labels[at] == upper[at + 1] else f"{labels[at]} to {upper[at + 1]}")
    return said


def _number(value: float) -> str:
    if value and (abs(value) >= 1e7 or abs(value) < 1e-3):
        return f"{value:.2e}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"
