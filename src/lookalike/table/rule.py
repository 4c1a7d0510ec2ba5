"""Rules between the columns of a table: one dataclass a sort of rule, in words and as JSON.

What a rule means for the rows of a table is in `rules/`.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from lookalike.errors import SchemaError
from lookalike.table import kinds
from lookalike.table.rule_formulas import (
    UNITS,
    Extreme,
    Linear,
    Part,
    Product,
    Term,
    Told,
    Transform,
    added,
    earlier_product,
    quoted,
    shifted,
)

WRITTEN = {"Aa": "weekday", "Bb": "month", "q": "quarter", "Yy": "year"}  # directives of dates in words
OF_CODES = r"first \d+ letters of|part \d+ of|first run of"  # ways of a part of a code
TRAITS = ("sign", "format")  # of a number: below, above or at 0; which of the column's formats it has
COMPARED = (">", ">=", "sign")  # of two numbers or dates: what of them tells a value


@dataclass(frozen=True)
class Order:
    """low + apart <= high, or low + apart < high where it is strict: numbers, or dates.

    unit: of `apart`, one of `UNITS` for dates, "" for numbers.
    """

    low: Any
    high: Any
    strict: bool = False
    apart: float = 0.0
    unit: str = ""
    support: float = field(default=1.0, compare=False)

    @property
    def distance(self) -> float:
        """What is added to the lower one: a number, or seconds."""
        return self.apart * UNITS.get(self.unit, 1.0)

    @property
    def columns(self) -> tuple[Any, ...]:
        return (self.low, self.high)

    @property
    def words(self) -> str:
        apart = added(self.apart, self.unit) if self.apart else ""
        return f"{quoted(self.high)} {'>' if self.strict else '>='} {quoted(self.low)}{apart}"


@dataclass(frozen=True)
class Copy(Told):
    """Both columns hold the same value."""

    support: float = field(default=1.0, compare=False)

    @property
    def words(self) -> str:
        return f"{quoted(self.column)} = {quoted(self.of)}"


@dataclass(frozen=True)
class Joined:
    """column is a text made of others. template: its parts, ("text", ", ") or (way, name) of a column; a way
    with a % is the format of a date.
    """

    column: Any
    template: tuple[tuple[str, Any], ...]
    support: float = field(default=1.0, compare=False)

    @property
    def columns(self) -> tuple[Any, ...]:
        return (self.column, *dict.fromkeys(own for way, own in self.template if way != "text"))

    @property
    def words(self) -> str:
        said = [f'"{own}"' if way == "text" else _way(way, own) for way, own in self.template]
        return f"{quoted(self.column)} = {' & '.join(said)}"


@dataclass(frozen=True)
class Function(Told):
    """The value of one column tells that of the other. part: where it is not "", that part of a date does, or
    of a code, by a way of `OF_CODES`;
    shift: as in `Part`. cuts: where there are any, the range between them that a number is in does; a cut
    belongs to the range above it. than: where it is not None, how `of` compares with that column does.
    compared: one of `COMPARED`: whether it is larger, or not smaller, or which of them is larger.
    factor, apart, unit: that column is multiplied by the factor, and so much is added, as in `Order`.
    """

    part: str = ""
    shift: int = 0
    cuts: tuple[float, ...] = ()
    than: Any = None
    compared: str = ">"
    factor: float = 1.0
    apart: float = 0.0
    unit: str = ""
    support: float = field(default=1.0, compare=False)

    @property
    def distance(self) -> float:
        """What is added to the column that it is compared with: a number, or seconds."""
        return self.apart * UNITS.get(self.unit, 1.0)

    @property
    def columns(self) -> tuple[Any, ...]:
        return (self.column, self.of) if self.than is None else (self.column, self.of, self.than)

    @property
    def words(self) -> str:
        if self.than is not None:
            times = "" if self.factor == 1 else f"{self.factor:.12g} * "
            apart = added(self.apart, self.unit) if self.apart else ""
            both = (quoted(self.of), f"{times}{quoted(self.than)}{apart}")
            said = (
                f"sign of {' - '.join(both)}" if self.compared == "sign" else f" {self.compared} ".join(both)
            )
            return f"{said} -> {quoted(self.column)}"
        part = f"{self.part.removesuffix(' of')} of " if self.part else ""
        cut = f" cut at {', '.join(f'{one:.12g}' for one in self.cuts)}" if self.cuts else ""
        return f"{part}{shifted(self.of, self.shift)}{cut} -> {quoted(self.column)}"


@dataclass(frozen=True)
class Within(Told):
    """A part of the code `column`, which is made afresh, is the other column (same), or goes with it. part:
    a way of `OF_CODES`, such as "part 1 of".
    """

    part: str
    same: bool = False
    support: float = field(default=1.0, compare=False)

    @property
    def words(self) -> str:
        part = f"{self.part} {quoted(self.column)}"
        return f"{part} = {quoted(self.of)}" if self.same else f"{quoted(self.of)} -> {part}"


@dataclass(frozen=True)
class Trait(Told):
    """The value of a category tells what a number is like. trait: one of `TRAITS`."""

    trait: str
    support: float = field(default=1.0, compare=False)

    @property
    def words(self) -> str:
        return f"{quoted(self.of)} -> {self.trait} of {quoted(self.column)}"


@dataclass(frozen=True)
class Combination:
    """Only combinations of values occur that the table has, each in several rows."""

    columns: tuple[Any, ...]
    support: float = field(default=1.0, compare=False)

    @property
    def words(self) -> str:
        return f"known combinations of {', '.join(map(quoted, self.columns))}"


@dataclass(frozen=True)
class Unlike:
    """Two columns never hold the same value in a row."""

    columns: tuple[Any, Any]
    support: float = field(default=1.0, compare=False)

    @property
    def words(self) -> str:
        return f"{quoted(self.columns[0])} != {quoted(self.columns[1])}"


@dataclass(frozen=True)
class OneOf:
    """Exactly one of the columns holds its value of `on`, such as 1."""

    columns: tuple[Any, ...]
    on: tuple[Any, ...]
    support: float = field(default=1.0, compare=False)

    @property
    def words(self) -> str:
        return f"exactly one of {', '.join(map(quoted, self.columns))}"


@dataclass(frozen=True)
class EmptyTogether:
    """The columns are missing in the same rows. apart: of two columns, exactly one is missing instead."""

    columns: tuple[Any, ...]
    apart: bool = False
    support: float = field(default=1.0, compare=False)

    @property
    def words(self) -> str:
        names = ", ".join(map(quoted, self.columns))
        return f"exactly one of {names} filled" if self.apart else f"{names} empty together"


@dataclass(frozen=True)
class EmptyWhen(Told):
    """column is missing (or holds `value`, such as "?") exactly where `of` holds one of the values."""

    values: tuple[Any, ...]
    value: Any = None
    support: float = field(default=1.0, compare=False)

    @property
    def words(self) -> str:
        what = "empty" if self.value is None else repr(self.value)
        some = " or ".join(repr(value) for value in self.values[:5]) + (
            " ..." if len(self.values) > 5 else ""
        )
        return f"{quoted(self.column)} is {what} exactly when {quoted(self.of)} is {some}"


Rule = (
    Order
    | Linear
    | Extreme
    | Product
    | Transform
    | Copy
    | Part
    | Term
    | Joined
    | Function
    | Trait
    | Within
    | Combination
    | Unlike
    | OneOf
    | EmptyTogether
    | EmptyWhen
)
SORTS: dict[str, type[Any]] = {
    "order": Order,
    "linear": Linear,
    "extreme": Extreme,
    "product": Product,
    "transform": Transform,
    "copy": Copy,
    "part": Part,
    "term": Term,
    "joined": Joined,
    "function": Function,
    "trait": Trait,
    "within": Within,
    "combination": Combination,
    "unlike": Unlike,
    "one of": OneOf,
    "empty together": EmptyTogether,
    "empty when": EmptyWhen,
}


def _way(way: str, name: Any) -> str:
    said = way
    for letters, part in WRITTEN.items():
        if re.fullmatch(rf"%\^?(\{{\w+\}})?[{letters}]", way):
            said = f"{part} of"
    return quoted(name) if way == "as it is" else f"{said} {quoted(name)}"


def shown(rule: Rule) -> str:
    """A rule in words, with the share of the rows that keep it."""
    share = f"{100 * rule.support:.1f}" if rule.support < 0.9995 else "100"
    share = "99.9" if share == "100" and rule.support < 1 else share
    return f"{rule.words}  ({share}% of the rows)"


def to_dict(rule: Rule) -> dict[str, Any]:
    """JSON values only."""
    sort = next(name for name, own in SORTS.items() if type(rule) is own)
    return {"rule": sort, **{name: _plain(value) for name, value in asdict(rule).items()}}


def _plain(value: Any) -> Any:
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else kinds.to_json(value)


def _read(value: Any) -> Any:
    return tuple(_read(one) for one in value) if isinstance(value, list) else kinds.from_json(value)


def from_dict(facts: Any) -> Rule:
    """Reads `to_dict`. Raises SchemaError for anything else."""
    sort = SORTS.get(facts.get("rule", "")) if isinstance(facts, dict) else None
    if sort is None:
        raise SchemaError(f"{facts!r} is not a rule: its sort is one of {', '.join(SORTS)}.")
    own = {name: _read(value) for name, value in facts.items() if name != "rule"}
    if sort is Product and "left" in own:
        own = earlier_product(own)
    if odd := own.keys() - {one.name for one in fields(sort)}:
        raise SchemaError(f"a rule of the sort {facts['rule']!r} has an unknown entry {sorted(odd)[0]!r}.")
    try:
        rule: Rule = sort(**own)
        rule.words  # noqa: B018
    except (TypeError, ValueError):
        raise SchemaError(
            f"{facts!r} is not a whole rule: write it in words, such as 'end >= start'."
        ) from None
    return rule
