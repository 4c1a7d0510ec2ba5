"""Which format the cells of a column have, where they are durations of several layouts."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pandas as pd

from lookalike.table import durations
from lookalike.table.column import Column
from lookalike.table.formatted import LOST, Written, exceptions_of

SEVERAL = 3  # distinct durations of a column of them, at least
DAY = 24  # hours from which on a time is none of the day, but of a day of service: 25:10
_LOW = 20  # distinct times of which some have fewer than ten minutes: 25:09, not 25:9 or 25:23 alone
_HOURS = 23  # numbers up to it may be hours of the day
_ORDERED = 0.99  # of the rows, in which times of the day are not after those of another column, or not before
_OF_THE_DAY = {
    f"%{a}H:%M{b[0]}": f"[{c}]:mm{b[1]}"
    for a, c in (("", "hh"), ("-", "h"))
    for b in (("", ""), (":%S", ":ss"))
}
_CLOCK = re.compile(r"(?:(\d+)( ?d(?:ays?)?,? ))?(\d{1,3}):([0-5]\d)(?::([0-5]\d))?(?:([.,])(\d{1,6}))?")
_ISO = re.compile(r"P(?=\d|T\d)(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?")
_SECONDS = re.compile(r"\d{1,3}[.,]\d{1,6}")
_NAMED = re.compile(r"(?:\d+ ?[A-Za-z]+\.?(?:, | )?){1,4}")
_NAMES = {
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
}
_Layout = tuple[str, tuple[str, ...], int]  # units, texts, decimals


def written(counts: pd.Series, least: int) -> Written | None:
    """How the cells are written, None where they are not durations of two layouts or more, of days and hours,
    or of hours beyond a day; as `formatted.written`.
    """
    some = [str(cell) for cell in counts.index[:: max(1, len(counts) // 20)]]
    if sum(any(map(str.isdigit, cell)) and _layout(cell, "ms") is not None for cell in some) < len(some) / 2:
        return None
    cells, rows = [str(cell) for cell in counts.index], counts.to_numpy()
    form = _format_of(cells)
    own = durations.sections(form) if form else None
    if form is None or own is None:
        return None
    odd = np.array([durations.read(cell, own) is None for cell in cells])
    exceptions, lost = exceptions_of(cells, rows, odd, least)
    numbers = int((~odd).sum())
    return Written([form], exceptions, lost, numbers) if lost <= LOST and numbers >= SEVERAL else None


def _format_of(cells: Sequence[str]) -> str | None:
    """The format with a section for each layout of the cells, of the smallest unit first."""
    clocks = [match for match in map(_CLOCK.fullmatch, cells) if match is not None]
    short = [match for match in clocks if match[5] is None and match[1] is None]
    two = "ms" if any(match[5] or match[7] for match in clocks) else "hm"
    fine = any(match[7] for match in clocks)
    if two == "ms" and short and not fine and max(int(match[3]) for match in short) <= _HOURS:
        return None  # 9:30 beside 9:30:15 is a time of the day
    layouts: defaultdict[_Layout, list[list[str]]] = defaultdict(list)
    for cell in cells:
        layout = _layout(cell, two)
        if layout is not None:
            layouts[layout].append(re.findall(r"\d+", cell))
    decimals = Counter({layout: len(own) for layout, own in layouts.items()}).most_common(1)
    kept = (
        {layout: own for layout, own in layouts.items() if layout[2] == decimals[0][0][2]} if decimals else {}
    )
    order = sorted(kept, key=lambda layout: (durations.SECONDS[layout[0][0]], len(layout[0])))
    texts = [_section(layout, kept[layout]) for layout in order]
    days = any(units[0] == "d" and len(units) > 1 for units, _, _ in order)  # 3 days 04:00:00
    return ";".join(texts) if len(texts) > 1 or days or _beyond_a_day(clocks) else None


def _beyond_a_day(clocks: Sequence[re.Match[str]]) -> bool:
    """Whether times of one layout count hours beyond a day, with two digits for minutes."""
    hours = [match for match in clocks if match[1] is None and match[7] is None]
    low = any(match[4][0] == "0" for match in hours)
    return low and len(hours) >= _LOW and max(int(match[3]) for match in hours) >= DAY


def _layout(cell: str, two: str) -> _Layout | None:
    """The units of a cell, the texts around them, and its decimals. two: the units of 59:58."""
    clock = _CLOCK.fullmatch(cell)
    if clock is not None:
        units = ("d" if clock[1] else "") + ("hms" if clock[5] else two)
        if clock[7] and units[-1] != "s":
            return None
        texts = ["", *([clock[2]] if clock[1] else []), *":" * (2 if clock[5] else 1), ""]
        texts[-1] = clock[6] or ""
        return units, tuple(texts), len(clock[7] or "")
    if _SECONDS.fullmatch(cell):
        point = re.sub(r"\d", "", cell)
        return "s", ("", point), len(cell.partition(point)[2])
    if _ISO.fullmatch(cell):  # P3DT4H
        units = "".join(re.findall(r"\d([DHMS])", cell)).lower()
        return (units, tuple(re.split(r"\d+", cell)), 0) if units in "dhms" else None
    if _NAMED.fullmatch(cell) is None:
        return None
    pieces = re.split(r"\d+", cell)
    names = [_NAMES.get(piece.strip(" ,.").lower()) for piece in pieces[1:]]
    units = "".join(name or "?" for name in names)
    if len(units) == 1 and re.fullmatch(r"\W*[A-Z]\W*", pieces[1]):
        return None  # 10 S beside 12 M are sizes
    return (units, tuple(pieces), 0) if units in "dhms" else None


def _section(layout: _Layout, numbers: list[list[str]]) -> str:
    """A section with as many digits as the cells have. numbers: those of each of its cells."""
    units, texts, decimals = layout
    point = texts[-1] if decimals else ""
    form = _quoted(texts[0])
    for place, unit in enumerate(units):
        short = [own[place] for own in numbers if int(own[place]) < 10]
        padded = all(len(one) == 2 for one in short) and bool(short)
        width = 2 if padded or (place and ":" in texts[place]) else 1
        form += f"[{unit * width}]" if place == 0 else unit * width
        if place + 1 < len(units) or not decimals:
            form += _quoted(texts[place + 1])
    return form + (point + "0" * decimals if decimals else "")


def _quoted(text: str) -> str:
    return re.sub(r"[A-Za-z]+\.?", lambda letters: f'"{letters[0]}"', text)


def of_service_days(table: pd.DataFrame, columns: Sequence[Column]) -> list[tuple[Column, str]]:
    """The columns of times of the day that are ordered beside one of times beyond a day, written alike, as
    arrivals beside departures; and the format that both have.
    """
    found = []
    for column in columns:
        form = _OF_THE_DAY.get(str(column.format))
        others = [one for one in columns if one.is_number and one.format == form]
        if not column.is_date or form is None or not others:
            continue
        own = _counts(table[column.name], form)
        if any(_ordered(own, _counts(table[other.name], form)) for other in others):
            found.append((column, form))
    return found


def _counts(series: pd.Series, form: str) -> pd.Series:
    """The times of the cells in a format; nan where there is none."""
    own = durations.sections(form) or ()
    known = {cell: durations.read(str(cell), own) for cell in series.dropna().unique()}
    return series.map(known).astype(np.float64)


def _ordered(first: pd.Series, second: pd.Series) -> bool:
    gap = (second - first).dropna()
    return len(gap) >= _LOW and max((gap >= 0).mean(), (gap <= 0).mean()) >= _ORDERED
