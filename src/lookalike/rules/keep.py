"""How the rules of a table are kept: which columns are derived, and what is modelled instead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.codecs import CODECS
from lookalike.codec.record import RecordCodec
from lookalike.codec.slot import Array
from lookalike.rules import steps
from lookalike.rules.back import back
from lookalike.rules.holds import FORMULAS
from lookalike.rules.steps import Step
from lookalike.rules.values import Values
from lookalike.table.column import Column
from lookalike.table.inferring import describe
from lookalike.table.kind_groups import MADE, TEXTUAL
from lookalike.table.repeats import RARE
from lookalike.table.rule import (
    Combination,
    Copy,
    EmptyTogether,
    EmptyWhen,
    Function,
    Joined,
    OneOf,
    Order,
    Rule,
)
from lookalike.table.schema import Schema

SPIKES = 1.1  # nats that a gap may tell more than its column
MOST_RARE = 0.2  # of the rows, at most so many have a key of few rows


@dataclass
class Plan:
    """How the rules of a table are kept.

    schema: of the table. steps: in an order in which every column is made before it is needed. codec: of the
    columns that are modelled.
    """

    schema: Schema
    steps: list[Step]
    codec: RecordCodec

    @classmethod
    def fit(
        cls, table: pd.DataFrame, codec: RecordCodec, rules: Sequence[Rule], rare: int = RARE
    ) -> Plan | None:
        """The plan for the rules of a table; None where nothing is to be kept.

        codec: of the table as it is. rare: values of fewer rows are not reproduced.
        """
        schema = codec.schema
        values = Values(table.reset_index(drop=True), schema)
        chosen = [steps.fitted(one, values) for one in _chosen(list(rules), values)]
        if not chosen:
            return None
        inner = _inner_codec(chosen, values, codec, rare)
        return cls(schema, chosen, inner)

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
    ) -> pd.DataFrame:
        """What was modelled -> the table, with the exact dtypes of its schema.

        held: puts the cells that are given into the columns that are made so far: what follows from them
        follows from what was given.
        """
        inner = inner.reset_index(drop=True)
        made = pd.DataFrame(index=pd.RangeIndex(len(inner)))
        values = Values(made, self.schema)
        treated = {name for one in self.steps for name in one.columns}
        for name in self.schema.kept:
            if name not in treated and name in inner.columns:
                made[name] = inner[name]
        for one in self.steps:
            own = pd.DataFrame(back(one, inner, values, rng))
            own = own if held is None else held(own)
            for name in own.columns:
                made[name] = own[name]
        return made[[name for name in self.schema.kept if name in made.columns]]

    def step_of(self, name: Any) -> Step | None:
        """The step that makes a column of the table; None for one that is modelled as it is."""
        return next((one for one in self.steps if name in one.columns), None)

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


def _forward(chosen: list[Step], values: Values) -> dict[Any, pd.Series]:
    """Column of what is modelled -> its cells; only those whose columns the table has."""
    treated = {name for one in chosen for name in one.columns}
    found = {name: values.table[name] for name in values.table.columns if name not in treated}
    for one in chosen:
        if all(name in values.table.columns for name in (*one.columns, *one.parents)):
            found |= steps.forward(one, values)
    return found


def _inner_codec(chosen: list[Step], values: Values, codec: RecordCodec, rare: int) -> RecordCodec:
    """The codec of what is modelled; what is modelled as it is has the params of the table's own codec."""
    schema = codec.schema
    columns = {column.name: column for column in schema.columns}
    table = _forward(chosen, values)
    first = {one.columns[0]: one for one in chosen}
    treated = {name for one in chosen for name in one.columns}
    keys = {one.parents[0] for one in chosen if one.way == "lookup"}
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
        for own in steps.modelled(first[column.name], values, columns) if column.name in first else []:
            cells = table[own.name]
            visible = cells[cells.notna()]
            if own.name not in columns:
                if own.is_number:
                    visible = visible.astype(own.dtype)
                describe(visible, own)
            shared = own.is_textual or own.is_made or first[column.name].way == "clamp"
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


# --- which rules are kept how --------------------------------------------------------------------------


