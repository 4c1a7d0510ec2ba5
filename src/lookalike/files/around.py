"""What stands around a table in delimited text: lines above its header, rows of units below it, a total or a
footer at its end. They are no rows of the table; each is left out where the evidence is clear, and said.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

TITLE = 20  # lines above a header, at most
FOOTERS = 20  # rows at the end that are none of the table, at most
_WORDS = 4  # of a note that stands alone in a row of blank fields, at least
_SHOWN = 40  # letters of a row at the end that are said
_SECOND = 3  # rows below a header that tell of its columns, at most
_ROWS = 10  # rows from which a column can be told to hold numbers
_LOOKED_AT = 2000  # rows by which a second header is told
_MOST = 0.9  # of the rows below a title, that have as many fields as the header
_MOSTLY = 0.98  # of the cells of a column of numbers, that are some
_NUMBER = re.compile(r"(?=.*\d)[\d\s.,:/%$€£+()\-]+")
_GONE = re.compile(r"(?i)#?n\.?/?[ad]\.?|nan|null|none|nil|missing|unknown|tb[dc]|\W*")
_SAID = re.compile(r"(?![\d<>~\u2264\u2265+.-]).*(?:[^\W\d_]|[%$€£°]).*", re.DOTALL)  # a unit, a label
_UNIT = re.compile(
    r"(?i)[(\[].*[)\]]|[km\u00b5cd]?[gm]|[m\u00b5]?s|[mc]?l|%|[$€£]|eur|usd|gbp|[k]?wh?|k?hz|°[cf]|[km]?pa|"
    r"years?|days?|hours?|h|min|mm[23]?|cm[23]?|m[23]|km/h|kg/m[23]|lbs?|in|ft|oz|int\d*|float\d*|double|"
    r"number|numeric|decimal|integer|string|text|date|bigint|varchar.*"
)
_TOTAL = re.compile(
    r"(?i)(?:(?:grand|sub|overall)[ -]?)?(?:totals?|total g[eé]n[eé]ral|totaal|totale|summe|"
    r"gesamt(?:summe)?|sum|suma|somme|somma|итого|всего|合[计計]|[总總][计計]|averages?|avg|mean|durchschnitt|moyenne|count)\.?"
    r"(?:\s*[(:\u2013-].*)?"
)
_COUNTED = re.compile(r"(?i)\(?[\d., ]+ (?:rows?|records?|lines?)(?: \w+)?\)?\.?")
_BEGUN = re.compile(
    r"(?i)[*†‡\u00b9#]|(?:sources?|notes?|quelle|hinweis|fuente|nota|remark|footnote|updated?)\b.*:|"
    r"(?:downloaded|generated|exported|last updated|copyright|end of|total:)"
)
_NOTE = re.compile(r"(?i)(?=.*[^\W\d_]).*(?:[\s:*()©#].*|end|eof)", re.DOTALL)


def hint(text: str) -> str | None:
    """The separator that a first line for a spreadsheet names (`sep=;`), None without such a line."""
    found = re.match(r"sep=([^\r\n])\r?\n", text)
    return found[1] if found else None


def lines_above(text: str, seps: Sequence[str]) -> int:
    """How many lines stand above the header of a table, such as a title, notes or groups of columns; 0 where
    the first line is the header.

    Its names fill all fields that the rows below it have, some of which are columns of numbers; the first
    line of the file fills half of them at most, or names groups: it has blanks or a name twice.
    """
    lines = text[:10_000].splitlines()[:-1]
    for sep in dict.fromkeys(seps):
        rows = list(csv.reader(lines, delimiter=sep))
        if len(rows) == len(lines) and (at := rows_above(rows)):
            return at
    return 0


def rows_above(rows: Sequence[list[str]]) -> int:
    """As `lines_above`, of rows of cells."""
    width = max(map(len, rows), default=0)
    if width < 2:
        return 0
    first = [cell.strip() for cell in rows[0] if cell.strip()]
    title = 2 * len(first) <= width
    groups = len(rows[0]) == width and len(set(first)) <= width - 2
    for at, names in enumerate(rows[1 : TITLE if title else 2] if title or groups else [], 1):
        below = _whole([row for row in rows[at + 1 :] if row], width)
        named = len(names) == len({*names}) == width and all(map(str.strip, names))
        if not named or any(map(_NUMBER.fullmatch, names)) or len(below) < _ROWS:
            continue
        told = below[rows_below(names, below) :]
        whole = [row for row in told if len(row) == width]
        if len(whole) < _MOST * len(told):
            continue
        columns = list(zip(*whole, strict=True))
        again = any(name in cells for name, cells in zip(names, columns, strict=True))
        if any(map(_is_number, columns)) and (title or not again):
            return at
    return 0


def _whole(rows: list[list[str]], width: int) -> list[list[str]]:
    """The rows without the footers at their end and the comments among them."""
    rows = [row for row in rows if not row[0].startswith("#") or len(row) == width]
    for _ in range(FOOTERS):
        if rows and len(rows[-1]) != width:
            rows = rows[:-1]
    return rows


def _is_number(cells: Sequence[str]) -> bool:
    """Whether a column of cells holds numbers; a few others may be among them."""
    there = [cell for cell in cells if cell.strip()]
    found = sum(_NUMBER.fullmatch(cell) is not None for cell in there)
    return len(there) >= _ROWS and found >= _MOSTLY * len(there)


def rows_below(names: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How many of the first rows are a second header: dashes, units, labels or types, or the names again.

    In every column of numbers such a row says something that is none, and that stands nowhere else there.
    """
    width = len(names)
    rows = [row for row in rows[:_LOOKED_AT] if len(row) == width]
    columns = list(zip(*rows[_SECOND:], strict=True))
    numbers = [at for at, cells in enumerate(columns) if _is_number(cells)]
    seen = [set(cells) for cells in columns]
    for k, row in enumerate(rows[:_SECOND] if columns else []):
        if all(re.fullmatch(r"[-=]{2,}", cell.strip()) for cell in row) or list(row) == list(names):
            continue
        there = [at for at in numbers if row[at].strip()]
        odd = [at for at in there if _SAID.fullmatch(row[at]) and not _GONE.fullmatch(row[at].strip())]
        units = all(_UNIT.fullmatch(row[at].strip()) for at in odd)
        again = any(row[at].strip() and row[at] in seen[at] for at in range(width))
        if not odd or len(odd) < len(there) or again or (len(odd) < 2 and not units):
            return k
    return min(_SECOND, len(rows)) if columns else 0


