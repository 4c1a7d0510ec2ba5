"""Which formats the cells of a column have, where they are ranges (`ranges.py`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.table import compound, date_formats, formats, formatted, ranges
from lookalike.table.dates import DIRECTIVE, read_dates
from lookalike.table.formatted import LOST, exceptions_of

Array = npt.NDArray[Any]

_SEPARATORS = (
    *(
        " - ",
        " \u2013 ",
        " \u2014 ",
        " to ",
        " bis ",
        " until ",
        " through ",
        " / ",
        " ~ ",
        " a ",
        " \u00e0 ",
    ),
    *(" au ", "..", "\u2013", "\u2014", "~", "-", "/"),
)
_SHARE = 0.05  # of the rows, that have a layout with two ends, at least
_ORDERED = 0.99  # of these, in which the ends have the same order
_SEVERAL = 20  # distinct ranges, at least
_SOME = 300  # cells that layouts are tried in
_DATES = 3  # formats of a whole date that its parts are sought in
_YEARS = ("1500", "2199")  # between which four digits are years


def written(counts: pd.Series, least: int) -> tuple[list[str], list[str]] | None:
    """(formats, exceptions) of cells that are ranges, None of others.

    counts: the rows of each distinct string; least: rows that a format needs, or an exception.
    """
    cells = np.array([str(cell) for cell in counts.index], dtype=object)
    rows = counts.to_numpy()
    groups = _groups(cells, rows, least)
    if sum(len(own) for _, own in groups) < _SEVERAL:
        return None
    for find in (_of_dates, _of_numbers):
        found = find(cells, rows, groups, least)
        if not found:
            continue
        first, last, which = ranges.read(cells, found)
        exceptions, lost = exceptions_of(cells.tolist(), rows, which < 0, least)
        if lost <= LOST and len(exceptions) < _SEVERAL and _ordered(first, last, counts, found):
            used = [i for i in range(len(found)) if (which == i).any()]
            return [found[i] for i in used], exceptions
    return None


def _groups(cells: Array, rows: Array, least: int) -> list[tuple[str, Array]]:
    """(what stands between both ends, the cells in which it does so once)."""
    left = np.arange(len(cells))
    found = []
    for sign in _SEPARATORS:
        once = [cell.count(sign) == 1 and all(map(_has_digit, cell.split(sign))) for cell in cells[left]]
        own = left[np.array(once, dtype=bool)]
        if rows[own].sum() >= max(least, _SHARE * rows.sum()):
            found.append((sign, own))
            left = np.setdiff1d(left, own)
    return found


def _has_digit(text: str) -> bool:
    return re.search(r"\d", text) is not None


def _ordered(first: Array, last: Array, counts: pd.Series, found: Sequence[str]) -> bool:
    """Whether the ends have the same order in nearly all rows; not as a latitude is below a longitude."""
    rows, both = counts.to_numpy(), np.flatnonzero(~pd.isna(last))
    kind, form = ranges.plain(found)
    a, b = (_values(end[both], kind, form) for end in (first, last))
    below, above = rows[both][a <= b].sum(), rows[both][a >= b].sum()
    if not len(both) or max(below, above) < _ORDERED * rows[both].sum():
        return False
    meet = a.max() > b.min() if below >= above else b.max() > a.min()
    return bool(meet or compound.of_numbers(counts) is None)


def _values(texts: Array, kind: str, form: str) -> Array:
    if kind == "number":
        ticks, _ = formats.read(texts.tolist(), [form], formats.decimals_of([form]))
        return np.asarray(ticks, dtype=np.float64)
    return read_dates(texts, form).astype("M8[s]").astype(np.float64)


# --- dates ---------------------------------------------------------------------------------------------


def _of_dates(cells: Array, rows: Array, groups: list[tuple[str, Array]], least: int) -> list[str]:
    """The formats of ranges of dates, and of single ones beside them."""
    texts: dict[str, int] = {}
    alone = np.setdiff1d(np.arange(len(cells)), np.concatenate([own for _, own in groups]))
    for i in alone:
        texts[cells[i]] = texts.get(cells[i], 0) + int(rows[i])
    for sign, own in groups:
        for i in own:
            first, last = cells[i].split(sign)
            for text in (first, last, first + re.sub(r"^\d+", "", last)):  # Aug 20(-28), 2018
                texts[text] = texts.get(text, 0) + int(rows[i])
    wholes = date_formats.find(list(texts), np.array(list(texts.values())), least)[0][:_DATES]
    wholes = [form for form in wholes if not re.fullmatch(r"(%-?[A-Za-z])+", form)]
    found = []
    for sign, own in groups:
        tried = [f"{{{a}}}{sign}{{{b}}}" for whole in wholes for a in _heads(whole) for b in _tails(whole)]
        left = own
        while len(left) and rows[left].sum() >= max(least, _SHARE * rows[own].sum()):
            some = cells[left[:: max(1, len(left) // _SOME)]]
            fits = [int((ranges.read(some, [text])[2] >= 0).sum()) for text in tried]
            if not fits or 10 * max(fits) < len(some):
                break
            found.append(tried[int(np.argmax(fits))])
            left = left[ranges.read(cells[left], found[-1:])[2] < 0]
    found.sort(key=len)
    single = [f"{{{form}}}" for form in wholes] if len(alone) else []
    single = [
        text for text in single if rows[alone][ranges.read(cells[alone], [text])[2] >= 0].sum() >= least
    ]
    return [*found, *single] if found else []


def _heads(form: str) -> list[str]:
    """A format, and what it begins with: that of a date which takes the rest from another."""
    ends = [match.end() for match in DIRECTIVE.finditer(form)]
    return [form, *(form[:end] for end in ends[:-1])]


def _tails(form: str) -> list[str]:
    starts = [match.start() for match in DIRECTIVE.finditer(form)]
    return [form, *(form[start:] for start in starts[1:])]


# --- numbers -------------------------------------------------------------------------------------------


def _of_numbers(cells: Array, rows: Array, groups: list[tuple[str, Array]], least: int) -> list[str]:
    """The formats of ranges of numbers, and of single ones beside them."""
    sign, own = max(groups, key=lambda group: int(rows[group[1]].sum()))
    cut = [cell.split(sign) for cell in cells[own]]
    head, tail = _common([re.match(r"\D*", a)[0] for a, _ in cut]), ""  # type: ignore[index]
    tails = [re.search(r"\D*$", b)[0] for _, b in cut]  # type: ignore[index]
    tail = _common([text[::-1] for text in tails])[::-1]
    head = "" if not re.search(r"[^\W\d_]{2}|\(", head) else head  # a sign of money is the number's
    if len(set(tails)) > 1 and re.fullmatch(r"[^\W\d_]+", tail):
        tail = ""
    first = [a[len(head) :] for a, _ in cut]
    last = [b[: len(b) - len(tail)] for _, b in cut]
    a, b = _form_of(first, rows[own]), _form_of(last, rows[own])
    if a is None or b is None:
        return []
    if any(formats.parsed(form).width > 1 and not formats.parsed(form).spans for form in (a, b)):
        return []  # 2021-0001
    if (
        a == b == "0"
        and not tail.strip()
        and not _are_counted(first, last, sign, pd.Series(rows[own], index=cells[own]))
    ):
        return []
    found = [f"{head}{{{a}}}{sign}{{{b}}}{tail}"]
    if ranges.layout(found[0]) is None:
        return []
    alone = np.setdiff1d(np.arange(len(cells)), own)
    return [*found, *_single(cells[alone], rows[alone], {a, b}, least)]


def _common(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    first, last = min(texts), max(texts)
    same = [x == y for x, y in zip(first, last, strict=False)]
    return first[: same.index(False)] if False in same else first[: len(same)]


def _form_of(texts: list[str], rows: Array) -> str | None:
    """The one format of numbers, None where there is none."""
    counts = pd.Series(rows).groupby(np.array(texts, dtype=object)).sum()
    found = formatted.find(list(counts.index), counts.tolist(), 1)
    if found is None or not found[0]:
        return None
    good = counts.to_numpy()[found[1] == 0].sum() >= (1 - compound.ODD) * counts.sum()
    return found[0][0] if good else None


def _are_counted(first: list[str], last: list[str], sign: str, counts: pd.Series) -> bool:
    """Whether plain numbers are years, or measured: codes and phones are not."""
    ends = [np.array(own, dtype=object) for own in (first, last)]
    if all(len(text) == 4 and _YEARS[0] <= text <= _YEARS[1] for own in ends for text in own):
        return sign != "/"
    return compound.measured(ends, ["", sign, ""], counts)


def _single(cells: Array, rows: Array, forms: set[str], least: int) -> list[str]:
    """The formats of cells of one number: `{0}+ years`, `up to {$#,##0}`."""
    found: dict[str, int] = {}
    for cell, n in zip(cells, rows.tolist(), strict=True):
        cut = re.fullmatch(r"(\D*)(\d(?:[\d.,' ]*\d)?)(\D*)", cell)
        if cut is not None and not re.search("[{}]", cell):
            for form in forms:
                core = form.strip("".join({*form} - {*"0#"})) or "0"
                text = f"{cut[1]}{{{core}}}{cut[3]}"
                found[text] = found.get(text, 0) + n
    common = [text for text, n in sorted(found.items(), key=lambda one: -one[1]) if n >= max(least, 2)]
    kept = [
        text
        for text in common
        if ranges.layout(text) and len({c for c in cells if ranges.read([c], [text])[2][0] >= 0}) > 2
    ]
    return kept[:4]