def _chosen(rules: list[Rule], values: Values) -> list[Step]:
    """The steps, each column in one at most, in an order in which parents are made first."""
    kept = set(values.table.columns)
    found: list[Step] = []
    treated: set[Any] = set()
    names = list(values.table.columns)

    def take(own: Step) -> None:
        free = not treated & {*own.columns} and all(name in kept for name in (*own.columns, *own.parents))
        fits = all(one.kind not in (*MADE, "drop", "json", "code") for one in map(values.column, own.columns))
        if free and fits and _sorted([*found, own]) is not None:
            found.append(steps.named(own, names))
            treated.update(own.columns)

    for rule in rules:
        if isinstance(rule, FORMULAS):
            numbers = all(values.numbers(name) is not None for name in rule.columns if name in kept)
            if numbers and _computable(values.column(rule.column)):
                take(Step("formula", [rule], [rule.column], list(rule.columns[1:])))
        elif isinstance(rule, Copy | Joined):
            take(Step("text", [rule], [rule.column], list(rule.columns[1:])))
    for rule in rules:
        if isinstance(rule, OneOf):
            take(Step("group", [rule], list(rule.columns), []))
        elif isinstance(rule, EmptyWhen):
            take(Step("when", [rule], [rule.column], [rule.of]))
        elif isinstance(rule, EmptyTogether):
            plain = [
                n for n in rule.columns if values.column(n).kind not in (*TEXTUAL, *MADE) and n not in treated
            ]
            if len(plain) > 1:
                take(Step("together", [rule], plain, []))
    for rule in rules:
        if isinstance(rule, Function):
            take(Step("lookup", [rule], [rule.column], [rule.of]))
    for rule in rules:
        if isinstance(rule, Combination):
            take(Step("group", [rule], list(rule.columns), []))
    by_high: dict[Any, list[Order]] = {}
    for rule in rules:
        if isinstance(rule, Order) and {rule.low, rule.high} <= kept:
            by_high.setdefault(rule.high, []).append(rule)
    derived = {one.columns[0]: one for one in found if one.way == "formula"}
    for high, orders in by_high.items():
        if high in derived:  # a row that breaks the formula keeps its order
            whole = replace(derived[high], rules=[*derived[high].rules, *orders])
            whole.parents = list(dict.fromkeys([*whole.parents, *whole.lows]))
            changed = [whole if one is derived[high] else one for one in found]
            found = changed if _sorted(changed) is not None else found
            continue
        for own in _order_steps(high, orders, values):
            take(own)
    return _sorted(found) or []


def _computable(column: Column) -> bool:
    """Whether numbers alone tell the cells of a column: none are exceptions, and all have one format."""
    return column.is_number_or_date and len(column.formats) < 2 and not column.exceptions


def _order_steps(high: Any, orders: list[Order], values: Values) -> list[Step]:
    """A step for the orders of one column; where they make a circle with others, for one of them."""
    if any(values.numbers(name) is None for rule in orders for name in rule.columns):
        return []
    if not _computable(values.column(high)):
        return []
    lows = [rule.low for rule in orders]
    way = "clamp" if _spiky(high, lows, values) else "gap"
    whole = Step(way, list(orders), [high], lows)
    return (
        [whole, *(Step(way, [rule], [high], [rule.low]) for rule in orders)] if len(orders) > 1 else [whole]
    )


def _spiky(high: Any, lows: list[Any], values: Values) -> bool:
    """Whether a column has values that many rows share, and its gap has not: prices at 9.99, dates without
    a time.
    """
    probe = Step("gap", [Order(low, high) for low in lows], [high], lows)
    own = values.numbers(high)
    assert own is not None
    gap = steps.gaps(own, steps.floors(probe, values), values.column(high))
    return _entropy(gap) > _entropy(own) + SPIKES


def _entropy(values: Array) -> float:
    """Nats, of values that are not missing."""
    share = np.unique(values[~np.isnan(values)], return_counts=True)[1] / max(len(values), 1)
    return float(-(share * np.log(share)).sum())


def _sorted(found: list[Step]) -> list[Step] | None:
    """The steps, parents first; None where they make a circle."""
    maker = {name: at for at, one in enumerate(found) for name in one.columns}
    done: list[int] = []
    state = [0] * len(found)

    def visit(at: int) -> bool:
        if state[at] == 1:
            return False
        if state[at] == 0:
            state[at] = 1
            if not all(visit(maker[name]) for name in found[at].parents if name in maker):
                return False
            state[at] = 2
            done.append(at)
        return True

    return [found[at] for at in done] if all(visit(at) for at in range(len(found))) else None