def are_footers(rows: Sequence[str], sep: str, end: str, first: set[str]) -> bool:
    """Whether rows that have not as many fields as the header are comments, or notes at the end of the file.

    rows: their text; end: of the file; first: cells of the first column. A row that was cut off is no note.
    """
    rows = [row for row in rows if not row.startswith("#")]
    lines = [line for line in end.splitlines() if line.strip()]
    if [row.strip() for row in rows] != [line.strip() for line in lines[len(lines) - len(rows) :]]:
        return False
    for row in rows:
        cells = next(csv.reader([row], delimiter=sep), [])
        text = row.strip().strip('"')
        alone = len(cells) == 1 or not any(map(str.strip, cells[1:]))
        if cells and cells[0] in first and not _TOTAL.fullmatch(cells[0].strip()):
            return False
        if not (_COUNTED.fullmatch(text) or (alone and _NOTE.fullmatch(text)) or _BEGUN.match(text)):
            return False
    return True


def at_end(cells: Any, whole: bool) -> list[str]:
    """Of each of the last rows of a table that is none of it the first cell that is not blank: of blank rows,
    notes in the first column alone, and totals.

    cells: a pyarrow Table of strings; whole: it has all rows of the file, so that sums can be told.
    """
    total = cells.num_rows
    rows = [list(row.values()) for row in cells.slice(max(0, total - FOOTERS)).to_pylist()][::-1]
    most = 0  # rows with gaps; where there are many, gaps are usual
    while most < min(len(rows), total - 1) and (None in rows[most] or _TOTAL.fullmatch(rows[most][0])):
        most += 1
    rest = cells.slice(0, total - most)
    left = 0
    while left < most < FOOTERS and _is_apart(rest, rows[left], whole):
        left += 1
    return [next((cell for cell in row if cell and cell.strip()), "") for row in rows[:left]][::-1]


