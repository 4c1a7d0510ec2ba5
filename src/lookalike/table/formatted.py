"""Which formats the cells of a column have, where they are numbers written as strings; and what they say."""

from __future__ import annotations

import decimal
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.errors import SchemaError
from lookalike.table import formats, precision
from lookalike.table.column import Column
from lookalike.table.digits import in_script, plain, zero_of
from lookalike.table.formats import GROUPS, POINTS, SPACES

Array = npt.NDArray[Any]

MOST = 8  # formats of a column
EXCEPTIONS = 20  # values of a column that are none of its kind, at most
LOST = 0.05  # the share of the cells that are neither in a format nor an exception, at most
_BLANK = re.compile(
    r"\s*(?:#?n\.?/?[ad]\.?|nan|null|none|nil|unk(?:nown)?|missing|tb[dc]|\\n|[?.*#x_\-\u2013\u2014]*)\s*",
    re.I,
)
_WORDS, _FAR = 3, 4  # words in place of values, at most; times as frequent as any of these
_LIMITS = 3  # distinct numbers of a format beside another, up to which they are limits
SIDES = ((" CR", " DR"), (" Cr", " Dr"), (" Cr.", " Dr."))  # credit above zero, debit below
_MINUS = ("-", "\u2212")
PAIRS = ",##,"  # between thousands and the pairs of digits before them: 1,23,45,678
_CONVENTIONS = [  # (thousands, decimal sign), the first that fits as many cells as any is taken
    ("", "."),
    (",", "."),
    ("", ","),
    (".", ","),
    ("", "\u066b"),  # of Arabic
    ("\u066c", "\u066b"),
    ("", "\uff0e"),  # full-width
    ("\uff0c", "\uff0e"),
    (PAIRS, "."),
    *((sign, point) for sign in "'\u2019_" + SPACES for point in ".,"),
]
_AFFIX = rf"(?:[^\d#;()+\-\u2212{POINTS}\u066c\uff0c]|\.(?=[ \u00a0])){{0,12}}?"  # "Rs. 5"
_CELL = re.compile(
    rf"(?P<open>\()?(?P<before>[+\-\u2212]?)(?P<prefix>{_AFFIX})(?P<after>[+\-\u2212]?)"
    rf"(?P<number>\d(?:[\d{GROUPS}{POINTS}]*\d)?|[{POINTS}]\d+)"
    r"(?P<exponent>[eE][+\-]?\d+)?"
    r"(?P<suffix>(?:[^\d#;()]{1,2}|[^\d#;()]*[^\W\d_][1-9]?|[^\d#;()]{0,12})?)(?P<close>\))?"
)


@dataclass
class Written:
    """How the cells of a column are written.

    formats: most frequent first; exceptions: cells that have none of them, as in `Column`; lost: the share of
    the cells that are neither; numbers: how many distinct cells have a format.
    """

    formats: list[str]
    exceptions: list[str]
    lost: float
    numbers: int

    def told(self) -> tuple[str | list[str], list[str] | None]:
        """As `Column` has format and exceptions."""
        return self.formats[0] if len(self.formats) == 1 else self.formats, self.exceptions or None


