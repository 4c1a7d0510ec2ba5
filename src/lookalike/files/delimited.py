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

import contextlib
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from lookalike.errors import DataError, OptionError, first_line
from lookalike.files import numerals
from lookalike.files.marks import marks
from lookalike.files.numerals import WHOLE, Numbers
from lookalike.files.packed import open_bytes, open_text
from lookalike.progress import say

T = TypeVar("T")
SEPARATORS = ("\t", ";", "|", ",")  # the first counts most where two of them would do
NAMED = {"\t": "tabs", ";": "';'", "|": "'|'", ",": "commas"}
LOOKED_AT = 1 << 20  # characters
TITLE = 20  # lines above a header, at most
_NUMBER = re.compile(r"(?=.*\d)[\d\s.,:/%$€£+()\-]+")
_BLOCK, _LARGEST_BLOCK = 1 << 22, 1 << 30  # bytes that are parsed at a time; the second: for very long rows


class Found(NamedTuple):
    """What the start of a file tells.

    names: of the columns, each another; header: as they stand in the file; numbers: the marks in those of a
    column; doubtful: columns whose commas may be decimal or of thousands; quotes: `quoted` and `header` of
    the layout; newline: what ends a line; rows: whether there are any.
    """

    names: list[str]
    header: list[str]
    sep: str
    numbers: Numbers
    doubtful: list[str]
    quotes: dict[str, Any]
    newline: str
    rows: bool


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

    Raises DataError for an empty file, and for one with a title above its header. Of two columns of one name
    the second is called "name.1".
    """
    with open_text(path, encoding=encoding) as file:
        text = file.read(LOOKED_AT)
    if not text.strip():
        raise DataError(f"{path} is empty: give a table with a header and rows.")
    cut = len(text) == LOOKED_AT
    if line := _below_a_title(text, [sep] if sep is not None else [usual, *SEPARATORS]):
        raise DataError(
            f"{path} has lines above its table, whose header seems to be '{line[:60]}': delete the lines "
            "above that one."
        )
    sep = sep if sep is not None else _separator(text, cut, usual)
    header, *rows = _rows(text, sep, cut) or [[]]
    names = _apart(header)
    gone = {"", *(str(value) for value in missing)}
    columns = {name: [row[i] for row in rows if i < len(row) and row[i] not in gone]
               for i, name in enumerate(names)}  # fmt: skip
    numbers, doubtful = marks(columns, sep, decimal)
    quotes, newline = _quotes(text, sep, names)
    return Found(names, header, sep, numbers, doubtful, quotes, newline, bool(rows) or cut)


def _below_a_title(text: str, seps: Sequence[str]) -> str | None:
    """The line that is the header of a table with a title above it; None where the first line is.

    Its names fill all fields that the rows below it have, some of which are columns of numbers; the first
    line of the file fills half of them at most.
    """
    lines = text[:10_000].splitlines()[:-1]
    for sep in dict.fromkeys(seps):
        rows = list(csv.reader(lines, delimiter=sep))
        width = max(map(len, rows), default=0)
        if width < 2 or len(rows) != len(lines) or 2 * sum(map(bool, map(str.strip, rows[0]))) > width:
            continue
        for at, names in enumerate(rows[1:TITLE], 1):
            below = [row for row in rows[at + 1 :] if row]
            named = len(names) == len({*names}) == width and all(map(str.strip, names))
            if not named or any(map(_NUMBER.fullmatch, names)) or len(below) < TITLE // 2:
                continue
            if {len(row) for row in below} != {width}:
                continue
            if any(all(map(_NUMBER.fullmatch, cells)) for cells in zip(*below, strict=True)):
                return lines[at]
    return None


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
    with _wide_cells():
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

    def use(batches: Any) -> Any:
        return pa.Table.from_batches(list(batches), schema=batches.schema)

    cells, end = _parsed(path, encoding, found, use) if found.rows else (_nothing(found), b"")
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
        kept, keys, total = _nothing(found), np.zeros(0), 0
        for piece in batches:
            # the rows with the smallest random keys are a uniform sample, however many there are
            kept = pa.concat_tables([kept, pa.Table.from_batches([piece])])
            keys = np.concatenate([keys, rng.random(len(piece))])
            total += len(piece)
            if len(keys) > rows:
                smallest = np.sort(np.argpartition(keys, rows)[:rows])
                kept, keys = kept.take(pa.array(smallest)).combine_chunks(), keys[smallest]
        return kept, total

    (cells, total), end = _parsed(path, encoding, found, use) if found.rows else ((_nothing(found), 0), b"")
    return _table(cells, path, found, missing, end, usual), total


class _Watched:
    """A file of bytes, as UTF-8, that remembers how it ended."""

    closed = False

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        plain = encoding.replace("_", "-").lower() in ("utf-8", "utf-8-sig")
        self._file = file
        self._text = None if plain else io.TextIOWrapper(file, encoding=encoding, newline="")
        self.end = b""

    def read(self, size: int = -1) -> bytes:
        some = self._file.read(size) if self._text is None else self._text.read(size).encode()
        self.end = (self.end + some[-4:])[-4:]
        return some

    def close(self) -> None:
        self.closed = True


def _parsed(path: str | Path, encoding: str, found: Found, use: Callable[[Any], T]) -> tuple[T, bytes]:
    """(what `use` makes of the batches of a file's cells, strings all; how the file ends).

    A row that is longer than a block is read in larger ones.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    parts = [str(i) for i in range(len(found.names))]
    parse = arrow_csv.ParseOptions(delimiter=found.sep, newlines_in_values=True)
    convert = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(parts, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    block = _BLOCK
    while True:
        how = arrow_csv.ReadOptions(column_names=parts, skip_rows_after_names=1, block_size=block)
        with open_bytes(path) as raw:
            file = _Watched(raw, encoding)
            try:
                with arrow_csv.open_csv(file, how, parse, convert) as batches:  # its threads end with it
                    return use(batches), file.end
            except pa.ArrowInvalid as error:
                if "straddling" not in str(error) or block >= _LARGEST_BLOCK:
                    raise _unreadable(path, encoding, found, error) from None
        block *= 16


def _nothing(found: Found) -> Any:
    import pyarrow as pa

    return pa.table({str(i): pa.array([], pa.string()) for i in range(len(found.names))})


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


def _unreadable(path: str | Path, encoding: str, found: Found, error: Exception) -> DataError:
    _check_fields(path, encoding, found)  # reads all of it, so that bytes that are no text are said, too
    return DataError(f"{path} is not a readable CSV file ({first_line(error)}): repair or export it again.")


@contextlib.contextmanager
def _wide_cells() -> Iterator[None]:
    """Python's csv reader refuses cells of more than 128 KB; pandas does not."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _check_fields(path: str | Path, encoding: str, found: Found) -> None:
    """Raises DataError for the first row whose number of fields is not that of the header."""
    width = len(found.names)
    mark = {",": "a comma", "\t": "a tab"}.get(found.sep, f"'{found.sep}'")
    with open_text(path, encoding=encoding) as file, _wide_cells():
        reader = csv.reader(file, delimiter=found.sep)
        for row in reader:
            if row and len(row) != width:
                raise DataError(
                    f"{path} has {len(row)} fields in line {reader.line_num} where its header has {width}: "
                    f"repair that line (a value with {mark} needs quotes)."
                )
