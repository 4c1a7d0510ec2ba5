"""Rules that say a number or date: sums, products, functions, and dates moved by months."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PARTS = (
    *("year", "quarter", "month", "week", "day", "weekday", "weekday from Sunday", "day of year"),
    *("hour", "minute", "second", "year of its week", "year and week"),
    *("seconds since 1970", "milliseconds since 1970"),
    *("date", "first of week", "first of month", "first of quarter", "last of month", "time"),
)


ROUNDINGS = ("nearest", "as floats", "half up", "down", "up")


TRANSFORMS = ("log", "log10", "log2", "square", "cube", "root", "reciprocal")  # functions of a number


ZEROS = ", empty as 0"


MONTH_ENDS = {  # of `Term`: which day of a month is meant, and how that is said
    "": "",
    "kept": ", last days kept",
    "last": ", last of month",
    "over": ", days over",
}


UNITS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0, "days": 86400.0, "weeks": 604800.0}


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
            said += added(self.constant)
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


Power = tuple[Any, int, float]  # of a term: the name of a column, its power, and the unit of a rate, else 0
Times = tuple[float, tuple[Power, ...]]  # a term: its factor, and what it multiplies


@dataclass(frozen=True)
class Product:
    """column = sum of terms + constant, rounded to the column's last decimal. A term is a factor x columns,
    each to a power.

    terms: (factor, ((name, power, unit), ...)) each. power: a whole number other than 0; below 0 it divides.
    unit: not 0 where a column stands for 1 + column / unit: a tax in percent has the unit 100, a discount
    that is a share of 1 the unit -1. zeros: as in `Linear`.
    """

    column: Any
    terms: tuple[Times, ...]
    constant: float = 0.0
    rounding: str = "nearest"
    zeros: bool = False
    support: float = field(default=1.0, compare=False)

    @property
    def columns(self) -> tuple[Any, ...]:
        return (self.column, *dict.fromkeys(name for _, parts in self.terms for name, _, _ in parts))

    @property
    def divides(self) -> bool:
        return any(power < 0 for _, parts in self.terms for _, power, _ in parts)

    @property
    def words(self) -> str:
        said, terms, constant = "", self.terms, self.constant
        if constant and terms[0][0] < 0:  # a negative part stands behind the number that it is taken off
            said, constant = f"{constant:.12g}", 0.0
        for factor, parts in terms:
            sign = ("-" if factor < 0 else "") if not said else (" - " if factor < 0 else " + ")
            said += sign + _multiplied(abs(factor), parts)
        if constant:
            said += added(constant)
        return f"{quoted(self.column)} = {said}{_rounded(self)}"


def _multiplied(factor: float, parts: tuple[Power, ...]) -> str:
    """`0.5 * mass * speed * speed`, `net * (1 + vat / 100)`, `principal * rate / 36500`."""
    whole = reciprocal(factor)
    below = factor < 1 and digits_of(whole) < digits_of(factor)
    said = "" if factor == 1 or below else f"{factor:.12g}"
    for name, power, unit in parts:
        one = quoted(name)
        if unit:
            by = "" if abs(unit) == 1 else f" / {abs(unit):.12g}"
            one = f"(1 {'-' if unit < 0 else '+'} {one}{by})"
        for _ in range(abs(power)):
            said += f" / {one}" if power < 0 else f" * {one}"
    said = f"{said} / {whole:.12g}" if below else said
    return said.removeprefix(" * ") if not said.startswith(" / ") else f"1{said}"


def reciprocal(factor: float) -> float:
    """1 / factor, without the last digits of floats: 36500, not 36500.000000000004."""
    return float(f"{1 / factor:.12g}")


def digits_of(number: float) -> int:
    """How many digits of a number tell it, of twelve: 2 of 1200 and of 0.012."""
    return len(f"{abs(number):.11e}".partition("e")[0].replace(".", "").strip("0"))


def earlier_product(facts: dict[str, Any]) -> dict[str, Any]:
    """What a product is of which an earlier version wrote the columns by name."""
    left, right, times = (facts.pop(one, None) for one in ("left", "right", "times"))
    power = (-1 if facts.pop("divide", False) else 1) * (2 if facts.pop("square", False) else 1)
    parts = [(left, 1, 0.0), (times, 1, 0.0), (right, power, facts.pop("unit", 0.0))]
    kept = tuple(part for part in parts if part[0] is not None)
    return facts | {"terms": ((facts.pop("factor", 1.0), kept),)}


@dataclass(frozen=True)
class Told:
    """A rule on a column by another one."""

    column: Any
    of: Any

    @property
    def columns(self) -> tuple[Any, ...]:
        return (self.column, self.of)


@dataclass(frozen=True)
class Transform(Told):
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
        shift = added(self.shift) if self.shift else ""
        times = "" if self.factor == 1 else f"{self.factor:.12g} * "
        return f"{quoted(self.column)} = {times}{self.function}({quoted(self.of)}{shift}){_rounded(self)}"


@dataclass(frozen=True)
class Part(Told):
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
        return f"{quoted(self.column)} = {self.part} of {shifted(self.of, self.shift)}{first}"


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
        many = added(self.apart, self.unit) if self.by is None else f" + {quoted(self.by)} {self.unit}"
        days = added(self.days, "days") if self.days else ""
        return f"{quoted(self.column)} = {quoted(self.of)}{many}{days}{MONTH_ENDS[self.ends]}"


def shifted(name: Any, months: int) -> str:
    """A date, and the months that are added to it."""
    return quoted(name) + (added(months, "months") if months else "")


def added(number: float, unit: str = "") -> str:
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
