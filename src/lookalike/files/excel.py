"""Tables in Excel's .xlsx files: the first sheet, its first row the header. Needs openpyxl.

Excel's numbers have 15 digits: whole numbers that are longer are written as texts, others are rounded at the
16th. How the cells of a column are shown, such as 0.0% or dd/mm/yyyy, is the layout of a table that was read
({"shown": {column: number format}}, in its `attrs`), and a table that is written with it is shown alike.
Times of the day are strings here, 14:30:00.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import numpy as np
import pandas as pd

from lookalike.errors import DataError, MissingDependency
from lookalike.files import around
from lookalike.progress import say

MOST_ROWS = 1_048_576  # of a sheet, with its header
MOST_LETTERS = 32_767  # of a cell
LONGEST = 10**15  # a whole number from here on would lose digits
_UNKNOWN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"
)  # characters that XML cannot hold
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{6})?")
_LOOKED = 500  # rows whose formats are looked at
_GENERAL = "General"  # the format of a cell that has none
_ELSEWHERE = "name it .csv or .parquet"


def openpyxl() -> ModuleType:
    """The package; MissingDependency where it is not installed."""
    try:
        import openpyxl as found
    except ImportError:
        raise MissingDependency("openpyxl", extra="excel") from None
    return found


def read(path: str | Path, file: IO[bytes]) -> pd.DataFrame:
    """The first sheet; the values of formulas, as Excel has last computed them.

    Raises DataError for an empty sheet and for a cell that stands under no name.
    """
    load = openpyxl().load_workbook
    try:
        with contextlib.closing(load(file, read_only=True, data_only=True)) as book:
            sheet = book.worksheets[0] if book.worksheets else None
            rows = [] if sheet is None else [_trimmed(row) for row in sheet.iter_rows(values_only=True)]
            shown = [] if sheet is None else _shown(sheet)
    except (KeyError, AttributeError, SyntaxError):  # parts are missing or odd
        raise DataError(f"{path} is not a readable Excel file: save it again as .xlsx.") from None
    numbered = [(number, row) for number, row in enumerate(rows, 1) if row]
    if not numbered:
        raise DataError(f"{path} is empty: give a table with a header and rows.")
    (_, header), *filled = numbered = _without(path, numbered)
    width = len(header)
    for number, row in filled:
        if len(row) > width:
            raise DataError(
                f"{path} has {len(row)} cells in row {number} where its header has {width}: name the column, "
                "or empty what stands beside the table."
            )
    names = ["" if name is None else str(name) for name in header]
    cells = [[row[at] if at < len(row) else None for _, row in filled] for at in range(width)]
    table = pd.DataFrame({at: _column(some) for at, some in enumerate(cells)}, index=range(len(filled)))
    table.columns = pd.Index(names)
    formats = {name: form for name, form in zip(names, shown, strict=False) if form}
    if formats:
        table.attrs["layout"] = {"shown": formats}
    return table


def _without(path: str | Path, numbered: list[tuple[int, list[Any]]]) -> list[tuple[int, list[Any]]]:
    """The rows from the header to the last one of the table; what is left out around them is said."""
    import pyarrow as pa

    width = max(len(row) for _, row in numbered)
    texts = [
        ["" if cell is None else str(cell) for cell in row] + [""] * (width - len(row)) for _, row in numbered
    ]
    above = around.rows_above(texts[:_LOOKED])
    header, *rows = texts[above:]
    below = around.rows_below(header, rows)
    cells = [pa.array([cell or None for cell in own], pa.string()) for own in zip(*rows[below:], strict=True)]
    last = around.at_end(pa.table(cells, [str(at) for at in range(width)]), True) if cells else []
    if words := around.in_words(above, below, 0, 0, last):
        say(f"{path}: {words}")
    return [numbered[above], *numbered[above + 1 + below : len(numbered) - len(last)]]


def _shown(sheet: Any) -> list[str | None]:
    """The number format of each column, None where its cells have none or several."""
    found: list[set[str]] = []
    rows = sheet.iter_rows(max_row=_LOOKED)
    next((row for row in rows if any(cell.value not in (None, "") for cell in row)), None)  # the header
    for row in rows:
        found += [set() for _ in range(len(row) - len(found))]
        for at, cell in enumerate(row):
            if cell.value not in (None, ""):
                found[at].add(str(cell.number_format))
    return [next(iter(one)) if len(one) == 1 and one != {_GENERAL} else None for one in found]


def _column(cells: list[Any]) -> Any:
    """Cells of whole numbers as such, beside empty ones too; others as pandas takes them."""
    cells = [cell.isoformat() if isinstance(cell, datetime.time) else cell for cell in cells]
    whole = {type(cell) for cell in cells} == {int, type(None)}
    return pd.Series(cells, dtype="Int64") if whole else cells


def _trimmed(row: Iterable[Any]) -> list[Any]:
    """The cells of a row up to the last one that is filled."""
    cells = list(row)
    while cells and cells[-1] in (None, ""):
        cells.pop()
    return cells


def check(path: str | Path, table: pd.DataFrame, rows: int) -> None:
    """Raises DataError for a table of so many rows, or with such texts, that a sheet cannot hold."""
    if rows >= MOST_ROWS:
        raise DataError(f"{path} would have {rows:,} rows, a sheet holds {MOST_ROWS - 1:,}: {_ELSEWHERE}.")
    for at, name in enumerate(table.columns):
        for row, cell in enumerate(table.iloc[:, at]):
            if not isinstance(cell, str):
                continue
            found = _UNKNOWN.search(cell)
            if found is None and len(cell) <= MOST_LETTERS:
                continue
            what = f"{len(cell):,} characters" if found is None else f"the character {found[0]!a}"
            raise DataError(f"{path} cannot hold {what} in column '{name}', row {row}: {_ELSEWHERE}.")


def to_bytes(table: pd.DataFrame, layout: Mapping[str, Any] | None = None) -> bytes:
    """The file of a table that passes `check`, shown as the layout says."""
    book = openpyxl().Workbook(write_only=True)
    sheet = book.create_sheet("table")
    sheet.append([_cell(sheet, str(name)) for name in table.columns])
    known = (layout or {}).get("shown", {})
    formats = [known.get(str(name)) for name in table.columns]
    for row in _values(table):
        sheet.append([_cell(sheet, value, form) for value, form in zip(row, formats, strict=True)])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _cell(sheet: Any, value: Any, form: str | None = None) -> Any:
    """A cell that is shown in a format; a text that begins like a formula is none."""
    formula = isinstance(value, str) and value.startswith("=")
    if value is None or (form is None and not formula):
        return value
    from openpyxl.cell import WriteOnlyCell

    if form is not None and isinstance(value, str) and _CLOCK.fullmatch(value):
        value = datetime.time.fromisoformat(value)
    cell = WriteOnlyCell(sheet, value=value)
    if formula:
        cell.data_type = "s"
    if form is not None:
        cell.number_format = form
    return cell


def _values(table: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """The rows as Excel's values: numbers, texts, truth values, dates without a zone; None where missing."""
    columns = []
    for at in range(table.shape[1]):
        column = table.iloc[:, at].astype(object)
        cells = [_value(cell) for cell in column.where(column.notna(), None).tolist()]
        if any(isinstance(cell, int) and abs(cell) >= LONGEST for cell in cells):
            cells = [cell if cell is None else str(cell) for cell in cells]
        columns.append(cells)
    return zip(*columns, strict=True)


def _value(cell: Any) -> Any:
    if isinstance(cell, pd.Timestamp):
        return cell.isoformat(" ") if cell.tzinfo is not None else cell.to_pydatetime(warn=False)
    if isinstance(cell, np.generic):
        cell = cell.item()
    if isinstance(cell, float) and not np.isfinite(cell):
        return str(cell)
    plain = (str, bool, int, float, datetime.datetime, datetime.date, datetime.time, datetime.timedelta)
    return cell if cell is None or isinstance(cell, plain) else str(cell)
