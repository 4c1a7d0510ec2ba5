"""What is modelled in place of the columns of a rule, and how they are put together again.

Every step treats some columns of the table. *Forward* it gives the columns that are modelled instead, in
which cells that say nothing are empty: the model skips them. *Back* it makes the columns of the table. A row
that breaks its rule keeps its own value: a *flag* says which rows those are.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array
from lookalike.codec.ticks import dates, numbers
from lookalike.rules.codes import is_of_code
from lookalike.rules.holds import (
    APART,
    EMPTY,
    agree,
    combined,
    computed,
    empty,
    joined,
    keys_in,
    said_empty,
    texts_of,
)
from lookalike.rules.narrow import Solved
from lookalike.rules.values import Values, rounded, step
from lookalike.table import kinds
from lookalike.table.column import Column
from lookalike.table.missing import hide, masked
from lookalike.table.rule import EmptyWhen, Function, Joined, Order, Rule, Trait, from_dict, to_dict
from lookalike.table.rule_formulas import Linear

RULE, OWN, MISSING = "rule", "own", "missing"  # values of a flag: as the rule says, a value of its own, empty
AS_DRAWN = ("clamp", "choice", "unlike", "trait")  # ways of a column that is modelled as it is
LIFTS = ("lift", "solve", "stamp")  # ways that change what is drawn as it is, or is made by another step
SORTS = {"gap": ["flag", "gap", "below"], "formula": ["flag", "form"], "group": ["group"]}  # of names, by way
SORTS |= {way: [] for way in (*AS_DRAWN, *LIFTS)}


@dataclass
class Step:
    """One rule as it is kept; several orders of one column are one step.

    way: formula, text, lookup, gap, clamp, lift, solve, stamp, choice, unlike, trait, group, together or
    when. A clamp is drawn as it is and moved where it is out of its bounds; a lift does so to a column that
    another step has made, and a *solve* moves a part of a formula so that this comes to the number that was
    drawn; a *stamp* puts parts into codes once these are made afresh (stamps.py); a choice, a trait, or what
    is *unlike* its parents, is drawn as it is and replaced where it does not go with them. columns: those of
    the table that it makes. parents: those that it makes them of. names: of the columns that are modelled:
    "flag", "gap", "below" (a gap of rows that break the order), "form" (which format, or which exception),
    "group". states: values of the flag, which has a column where there are two or more. own: whether the
    column itself is modelled, for the rows that break the rule and those of which it says nothing. table: of
    a lookup, key -> value; of a part of a code, its text -> value, where it has to be one of some; of a
    group, text -> values; of a choice, parent -> value, several; of what is unlike, value -> rows; of a
    formula, the forms where there are several. ends: of a gap, of signs, of a number that is a part of a
    code, or of what is solved, between which its column is, as of `values.as_floats`; () for anywhere. goes:
    (number of a rule of traits and text of its parent, trait, share). aimed: of a formula, whether its number
    is modelled, too, and a part is solved for it; solved: of a solve, how.
    """

    way: str
    rules: list[Rule]
    columns: list[Any]
    parents: list[Any]
    names: dict[str, str] = field(default_factory=dict)
    states: list[str] = field(default_factory=lambda: [RULE])
    own: bool = False
    table: list[tuple[Any, Any]] = field(default_factory=list)
    ends: tuple[float, ...] = ()
    goes: list[tuple[str, int, float]] = field(default_factory=list)
    aimed: bool = False
    solved: Solved | None = None

    @property
    def rule(self) -> Rule:
        return self.rules[0]

    @property
    def lows(self) -> list[Any]:
        """The columns that this one is never below."""
        return [rule.low for rule in self.orders if rule.high == self.columns[0]]

    @property
    def highs(self) -> list[Any]:
        """The columns that this one is never above."""
        return [rule.high for rule in self.orders if rule.low == self.columns[0]]

    @property
    def orders(self) -> list[Order]:
        return [rule for rule in self.rules if isinstance(rule, Order)]

    @property
    def traits(self) -> list[tuple[Trait, dict[str, dict[int, float]]]]:
        """Each rule of traits, and what it says: value of the category -> trait -> its share."""
        rules = [rule for rule in self.rules if isinstance(rule, Trait)]
        found: list[dict[str, dict[int, float]]] = [{} for _ in rules]
        for text, trait, share in self.goes:
            at, _, key = text.partition(APART)
            found[int(at)].setdefault(key, {})[trait] = share
        return [*zip(rules, found, strict=True)]

    @property
    def emptied(self) -> EmptyWhen | None:
        """What tells where a number that follows from others is empty."""
        return next((rule for rule in self.rules[1:] if isinstance(rule, EmptyWhen)), None)

    @property
    def flag(self) -> str | None:
        """The name of the flag, None where there is none; of a solve, that of its formula."""
        return self.names["flag"] if len(self.states) > 1 else None

    @property
    def modelled(self) -> list[Any]:
        """Its columns that are modelled themselves, beside others or in place of them."""
        return self.columns if self.own or self.aimed else []

    def to_dict(self) -> dict[str, Any]:
        facts = {"way": self.way, "names": self.names, "states": self.states, "own": self.own}
        facts |= {"columns": self.columns, "parents": self.parents, "ends": [*self.ends]}
        table = [[kinds.to_json(key), kinds.to_json(value)] for key, value in self.table]
        facts |= {"goes": [[*one] for one in self.goes], "aimed": self.aimed}
        facts |= {"solved": None if self.solved is None else asdict(self.solved)}
        return facts | {"rules": [to_dict(rule) for rule in self.rules], "table": table}

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Step:
        table = [(kinds.from_json(key), kinds.from_json(value)) for key, value in facts["table"]]
        rules, ends = [from_dict(rule) for rule in facts["rules"]], tuple(facts.get("ends", ()))
        goes = [(str(text), int(trait), float(share)) for text, trait, share in facts.get("goes", ())]
        solved = Solved.of(facts["solved"]) if facts.get("solved") else None
        read = {"rules": rules, "table": table, "ends": ends, "goes": goes, "solved": solved}
        return cls(**{**facts, **read})


def named(step_: Step, names: list[Any]) -> Step:
    """The step with names of its own for what it models. names: those that are taken."""
    wanted = SORTS.get(step_.way, ["flag"])
    for sort in wanted:
        name = f"{step_.columns[0]} ({sort})"
        while name in names:
            name += "'"
        names.append(name)
        step_.names[sort] = name
    return step_


# --- forward -------------------------------------------------------------------------------------------


def forward(own: Step, values: Values) -> dict[Any, pd.Series]:
    """The columns that are modelled in place of the step's; nothing that says nothing is in them."""
    if own.way == "group":
        return {own.names["group"]: _text(combined(tuple(own.columns), values))}
    if own.way in LIFTS:
        return {}
    if own.way in AS_DRAWN:
        return {own.columns[0]: values.table[own.columns[0]]}
    state, unknown, gap = states(own, values)
    state = np.where(np.isin(state, own.states), state, own.states[0])
    found: dict[Any, pd.Series] = {}
    if own.flag:
        found[own.flag] = _text(state)
    if own.way in ("together", "when"):
        for name in own.columns:
            gone = _emptied(own, name, values)
            found[name] = hide(values.table[name], pd.Series(gone, index=values.table.index))
        return found
    if gap is not None:
        shown = np.where(state == RULE, gap, np.nan)
        found[own.names["gap"]] = pd.Series(shown, index=values.table.index)
        if OWN in own.states:
            below = np.where(state == OWN, -gap, np.nan)
            found[own.names["below"]] = pd.Series(below, index=values.table.index)
    if own.table and own.way == "formula":
        found[own.names["form"]] = pd.Series(forms(own.columns[0], values), index=values.table.index)
    for name in own.modelled:
        found[name] = values.table[name]
        # own values are drawn in all rows: in those of the rule, too, what is drawn next has to go with them
        if own.way == "gap" or (own.way == "text" and not is_of_code(own.rule)):
            hidden = ~unknown if own.way == "gap" else (state != OWN) & ~unknown
            found[name] = hide(found[name], pd.Series(hidden, index=values.table.index))
    return found


