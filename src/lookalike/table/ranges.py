"""Ranges: cells of two numbers or dates, of which one is never above the other: `Aug 20 - Aug 28, 2018`.

A format has the format of each end in braces: `{%Y-%m-%d} / {%Y-%m-%d}`, `{$#,##0} - {$#,##0}`,
`{0}-{0} kg`. An end takes from the other what its own format lacks of the year, the month, or am and pm:
`{%b %-d} - {%b %-d, %Y}`. Where a column has several formats, some may have a single end: `{0}+ years`. The
ends of all cells are read as texts of one format, in which they are learned.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.errors import SchemaError
from lookalike.table import formats
from lookalike.table.column import Column
from lookalike.table.dates import DIRECTIVE, pattern_of, read_dates, write_dates
from lookalike.table.kind_groups import DATE, NUMBER

Array = npt.NDArray[Any]

_END = re.compile(r"\{((?:%[-^]?\{[A-Za-z]{2}\}[A-Za-z]|[^{}])+)\}")
_BORROWED = {"Y": "Yy", "y": "Yy", "m": "mbB", "b": "mbB", "B": "mbB", "p": "pP", "P": "pP"}
_APART = "\x1f"  # before what an end takes from the other


@dataclass(frozen=True)
class Layout:
    """A format. texts: before, between and after the ends; forms: that of each end."""

    texts: tuple[str, ...]
    forms: tuple[str, ...]

    @property
    def of_dates(self) -> bool:
        return DIRECTIVE.search(self.forms[0]) is not None

    @property
    def cells(self) -> re.Pattern[str]:
        """What reads the texts of the ends."""
        return re.compile("(.+?)".join(map(re.escape, self.texts)))


@lru_cache(maxsize=512)
def layout(text: str) -> Layout | None:
    """Reads a format; None for a text that is none."""
    parts = _END.split(text)
    own = Layout(tuple(parts[::2]), tuple(parts[1::2]))
    if not 1 <= len(own.forms) <= 2 or any(re.search("[{}]", one) for one in own.texts):
        return None
    if len(own.forms) == 2 and not own.texts[1]:
        return None
    if own.of_dates:
        return own if all(DIRECTIVE.search(form) for form in own.forms) else None
    try:
        for form in own.forms:
            formats.parsed(form)
    except SchemaError:
        return None
    return own


def check_format(column: Column) -> None:
    """Raises SchemaError unless a range has formats of numbers, or of dates, one of them with two ends."""
    own = [layout(text) for text in column.formats]
    kept = [one for one in own if one is not None]
    alike = len({one.of_dates for one in kept}) == 1 and len(kept) == len(own)
    if not alike or all(len(one.forms) < 2 for one in kept):
        raise SchemaError(
            f"column '{column.name}' is a range of the format {column.format!r}: write the format of each "
            "end in braces, such as '{%Y-%m-%d} to {%Y-%m-%d}' or '{0}-{0} kg'."
        )


def plain(texts: Sequence[str]) -> tuple[str, str]:
    """(kind, format) in which the ends of ranges of these formats are read."""
    own = [one for one in map(layout, texts) if one is not None]
    forms = [form for one in own for form in one.forms]
    if not own[0].of_dates:
        spans = [form for form in forms if formats.parsed(form).spans]
        most = formats.decimals_of(forms) or 0
        return NUMBER, spans[0] if spans else "0" + ("." + "#" * most if most else "")
    letters = {match[4] for form in forms for match in DIRECTIVE.finditer(form)}
    date = "%Y-%m-%d" if letters - set("HIMSfpP") else ""
    time = "%H:%M:%S" if letters & set("HIMSf") else ""
    return DATE, date + ("T" if date and time else "") + time


def columns_of(column: Column) -> list[Column]:
    """A column for each end, not described yet."""
    kind, form = plain(column.formats)
    found = []
    for at in range(2):
        own = Column(f"{column.name} [{at + 1}]", kind, "object", column.nullable or bool(at), "str")
        own.format, own.min_rows = form, column.min_rows
        found.append(own)
    return found


def read(
    cells: Sequence[Any] | Array, texts: Sequence[str], form: str | None = None
) -> tuple[Array, Array, Array]:
    """(first, last, which) of cells: the text of each end, None where there is none; which format each has,
    -1 for none. form: of these texts; None: as of `plain`.
    """
    first, last = np.full((2, len(cells)), None, dtype=object)
    which = np.full(len(cells), -1, dtype=np.int16)
    form = form or plain(texts)[1]
    for number, text in enumerate(texts):
        own = _known(text)
        fits = own.cells
        found = {
            i: match.groups()
            for i in np.flatnonzero(which < 0).tolist()
            if isinstance(cells[i], str) and (match := fits.fullmatch(cells[i])) is not None
        }
        if not found:
            continue
        rows = np.array(list(found))
        ends = _ends(list(zip(*found.values(), strict=True)), own.forms, form)
        good = np.all([[one is not None for one in end] for end in ends], axis=0)
        which[rows[good]] = number
        for out, end in zip((first, last), ends, strict=False):
            out[rows[good]] = end[good]
    return first, last, which


def _ends(ends: Sequence[Sequence[str]], forms: Sequence[str], form: str) -> list[Array]:
    """The texts of each end, written in `form`; None where they are not of their own."""
    if DIRECTIVE.search(form) is None:
        places = formats.decimals_of([form]) or 0
        found = []
        for texts, own in zip(ends, forms, strict=True):
            ticks, which = formats.read(texts, [own], places)
            written = formats.write(ticks, np.zeros(len(ticks), int), [form], places)
            written[which < 0] = None
            found.append(written)
        return found
    dates, lacks = [], []
    for at, (texts, own) in enumerate(zip(ends, forms, strict=True)):
        cells, whole = texts, own
        if len(forms) == 2:
            cells, whole = _completed(texts, own, ends[1 - at], forms[1 - at])
        dates.append(read_dates(cells, whole))
        lacks.append(whole != own and re.search("%[Yy]", own) is None)
    for at, lacking in enumerate(lacks):
        if lacking and len(dates) == 2:  # Dec 28 - Jan 3, 2019
            turned = dates[0] > dates[1]
            dates[at][turned] = _years_on(dates[at][turned], -1 if at == 0 else 1)
    return [write_dates(own, form) for own in dates]


def _years_on(dates: Array, years: int) -> Array:
    """The same day so many years later; the 29th of February becomes the first of March."""
    months = dates.astype("M8[M]")
    moved = (months + 12 * years).astype(dates.dtype) + (dates - months.astype(dates.dtype))
    return np.asarray(moved)


def _completed(
    texts: Sequence[str], own: str, others: Sequence[str], other: str
) -> tuple[Sequence[str], str]:
    """Dates with what their format lacks, from the other end, and their format."""
    has = {letter for match in DIRECTIVE.finditer(own) for letter in _BORROWED.get(match[4], match[4])}
    directives = [match[0] for match in DIRECTIVE.finditer(other)]
    lacks = [i for i, one in enumerate(directives) if one[-1] in _BORROWED and one[-1] not in has]
    if not lacks:
        return texts, own
    fits, _ = pattern_of(other)
    said = [fits.fullmatch(text) for text in others]
    more = ["" if one is None else _APART.join(one[i + 1] for i in lacks) for one in said]
    made = [text + _APART + end for text, end in zip(texts, more, strict=True)]
    return made, own + _APART + _APART.join(directives[i] for i in lacks)


def write(first: Array, last: Array, which: Array, texts: Sequence[str]) -> Array:
    """(rows,) cells of ends as `read` gives them; None where the first end is. Where the format that a row is
    to have does not say both ends (the year of one), it has another one that does.
    """
    form = plain(texts)[1]
    out = np.full(len(first), None, dtype=object)
    two = [i for i, text in enumerate(texts) if len(_known(text).forms) == 2]
    both = ~pd.isna(first) & ~pd.isna(last)
    for turn in (which, *(np.full(len(which), i) for i in range(len(texts)))):
        for number, text in enumerate(texts):
            ends = both if number in two else ~pd.isna(first) & ~both
            rows = np.flatnonzero(ends & (turn == number) & pd.isna(out))
            if len(rows):
                made = _written(first[rows], last[rows], _known(text), form)
                again = read(made, [text], form)
                good = (again[0] == first[rows]) & ((again[1] == last[rows]) | ~both[rows])
                out[rows[good]] = made[good]
    left = np.flatnonzero(both & pd.isna(out))
    if len(left):
        out[left] = _written(first[left], last[left], _known(texts[two[-1]]), form)
    return out


def _known(text: str) -> Layout:
    own = layout(text)
    assert own is not None
    return own


def _written(first: Array, last: Array, own: Layout, form: str) -> Array:
    made: Array = np.full(len(first), own.texts[0], dtype=object)
    for end, into, after in zip((first, last), own.forms, own.texts[1:], strict=False):
        if own.of_dates:
            cells = write_dates(read_dates(end, form), into)
        else:
            places = formats.decimals_of([form, into]) or 0
            ticks, _ = formats.read(end.tolist(), [form], places)
            cells = formats.write(ticks, np.zeros(len(ticks), int), [into], places)
        made = made + cells + after
    return made
