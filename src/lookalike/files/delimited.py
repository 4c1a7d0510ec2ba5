"""Tables of delimited text (CSV and its kin), read so that they can be written as they stood.

What stands between the columns and how numbers are marked is told from the first megabyte; every column is
then read as strings, and becomes numbers where each cell comes back exactly (`numerals.py`). A table that was
read has its layout in `attrs`, so that a synthetic one can be written alike (`csvlines.py`):

    {"sep": ";", "numbers": {"price": {"decimal": ",", "places": 2}}, "quoted": ["name"], "newline": "\r\n"}

sep: between columns, left out where the suffix says it. numbers: how those of a column are written. quoted:
columns whose cells all have quotes; header: those whose names have. blank: columns where a missing value
has quotes. names: of the file, where two columns have one. newline: of lines that do not end in a line feed;
end: False if the last line has none. encoding: of a file that is not plain UTF-8.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lookalike.errors import DataError, OptionError
from lookalike.files import around, numerals
from lookalike.files.marks import marks
from lookalike.files.numerals import WHOLE, Numbers
from lookalike.files.packed import open_text
from lookalike.files.parsing import Found, Left, nothing, parsed, wide_cells
from lookalike.progress import say

SEPARATORS = ("\t", ";", "|", ",")  # the first counts most where two of them would do
NAMED = {"\t": "tabs", ";": "';'", "|": "'|'", ",": "commas"}
LOOKED_AT = 1 << 20  # characters


def check_options(sep: str | None, decimal: str | None) -> tuple[str | None, str | None]:
    """A separator and a decimal mark as they are used; raises OptionError."""
    sep = {"tab": "\t", "\\t": "\t"}.get(sep, sep) if sep is not None else None
    if sep is not None and (len(sep) != 1 or sep in '"\r\n'):
        raise OptionError(f"{sep!r} cannot separate columns: write one character, or tab.")
    if decimal not in (None, ".", ","):
        raise OptionError(f"{decimal!r} cannot be the decimal sign: write . or , there.")
    return sep, decimal


def find(
    path: str | Path,
    encoding: str,
    usual: str,
    sep: str | None = None,
    decimal: str | None = None,
    missing: Collection[Any] = (),
) -> Found:
    """What the start of a file tells; usual: the separator that its suffix names; sep, decimal: as given.

    Raises DataError for an empty file. Of two columns of one name the second is called "name.1".
    """
    with open_text(path, encoding=encoding) as file:
        text = file.read(LOOKED_AT)
    if not text.strip():
        raise DataError(f"{path} is empty: give a table with a header and rows.")
    cut = len(text) == LOOKED_AT
    hint = around.hint(text)
    sep, above = (sep or hint, 1) if hint else (sep, 0)
    text = _without_lines(text, above)
    title = around.lines_above(text, [sep] if sep is not None else [usual, *SEPARATORS])
    above, text = above + title, _without_lines(text, title)
    sep = sep if sep is not None else _separator(text, cut, usual)
    header, *rows = _rows(text, sep, cut) or [[]]
    names = _apart(_completed(header, rows))
    below = around.rows_below(header, rows)
    there = len(rows) > below
    rows = [row for row in rows[below:] if len(row) == len(names) and row != header]
    gone = {"", *(str(value) for value in missing)}
    columns = {name: [row[i] for row in rows if i < len(row) and row[i] not in gone]
               for i, name in enumerate(names)}  # fmt: skip
    numbers, doubtful = marks(columns, sep, decimal)
    quotes, newline = _quotes(text, sep, names)
    header += [""] * (len(names) - len(header))
    return Found(names, header, sep, numbers, doubtful, quotes, newline, there or cut, above, below)


def _without_lines(text: str, count: int) -> str:
    return "".join(text.splitlines(keepends=True)[count:]) if count else text


def _completed(header: list[str], rows: list[list[str]]) -> list[str]:
    """The header, with an empty name where all rows have one field more: at the end where that is always
    empty, else in front, where R writes the names of the rows.
    """
    width = len(header)
    if len(rows) < 2 or any(len(row) != width + 1 for row in rows) or width < 2:
        return header
    if not any(row[-1] for row in rows):
        return [*header, ""]
    return ["", *header] if len({row[0] for row in rows}) == len(rows) else header


def _apart(header: Sequence[str]) -> list[str]:
    """The names of a header, each another: the second "a" is "a.1"."""
    names: list[str] = []
    for name in header:
        number, own = 0, name
        while own in names or (number and own in header):
            number += 1
            own = f"{name}.{number}"
        names.append(own)
    return names


def in_words(sep: str) -> str:
    """What stands between the columns, for a reader."""
    return "no other column" if sep == WHOLE else f"{NAMED.get(sep, repr(sep))} between columns"


def check_names(path: str | Path, names: Sequence[str]) -> None:
    """Raises DataError for two columns of one name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"{path} has two columns named '{name}': rename one of them.")
        seen.add(name)


