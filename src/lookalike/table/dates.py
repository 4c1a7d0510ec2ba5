"""Dates and times written as strings or whole numbers: read and write cells of a format.

A format is strftime's, with `%-m`, `%-d`, `%-H`, `%-I`, `%-M`, `%-S`, `%-V` for numbers without a leading
zero, `%3f`, `%6f`, `%7f` for fractions of a second, `%^b` for capitals, `%{de}B` for names of another
language, `%P` for am and pm, `%q` for a quarter, `%j` for the day of the year, `%e` for a day with a space in
front (` 7`), `%o` for one with its ending (`7th`), `%u` for the day of a week (`2019-W23-4`).
What is no directive, such as a zone, stands as it is. Times without a date are on 1970-01-01, days without a
year in 1972, which has a 29th of February, and years are 1 to 9999.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.table.date_names import NAMED, names_of

Array = npt.NDArray[Any]

DIRECTIVE = re.compile(r"%([-^]?)(\d?)(\{[A-Za-z]{2}\})?([A-Za-z])")
_NOON = {"p": ["AM", "PM"], "P": ["am", "pm"]}
_DIGITS = {
    "Y": r"(?!0000)\d{4}",
    "G": r"(?!0000)\d{4}",
    "y": r"\d\d",
    "q": "[1-4]",
    "V": r"0[1-9]|[1-4]\d|5[0-3]",
    "u": "[1-7]",
    "m": r"0[1-9]|1[0-2]",
    "d": r"0[1-9]|[12]\d|3[01]",
    "e": r" [1-9]|[12]\d|3[01]",
    "o": "(?:1|21|31)st|(?:2|22)nd|(?:3|23)rd|(?:[4-9]|1[0-9]|20|2[4-9]|30)th",
    "j": r"00[1-9]|0[1-9]\d|[12]\d\d|3[0-5]\d|36[0-6]",
    "H": r"[01]\d|2[0-3]",
    "I": r"0[1-9]|1[0-2]",
    "M": r"[0-5]\d",
    "S": r"[0-5]\d",
}
_BARE = {"m": "[1-9]|1[0-2]", "d": r"[1-9]|[12]\d|3[01]", "H": r"\d|1\d|2[0-3]", "I": "[1-9]|1[0-2]"}
_BARE |= {"V": r"[1-9]|[1-4]\d|5[0-3]", "M": r"\d|[1-5]\d", "S": r"\d|[1-5]\d"}
_DAY = 86_400_000_000  # microseconds
_ORDINALS = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}  # all other days: th
_LEAP = 1972  # the year of days that have none


def read_dates(cells: Sequence[Any] | Array, form: str) -> Array:
    """datetime64[us] of cells in a format (datetime64[ns] where its fractions are finer than that); NaT where
    one is not written so.
    """
    pattern, names = pattern_of(form)
    width = 0 if all(isinstance(cell, str) for cell in cells) else _width(form)
    found = [pattern.fullmatch(cell if isinstance(cell, str) else _text(cell, width)) for cell in cells]
    rows = np.array([i for i, match in enumerate(found) if match is not None], dtype=np.int64)
    groups = list(zip(*(match.groups() for match in found if match is not None), strict=True))
    fields = {name[-1]: _numbers(name, texts) for name, texts in zip(names, groups, strict=False)}
    dates, valid = _date(fields, len(rows))
    fine = "f" in fields and bool((fields["f"] % 1000).any())
    out = np.full(len(found), np.datetime64("NaT", "ns" if fine else "us"))
    if fine:
        out[rows[valid]] = dates[valid].astype("M8[ns]") + (fields["f"][valid] % 1000).astype("m8[ns]")
    else:
        out[rows[valid]] = dates[valid]
    return out


def read_several(cells: Sequence[Any] | Array, forms: Sequence[str]) -> tuple[Array, Array]:
    """(dates, which) of cells: which format each has, the first that it has, -1 for none of them (NaT)."""
    which = np.full(len(cells), -1, dtype=np.int16)
    parts, todo = [], np.arange(len(cells))
    own = np.empty(len(cells), dtype=object)
    own[:] = list(cells)
    for number, form in enumerate(forms):
        dates = read_dates(own[todo], form)
        good = ~np.isnat(dates)
        which[todo[good]] = number
        parts.append((todo[good], dates[good]))
        todo = todo[~good]
    fine = any(np.datetime_data(dates.dtype)[0] == "ns" for _, dates in parts)
    out = np.full(len(cells), np.datetime64("NaT", "ns" if fine else "us"))
    for rows, dates in parts:
        out[rows] = dates
    return out, which


def _width(form: str) -> int:
    """How many letters a cell of a format of digits has."""
    return len(write_dates(np.zeros(1, dtype="M8[us]"), form)[0])


def _text(cell: Any, width: int) -> str:
    """A cell that is no string: a whole number as so many digits, what is missing as nothing."""
    try:
        return str(int(cell)).zfill(width) if int(cell) == cell else ""
    except (TypeError, ValueError, OverflowError):
        return ""


@lru_cache(maxsize=512)
def pattern_of(form: str) -> tuple[re.Pattern[str], list[str]]:
    """A regular expression for the cells of a format, and the directives of its groups."""
    names: list[str] = []
    parts, end = [], 0
    for match in DIRECTIVE.finditer(form):
        flag, digits, language, letter = match.groups()
        parts.append(re.escape(form[end : match.start()]))
        end = match.end()
        own = _names((language or "") + letter)
        if own:
            options = [re.escape(name.upper() if flag == "^" else name) for name in own]
            parts.append(f"({'|'.join(options)})")
        elif letter == "f":
            parts.append(rf"(\d{{{digits or 6}}})")
        else:
            parts.append(f"({(_BARE if flag == '-' else _DIGITS).get(letter, '(?!)')})")
        names.append((language or "") + letter)
    return re.compile("".join(parts) + re.escape(form[end:])), names


def _names(directive: str) -> list[str]:
    """The names that a directive stands for, in their order; none for one of numbers."""
    letter = directive[-1]
    if letter in NAMED:
        return names_of(letter, directive[-4:-2])
    return _NOON.get(letter, [])


def _numbers(letter: str, texts: Sequence[str]) -> Array:
    """The values of a directive: names from 0, fractions in nanoseconds."""
    own = _names(letter)
    if own:
        places = {name.upper(): i for i, name in enumerate(own)}
        return np.array([places[text.upper()] for text in texts], dtype=np.int64)
    if letter == "f":
        return np.array([int(text.ljust(9, "0")[:9]) for text in texts], dtype=np.int64)
    if letter == "o":
        texts = [text[:-2] for text in texts]
    return np.array(list(map(int, texts)), dtype=np.int64)


def _date(fields: dict[str, Array], rows: int) -> tuple[Array, Array]:
    """(datetime64[us], whether there is such a date) of the values of directives."""
    zero = np.zeros(rows, dtype=np.int64)
    valid = np.ones(rows, dtype=bool)
    fields = {{"e": "d", "o": "d"}.get(letter, letter): own for letter, own in fields.items()}
    years = fields.get("Y", zero + (_LEAP if "d" in fields else 1970))
    if "y" in fields and "Y" not in fields:
        years = fields["y"] + np.where(fields["y"] < 69, 2000, 1900)
    months = fields["m"] - 1 if "m" in fields else fields.get("b", fields.get("B", zero))
    if "q" in fields:
        months = (fields["q"] - 1) * 3
    first = ((years - 1970) * 12 + months).astype("M8[M]")
    days = first.astype("M8[D]") + (fields.get("d", zero + 1) - 1)
    valid &= days.astype("M8[M]") == first
    if "j" in fields:
        days = first.astype("M8[D]") + (fields["j"] - 1)
        valid &= days.astype("M8[Y]") == first.astype("M8[Y]")
    if "G" in fields:
        fourth = ((fields["G"] - 1970) * 12).astype("M8[M]").astype("M8[D]") + 3  # always in the first week
        days = fourth - _weekday(fourth) + 7 * (fields.get("V", zero + 1) - 1) + fields.get("u", zero + 1) - 1
        valid &= _iso_year(days) == fields["G"]
    for letter in "aA":
        if letter in fields:
            valid &= _weekday(days) == fields[letter]
    hours = fields.get("H", zero)
    if "I" in fields:
        hours = fields["I"] % 12 + 12 * fields.get("p", fields.get("P", zero))
    micros = ((hours * 60 + fields.get("M", zero)) * 60 + fields.get("S", zero)) * 1_000_000
    micros = micros + fields.get("f", zero) // 1000
    return days.astype("M8[us]") + micros, valid


def _weekday(days: Array) -> Array:
    """0 for Monday."""
    return (days.astype(np.int64) + 3) % 7


def _iso_year(days: Array) -> Array:
    """The year whose week a day lies in."""
    thursday = days - _weekday(days) + 3
    return thursday.astype("M8[Y]").astype(np.int64) + 1970


def write_dates(dates: Array, form: str) -> Array:
    """Object array of strings; None for NaT."""
    fine = np.datetime_data(dates.dtype)[0] == "ns"
    distinct, inverse = np.unique(dates.astype("M8[ns]" if fine else "M8[us]"), return_inverse=True)
    gone = np.isnat(distinct)
    days = distinct.astype("M8[D]")
    micros = (distinct.astype("M8[us]") - days).astype(np.int64)
    nanos = (distinct - distinct.astype("M8[us]")).astype(np.int64) if fine else np.zeros(len(distinct), int)
    micros[gone], nanos[gone] = 0, 0
    template, directives = _template(form)
    columns = [_field(directive, days, micros, nanos, gone) for directive in directives]
    texts = np.empty(len(distinct), dtype=object)
    texts[:] = [template % values for values in zip(*columns, strict=True)] if columns else template % ()
    texts[gone] = None
    return texts[inverse]


def write_several(dates: Array, which: Array, forms: Sequence[str]) -> Array:
    """(rows,) cells as `read_several` reads them; None for NaT. which: a row's format, the first for -1."""
    out = np.empty(len(dates), dtype=object)
    for number, form in enumerate(forms):
        rows = np.maximum(which, 0) == number
        out[rows] = write_dates(dates[rows], form)
    return out