def _text(texts: Array) -> pd.Series:
    return pd.Series(texts, dtype=object)


def forms(name: Any, values: Values) -> Array:
    """(rows,) str: the number of the format of each cell, "=" and its number for an exception; None where it
    is missing.
    """
    column, cells, marks = _marked(name, values)
    which = (numbers if column.is_number else dates).formats_of(cells, column)
    found = np.array([str(max(one, 0)) for one in which], dtype=object)
    odd = marks >= numbers.EXCEPTION
    found[odd] = [f"={one - numbers.EXCEPTION}" for one in marks[odd]]
    found[values.missing(name)] = None
    return found


def _marked(name: Any, values: Values) -> tuple[Column, pd.Series, Array]:
    """A column of numbers or dates, its cells, and their marks, as `codec.ticks` has them."""
    column = values.column(name)
    cells = masked(values.table, column, values.schema)
    return column, cells, np.asarray((numbers if column.is_number else dates).to_ticks(cells, column)[1])


def _emptied(own: Step, name: Any, values: Values) -> Array:
    return empty(own.rule, values) if isinstance(own.rule, EmptyWhen) else values.missing(name)


def states(own: Step, values: Values) -> tuple[Array, Array, Array | None]:
    """(rows,) RULE, OWN or MISSING; (rows,) bool where the rule says nothing, as a part of it is unknown; of
    a gap, its (rows,) size, too.
    """
    name, nowhere = own.columns[0], np.zeros(values.rows, dtype=bool)
    if own.way == "together":
        gone = np.stack([values.missing(one) for one in own.columns])
        if own.parents:  # "-" is then what the parent is not
            gone = gone != values.missing(own.parents[0])
        state = np.array(["".join("-" if one else "+" for one in row) for row in gone.T], dtype=object)
        return state, nowhere, None
    rule = own.rule
    if isinstance(rule, EmptyWhen):
        kept = empty(rule, values) == said_empty(rule, values)
        return np.where(kept, RULE, OWN).astype(object), nowhere, None
    gone, gap = values.missing(name), None
    if own.way == "gap":
        floor = floors(own, values)
        gap = gaps(floats(values, name), floor, values.column(name))
        unknown = np.isnan(floor)
        kept = np.nan_to_num(gap, nan=-1.0) >= (least(own, values.column(name)))
    elif own.way == "formula":
        said = computed(rule, values)  # type: ignore[arg-type]
        unknown, kept = np.isnan(said), agree(rule, values, said, values)  # type: ignore[arg-type]
        if values.column(name).exceptions:
            kept |= _marked(name, values)[2] >= numbers.EXCEPTION
        if own.emptied is not None:
            kept |= gone & said_empty(own.emptied, values)
            unknown &= ~(gone & said_empty(own.emptied, values))
    else:
        texts, unknown = said_texts(own, values)
        real = texts_of(rule, values) if isinstance(rule, Joined) else values.texts(name)
        kept = texts == np.where(gone, EMPTY, real)
    state = np.where(kept | unknown, RULE, OWN).astype(object)
    state[gone & (unknown | ~kept)] = MISSING
    return state, unknown, gap


