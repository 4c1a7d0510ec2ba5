"""Given rows that lay many different conditions on what is modelled: some of these become known cells.

Rows of the same conditions are drawn together, and each group of them by itself.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from lookalike.codec.where import Condition
from lookalike.difflm.sampling.given import Given
from lookalike.rules.keep import Plan
from lookalike.seed import child
from lookalike.table.dtypes import restore

GROUPS = 64  # different conditions of the rows of a call, at most
Key = tuple[tuple[str, str], ...]


def keys_of_rows(conditions: list[dict[Any, Condition]]) -> list[Key]:
    """(rows,) what tells the conditions of different rows apart."""
    return [tuple(sorted((str(k), str(v)) for k, v in one.items())) for one in conditions]


def few(plan: Plan, inner: Given, conditions: list[dict[Any, Condition]]) -> None:
    """Makes known cells of some conditions, one a row, where more than `GROUPS` are different: of those that
    leave one value, and of the rarest others, for which a value is drawn that they leave, as often as rows
    have it.

    inner: what is known of what is modelled; both are changed.
    """
    keys = keys_of_rows(conditions)
    if len({*keys}) <= GROUPS:
        return
    left = Counter(key for key, one in zip(keys, conditions, strict=True) if not _is_one(one))
    kept = {key for key, _ in left.most_common(GROUPS - 1)}
    rng = child(0, "conditions of given rows")
    picked: dict[Any, dict[int, Any]] = {}
    for row, (key, one) in enumerate(zip(keys, conditions, strict=True)):
        if key in kept:
            continue
        for name, condition in one.items():
            if name in plan.codec.known() and condition.values and not inner.known[name][row]:
                shares = _shares(plan, name, condition.values)
                picked.setdefault(name, {})[row] = condition.values[int(rng.choice(len(shares), p=shares))]
        conditions[row] = {}
    for name, cells in picked.items():
        column, rows = plan.codec.schema[name], np.array([*cells])
        values = inner.values[name].tolist() if name in inner.values else [*cells.values()][:1] * inner.rows
        for row, cell in cells.items():
            values[row] = cell
        inner.values[name] = restore(values, column)
        inner.known[name] = inner.known[name] | np.isin(np.arange(inner.rows), rows)


def _is_one(conditions: dict[Any, Condition]) -> bool:
    return all(one.values is not None and len(one.values) == 1 for one in conditions.values())


def _shares(plan: Plan, name: Any, values: tuple[Any, ...]) -> np.ndarray:
    """(values,) how often learned rows hold each of some values of a category, together 1."""
    params = plan.codec.params_of(name)
    counts = (
        dict(zip(params.values, params.counts.tolist(), strict=False)) if hasattr(params, "counts") else {}
    )
    rows = np.array([counts.get(value, 1.0) for value in values]) + 1e-9
    return np.asarray(rows / rows.sum())
