"""Category and boolean columns: one token per value.

Values of fewer rows than the column's `min_rows` (else than `rare`) share one token that is read but never
emitted, and so do those beyond the `LARGEST` most frequent: they are *dropped*, which `note` says.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import shown
from lookalike.codec.slot import Array, Params, Slot, plain_slot
from lookalike.codec.where import Condition, listed
from lookalike.errors import ConditionError
from lookalike.table.column import Column, plain_values
from lookalike.table.dtypes import restore
from lookalike.table.kinds import LARGEST, least_rows, plain

NAMED = 3  # dropped values that a note names


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    """values: the tokens' values, most frequent first; rare, missing: index of those tokens, or None.

    asked, least: rows that a value should have had, and had to have; dropped: how many values were dropped;
    lost: those values, which a saved model does not hold.
    """
    codes, found = pd.factorize(plain_values(series, column))
    counts = np.bincount(codes[codes >= 0], minlength=len(found))
    order = np.argsort(-counts, kind="stable")
    asked = column.min_rows or rare
    least = least_rows(counts, asked)
    kept = order[counts[order] >= least][:LARGEST]
    other = int(counts.sum() - counts[kept].sum())
    absent = int((codes < 0).sum())
    tokens = [float(counts[i]) for i in kept] + [float(other)] * (other > 0) + [float(absent)] * (absent > 0)
    lost = [found[i] for i in order[len(kept) :] if counts[i]]
    return {
        "values": [found[i] for i in kept],
        "rare": len(kept) if other else None,
        "missing": len(kept) + (other > 0) if absent else None,
        "counts": np.array(tokens),
        "asked": asked,
        "least": least,
        "dropped": len(lost),
        "lost": lost,
    }


def dropped(params: Params) -> dict[str, int] | None:
    """How many values were dropped (values), of how many (of_values), and the rows that hold them (rows), of
    how many (of_rows); None where none was, or where the model's version did not count them.
    """
    lost = params.get("dropped", 0)
    if not lost:
        return None
    rows = {"rows": int(params["counts"][params["rare"]]), "of_rows": int(params["counts"].sum())}
    return {"values": lost, "of_values": len(params["values"]) + lost, **rows}


def note(params: Params, column: Column) -> str | None:
    """What `analyse` dropped, or kept for want of anything more frequent, as a sentence; None for nothing."""
    kept, asked, least = len(params["values"]), params.get("asked", 0), params.get("least", 0)
    head, found = f"column '{column.name}'", dropped(params)
    lost = params.get("lost", [])
    names = ", ".join(repr(plain(value)) for value in lost[:NAMED])
    names += f" and {len(lost) - NAMED:,} more" if len(lost) > NAMED else ""
    names = f": {names}" if names else ""
    if kept and least < asked:
        which = "all of them" if least == 1 else f"those of at least {least} rows"
        others = f", the other {found['values']:,} not{names}" if found else ""
        return (
            f"{head}: none of its {kept + params['dropped']:,} values occurs in {asked} rows, so {which} are "
            f"reproduced{others}; leave the column out if they tell of single persons"
        )
    if found is None:
        return None
    one = found["values"] == 1
    if kept < LARGEST:
        why, otherwise = f"in fewer than {least} rows", "keep them with --keep-rare"
        why = f"occurs {why}" if one else f"occur {why}"
    else:
        why, otherwise = f"beyond the {LARGEST:,} most frequent", 'set its kind to "text" to learn them'
        why = f"is {why}" if one else f"are {why}"
    return (
        f"{head}: {found['values']:,} of {found['of_values']:,} values {why} ({found['rows']:,} of "
        f"{found['of_rows']:,} rows) and {'is' if one else 'are'} not reproduced"
        f"{names}; {otherwise}"
    )


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
            raise ConditionError(_unknown(wanted, params, column))
        share[token] = 1.0
    return {0: share}


def _unknown(wanted: Any, params: Params, column: Column) -> str:
    """Why a value cannot be asked for; a model that was saved does not know which values were dropped."""
    what, known = f"the value {shown(wanted)} of column '{column.name}'", listed(wanted, params["values"])
    lost, least = params.get("dropped", 0), params.get("least", 0)
    keep = "to have it, learn the table with --keep-rare (in Python: with the column's min_rows at 1)"
    if _spelled(wanted, column) in {_spelled(value, column) for value in params.get("lost", ())}:
        if len(params["values"]) >= LARGEST:
            return f"{what} is not among the {LARGEST:,} most frequent, which alone are reproduced: {known}."
        return f"{what} was dropped as rare, as fewer than {least} rows hold it: {keep}."
    if lost and "lost" not in params:
        return (
            f"{what} never occurs, or is one of the {lost:,} that were dropped as rare, in fewer than "
            f"{least} rows: {known}; {keep}."
        )
    return f"{what} never occurs: {known}."


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
