"""Cells of delimited text as strings, in batches; what the start of a file tells of it (`delimited.py`)."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

from lookalike.errors import DataError, first_line
from lookalike.files import around
from lookalike.files.numerals import Numbers
from lookalike.files.packed import open_bytes, open_text

T = TypeVar("T")
_FIRST = 10_000  # cells of the first column that a note is told from
_END = 1 << 13  # bytes at the end of a file that are remembered
_BLOCK, _LARGEST_BLOCK = 1 << 22, 1 << 30  # bytes that are parsed at a time; the second: for very long rows


class Found(NamedTuple):
    """What the start of a file tells.

    names: of the columns, each another; header: as they stand in the file; numbers: the marks in those of a
    column; doubtful: columns whose commas may be decimal or of thousands; quotes: `quoted` and `header` of
    the layout; newline: what ends a line; rows: whether there are any; above, below: lines above the header
    and rows below it that are none of the table.
    """

    names: list[str]
    header: list[str]
    sep: str
    numbers: Numbers
    doubtful: list[str]
    quotes: dict[str, Any]
    newline: str
    rows: bool
    above: int = 0
    below: int = 0


class Left(NamedTuple):
    """What was left out below the header: rows that have other fields, cells at the end, headers again."""

    rows: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    headers: int = 0


class _Watched:
    """A file of bytes, as UTF-8, that remembers how it ended."""

    closed = False

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        plain = encoding.replace("_", "-").lower() in ("utf-8", "utf-8-sig")
        self._file = file
        self._text = None if plain else io.TextIOWrapper(file, encoding=encoding, newline="")
        self.end = b""
        self.odd: list[str] = []  # rows of another number of fields

    def skip(self, row: Any) -> str:
        """What is to be done with such a row: a few are kept, and judged when all is read."""
        self.odd.append(row.text)
        return "skip" if len(self.odd) <= around.FOOTERS else "error"

    def read(self, size: int = -1) -> bytes:
        some = self._file.read(size) if self._text is None else self._text.read(size).encode()
        self.end = (self.end + some[-_END:])[-_END:]
        return some

    def close(self) -> None:
        self.closed = True


def parsed(
    path: str | Path, encoding: str, found: Found, use: Callable[[Iterator[Any]], T]
) -> tuple[T, bytes, Left]:
    """(what `use` makes of the batches of a file's cells, strings all; how the file ends; what was left out).

    A row that is longer than a block is read in larger ones.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    parts = [str(i) for i in range(len(found.names))]
    convert = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(parts, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    block = _BLOCK
    while True:
        how = arrow_csv.ReadOptions(
            column_names=parts,
            skip_rows=found.above,
            skip_rows_after_names=1 + found.below,
            block_size=block,
        )
        with open_bytes(path) as raw:
            file = _Watched(raw, encoding)
            parse = arrow_csv.ParseOptions(
                delimiter=found.sep, newlines_in_values=True, invalid_row_handler=file.skip
            )
            first: set[str] = set()
            again: list[int] = []
            try:
                with arrow_csv.open_csv(file, how, parse, convert) as batches:  # its threads end with it
                    made = use(_without_headers(batches, found, again, first))
                if file.odd and not around.are_footers(
                    file.odd, found.sep, file.end.decode("utf-8", "replace"), first
                ):
                    raise pa.ArrowInvalid("its rows have different numbers of fields")
                return made, file.end, Left(tuple(file.odd), headers=sum(again))
            except pa.ArrowInvalid as error:
                if "straddling" not in str(error) or block >= _LARGEST_BLOCK:
                    raise _unreadable(path, encoding, found, error) from None
        block *= 16


def _without_headers(batches: Any, found: Found, again: list[int], first: set[str]) -> Iterator[Any]:
    """The batches without rows that are the header again, which `again` counts; `first` gets some cells of
    the first column.
    """
    import pyarrow.compute as pc

    for piece in batches:
        same = pc.fill_null(pc.equal(piece.column(0), found.header[0]), False)
        if len(found.header) > 1 and found.header[0] and pc.any(same).as_py():
            for column, name in zip(piece.columns, found.header, strict=True):
                same = pc.and_(same, pc.fill_null(pc.equal(column, name), not name))
            again.append(pc.sum(same).as_py() or 0)
            piece = piece.filter(pc.invert(same))
        if len(first) < _FIRST:
            first.update(piece.column(0).slice(0, _FIRST).to_pylist())
        yield piece


def nothing(found: Found) -> Any:
    import pyarrow as pa

    return pa.table({str(i): pa.array([], pa.string()) for i in range(len(found.names))})


def _unreadable(path: str | Path, encoding: str, found: Found, error: Exception) -> DataError:
    _check_fields(path, encoding, found)  # reads all of it, so that bytes that are no text are said, too
    return DataError(f"{path} is not a readable CSV file ({first_line(error)}): repair or export it again.")


@contextlib.contextmanager
def wide_cells() -> Iterator[None]:
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
    with open_text(path, encoding=encoding) as file, wide_cells():
        for _ in range(found.above):
            next(file)
        reader = csv.reader(file, delimiter=found.sep)
        next(reader, None)
        for row in reader:
            if row and len(row) != width:
                line = reader.line_num + found.above
                raise DataError(
                    f"{path} has {len(row)} fields in line {line} where its header has {width}: repair "
                    f"that line (a value with {mark} needs quotes)."
                )
