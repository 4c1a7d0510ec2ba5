"""Rules between the columns of a table: one dataclass a sort of rule, in words and as JSON.

What a rule means for the rows of a table is in `rules/`.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from lookalike.errors import SchemaError
from lookalike.table import kinds

PARTS = (
    *("year", "quarter", "month", "week", "day", "weekday", "weekday from Sunday", "day of year"),
    *("hour", "minute", "second", "year of its week", "year and week"),
    *("seconds since 1970", "milliseconds since 1970"),
    *("date", "first of week", "first of month", "first of quarter", "last of month", "time"),
)
WRITTEN = {"Aa": "weekday", "Bb": "month", "q": "quarter", "Yy": "year"}  # directives of dates in words
OF_CODES = r"first \d+ letters of|part \d+ of|first run of"  # ways of a part of a code
ROUNDINGS = ("nearest", "as floats", "half up", "down", "up")
TRAITS = ("sign", "format")  # of a number: below, above or at 0; which of the column's formats it has
TRANSFORMS = ("log", "log10", "log2", "square", "cube", "root", "reciprocal")  # functions of a number
ZEROS = ", empty as 0"
COMPARED = (">", ">=", "sign")  # of two numbers or dates: what of them tells a value
MONTH_ENDS = {  # of `Term`: which day of a month is meant, and how that is said
    "": "",
    "kept": ", last days kept",
    "last": ", last of month",
    "over": ", days over",
}
UNITS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0, "days": 86400.0, "weeks": 604800.0}


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
        added = _added(self.apart, self.unit)
        said = f"{quoted(self.high)} {'>' if self.strict else '>='} {quoted(self.low)}"
        return said + added if self.apart else said


@dataclass(frozen=True)
class Linear:
    """column = (sum of factor x value + constant) / divisor, rounded to the column's last decimal.

    of: (name, factor) of each part. Dates count in seconds, so that hours between two dates have the divisor
    3600. rounding: one of `ROUNDINGS`. zeros: whether empty parts count as 0, where not all are empty. least,
    most: what is below or above them is at them, as hours beyond 40 are never below 0; None for no end.
    """

    column: Any
    of: tuple[tuple[Any, float], ...]
    constant: float = 0.0
    divisor: float = 1.0
    rounding: str = "nearest"
    zeros: bool = False
    least: float | None = None
    most: float | None = None
    support: float = field(default=1.0, compare=False)

    @property
    def columns(self) -> tuple[Any, ...]:
        return (self.column, *(name for name, _ in self.of))

    @property
    def clipped(self) -> bool:
        """Whether it has an end, so that the column does not tell a part by the others."""
        return self.least is not None or self.most is not None

    @property
    def words(self) -> str:
        said = ""
        for name, factor in self.of:
            sign = ("-" if factor < 0 else "") if not said else (" - " if factor < 0 else " + ")
            times = "" if abs(factor) == 1 else f"{abs(factor):.12g} * "
            said += f"{sign}{times}{quoted(name)}"
        if self.constant:
            said += _added(self.constant)
        if self.divisor != 1:
            unit = next((name for name, size in UNITS.items() if size == self.divisor), None)
            said = said if unit or said == quoted(self.of[0][0]) else f"({said})"
            said = f"{said} in {unit}" if unit else f"{said} / {self.divisor:.12g}"
        said = said if self.least is None else f"max({said}, {self.least:.12g})"
        said = said if self.most is None else f"min({said}, {self.most:.12g})"
        return f"{quoted(self.column)} = {said}{_rounded(self)}"


@dataclass(frozen=True)
class Extreme:
    """column = the smallest of others in the row, or the largest: numbers, or dates."""

    column: Any
    of: tuple[Any, ...]
    largest: bool = False
    rounding: str = "nearest"
    support: float = field(default=1.0, compare=False)

    @property
    def columns(self) -> tuple[Any, ...]:
        return (self.column, *self.of)

    @property
    def words(self) -> str:
        said = f"{'max' if self.largest else 'min'}({', '.join(map(quoted, self.of))})"
        return f"{quoted(self.column)} = {said}{_rounded(self)}"


@dataclass(frozen=True)
class Product:
    """column = factor x left [x times] x right + constant, or divided by right, rounded to the column's last
    decimal.

    unit: not 0 where right stands for 1 + right / unit: a tax in percent has the unit 100, a discount that is
    a share of 1 the unit -1. square: whether right counts twice. times: a third column, such as a quantity;
    None for none. zeros: as in `Linear`.
    """

    column: Any
    left: Any
    right: Any
    divide: bool = False
    rounding: str = "nearest"
    factor: float = 1.0
    unit: float = 0.0
    square: bool = False
    times: Any = None
    constant: float = 0.0
    zeros: bool = False
    support: float = field(default=1.0, compare=False)

    @property
    def columns(self) -> tuple[Any, ...]:
        third = () if self.times is None else (self.times,)
        return (self.column, self.left, self.right, *third)

    @property
    def words(self) -> str:
        right, size, constant = quoted(self.right), f"{abs(self.constant):.12g}", self.constant
        if self.unit:
            by = "" if abs(self.unit) == 1 else f" / {abs(self.unit):.12g}"
            right = f"(1 {'-' if self.unit < 0 else '+'} {right}{by})"
        parts = [quoted(one) for one in (self.left, self.times) if one is not None]
        if abs(self.factor) != 1:
            parts.insert(0, f"{abs(self.factor):.12g}")
        sign = " / " if self.divide else " * "
        said = " * ".join(parts) + (1 + self.square) * (sign + right)
        if self.factor < 0:  # a negative part stands behind the number that it is taken off
            said = f"{'-' if constant < 0 else ''}{size} - {said}" if constant else f"-{said}"
        elif constant:
            said += f" {'-' if constant < 0 else '+'} {size}"
        return f"{quoted(self.column)} = {said}{_rounded(self)}"


@dataclass(frozen=True)
class _Told:
    """A rule on a column by another one."""

    column: Any
    of: Any

    @property
    def columns(self) -> tuple[Any, ...]:
        return (self.column, self.of)


@dataclass(frozen=True)
class Transform(_Told):
    """column = factor x function(of + shift), rounded to the column's last decimal. function: one of
    `TRANSFORMS`; log is the natural one, and root that of a square.
    """

    function: str
    shift: float = 0.0
    factor: float = 1.0
    rounding: str = "nearest"
    support: float = field(default=1.0, compare=False)

    @property
    def words(self) -> str:
        shift = _added(self.shift) if self.shift else ""
        times = "" if self.factor == 1 else f"{self.factor:.12g} * "
        return f"{quoted(self.column)} = {times}{self.function}({quoted(self.of)}{shift}){_rounded(self)}"


@dataclass(frozen=True)
class Copy(_Told):
    """Both columns hold the same value."""

    support: float = field(default=1.0, compare=False)

    @property
    def words(self) -> str:
        return f"{quoted(self.column)} = {quoted(self.of)}"


@dataclass(frozen=True)
class Part(_Told):
    """column is a part, one of `PARTS`, of a date; a week's first day counts from `first`.

    shift: months that are added to the date before, where a year begins in another month than January.
    """

    part: str
    first: int = 0
    shift: int = 0
    support: float = field(default=1.0, compare=False)

    @property
    def words(self) -> str:
        first = f", from {self.first}" if self.first else ""
        return f"{quoted(self.column)} = {self.part} of {_shifted(self.of, self.shift)}{first}"


@dataclass(frozen=True)
class Term:
    """column = a date + so many months or years (or units of `UNITS`) + so many days.

    by: the column that holds how many; None for `apart`, a whole number, in all rows. ends: one of
    `MONTH_ENDS`: where a month is too short, its last day (""), or as many days into the next one ("over");
    the last day of each month ("last"); the last day where the date is one ("kept").
    """

    column: Any
    of: Any
    by: Any = None
    unit: str = "months"
    apart: int = 0
    days: int = 0
    ends: str = ""
    support: float = field(default=1.0, compare=False)

    @property
    def columns(self) -> tuple[Any, ...]:
        return (self.column, self.of) if self.by is None else (self.column, self.of, self.by)

    @property
    def words(self) -> str:
        many = _added(self.apart, self.unit) if self.by is None else f" + {quoted(self.by)} {self.unit}"
        days = _added(self.days, "days") if self.days else ""
        return f"{quoted(self.column)} = {quoted(self.of)}{many}{days}{MONTH_ENDS[self.ends]}"


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
class Function(_Told):
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
            added = _added(self.apart, self.unit)
            both = (quoted(self.of), f"{times}{quoted(self.than)}{added if self.apart else ''}")
            said = (
                f"sign of {' - '.join(both)}" if self.compared == "sign" else f" {self.compared} ".join(both)
            )
            return f"{said} -> {quoted(self.column)}"
        part = f"{self.part.removesuffix(' of')} of " if self.part else ""
        cut = f" cut at {', '.join(f'{one:.12g}' for one in self.cuts)}" if self.cuts else ""
        return f"{part}{_shifted(self.of, self.shift)}{cut} -> {quoted(self.column)}"


@dataclass(frozen=True)
class Within(_Told):
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
class Trait(_Told):
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
class EmptyWhen(_Told):
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


def _shifted(name: Any, months: int) -> str:
    """A date, and the months that are added to it."""
    return quoted(name) + (_added(months, "months") if months else "")


def _added(number: float, unit: str = "") -> str:
    """What is added, or taken off, as it stands behind a column: ` + 15 minutes`, ` - 1`."""
    return f" {'-' if number < 0 else '+'} {abs(number):.12g} {unit}".rstrip()


def _rounded(rule: Linear | Extreme | Product | Transform) -> str:
    """How a formula is rounded, as it ends, where it is not to the nearest; and what its empty parts are."""
    rounding = "" if rule.rounding in ROUNDINGS[:2] else f", rounded {rule.rounding}"
    return rounding + (ZEROS if getattr(rule, "zeros", False) else "")


def quoted(name: Any) -> str:
    """A name as it stands in a rule: in quotes where it is more than letters, digits, _ and -."""
    text = str(name)
    return text if text.replace("_", "a").replace("-", "a").isalnum() else f"'{text}'"


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