def _field(directive: str, days: Array, micros: Array, nanos: Array, gone: Array) -> list[Any]:
    """What a directive is written as, for each date."""
    letter = directive[-1]
    months = days.astype("M8[M]").astype(np.int64) % 12
    hours = micros // 3_600_000_000
    own = _names(directive)
    if own:
        where = {"a": _weekday(days), "A": _weekday(days), "p": hours // 12, "P": hours // 12}.get(
            letter, months
        )
        names = [name.upper() if directive[0] == "^" else name for name in own]
        return [names[0 if none else i] for i, none in zip(where.tolist(), gone.tolist(), strict=True)]
    if letter == "o":
        numbers = _field("d", days, micros, nanos, gone)
        return [f"{number}{_ORDINALS.get(number, 'th')}" for number in numbers]
    if letter == "f":
        digits = int(directive[:-1] or 6)
        return list(((micros % 1_000_000 * 1000 + nanos) // 10 ** (9 - digits)).tolist())
    years = days.astype("M8[Y]").astype(np.int64) + 1970
    if letter in "GV":
        thursday = days - _weekday(days) + 3
        first = thursday.astype("M8[Y]").astype("M8[D]")
        found = _iso_year(days) if letter == "G" else (thursday - first).astype(np.int64) // 7 + 1
    else:
        found = {
            "Y": years,
            "y": years % 100,
            "q": months // 3 + 1,
            "m": months + 1,
            "d": (days - days.astype("M8[M]").astype("M8[D]")).astype(np.int64) + 1,
            "e": (days - days.astype("M8[M]").astype("M8[D]")).astype(np.int64) + 1,
            "j": (days - days.astype("M8[Y]").astype("M8[D]")).astype(np.int64) + 1,
            "u": _weekday(days) + 1,
            "H": hours,
            "I": (hours + 11) % 12 + 1,
            "M": micros // 60_000_000 % 60,
            "S": micros // 1_000_000 % 60,
        }[letter]
    return list(np.where(gone, 0, found).tolist())


@lru_cache(maxsize=512)
def _template(form: str) -> tuple[str, list[str]]:
    """A %-template and the directives that go into it, each with its flag or number of digits before it."""
    directives: list[str] = []
    parts, end = [], 0
    for match in DIRECTIVE.finditer(form):
        flag, digits, language, letter = match.groups()
        parts.append(form[end : match.start()].replace("%", "%%"))
        end = match.end()
        directives.append((flag if flag == "^" else digits) + (language or "") + letter)
        width = {"Y": 4, "G": 4, "j": 3, "f": int(digits or 6), "q": 1, "u": 1}.get(letter, 2)
        text = _names(directives[-1]) or letter == "o"
        parts.append("%s" if text else "%d" if flag == "-" else "%2d" if letter == "e" else f"%0{width}d")
    return "".join(parts) + form[end:].replace("%", "%%"), directives