def _rows(text: str, sep: str, cut: bool) -> list[list[str]]:
    """The records of the start of a file; cut: it goes on, so that the last one may not be whole."""
    with wide_cells():
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=sep) if row]
    return rows[:-1] if cut and len(rows) > 1 else rows


def _separator(text: str, cut: bool, usual: str) -> str:
    """What stands between the columns: it splits the header, and the rows into as many fields.

    A comma counts where it splits the header; the others have to stand in the rows, too, so that a column of
    texts is left whole, even where its commas lack quotes: `WHOLE` then stands nowhere.
    """
    best, sep = (0.0, 0, 0), usual
    for rank, candidate in enumerate(reversed(SEPARATORS), 1):
        if candidate not in text:
            continue
        header, *rows = _rows(text, candidate, cut)
        width = len(header)
        fits = sum(len(row) == width for row in rows) / len(rows) if rows else 1.0
        stands = candidate == usual or not rows or any(len(row) > 1 for row in rows)
        if width > 1 and stands and (fits, width, rank) > best:
            best, sep = (fits, width, rank), candidate
    if not best[1] and len({len(row) for row in _rows(text, usual, cut)[1:]}) > 1:
        return WHOLE
    return sep


def _quotes(text: str, sep: str, names: list[str]) -> tuple[dict[str, Any], str]:
    """(which columns have quotes around all their cells, and whether the header has; what ends a line)."""
    mark = re.escape(sep)
    fields = re.compile(rf'(?P<q>"[^"]*(?:""[^"]*)*")?(?P<rest>[^{mark}\r\n]*)(?P<end>{mark}|\r\n|\r|\n|\Z)')
    needed = re.compile(rf'[{mark}"\r\n]')
    plain, quoted = [0] * len(names), [0] * len(names)
    header: list[str] = []
    ends: Counter[str] = Counter()
    at = 0
    for field in fields.finditer(text):
        q, rest, end = field["q"], field["rest"], field["end"]
        if not (at == 0 and q is None and not rest and end != sep) and at < len(names):
            bare = q is None and bool(rest)
            loud = q is not None and not rest and not needed.search(q[1:-1])
            if not ends:
                header += [names[at]] if loud else []
            else:
                plain[at] += bare
                quoted[at] += loud and len(q) > 2
        if end != sep:
            ends[end] += bool(end)
        at = at + 1 if end == sep else 0
        if not end:
            break
    found: dict[str, Any] = {}
    if columns := [name for name, a, b in zip(names, plain, quoted, strict=True) if b and not a]:
        found["quoted"] = columns
    if header:
        found["header"] = header
    return found, max(ends, key=lambda end: ends[end], default="\n") or "\n"


# --- reading -------------------------------------------------------------------------------------------


def read(
    path: str | Path, encoding: str, found: Found, missing: Collection[Any], usual: str
) -> tuple[pd.DataFrame, int]:
    """(the whole table with its layout in `attrs`, its rows); usual: the separator that the suffix names.

    Raises DataError for rows of too many or too few fields, with the line.
    """
    import pyarrow as pa

    def use(batches: Iterator[Any]) -> Any:
        return pa.concat_tables([nothing(found), *(pa.Table.from_batches([piece]) for piece in batches)])

    cells, end, left = parsed(path, encoding, found, use) if found.rows else (nothing(found), b"", Left())
    cells, left = _without_end(cells, left, True)
    _say_left(path, found, left)
    return _table(cells, path, found, missing, end, usual), cells.num_rows


