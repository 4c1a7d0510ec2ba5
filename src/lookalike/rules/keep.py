"""How the rules of a table are kept: which columns are derived, and what is modelled instead."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.codecs import CODECS
from lookalike.codec.record import RecordCodec
from lookalike.codec.slot import Array
from lookalike.rules import fitting, steps
from lookalike.rules.back import back
from lookalike.rules.choose import chosen
from lookalike.rules.stamps import real_codes, stamped
from lookalike.rules.steps import Step
from lookalike.rules.values import Values
from lookalike.table.column import Column
from lookalike.table.inferring import describe
from lookalike.table.repeats import RARE
from lookalike.table.rule import Function, Rule
from lookalike.table.schema import Schema

MOST_RARE = 0.2  # of the rows, at most so many have a key of few rows
BLOCKS = 90  # columns that are added to a table one by one before it is made whole again


@dataclass
class Plan:
    """How the rules of a table are kept.

    schema: of the table. steps: in an order in which every column is made before it is needed. codec: of the
    columns that are modelled.
    """

    schema: Schema
    steps: list[Step]
    codec: RecordCodec

    def __post_init__(self) -> None:
        self.codec.hiders = fitting.hiders(self.steps)

    @classmethod
    def fit(
        cls, table: pd.DataFrame, codec: RecordCodec, rules: Sequence[Rule], rare: int = RARE
    ) -> Plan | None:
        """The plan for the rules of a table; None where nothing is to be kept.

        codec: of the table as it is. rare: values of fewer rows are not reproduced.
        """
        schema = codec.schema
        values = Values(table.reset_index(drop=True), schema)
        own = fitting.linked([fitting.fitted(one, values) for one in chosen(list(rules), values)])
        if not own:
            return None
        return cls(schema, own, _inner_codec(own, values, codec, rare))

    def forward(self, table: pd.DataFrame) -> pd.DataFrame:
        """A table -> what is modelled of it. What is made of columns that the table lacks is left out."""
        values = Values(table.reset_index(drop=True), self.schema)
        found = _forward(self.steps, values)
        return pd.DataFrame(
            {name: found[name] for name in self.codec.schema.kept if name in found},
            index=pd.RangeIndex(len(table)),
        )

    def back(
        self,
        inner: pd.DataFrame,
        rng: np.random.Generator,
        held: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
        fresh: bool = False,
    ) -> pd.DataFrame:
        """What was modelled -> the table, with the exact dtypes of its schema.

        held: puts the cells that are given into the columns that are made so far: what follows from them
        follows from what was given. fresh: as of `back`.
        """
        inner = inner.reset_index(drop=True)
        treated = fitting.treated(self.steps)
        made = inner[[n for n in self.schema.kept if n not in treated and n in inner.columns]].copy()
        values, whole = Values(made, self.schema), len(made.columns)
        for one in self.steps:
            if one.way == "stamp":  # once all is made
                continue
            own = pd.DataFrame(back(one, inner, values, rng, fresh))
            own = own if held is None else held(own)
            for name in own.columns:
                made[name] = own[name]
            if len(made.columns) > whole + BLOCKS:  # a table of many pieces is slow, and pandas warns of it
                made = values.table = made.copy()
                whole = len(made.columns)
            if one.way in steps.LIFTS:
                values = Values(made, self.schema)
        return made[[name for name in self.schema.kept if name in made.columns]]

    def stamped(
        self, table: pd.DataFrame, rng: np.random.Generator, held: Collection[Any] = ()
    ) -> pd.DataFrame:
        """The table, all of which is made, with codes whose parts are what other columns say. held: names of
        the columns that stay as they are.
        """
        for one in self.steps:
            if one.way == "stamp" and one.columns[0] not in held and len(table):
                taken = real_codes(self.codec.params_of(one.columns[0]))
                table = table.assign(**{one.columns[0]: stamped(one, Values(table, self.schema), rng, taken)})
        return table

    def step_of(self, name: Any) -> Step | None:
        """The step that makes a column of the table; None for one that is modelled as it is."""
        ways = ("solve", "stamp")
        return next((one for one in self.steps if name in one.columns and one.way not in ways), None)

    def solving(self, name: Any) -> Step | None:
        """The step that solves a formula for a column; None for one that nothing moves."""
        return next((one for one in self.steps if name in one.columns and one.way == "solve"), None)

    def slack(self, name: Any) -> float:
        """How far a number that a part is solved for may move, so that the part keeps its digits."""
        found = [one.solved.slack for one in self.steps if one.solved and one.rule.columns[0] == name]
        return found[0] if found else 0.0

    def to_dict(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """(JSON values, arrays by name); `from_dict` reads both."""
        codec, arrays = self.codec.to_dict()
        facts = {"steps": [one.to_dict() for one in self.steps], "codec": codec}
        return facts, {f"rules.{name}": array for name, array in arrays.items()}

    @classmethod
    def from_dict(cls, facts: dict[str, Any], arrays: dict[str, Array], schema: Schema) -> Plan:
        """Reads `to_dict`. Raises KeyError, TypeError or ValueError for what is damaged."""
        own = {k.removeprefix("rules."): v for k, v in arrays.items() if k.startswith("rules.")}
        codec = RecordCodec.from_dict(facts["codec"], own)
        return cls(schema, [Step.from_dict(one) for one in facts["steps"]], codec)


def _forward(own: list[Step], values: Values) -> dict[Any, pd.Series]:
    """Column of what is modelled -> its cells; only those whose columns the table has."""
    treated = fitting.treated(own)
    found = {name: values.table[name] for name in values.table.columns if name not in treated}
    for one in own:
        if all(name in values.table.columns for name in (*one.columns, *one.parents)):
            found |= steps.forward(one, values)
    return found


def _inner_codec(found: list[Step], values: Values, codec: RecordCodec, rare: int) -> RecordCodec:
    """The codec of what is modelled; what is modelled as it is has the params of the table's own codec."""
    schema = codec.schema
    columns = {column.name: column for column in schema.columns}
    table = _forward(found, values)
    first = {one.columns[0]: one for one in found if one.way not in steps.LIFTS}
    treated = fitting.treated(found)
    keys = {
        one.parents[0]
        for one in found
        if one.way == "lookup"
        and not (isinstance(one.rule, Function) and (one.rule.cuts or one.rule.than is not None))
    }
    inner: list[Column] = []
    params: list[Any] = []
    for column in schema.columns:
        if column.name not in treated:
            own = _as_key(column, table.get(column.name), rare) if column.name in keys else column
            inner.append(own)
            params.append(
                codec.params_of(column.name)
                if own is column
                else CODECS["category"].analyse(table[column.name], own, rare)
            )
        for own in fitting.modelled(first[column.name], values, columns) if column.name in first else []:
            cells = table[own.name]
            visible = cells[cells.notna()]
            if own.name not in columns:
                if own.is_number:
                    visible = visible.astype(own.dtype)
                describe(visible, own)
            shared = own.is_textual or own.is_made or first[column.name].way in steps.AS_DRAWN
            inner.append(own)
            params.append(
                codec.params_of(own.name)
                if shared
                else CODECS[own.kind].analyse(visible.reset_index(drop=True), own, rare)
            )
    return RecordCodec._of(Schema(inner, schema.rows, schema.missing), params)


def _as_key(column: Column, cells: pd.Series | None, rare: int) -> Column:
    """A number that others are looked up by is modelled as a category, so that no new value is drawn."""
    if not column.is_number or cells is None:
        return column
    sizes = cells.value_counts()
    few = sizes[sizes < (column.min_rows or rare)].sum()
    fits = len(sizes) <= 1000 and few <= MOST_RARE * max(len(cells), 1)
    return replace(column, kind="category") if fits else column