def least(own: Step, column: Column) -> float:
    """The smallest gap that keeps the orders."""
    strict = any(isinstance(rule, Order) and rule.strict for rule in own.rules)
    return (1.0 if step(column) else np.finfo(float).tiny) if strict else 0.0


def floors(own: Step, values: Values) -> Array:
    """(rows,) float64: the largest number that this one is never below; nan where none is known."""
    lows = [floats(values, rule.low) + rule.distance for rule in own.orders if rule.high == own.columns[0]]
    return rounded(_largest(lows), values.column(own.columns[0]), "up")


def ceilings(own: Step, values: Values) -> Array:
    """(rows,) float64: the smallest number that this one is never above; nan where none is known."""
    highs = [rule.distance - floats(values, rule.high) for rule in own.orders if rule.low == own.columns[0]]
    least_of = -_largest(highs)
    return rounded(least_of, values.column(own.columns[0]), "down")


def room(own: Step, values: Values) -> Array:
    """(rows,) float64: what the parts of a sum before this one leave of it; nan where one is unknown."""
    found = np.full(values.rows, np.nan)
    for rule in own.rules:
        if isinstance(rule, Linear) and own.columns[0] in dict(rule.of):  # else it is the sum itself
            parts = [(name, factor) for name, factor in rule.of if name in own.parents]
            left = rule.constant + sum(factor * floats(values, name) for name, factor in parts)
            found = left / -dict(rule.of)[own.columns[0]]
    return rounded(found, values.column(own.columns[0]), "down")


def _largest(numbers: list[Array]) -> Array:
    found = np.nan_to_num(np.stack(numbers), nan=-np.inf).max(0)
    return np.where(np.isinf(found), np.nan, found)


def floats(values: Values, name: Any) -> Array:
    found = values.numbers(name)
    return np.full(values.rows, np.nan) if found is None else found


def gaps(high: Array, floor: Array, column: Column) -> Array:
    """(rows,) float64: how far a number is above its floor, in ticks."""
    size = step(column)
    return high - floor if size is None else np.rint((high - floor) / size)


def said_texts(own: Step, values: Values) -> tuple[Array, Array]:
    """(rows,) str: what a lookup, a copy or a joined text says, EMPTY for nothing; and where it says nothing
    because a part is unknown.
    """
    if own.way == "text":
        rule = own.rule
        texts = joined(rule, values) if isinstance(rule, Joined) else values.texts(own.parents[0])
        if own.ends:
            low, high = own.ends
            inside = [one is not None and low <= int(one) <= high for one in texts]
            texts = pd.Series(texts, dtype=object).where(inside, None).to_numpy()
        elif own.table:
            texts = pd.Series(texts, dtype=object)
            texts = texts.where(texts.isin([str(key) for key, _ in own.table]), None).to_numpy()
        return texts, np.array([one is None for one in texts], dtype=bool)
    known = {str(key): EMPTY if value is None else str(value) for key, value in own.table}
    codes, found = (
        keys_in(own.rule, values) if isinstance(own.rule, Function) else values.codes(own.parents[0])
    )
    said = np.array([*(known.get(str(key)) for key in found), None], dtype=object)[codes]
    return said, np.array([one is None for one in said], dtype=bool)
