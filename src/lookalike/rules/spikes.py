"""Numbers that are modelled as they are, not by their gap above another one that they are never below."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules import steps
from lookalike.rules.holds import LEAST
from lookalike.rules.steps import Step
from lookalike.rules.values import Values
from lookalike.table.kind_groups import NUMBER
from lookalike.table.rule import Order

SPIKES, SPIKES_APART = 1.1, 0.25  # nats that a gap may tell more than its column; in each group of rows
SOME = 5_000  # rows by which this is said
GROUPS, A_GROUP = 30, 30  # groups at most, and rows of each on average


def far(high: Any, values: Values) -> bool:
    """Whether rows share a greatest value that lies farther above the others than these are spread, such as
    9999-12-31 for what has no end yet: gaps to it would be drawn as other far values.
    """
    own = values.numbers(high)
    assert own is not None
    known = own[~np.isnan(own)]
    others = known[known < known.max(initial=-np.inf)]
    if not len(others) or len(known) - len(others) < LEAST:
        return False
    return bool(known.max() - others.max() > np.ptp(others))


def spiky(high: Any, lows: list[Any], values: Values) -> bool:
    """Whether a column has values that many rows share, and its gap has not: prices at 9.99, dates without
    a time; or many rows of one group, such as the farthest that is seen from each station.
    """
    probe = Step("gap", [Order(low, high) for low in lows], [high], lows)
    own = values.numbers(high)
    assert own is not None
    gap = steps.gaps(own, steps.floors(probe, values), values.column(high))
    if _entropy(gap) > _entropy(own) + SPIKES:
        return True
    groups = [*_groups(values, {high, *lows})]
    some = slice(None, None, max(1, values.rows // SOME))
    apart = [min((_within(one[some], group[some]) for group in groups), default=0.0) for one in (gap, own)]
    return apart[0] > apart[1] + SPIKES_APART


def _groups(values: Values, but: set[Any]) -> Iterator[Array]:
    """(rows,) of each other column of few values, the number of the value."""
    for name in values.table.columns:
        column = values.column(name)
        if name not in but and (column.is_categorical or column.kind == NUMBER):
            codes, found = values.codes(name)
            if 1 < len(found) <= min(GROUPS, values.rows / A_GROUP):
                yield codes


def _within(values: Array, group: Array) -> float:
    """Nats, of values that are not missing in the rows of a group, the mean of the groups."""
    sizes = np.bincount(group + 1)
    parts = [_entropy(values[group == at - 1]) for at in np.flatnonzero(sizes)]
    return float(np.dot(parts, sizes[sizes > 0]) / len(group))


def _entropy(values: Array) -> float:
    """Nats, of values that are not missing."""
    share = np.unique(values[~np.isnan(values)], return_counts=True)[1] / max(len(values), 1)
    return float(-(share * np.log(share)).sum())
