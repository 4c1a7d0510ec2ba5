"""Tables that are partly given, to `sample` and `impute`: their known cells, in the learned dtypes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import shown
from lookalike.codec import CODECS, RecordCodec
from lookalike.codec.learned import FAR, LEARNED, OUTSIDE, UNKNOWN
from lookalike.codec.where import listed
from lookalike.errors import ConditionError
from lookalike.table.column import Column
from lookalike.table.dtypes import restore
from lookalike.table.kinds import plain
from lookalike.table.missing import is_missing


@dataclass
class Given:
    """A table that is partly given.

    what: what a sentence calls it. values: column -> its values in the learned dtype, where any is known;
    unknown cells hold just anything. known: column -> (rows,) bool, the cells that are not missing. odd: of
    these, the cells whose values were not learned; unread: of these, those that say nothing to the model.
    """

    what: str
    rows: int
    values: dict[Any, pd.Series] = field(default_factory=dict)
    known: dict[Any, np.ndarray] = field(default_factory=dict)
    odd: dict[Any, np.ndarray] = field(default_factory=dict)
    unread: dict[Any, np.ndarray] = field(default_factory=dict)

    def note(self) -> str | None:
        """A sentence on the values that were not learned, if there are any."""
        columns = [name for name, cells in self.odd.items() if cells.any()]
        if not columns:
            return None
        name, n = columns[0], sum(int(self.odd[name].sum()) for name in columns)
        row = int(self.odd[name].argmax())
        which = ", ".join(f"'{name}'" for name in columns[:3]) + (" ..." if len(columns) > 3 else "")
        return (
            f"{self.what}: values that were not learned are read as rare, as the nearest, or left aside "
            f"({n:,} in {which}, such as {shown(plain(self.values[name].iloc[row]))} in row {row})"
        )

    def rows_at(self, rows: np.ndarray) -> Given:
        """Some of the rows, by number."""
        values = {name: column.iloc[rows].reset_index(drop=True) for name, column in self.values.items()}
        known, odd, unread = (
            {name: cells[rows] for name, cells in own.items()} for own in (self.known, self.odd, self.unread)
        )
        return Given(self.what, len(rows), values, known, odd, unread)

    def kept_in(self, made: pd.DataFrame, kept: Mapping[Any, np.ndarray] | None = None) -> pd.DataFrame:
        """Made rows with the given cells exactly as they are; kept: only these, by column."""
        for name, values in self.values.items():
            own = values.astype(object) if made[name].dtype == object else values
            if kept is None:
                made[name] = own.where(self.known[name], made[name])
            elif name in kept:
                made[name] = own.where(self.known[name] & kept[name], made[name])
        return made


def read_given(
    table: pd.DataFrame,
    codec: RecordCodec,
    where: Collection[Any] = (),
    what: str = "the given table",
    rare: bool = False,
    unknown: bool = False,
) -> Given:
    """A given table, checked.

    where: the columns that have a condition. what: what a sentence calls the table. A value that was not
    learned is an error, as in `where`, but with `rare` not where rows of the learned table may have it, and
    with `unknown` nowhere. Raises ConditionError for what does not fit.
    """
    schema = codec.schema
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise ConditionError(f"{what} has two columns named '{twice[0]}': rename one of them.")
    found = Given(what, len(table))
    for name in table.columns:
        if name not in schema.names:
            raise ConditionError(
                f"{what} has a column '{name}' that the model does not know: drop or rename it, "
                f"{listed(name, schema.names, 'columns')}."
            )
        if schema[name].kind == "drop":
            continue
        if name in where:
            raise ConditionError(f"column '{name}' is both given and in where: leave it out of one of them.")
        known = ~is_missing(table[name], schema.missing).to_numpy(bool)
        found.known[name] = known
        found.odd[name], found.unread[name] = np.zeros((2, len(table)), dtype=bool)
        if known.any():
            rows, column = np.flatnonzero(known), schema[name]
            values = _in_dtype(table[name][known], column, rows, what)
            state = _states(values, codec, column, rare)
            if (state == UNKNOWN).any() and not unknown:
                at = int((state == UNKNOWN).argmax())
                raise _never_learned(values.iloc[at], codec, column, f"row {rows[at]} of {what}")
            found.odd[name][rows], found.unread[name][rows] = state != LEARNED, state == UNKNOWN
            found.values[name] = values.take(np.maximum(known.cumsum() - 1, 0)).reset_index(drop=True)
    return found


def _states(values: pd.Series, codec: RecordCodec, column: Column, rare: bool) -> np.ndarray:
    """What `learned` says; a value that is odd for a row of the learned table is OUTSIDE with `rare` only."""
    params = codec.params_of(column.name)
    state = CODECS[column.kind].learned(params, column, values)
    state[state == FAR] = OUTSIDE if rare else UNKNOWN
    if not rare and column.name in codec.known():  # a choice between a few values
        state[state == OUTSIDE] = UNKNOWN
    if rare and column.is_categorical and params.rare is not None:
        state[state == UNKNOWN] = OUTSIDE  # it has a token for what was too rare to be learned
    return state


def _never_learned(value: Any, codec: RecordCodec, column: Column, where: str) -> ConditionError:
    choices = CODECS[column.kind].choices
    return ConditionError(
        f"{where}: the value {shown(plain(value))} of column '{column.name}' never occurs often enough: "
        f"{choices(codec.params_of(column.name), column, plain(value))}."
    )


def _in_dtype(values: pd.Series, column: Column, rows: np.ndarray, what: str) -> pd.Series:
    """Given values (none missing) in the dtype of a learned column; exactly, or else a ConditionError."""
    dtype = restore([], column).dtype
    letters = column.kind in ("text", "code")
    if values.dtype.kind == "O" and dtype.kind in "iuf" and not letters:
        values = values.infer_objects()
    if values.dtype == dtype and not letters:
        return values
    try:
        if letters:
            cast = values.where(values.map(lambda value: isinstance(value, str))).astype(dtype)
        elif isinstance(dtype, pd.CategoricalDtype):
            values = values.astype(object)
            cast = values.where(values.isin(dtype.categories)).astype(dtype)
        else:  # numpy's bool takes any string for True, nullable booleans do not
            if values.dtype.kind == "c":
                raise TypeError
            cast = values.astype("boolean" if str(dtype) == "bool" else dtype).astype(dtype)
        lost = cast.isna().to_numpy(bool)
        if dtype.kind in "iuMm" and values.dtype.kind in "iufMm":  # fractions and overflows are cut silently
            lost = lost | (cast.astype(object) != values.astype(object)).to_numpy(bool)
    except (ValueError, TypeError, ArithmeticError, NotImplementedError):
        if len(values) == 1:
            cast, lost = values, np.ones(1, dtype=bool)
        else:  # by itself, so that the row that cannot be cast is named
            parts = [_in_dtype(values.iloc[[i]], column, rows[[i]], what) for i in range(len(values))]
            return pd.concat(parts)
    if lost.any():
        at = int(lost.argmax())
        raise ConditionError(
            f"row {rows[at]} of {what}: the value {shown(plain(values.iloc[at]))} of column '{column.name}' "
            f"does not fit its dtype {column.dtype}: give a value that the real column could hold."
        )
    return cast


def patterns_of(held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows of a bool matrix, and which of them every row is."""
    if not held.shape[1]:
        return held[:1], np.zeros(len(held), dtype=np.int64)
    patterns, member = np.unique(held, axis=0, return_inverse=True)
    return patterns, member.reshape(-1)
