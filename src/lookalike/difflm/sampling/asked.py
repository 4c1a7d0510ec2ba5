"""What `DiffLM.sample` is asked for, checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lookalike.arguments import number, shown, whole
from lookalike.codec import RecordCodec
from lookalike.codec.where import as_where, listed
from lookalike.difflm.sampling.drawing import Drawing
from lookalike.difflm.sampling.given import Given, read_given
from lookalike.errors import ConditionError, DataError, OptionError
from lookalike.table import sources

Where = Mapping[Any, Any]


@dataclass
class Asked:
    """n: rows. parts: the conditions of equal shares of them, one after the other. given, like: tables, as
    `DiffLM.sample` has them; strength: how far from `like`. balance: the column whose values have equal
    shares. drawing: how texts are drawn.
    """

    n: int
    parts: list[Where]
    given: pd.DataFrame | None
    like: pd.DataFrame | None
    strength: float
    balance: Any
    drawing: Drawing

    @classmethod
    def of(
        cls,
        codec: RecordCodec,
        n: Any,
        where: Any,
        given: Any,
        like: Any,
        strength: Any,
        balance: Any,
        drawing: Drawing,
    ) -> Asked:
        """Raises ConditionError, DataError and OptionError for what does not fit, as `DiffLM.sample` says."""
        given = None if given is None else sources.table("the given table", given)
        like = None if like is None else sources.table("like", like)
        if given is not None:
            if n is not None and whole("n", n) != len(given):
                raise OptionError(
                    f"n is {shown(n)} but given has {len(given)} rows: leave n out, it follows from given."
                )
            if like is not None or balance is not None:
                raise OptionError(
                    "given cannot be joined with like or balance: the given rows say what they are."
                )
            n = len(given)
        if like is not None and not len(like):
            raise OptionError("like has no rows: give at least one.")
        like = None if like is None else whole_rows(like, codec, "like")
        n = whole("the number of rows", len(like) if n is None and like is not None else n, 1)
        advice = "0 (the rows themselves) to 1 (fresh rows)"
        strength = number("strength", strength, 0, 1, advice)
        conditions = as_where(where, codec.schema, codec.known())
        parts: list[Where] = [conditions]
        if balance is not None:
            parts = [{**conditions, balance: value} for value in classes(codec, balance, conditions)]
        return cls(n, parts, given, like, strength, balance, drawing)

    def held(self, codec: RecordCodec) -> Given | None:
        """The cells that are given, or those of the rows to be varied; None where there are none.

        Raises ConditionError for values that were never learned.
        """
        if self.given is not None:
            return read_given(self.given, codec, self.parts[0])
        return None if self.like is None else read_given(self.like, codec, (), "like", rare=True)


def whole_rows(rows: pd.DataFrame, codec: RecordCodec, what: str) -> pd.DataFrame:
    """The columns of the model of a table that has them all. Raises DataError where one is not there."""
    for name in codec.schema.kept:
        if name not in rows.columns:
            raise DataError(f"{what} has no column '{name}', which the model was fitted on: add it.")
    return rows[[name for name in rows.columns if name in codec.schema.kept]]


def classes(codec: RecordCodec, balance: Any, where: Collection[Any]) -> list[Any]:
    """The values of the column that is to be balanced. Raises ConditionError where it has no classes."""
    known, names = codec.known(), codec.schema.names
    if not isinstance(balance, str | int) or balance not in names:
        raise ConditionError(
            f"there is no column {shown(balance)} to balance: {listed(shown(balance), names, 'columns')}."
        )
    if balance in where:
        raise ConditionError(
            f"column '{balance}' is both balanced and in where: leave it out of one of them."
        )
    if balance not in known:
        raise ConditionError(
            f"column '{balance}' has no classes to balance (it is of the kind "
            f"{codec.schema[balance].kind}): set its kind to category in the schema and fit again."
        )
    return known[balance]