def sample(
    path: str | Path,
    encoding: str,
    found: Found,
    missing: Collection[Any],
    rows: int,
    rng: np.random.Generator,
    usual: str,
) -> tuple[pd.DataFrame, int]:
    """(uniform sample of at most `rows` rows in file order, as `read` gives it; rows in the file)."""
    import pyarrow as pa

    def use(batches: Any) -> tuple[Any, int]:
        kept, keys, total = nothing(found), np.zeros(0), 0
        for piece in batches:
            # the rows with the smallest random keys are a uniform sample, however many there are
            kept = pa.concat_tables([kept, pa.Table.from_batches([piece])])
            keys = np.concatenate([keys, rng.random(len(piece))])
            total += len(piece)
            if len(keys) > rows:
                smallest = np.sort(np.argpartition(keys, rows)[:rows])
                kept, keys = kept.take(pa.array(smallest)).combine_chunks(), keys[smallest]
        return kept, total

    none = ((nothing(found), 0), b"", Left())
    (cells, total), end, left = parsed(path, encoding, found, use) if found.rows else none
    whole = cells.num_rows == total
    cells, left = _without_end(cells, left, whole)
    _say_left(path, found, left)
    return _table(cells, path, found, missing, end, usual), total - len(left.cells)


def _without_end(cells: Any, left: Left, whole: bool) -> tuple[Any, Left]:
    last = around.at_end(cells, whole)
    return cells.slice(0, cells.num_rows - len(last)), left._replace(cells=tuple(last))


def _say_left(path: str | Path, found: Found, left: Left) -> None:
    ends = [row for row in left.rows if not row.startswith("#")]
    comments = len(left.rows) - len(ends)
    if words := around.in_words(found.above, found.below, comments, left.headers, [*left.cells, *ends]):
        say(f"{path}: {words}")


def _table(
    cells: Any, path: str | Path, found: Found, missing: Collection[Any], end: bytes, usual: str
) -> pd.DataFrame:
    """The columns of strings as values, with their layout."""
    import pyarrow as pa
    import pyarrow.compute as pc

    gone = pa.array([str(value) for value in missing], type=pa.string())
    columns: dict[str, pd.Series] = {}
    numbers: Numbers = {}
    blank: list[str] = []
    _check_end(cells, path, end)
    for at, name in enumerate(found.names):
        column = cells.column(at)
        empty = pc.equal(column, "")
        if (
            column.null_count == 0 and pc.any(empty).as_py()
        ):  # with quotes, all of them: then they say no more
            column = pc.if_else(empty, pa.scalar(None, pa.string()), column)
            blank.append(name)
        if len(gone):
            column = pc.if_else(pc.is_in(column, gone), pa.scalar(None, pa.string()), column)
        columns[name], how = numerals.column(column, found.numbers.get(name, {}))
        if how:
            numbers[name] = how
    table = pd.DataFrame(columns, index=pd.RangeIndex(cells.num_rows))
    facts: dict[str, Any] = {} if found.sep == usual else {"sep": found.sep}
    if found.sep == "," and any(how.get("decimal") == "," for how in numbers.values()):
        facts["sep"] = ","
    facts |= {"numbers": numbers} if numbers else {}
    facts |= found.quotes
    facts |= {"blank": blank} if blank else {}
    twice = {new: old for new, old in zip(found.names, found.header, strict=True) if new != old}
    if twice:
        facts["names"] = twice
        new, old = next(iter(twice.items()))
        say(f"{path}: of two columns named '{old}' the second is '{new}' here")
    facts |= {"newline": found.newline} if found.newline != "\n" else {}
    facts |= {"end": False} if end and end[-1:] not in b"\r\n" else {}
    if facts:
        table.attrs["layout"] = facts
    return table


def _check_end(cells: Any, path: str | Path, end: bytes) -> None:
    """Raises DataError where the last cell has a quote that nothing closes, so that it goes on to the end."""
    last = cells.column(cells.num_columns - 1)[-1].as_py() if cells.num_rows else None
    if last and last[-1] in "\r\n" and not end.rstrip(b"\r\n").endswith(b'"'):
        raise DataError(
            f"{path} is not a readable CSV file (a quote in it is never closed): repair or export it again."
        )
