"""Category and boolean columns: one token per value.

Values of fewer than `rare` rows share one token that is read but never emitted, and so do those beyond the
`LARGEST` most frequent. Where every value is that rare (tiny tables) the values of at least two rows are
kept, and where there are none of those either, all of them: something has to be written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..arguments import shown
from ..dtypes import restore
from ..errors import ConditionError
from ..schema import Column, plain_values
from .slot import Array, Params, Slot, plain_slot
from .where import Condition, listed

LARGEST = 1000


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    """values: the tokens' values, most frequent first; rare, missing: index of those tokens, or None."""
    codes, found = pd.factorize(plain_values(series, column))
    counts = np.bincount(codes[codes >= 0], minlength=len(found))
    order = np.argsort(-counts, kind="stable")
    for least in (rare, 2, 1):
        kept = order[counts[order] >= least][:LARGEST]
        if len(kept):
            break
    other = int(counts.sum() - counts[kept].sum())
    absent = int((codes < 0).sum())
    tokens = [float(counts[i]) for i in kept] + [float(other)] * (other > 0) + [float(absent)] * (absent > 0)
    return {
        "values": [found[i] for i in kept],
        "rare": len(kept) if other else None,
        "missing": len(kept) + (other > 0) if absent else None,
        "counts": np.array(tokens),
    }


def slots(params: Params, column: Column) -> list[Slot]:
    banned = () if params["rare"] is None else (params["rare"],)
    return [plain_slot(column.name, "", params["counts"], banned=banned)]


def encode(params: Params, series: pd.Series, column: Column) -> tuple[Array, Array]:
    """Values that were not seen get the rare token, or the most frequent one where there is no rare token."""
    codes, found = pd.factorize(plain_values(series, column))
    known = {value: token for token, value in enumerate(params["values"])}
    unseen = 0 if params["rare"] is None else params["rare"]
    missing = -1 if params["missing"] is None else params["missing"]
    lookup = np.array([known.get(value, unseen) for value in found] + [missing], dtype=np.int32)
    tokens = lookup[codes][:, None]
    return tokens, np.zeros_like(tokens, dtype=np.int16)


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None,
) -> pd.Series:
    values = list(params["values"])
    if params["rare"] is not None:
        values.append(values[0])  # never emitted, but whatever is decoded is valid
    if params["missing"] is not None:
        values.append(None)
    vocabulary = restore(values, column)
    return vocabulary.take(np.clip(tokens[:, 0], 0, len(values) - 1)).reset_index(drop=True)


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    share = np.zeros((len(params["counts"]), 1))
    if condition.missing:
        if params["missing"] is None:
            raise ConditionError(f"no value of column '{column.name}' is missing.")
        share[params["missing"]] = 1.0
    values = params["values"]
    if condition.low is not None or condition.high is not None:
        share[: len(values), 0] = _in_range(values, column, condition)
        if not share.any():
            raise ConditionError(f"no value of column '{column.name}' lies in {condition.text()}.")
    elif condition.values is None and not condition.missing:
        share[: len(values)] = 1.0
    texts = {_spelled(value, column): token for token, value in reversed(list(enumerate(values)))}
    exact: dict[Any, int] = {value: token for token, value in enumerate(values)}
    for wanted in condition.values or ():
        token = exact.get(wanted, texts.get(_spelled(wanted, column)))
        if token is None:
            raise ConditionError(
                f"the value {shown(wanted)} of column '{column.name}' never occurs often enough: "
                f"{listed(wanted, values)}."
            )
        share[token] = 1.0
    return {0: share}


def _spelled(value: Any, column: Column) -> str:
    """A value as it may be written on the command line."""
    return str(value).lower() if column.kind == "boolean" else str(value)


def _in_range(values: list[Any], column: Column, condition: Condition) -> list[bool]:
    """Which values lie in the range: by the order of an ordered categorical, or of numbers and dates."""
    low, high = condition.low, condition.high
    try:
        if column.ordered:
            order = {str(value): place for place, value in enumerate(column.categories or [])}
            low, high = (None if end is None else order[str(end)] for end in (low, high))
            return [Condition(low=low, high=high).holds(order[str(value)]) for value in values]
        if any(isinstance(value, str) for value in values):
            raise TypeError
        make = pd.Timestamp if hasattr(values[0], "year") else float
        low, high = (None if end is None else make(end) for end in (low, high))
        return [Condition(low=low, high=high).holds(value) for value in values]
    except (TypeError, ValueError, KeyError, ArithmeticError):
        raise ConditionError(
            f"column '{column.name}' holds categories, for which {condition.text()} is no range: name values."
        ) from None
