"""Shares of a column's values by bin or category: what the report draws.

A report may travel further than the real table, so it shows no real value that fewer than 5 rows have: such
categories are summed under "other", and the axis of a number ends where 0.5% of the real values lie beyond
(the end bins hold them).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .columns import Column, Part
from .fidelity import counts

Array = npt.NDArray[Any]

BINS = 24
CATEGORIES = 10
RARE = 5


def histogram(column: Column) -> dict[str, Any]:
    """{"bins", "labels", table: [shares of the values that are not missing]}; labels of bins: their edges.

    Empty for an id and for a column without values.
    """
    if not column.parts:
        return {}
    part = column.parts[0]
    totals = {table: counts(part, table) for table in part.codes}
    if not part.support:
        return {}
    if not part.ordered:
        return _categories(part, totals, by_value=column.kind == "number")
    edges = _edges(part, column.integer or column.kind == "text")
    place = np.clip(
        np.searchsorted(edges, np.asarray(part.labels, float), side="right") - 1, 0, len(edges) - 2
    )
    shares = {t: _shares(np.bincount(place, weights=n, minlength=len(edges) - 1)) for t, n in totals.items()}
    return {"bins": True, "labels": _axis(column, edges), **shares}


def _shares(numbers: Array) -> list[float]:
    return (numbers / max(numbers.sum(), 1)).round(5).tolist()


def _categories(part: Part, totals: dict[str, Array], by_value: bool) -> dict[str, Any]:
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
    return {"bins": False, "labels": [*names, *([f"{len(rest):,} other"] if len(rest) else [])], **shares}


def _edges(part: Part, integer: bool) -> Array:
    """BINS + 1 ascending edges, or fewer; bins of whole numbers hold equally many of them."""
    assert part.values is not None
    values = part.values["real"]
    values = values[np.isfinite(values)]
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = np.quantile(values, [0.005, 0.995], method="nearest")
    if low == high:  # nearly all are one value: show what the rest is like
        low, high = np.quantile(values, [0.0005, 0.9995], method="nearest")
    if integer:
        step = max(1.0, np.ceil((high - low + 1) / BINS))
        return low - 0.5 + step * np.arange(int(np.ceil((high - low + 1) / step)) + 1)
    return np.linspace(low, high if high > low else low + 1, BINS + 1)


def _axis(column: Column, edges: Array) -> list[str]:
    if column.kind == "datetime":
        digits = 10 if edges[-1] - edges[0] > 30 * 86_400e6 else 16  # the day, or the minute
        return [pd.Timestamp(int(edge), unit="us").isoformat(" ")[:digits] for edge in edges]
    if column.integer or column.kind == "text":
        return [_number(np.ceil(edge) + 0.0) for edge in edges]  # + 0.0: no "-0"
    return [_number(edge) for edge in edges]


def _number(value: float) -> str:
    if value and (abs(value) >= 1e7 or abs(value) < 1e-3):
        return f"{value:.2e}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"