def written(counts: pd.Series, least: int) -> Written | None:
    """How the cells are written, None where few of them are numbers.

    counts: the rows of each distinct string, most frequent first; least: rows that an exception needs, unless
    it says no more than that there is no number.
    """
    cells, rows = [str(cell) for cell in counts.index], counts.to_numpy()
    found = find(cells, rows.tolist(), min(least, max(1, int(rows.sum()) // 50)))
    if found is None or not found[0]:
        return None
    forms, which = _without_limits(*found, rows, least)
    exceptions, lost = exceptions_of(cells, rows, which < 0, least)
    return Written(forms, exceptions, lost, int((which >= 0).sum()))


def _without_limits(forms: list[str], which: Array, rows: Array, least: int) -> tuple[list[str], Array]:
    """Formats without those that few numbers have and no other format's signs: `<0.5`, `90+` and `>1000` are
    limits, exceptions of the column, so that no `<22.9` is written.
    """
    first = formats.parsed(forms[0]).signs[0]
    kept = [
        i
        for i, text in enumerate(forms)
        if formats.parsed(text).signs[0] == first
        or (which == i).sum() > _LIMITS
        or (rows[which == i] < least).any()
    ]
    places = np.full(len(forms) + 1, -1, dtype=which.dtype)
    places[kept] = np.arange(len(kept))
    return [forms[i] for i in kept], places[which]


def exceptions_of(cells: Sequence[str], rows: Array, odd: Array, least: int) -> tuple[list[str], float]:
    """(the odd cells that are values of their own, share of the rows that the others have)."""
    others = [i for i in np.flatnonzero(odd).tolist() if rows[i] >= least or _BLANK.fullmatch(cells[i])][
        :EXCEPTIONS
    ]
    lost = rows[odd].sum() - rows[others].sum()
    return [cells[i] for i in others], float(lost / max(rows.sum(), 1))


def words_of(counts: pd.Series, least: int) -> list[str]:
    """Cells that stand in place of values, most frequent first: blanks (`N/A`), and up to three words without
    a digit, of `least` rows and more, far more frequent than all other cells and of another layout.

    counts: the rows of each distinct string, most frequent first.
    """
    cells, rows = [str(cell) for cell in counts.index], counts.to_numpy()
    often = next(
        (n for n in range(min(_WORDS, len(rows) - 1), 0, -1) if rows[n - 1] >= max(least, _FAR * rows[n])), 0
    )
    first = [*range(often), *(i for i in range(often, len(cells)) if _BLANK.fullmatch(cells[i]))][:EXCEPTIONS]
    words = [i for i in first if not any(map(str.isdigit, cells[i]))]
    layouts = {_layout(cell) for i, cell in enumerate(cells) if i not in words} if words else set()
    return [
        cells[i]
        for i in words
        if _layout(cells[i]) not in layouts or (_BLANK.fullmatch(cells[i]) and rows[i] >= least)
    ]  # NA is a country, too


def _layout(cell: str) -> str:
    """A cell with each run of letters or digits as one of them."""
    return re.sub("[A-Z]+", "A", re.sub("[a-z]+", "a", re.sub(r"\d+", "9", cell)))


def describe(present: pd.Series, column: Column, hidden: int) -> None:
    """Formats, exceptions, decimals and range of a column of strings that is declared a number.

    hidden: the range is from the smallest to the largest value but for so many less one at both ends.
    Raises SchemaError where more than a few cells are neither in a format nor an exception.
    """
    counts = present.map(str).value_counts()
    if column.format is None:
        own = written(counts, column.min_rows or hidden)
        if own is not None:
            column.format, exceptions = own.told()
            column.exceptions = exceptions if column.exceptions is None else column.exceptions
    told = column.decimals is not None
    if column.decimals is None:
        column.decimals = formats.decimals_of(column.formats) if column.formats else 0
    ticks, _, odd = read_column(pd.Series(counts.index, dtype=object), column)
    rows = counts.to_numpy()
    powers = any(formats.parsed(text).exponent for text in column.formats)
    if not told and ticks.dtype == np.float64 and powers:
        column.digits = column.digits or precision.digits(ticks[odd == 0])
    elif not told and ticks.dtype == np.float64:  # beside a cell such as NA
        column.decimals, column.digits, column.single = precision.found(ticks[odd == 0], "float64")
        ticks, _, odd = read_column(pd.Series(counts.index, dtype=object), column)
    if not (odd == 0).any() or rows[odd < 0].sum() > LOST * rows.sum():
        bad = counts.index[int((odd != 0).argmax())]
        how = f"is not written as {' or '.join(column.formats)}" if column.formats else "is no number"
        raise SchemaError(
            f"column '{column.name}' is declared a number, but holds {bad!r}, which {how}: change its kind, "
            "or list it in the column's exceptions."
        )
    if column.minimum is None and column.maximum is None:
        order = np.argsort(ticks[odd == 0], kind="stable")
        total = np.cumsum(rows[odd == 0][order])
        skip = min(hidden - 1, (int(total[-1]) - 1) // 4)
        places = np.searchsorted(total, [skip, int(total[-1]) - 1 - skip], side="right")
        ends = ticks[odd == 0][order][places].tolist()
        column.minimum, column.maximum = (value_of(end, column.decimals) for end in ends)


def describe_zeros(values: Array, column: Column, least: int) -> None:
    """How the zeros of a column of floats are written, where at least so many of them are written -0.0."""
    zeros = values == 0
    below = int((np.signbit(values) & zeros).sum())
    if below < least:
        return
    if below == zeros.sum():
        column.format = "0.0;-0.0;-0.0"
    elif column.exceptions is None:
        column.exceptions = ["-0.0"]


def value_of(tick: Any, decimals: int | None) -> int | float:
    """The number that a tick counts."""
    if decimals is None:
        return float(tick)
    return int(tick) if decimals == 0 else float(decimal.Decimal(int(tick)).scaleb(-decimals))


# --- the cells of a column -----------------------------------------------------------------------------


def read_column(series: pd.Series, column: Column) -> tuple[Array, Array, Array]:
    """(ticks, which, odd) of the cells of a column that has formats.

    ticks: as `formats.read` gives them; which: the format of each cell, -1 for none; odd: 0 for a number,
    1 ... for each of `column.exceptions`, -1 for what is neither. Missing cells are 0, -1, -1.
    """
    codes, distinct = pd.factorize(series.astype(object).map(str, na_action="ignore"))
    cells = [str(cell) for cell in distinct]
    ticks, which = formats.read(cells, column.formats, column.decimals)
    places = {cell: i + 1 for i, cell in enumerate(column.exceptions or [])}
    odd = np.array(
        [places.get(cell, min(int(w), 0)) for cell, w in zip(cells, which, strict=True)], dtype=np.int16
    )
    none = np.full(1, -1, dtype=np.int16)
    return (
        np.concatenate([ticks, np.zeros(1, dtype=ticks.dtype)])[codes],
        np.concatenate([which, none])[codes],
        np.concatenate([odd, none])[codes],
    )


# --- finding -------------------------------------------------------------------------------------------


def find(cells: Sequence[str], rows: Sequence[int], least: int) -> tuple[list[str], Array] | None:
    """(formats, most frequent first; which of them each of the distinct cells has, -1 for none).

    rows: how many rows hold each cell; least: rows that a format needs. None where few cells are numbers.
    """
    some = range(0, len(cells), max(1, len(cells) // 200))
    if sum(_CELL.fullmatch(cells[i]) is not None for i in some) < len(some) / 2:
        return None
    zeros = [zero_of(cell) for cell in cells]
    matches = [_CELL.fullmatch(plain(cell, zero) or "") for cell, zero in zip(cells, zeros, strict=True)]
    which = np.full(len(cells), -1, dtype=np.int16)
    left = {i for i, match in enumerate(matches) if match is not None}
    found: list[str] = []
    while left and len(found) < MOST:
        groups: dict[tuple[Any, ...], int] = {}
        for i in left:
            key = (*_group_key(matches[i]), zeros[i])
            groups[key] = groups.get(key, 0) + rows[i]
        best = max(groups, key=lambda key: groups[key])
        own = [i for i in sorted(left) if (*_group_key(matches[i]), zeros[i]) == best]
        text = _format_of([matches[i] for i in own], [rows[i] for i in own])
        if text is None:
            left -= set(own)
            continue
        text = in_script(text, best[-1])
        indices = sorted(left)
        fits = formats.read([cells[i] for i in indices], [text], formats.decimals_of([text]))[1] >= 0
        new = [i for i, fit in zip(indices, fits, strict=True) if fit]
        if sum(rows[i] for i in new) < least:
            left -= set(new or own)
            continue
        which[new] = len(found)
        found.append(text)
        left -= set(new)
    return found, which


def _group_key(match: Any) -> tuple[Any, ...]:
    suffix = match["suffix"]
    pair = next((pair for pair in SIDES if suffix.endswith(pair)), ())
    if suffix in _MINUS:
        suffix = ""
    elif pair:
        suffix = suffix[: -len(pair[0])] + pair[0]
    else:
        suffix = _suffix(match)
    return match["prefix"], suffix, match["exponent"] is not None


def _suffix(match: Any) -> str:
    """What stands behind the number of a cell, as a format says it: one ending for 1st, 2nd, 3rd."""
    return formats.ORDINAL if match["suffix"] in formats.ENDINGS else str(match["suffix"])


def _is_below(match: Any) -> bool:
    """Whether a cell says that its number is below zero: -5, (5), 5-, or 5 DR beside 5 CR."""
    sign = match["before"] or match["after"]
    return (
        bool(match["open"])
        or sign in _MINUS
        or match["suffix"] in _MINUS
        or (match["suffix"].endswith(tuple(debit for _, debit in SIDES)))
    )


def _format_of(matches: list[Any], rows: list[int]) -> str | None:
    """The format of most of the cells that have the same prefix and suffix; None where it is none."""
    first = matches[0]
    numbers = [match["number"] for match in matches]
    group, point = _convention(numbers, rows)
    split = [_split(number, group, point) for number in numbers]
    fits = [i for i, part in enumerate(split) if part is not None]
    if not fits:
        return None
    parts: list[tuple[str, str]] = [split[i] for i in fits]  # type: ignore[misc]
    weights = [rows[i] for i in fits]
    places = _places([part[1] for part in parts], weights, first["exponent"] is not None)
    width = _width([part[0] for part in parts], weights)
    whole = f"#{group}##0" if group else "0" * width or "#"
    core = whole + (point + places if places else "")
    if first["exponent"] is not None:
        core += _exponent([match["exponent"] for match in matches], rows)
    return _sections(core, [matches[i] for i in fits], parts, weights)


def _convention(numbers: list[str], rows: list[int]) -> tuple[str, str]:
    """(sign between thousands, decimal sign) that fits the most cells."""
    used = {sign for number in numbers for sign in number if not sign.isdigit()}
    best, found = -1, ("", ".")
    for group, point in _CONVENTIONS:
        if (used and not used & {group[:1], point}) or (group and group[0] not in used):
            continue
        fit = sum(
            n for number, n in zip(numbers, rows, strict=True) if _split(number, group, point) is not None
        )
        if fit > best:
            best, found = fit, (group, point)
    return found


def _split(number: str, group: str, point: str) -> tuple[str, str] | None:
    """Digits before and after the decimal sign; None where the number is not written so."""
    whole, _, places = number.partition(point)
    if (places and not places.isdigit()) or (point in number and not places):
        return None
    if group == PAIRS:
        if not re.fullmatch(r"[1-9]\d?(?:,\d\d)*,\d{3}|[1-9]\d{0,2}|0", whole):
            return None
        whole = whole.replace(",", "")
    elif group:
        if not re.fullmatch(rf"[1-9]\d{{0,2}}(?:{re.escape(group)}\d{{3}})*|0", whole):
            return None
        whole = whole.replace(group, "")
    return (whole, places) if whole.isdigit() or (not whole and places) else None


def _places(places: list[str], rows: list[int], scientific: bool) -> str:
    """The decimals of a format: as few as all have and more where they do not end in 0, or a fixed number."""
    lengths = [len(one) for one in places]
    least, most = min(lengths), max(lengths)
    if all(len(one) == least or not one.endswith("0") for one in places):
        return "0" * least + "#" * (most - least)
    if least == 0:  # 0.5 and 2.0 beside 3
        shorter = [one for one in places if one]
        if all(len(one) == 1 or not one.endswith("0") for one in shorter) and min(map(len, shorter)) == 1:
            return "0" + "#" * (most - 1)
    tally: dict[int, int] = {}
    for length, n in zip(lengths, rows, strict=True):
        tally[length] = tally.get(length, 0) + n
    return "0" * max(tally, key=lambda length: tally[length])


def _width(wholes: list[str], rows: list[int]) -> int:
    """Digits before the decimal sign at least: more than one where numbers begin with zeros."""
    padded = sum(n for whole, n in zip(wholes, rows, strict=True) if len(whole) > 1 and whole[0] == "0")
    if all(whole == "" or (whole[0] != "0") for whole in wholes) and "" in wholes:
        return 0
    if not padded:
        return 1
    widths = [len(whole) for whole in wholes if len(whole) > 1 and whole[0] == "0"]
    return max(set(widths), key=widths.count)


def _exponent(exponents: list[str], rows: list[int]) -> str:
    letters = [one[0] for one in exponents]
    letter = max(set(letters), key=letters.count)
    always = any(one[1] == "+" for one in exponents)
    return letter + ("+" if always else "") + "0" * min(len(one.lstrip("eE+-")) for one in exponents)


def _sections(core: str, matches: list[Any], parts: list[tuple[str, str]], rows: list[int]) -> str:
    """The format with what stands before and after the digits, by sign."""
    tally: list[dict[str, int]] = [{}, {}, {}]
    for match, (whole, places), n in zip(matches, parts, rows, strict=True):
        below = _is_below(match)
        zero = not (whole + places).strip("0")
        section = f"{match['open'] or ''}{match['before']}{match['prefix']}{match['after']}{core}"
        section += f"{_suffix(match)}{match['close'] or ''}"
        kind = 2 if zero else 1 if below else 0
        tally[kind][section] = tally[kind].get(section, 0) + n
    above, below_, zero_ = (max(own, key=lambda s: own[s]) if own else None for own in tally)
    suffix = _suffix(matches[0])
    plain = f"{matches[0]['prefix']}{core}{'' if suffix in _MINUS else suffix}"
    above = above or plain
    default = f"-{above}"
    if zero_ is not None and zero_ != above:
        return f"{above};{below_ or default};{zero_}"
    return above if below_ in (None, default, above) else f"{above};{below_}"


def lenient(cell: str) -> float | None:
    """The number of a cell in whatever format, None for what is no number."""
    try:
        return float(cell)
    except ValueError:
        pass
    found = find([cell], [1], 1)
    if found is None or not found[0]:
        return None
    decimals = formats.decimals_of(found[0])
    ticks, _ = formats.read([cell], found[0], decimals)
    return float(ticks[0]) / 10.0 ** (decimals or 0)