def _is_apart(rest: Any, row: list[Any], whole: bool) -> bool:
    """Whether a row that ends a table is a total, a note or blank, by the rows above it that are full."""
    there = [at for at, cell in enumerate(row) if cell is not None and cell.strip()]
    full = [at for at in range(len(row)) if at not in there and not _blank(rest.column(at))]
    mostly = 2 * len(full) >= len(row) - 1
    if not there:
        return mostly and len(row) > 2
    text = row[there[0]].strip()
    if _TOTAL.fullmatch(text):
        sums = whole and any(_is_sum(rest.column(at).to_pylist(), row[at]) for at in there[1:])
        return (bool(full) or sums) and not _holds(rest.column(there[0]), row[there[0]])
    if there == [0] and (_BEGUN.match(text) or _COUNTED.fullmatch(text) or len(text.split()) >= _WORDS):
        return mostly and not _holds(rest.column(0), row[0])
    if not (whole and full and rest.num_rows >= _ROWS and all(_NUMBER.fullmatch(row[at]) for at in there)):
        return False
    return all(_is_sum(rest.column(at).to_pylist(), row[at]) for at in there)


def _blank(column: Any) -> bool:
    """Whether a column has cells that are missing."""
    import pyarrow.compute as pc

    return bool(column.null_count or pc.any(pc.equal(column, "")).as_py())


def _holds(column: Any, cell: str) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(pc.equal(column, cell)).as_py())


def _is_sum(column: list[Any], cell: str) -> bool:
    """Whether a cell is the sum of the numbers above it."""
    try:
        total = sum(float(one) for one in column if one)
        return abs(total - float(cell)) <= 1e-6 * abs(total) + 0.05
    except ValueError:
        return False


def nameless(header: Sequence[str], table: pd.DataFrame) -> str | None:
    """A decimal number in the header above a column of numbers, where the header seems to be a row: a text in
    it is a value of its column, or all of it are numbers above numbers.
    """
    numbers, texts, first = 0, 0, None
    for name, (_, column) in zip(header, table.items(), strict=True):
        if pd.api.types.is_numeric_dtype(column):
            decimal = re.fullmatch(r"-?\d+(?P<places>[.,]\d+)?", name)
            numbers += decimal is not None
            first = first or (name if decimal and decimal["places"] else None)
        else:
            texts += bool((column == name).any())
    return first if texts or numbers == len(header) else None


def in_words(above: int, below: int, comments: int, again: int, end: Sequence[str]) -> str | None:
    """A sentence on what was left out, None for nothing. end: the text of rows at the end."""

    def rows(n: int, what: str = "row") -> str:
        return f"{n:,} {what}{'s' if n > 1 else ''}"

    said = [f"{rows(above, 'line')} above its header"] if above else []
    said += [f"{rows(below)} below its header"] if below else []
    said += [f"{rows(comments, 'line')} of comments"] if comments else []
    said += [f"its header again in {rows(again)}"] if again else []
    named = ", ".join(repr(text[:_SHOWN]) for text in end if text)
    said += [f"{rows(len(end))} at its end" + f" ({named})" * bool(named)] if end else []
    if not said:
        return None
    return "left out " + (" and ".join([", ".join(said[:-1]), said[-1]]) if len(said) > 1 else said[0])
