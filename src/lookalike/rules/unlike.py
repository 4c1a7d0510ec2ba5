"""Two columns of the same values that are never equal in a row: home and away, sender and receiver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import BROKEN, BY_CHANCE, LEAST_SUPPORT
from lookalike.rules.values import Values, columns_of
from lookalike.table.kind_groups import CATEGORICAL, NUMBER
from lookalike.table.rule import Unlike

FEWEST, MOST = 3, 200  # values of such a column: of two, one tells the other
SHARED = 0.8  # of the rows of each column, that hold a value of the other one
GLANCE = 200  # rows that pairs are seen in first
EITHER = 0.05  # of the rows, in which either number is larger: else an order says more


def unlike(values: Values, kept: list[Any]) -> Iterator[Unlike]:
    """The pairs that chance would make equal in many rows."""
    names = [name for name in columns_of(values, kept, (*CATEGORICAL, NUMBER)) if _is_one(values, name)]
    number: dict[Any, int] = {}
    ids = np.full((len(names), values.rows), -1, dtype=np.int32)
    for at, name in enumerate(names):
        codes, found = values.codes(name)
        whole = values.column(name).is_number
        known = [number.setdefault(float(one) if whole else str(one), len(number)) for one in found]
        ids[at] = np.array([*known, -1], dtype=np.int32)[codes]
    if len(names) < 2:
        return
    counts = np.zeros((len(names), len(number)))
    for at, own in enumerate(ids):
        counts[at] = np.bincount(own[own >= 0], minlength=len(number))
    total = np.maximum(counts.sum(1), 1)
    by_chance = counts @ counts.T / (total[:, None] * total)
    shared = counts @ (counts > 0).T / total[:, None]
    likely = (np.minimum(shared, shared.T) >= SHARED) & (by_chance * values.rows >= BROKEN)
    few = ids[:, np.linspace(0, values.rows - 1, min(values.rows, GLANCE)).astype(int)]
    for at in range(len(names) - 1):
        others = at + 1 + np.flatnonzero(likely[at, at + 1 :])
        equal = ((few[others] == few[at]) & (few[at] >= 0)).mean(1)
        for other in others[equal <= 1 - LEAST_SUPPORT]:
            there = (ids[at] >= 0) & (ids[other] >= 0)
            broken = float((ids[at] == ids[other])[there].mean()) if there.any() else 1.0
            least = BY_CHANCE * float(by_chance[at, other])
            if broken > min(1 - LEAST_SUPPORT, least) or by_chance[at, other] * there.sum() < BROKEN:
                continue
            if _is_either(values, names[at], names[other]):
                yield Unlike((names[at], names[other]))


def _is_one(values: Values, name: Any) -> bool:
    """Whether a column is of few values, and of whole numbers where it is of numbers."""
    column = values.column(name)
    if not FEWEST <= len(values.codes(name)[1]) <= MOST:
        return False
    return not column.is_number or (column.decimals == 0 and values.table[name].dtype.kind in "iuf")


def _is_either(values: Values, first: Any, second: Any) -> bool:
    """Whether neither of two numbers is (nearly) always the larger one."""
    if not values.column(first).is_number or not values.column(second).is_number:
        return True
    a, b = values.numbers(first), values.numbers(second)
    if a is None or b is None:
        return False
    apart: Array = np.sign(a - b)[~np.isnan(a + b)]
    return bool(min((apart > 0).mean(), (apart < 0).mean()) >= EITHER)
