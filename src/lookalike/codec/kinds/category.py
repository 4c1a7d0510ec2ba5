"""Category and boolean columns: one token per value.

Values of fewer rows than the column's `min_rows` (else than `rare`) share one token that is read but never
emitted, and so do those beyond the `LARGEST` most frequent: they are *dropped*, which `note` says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import shown
from lookalike.codec.celltext import (
    Asked,
    Extent,
    JsonSchema,
    asked_shape,
    asked_values,
    choice_shape,
    choice_tokens,
    distinct,
    literal,
)
from lookalike.codec.learned import LEARNED, UNKNOWN
from lookalike.codec.slot import Array, Slot, plain_slot
from lookalike.codec.where import Condition, listed
from lookalike.errors import ConditionError
from lookalike.table.column import Column, plain_values
from lookalike.table.dtypes import restore
from lookalike.table.kinds import plain
from lookalike.table.repeats import LARGEST, RARE, least_rows

NAMED = 3  # dropped values that a note names
LISTED = 200  # values that a prompt lists; of more, SOME where others may stand there, too
SOME = 20


@dataclass(frozen=True)
class Params:
    """What is learned of a category.

    values: those of the tokens, most frequent first; rare, missing: index of those tokens, or None; counts:
    (tokens,) training rows. asked, least: rows that a value should have had, and had to have; dropped: how
    many values were dropped; lost: those values, None in a saved model, which does not hold them.
    """

    values: list[Any]
    rare: int | None
    missing: int | None
    counts: Array
    asked: int = 0
    least: int = 0
    dropped: int = 0
    lost: list[Any] | None = field(default=None, metadata={"saved": False})


def of(facts: dict[str, Any]) -> Params:
    return Params(**facts)


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
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
    return Params(
        values=[found[i] for i in kept],
        rare=len(kept) if other else None,
        missing=len(kept) + (other > 0) if absent else None,
        counts=np.array(tokens),
        asked=asked,
        least=least,
        dropped=len(lost),
        lost=lost,
    )


def dropped(params: Params) -> dict[str, int] | None:
    """How many values were dropped (values), of how many (of_values), and the rows that hold them (rows), of
    how many (of_rows); None where none was, or where the model's version did not count them.
    """
    if not params.dropped or params.rare is None:
        return None
    rows = {"rows": int(params.counts[params.rare]), "of_rows": int(params.counts.sum())}
    return {"values": params.dropped, "of_values": len(params.values) + params.dropped, **rows}


def note(params: Params, column: Column, names: bool = True) -> str | None:
    """What `analyse` dropped, or kept for want of anything more frequent, as a sentence; None for nothing.

    names: whether the sentence names some of the dropped values.
    """
    kept, found = len(params.values), dropped(params)
    head, lost = f"column '{column.name}'", _names(params.lost or [] if names else [])
    if kept and params.least < params.asked:
        which = "all of them" if params.least == 1 else f"those of at least {params.least} rows"
        others = f", the other {found['values']:,} not{lost}" if found else ""
        return (
            f"{head}: none of its {kept + params.dropped:,} values occurs in {params.asked} rows, so {which} "
            f"are reproduced{others}; leave the column out if they tell of single persons"
        )
    if found is None:
        return None
    one = found["values"] == 1
    if kept < LARGEST:
        why, otherwise = f"in fewer than {params.least} rows", "keep them with --keep-rare"
        why = f"occurs {why}" if one else f"occur {why}"
    else:
        why, otherwise = f"beyond the {LARGEST:,} most frequent", 'set its kind to "text" to learn them'
        why = f"is {why}" if one else f"are {why}"
    return (
        f"{head}: {found['values']:,} of {found['of_values']:,} values {why} ({found['rows']:,} of "
        f"{found['of_rows']:,} rows) and {'is' if one else 'are'} not reproduced"
        f"{lost}; {otherwise}"
    )


def _names(lost: list[Any]) -> str:
    """The end of a note that names dropped values: ": 'a', 'b', 'c' and 30 more"."""
    named = ", ".join(repr(plain(value)) for value in lost[:NAMED])
    more = f" and {len(lost) - NAMED:,} more" if len(lost) > NAMED else ""
    return f": {named}{more}" if named else ""


def slots(params: Params, column: Column) -> list[Slot]:
    banned = () if params.rare is None else (params.rare,)
    return [plain_slot(column.name, "", params.counts, banned=banned)]


def encode(params: Params, series: pd.Series, column: Column) -> tuple[Array, Array]:
    """Values that were not seen get the rare token, or the most frequent one where there is no rare token."""
    codes, found = pd.factorize(plain_values(series, column))
    known = {value: token for token, value in enumerate(params.values)}
    unseen = 0 if params.rare is None else params.rare
    missing = -1 if params.missing is None else params.missing
    lookup = np.array([known.get(value, unseen) for value in found] + [missing], dtype=np.int32)
    tokens = lookup[codes][:, None]
    return tokens, np.zeros_like(tokens, dtype=np.int16)


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    values = list(params.values)
    if params.rare is not None:
        values.append(values[0])  # never emitted, but whatever is decoded is valid
    if params.missing is not None:
        values.append(None)
    vocabulary = restore(values, column)
    return vocabulary.take(np.clip(tokens[:, 0], 0, len(values) - 1)).reset_index(drop=True)


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    share = np.zeros((len(params.counts), 1))
    if condition.missing:
        if params.missing is None:
            raise ConditionError(f"no value of column '{column.name}' is missing.")
        share[params.missing] = 1.0
    values = params.values
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
    what, known = f"the value {shown(wanted)} of column '{column.name}'", listed(wanted, params.values)
    lost, least = params.dropped, params.least
    keep = "to have it, learn the table with --keep-rare (in Python: with the column's min_rows at 1)"
    if _spelled(wanted, column) in {_spelled(value, column) for value in params.lost or ()}:
        if len(params.values) >= LARGEST:
            return f"{what} is not among the {LARGEST:,} most frequent, which alone are reproduced: {known}."
        return f"{what} was dropped as rare, as fewer than {least} rows hold it: {keep}."
    if lost and params.lost is None:
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
            f"column '{column.name}' holds categories, for which {condition.text()} is "
            "not a range: name values."
        ) from None


# --- JSON text -----------------------------------------------------------------------------------------


def literals(params: Params, column: Column) -> list[str]:
    found = [literal(value) for value in params.values]
    if params.rare is not None:
        found.append("")
    return found if params.missing is None else [*found, "null"]


def shape(
    params: Params | Asked, column: Column, condition: Condition | None = None, extent: Extent | None = None
) -> JsonSchema:
    if isinstance(params, Asked):
        return asked_shape(params, column.nullable)
    share = None if condition is None else allowed(params, column, condition)
    return choice_shape(literals(params, column), share)


def write(params: Params | Asked, column: Column, series: pd.Series) -> Array:
    """With `Asked`, a value as a string, and one that is not told as null."""
    missing = series.isna().to_numpy(bool)
    if isinstance(params, Asked):
        told = {text: literal(text) for text in params.values}
        return distinct(series.astype(object).map(str), lambda text: told.get(text, "null"), missing)
    return distinct(plain_values(series, column).astype(object), literal, missing)


def read(
    params: Params | Asked,
    column: Column,
    cells: Array,
    rng: np.random.Generator | None = None,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    if isinstance(params, Asked):
        return restore(asked_values(params, cells), column)
    tokens = choice_tokens(literals(params, column), cells)
    return decode(params, column, tokens, tokens, rng or np.random.default_rng(0))


def asked(series: pd.Series, column: Column, label: bool = False) -> Asked | str:
    """No value of fewer rows than the column's `min_rows` (else 5) is told. Where no class of a label has so
    many rows, those of at least 2 are told: something has to be asked for.
    """
    counts = plain_values(series, column).dropna().value_counts()
    wanted = column.min_rows or RARE
    least = max(least_rows(counts.to_numpy(), wanted), min(wanted, 2)) if label else wanted
    kept = counts[counts >= least]
    if not len(kept):
        return (
            f"column '{column.name}': none of its {int((counts > 0).sum()):,} values occurs in {least} rows, "
            "so no prompt shows it, and it is left out; keep it with --keep-rare"
        )
    values = {str(value): value for value in kept.index}
    strings = column.python == "str" or column.dtype.startswith(("str", "arrow[str"))
    is_open = not label and len(values) > LISTED and column.categories is None and strings

    def value(written: Any) -> Any:
        text = str(written)
        if text not in values and not (is_open and text.strip()):
            raise ValueError(text)
        return values[text] if text in values else text.strip()

    names = ", ".join(f'"{name}"' for name in list(values)[: SOME if is_open else LISTED])
    return Asked(
        type="string",
        said=f"such as {names}" if is_open else f"one of {names}",
        value=value,
        values=values,
        listed=not is_open and len(values) <= LISTED,
        note=note(analyse(series, column, RARE), column) if (counts[counts > 0] < least).any() else None,
    )


# --- what was learned ----------------------------------------------------------------------------------


def learned(params: Params, column: Column, values: pd.Series) -> Array:
    found = plain_values(values, column).astype(object).isin(params.values).to_numpy(bool)
    return np.where(found, LEARNED, UNKNOWN)


def choices(params: Params, column: Column, value: object) -> str:
    return listed(value, params.values, "values that were learned")
