"""Datetimes as ISO text, and regular expressions for exactly those of a range: what a grammar lets through.

The text is as fine as the column: "2015", "2015-03", "2015-03-02", "2015-03-02T10:05" ... "T10:05:30.123".
Where all days are one and the same, the text is the time alone.
"""

from __future__ import annotations

import calendar
import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.table.dtypes import RESOLUTIONS

_PARTS = ("year", "month", "day", "hour", "minute", "second", "fraction")
_BEFORE = ("", "-", "-", "T", ":", ":", r"\.")  # what stands before a part
_FRACTIONS = {"ms": 3, "us": 6, "ns": 9}  # digits
_TIME = 11  # where the time begins
_YEARS = (1, 9999)
Part = tuple[int, ...]


def write_iso(ticks: Array, resolution: str, time_only: bool = False) -> list[str]:
    """(rows,) counts of the resolution's unit since 1970 -> texts."""
    texts = np.datetime_as_string(ticks.astype(f"M8[{RESOLUTIONS[resolution]}]")).tolist()
    return [text[_TIME:] for text in texts] if time_only else texts


def read_iso(texts: Iterable[str], resolution: str, day: int | None = None) -> Array:
    """What `write_iso` wrote; day: the one day (since 1970) of texts that are the time alone."""
    prefix = "" if day is None else f"{np.datetime64(day, 'D')}T"
    dates = np.array([prefix + text for text in texts], dtype=f"M8[{RESOLUTIONS[resolution]}]")
    return dates.astype(np.int64)


def pattern(
    ranges: list[tuple[Any, Any]], resolution: str, fixed: dict[str, int], time_only: bool = False
) -> str:
    """A regular expression for the texts of the ticks in inclusive ranges; "" where there is none.

    fixed: the parts (hour, minute, second ...) that always have one value. Every date that it lets through
    exists; a bound inside a second is rounded to the second.
    """
    names = [*_PARTS[: list(RESOLUTIONS).index(resolution) + 1]][:7]
    values = {name: value for name, value in fixed.items() if name in ("hour", "minute", "second")}
    if resolution in fixed and resolution in _FRACTIONS:
        values["fraction"] = fixed[resolution]
    find = _Pattern(len(names), values, _FRACTIONS.get(resolution, 0))
    found = []
    for low, high in ranges:
        ends = [None if np.isinf(end) else _split(int(end), resolution) for end in (low, high)]
        if time_only:
            ends = [None if end is None else end[3:] for end in ends]
        one = find.between(ends[0], ends[1], 3 if time_only else 0, ())
        found += [] if one is None else [one]
    return f"^({'|'.join(dict.fromkeys(found))})$" if found else ""


def _split(tick: int, resolution: str) -> Part:
    """A tick as year, month ... second, as far as the resolution goes."""
    (text,) = write_iso(np.array([tick]), resolution)
    whole = text.partition(".")[0]
    return tuple(int(part) for part in whole.replace("T", "-").replace(":", "-").split("-"))


class _Pattern:
    """Builds the expression part by part, coarsest first; what stands below is `None` where no value fits."""

    def __init__(self, parts: int, fixed: dict[str, int], digits: int):
        self.parts, self.fixed, self.digits = parts, fixed, digits
        self.known: dict[tuple[int, Part], str | None] = {}

    def between(self, low: Part | None, high: Part | None, level: int, above: Part) -> str | None:
        """low, high: what is left of the ends, None where open; above: year and month, as far as known."""
        if level >= self.parts:
            return ""
        before = _BEFORE[level] if above or level not in (0, 3) else ""
        if level == 6:
            if "fraction" in self.fixed:
                return f"{before}{self.fixed['fraction']:0{self.digits}d}"
            return f"{before}[0-9]{{{self.digits}}}"
        if low is None and high is None:
            key = (
                level,
                (calendar.isleap(above[0]), *above[1:2]) if above and level < 3 else (len(above) > 0,),
            )
            if key not in self.known:
                self.known[key] = self._alternatives(None, None, level, above, before)
            return self.known[key]
        return self._alternatives(low, high, level, above, before)

    def _alternatives(
        self, low: Part | None, high: Part | None, level: int, above: Part, before: str
    ) -> str | None:
        groups: dict[str, list[int]] = {}
        for value in self._values(level, above):
            at_low = low is not None and bool(low) and value <= low[0]
            at_high = high is not None and bool(high) and value >= high[0]
            if (low and value < low[0]) or (high and value > high[0]):
                continue
            below = self.between(
                low[1:] or None if at_low and low else None,
                high[1:] or None if at_high and high else None,
                level + 1,
                (*above, value) if level < 2 else above or (0,),
            )
            if below is not None:
                groups.setdefault(below, []).append(value)
        if not groups:
            return None
        width = 4 if level == 0 else 2
        each = [f"{_either(values, width)}{below}" for below, values in groups.items()]
        return f"{before}{each[0]}" if len(each) == 1 else f"{before}({'|'.join(each)})"

    def _values(self, level: int, above: Part) -> Iterable[int]:
        name = _PARTS[level]
        if name in self.fixed:
            return [self.fixed[name]]
        if name == "day":
            return range(1, calendar.monthrange(*above[:2])[1] + 1)
        low, high = {"year": _YEARS, "month": (1, 12), "hour": (0, 23)}.get(name, (0, 59))
        return range(low, high + 1)


def _either(values: list[int], width: int) -> str:
    """One of these numbers, tens as a class of digits."""
    tens = [list(ten) for _, ten in itertools.groupby(values, lambda value: value // 10)]
    found = []
    for ten in tens:
        head = f"{ten[0] // 10:0{width - 1}d}"
        tails = [value % 10 for value in ten]
        dense = len(tails) > 1 and tails[-1] - tails[0] == len(tails) - 1
        last = f"[{tails[0]}-{tails[-1]}]" if dense else "".join(map(str, tails))
        found.append(head + (last if dense or len(tails) == 1 else f"[{last}]"))
    return found[0] if len(found) == 1 else f"({'|'.join(found)})"
