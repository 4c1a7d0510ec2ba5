"""Tables in text files: JSON objects, a line each or in an array, a text per line, or a folder with a row per
file.

A file of texts has one column, `text`. A folder has one column too: `code` of .py or .sql files, `json` of
.json files, `text` of .txt files. Line ends inside a text stay as they are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lookalike.characters import sound
from lookalike.errors import DataError, file_errors, first_line
from lookalike.files.packed import UTF8, broken_byte, open_text
from lookalike.progress import say
from lookalike.table.nested import holds_values, read_json

SOURCES = {
    ".py": "code",
    ".sql": "code",
    ".json": "json",
    ".txt": "text",
}  # files of a folder -> their column
TEXT = "text"
ABSENT: Any = object()  # in place of a value whose key is not there
TEXT_END = "\n"  # of a text on its line: a carriage return may stand inside


def count_lines(path: str | Path, newline: str = "", encoding: str = UTF8) -> int:
    """How many lines are not blank."""
    with open_text(path, newline, encoding) as lines:
        return sum(1 for line in lines if line.strip())


# --- JSON ----------------------------------------------------------------------------------------------


def json_table(path: str | Path, chosen: set[int] | None = None, encoding: str = UTF8) -> pd.DataFrame:
    """One JSON object per line; a key that a line lacks is missing there. chosen: line indices, None: all.

    Raises DataError for a line that holds no object.
    """
    table = _table(_objects(path, chosen, encoding))
    with open_text(path, encoding=encoding) as lines:
        line = next(line for line in lines if line.strip()).strip()
    if line != "{}" and line == json.dumps(json.loads(line), ensure_ascii=False, separators=(",", ":")):
        table.attrs["layout"] = table.attrs.get("layout", {}) | {"compact": True}
    return table


def _objects(path: str | Path, chosen: set[int] | None, encoding: str) -> Iterator[dict[str, Any]]:
    seen = broken = 0
    with open_text(path, encoding=encoding) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            seen += 1
            if chosen is not None and seen - 1 not in chosen:
                continue
            try:
                record = json.loads(line)
                if "\\u" in line:  # only as an escape can JSON hold what UTF-8 cannot
                    record, was = sound(record, "\x00"), record
                    broken += record != was
            except (ValueError, RecursionError):
                record = None
            if not isinstance(record, dict):
                raise DataError(f"{path} has no JSON object in line {number}: write one object per line.")
            yield record
    if not seen:
        raise DataError(f"{path} is empty: give a table with rows.")
    _say_broken(path, broken)


def json_array(path: str | Path, encoding: str = UTF8) -> pd.DataFrame:
    """An array of JSON objects, or one object per line; a key that an object lacks is missing there.

    Raises DataError for what is neither, and for an entry that is no object.
    """
    with open_text(path, encoding=encoding) as file:
        text = file.read()
    if not text.strip():
        raise DataError(f"{path} is empty: give a table with rows.")
    if text.lstrip()[0] != "[":
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return json_table(path, encoding=encoding)
        if isinstance(value, dict) and "\n" not in text.strip():
            return json_table(path, encoding=encoding)
        raise DataError(f"{path} holds one JSON value, not a table: write an array of objects, one per row.")
    try:
        found = json.loads(text)
        records = sound(found, "\x00")
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path} is not valid JSON ({first_line(error)}): repair it or write it again."
        ) from None
    odd = next((at for at, one in enumerate(records, 1) if not isinstance(one, dict)), None)
    if odd is not None:
        raise DataError(f"{path} has no JSON object as its entry {odd}: write an array of objects.")
    _say_broken(path, sum(one != was for one, was in zip(records, found, strict=True)))
    return _table(records)


def _say_broken(path: str | Path, rows: int) -> None:
    if rows:
        say(f"{path}: half characters (surrogates) in {rows:,} rows are replaced by U+FFFD")


def _table(records: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """The columns in the order of the keys. Its `attrs` hold the layout, for `json_lines`.

    {"absent": {column: share}, "numbers": {column: {"bare": True}}, "compact": True}: how many of the missing
    values have no key (others are null); whole numbers among fractions have no decimals; no blanks.
    """
    columns: dict[str, list[Any]] = {}
    order: list[str] = []
    for at, record in enumerate(records):
        before = -1
        for name, value in record.items():
            if name not in columns:
                columns[name] = [ABSENT] * at
                order.insert(before + 1, name)
            before = order.index(name) if order[before + 1 : before + 2] != [name] else before + 1
            columns[name].append(value)
        for values in columns.values():
            if len(values) <= at:
                values.append(ABSENT)
    absent, numbers, made = {}, {}, {}
    for name in order:
        cells = columns[name]
        gone = sum(cell is None or cell is ABSENT for cell in cells)
        if share := sum(cell is ABSENT for cell in cells) / max(gone, 1):
            absent[name] = share
        made[name], bare = _column(cells, 0 < share < 1)
        if bare:
            numbers[name] = {"bare": True}
    table = pd.DataFrame(made, columns=pd.Index(order, dtype=object if not order else None))
    layout: dict[str, Any] = {"absent": absent} if absent else {}
    layout |= {"numbers": numbers} if numbers else {}
    if layout:
        table.attrs["layout"] = layout
    return table


def _column(cells: list[Any], both: bool) -> tuple[pd.Series, bool]:
    """(the values, whether whole numbers among fractions have no decimals); both: some cells are null, others
    absent, which an object column alone tells apart (None, nan).
    """
    kinds = {type(cell) for cell in cells if cell is not None and cell is not ABSENT}
    plain = [math.nan if cell is ABSENT and both else None if cell is ABSENT else cell for cell in cells]
    if both or not kinds <= {int, float}:
        return pd.Series(plain, dtype=object if both or kinds != {str} else None), False
    if kinds == {int} and all(cell is None or -(2**63) <= cell < 2**63 for cell in plain):
        return pd.Series(plain, dtype="Int64" if None in plain else "int64"), False
    if kinds == {float} or not kinds:
        return pd.Series(plain, dtype="float64" if kinds else object), False
    if kinds == {int, float} and all(
        cell is None or (abs(cell) < 2**53 and type(cell) is (int if cell == int(cell) else float))
        for cell in plain
        if cell is None or math.isfinite(cell)
    ):
        return pd.Series(plain, dtype="float64"), True
    return pd.Series(plain, dtype=object), False


def json_lines(table: pd.DataFrame, layout: Mapping[str, Any] | None = None) -> Iterator[str]:
    """One line per row; numbers keep every digit, dates become strings, infinities null (JSON has none).

    layout: of the file that the table was read from; None: that of its `attrs`.
    """
    layout = table.attrs.get("layout", {}) if layout is None else layout
    names = [str(name) for name in table.columns]
    bare = {name for name, how in layout.get("numbers", {}).items() if how.get("bare")}
    separators = (",", ":") if layout.get("compact") else (", ", ": ")
    columns = []
    for i, name in enumerate(names):
        values = table.iloc[:, i].astype(object)
        wanted = values.notna()
        if not holds_values(values):
            wanted &= ~values.isin([np.inf, -np.inf])
        cells = values.where(wanted, None).tolist()
        if name in bare:
            cells = [int(cell) if isinstance(cell, float) and cell.is_integer() else cell for cell in cells]
        columns.append(_with_absent(cells, values.tolist(), layout.get("absent", {}).get(name, 0.0)))
    for row in zip(*columns, strict=True):
        record = {name: cell for name, cell in zip(names, row, strict=True) if cell is not ABSENT}
        yield json.dumps(record, ensure_ascii=False, default=_json_value, separators=separators) + "\n"


def _with_absent(cells: list[Any], given: list[Any], share: float) -> list[Any]:
    """The cells with that share of the missing ones absent: those that are nan, where not all are."""
    gone = [at for at, cell in enumerate(cells) if cell is None]
    if not share or not gone:
        return cells
    nulls = [given[at] is None for at in gone]
    told = share < 1 and any(nulls) and not all(nulls)
    made = list(cells)
    for number, at in enumerate(gone):
        if (given[at] is not None) if told else int((number + 1) * share) > int(number * share):
            made[at] = ABSENT
    return made


def _json_value(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    return float(value) if isinstance(value, Decimal) else str(value)


# --- texts ---------------------------------------------------------------------------------------------


def text_table(path: str | Path, chosen: set[int] | None = None, encoding: str = UTF8) -> pd.DataFrame:
    """A text per line, blank lines left out. chosen: indices among the others, None: all.

    Raises DataError for a file without texts.
    """
    texts = []
    seen = 0
    with open_text(path, TEXT_END, encoding) as lines:
        for line in lines:
            if line.strip():
                if chosen is None or seen in chosen:
                    texts.append(line.removesuffix("\n").removesuffix("\r"))
                seen += 1
    if not seen:
        raise DataError(f"{path} is empty: write one text per line.")
    return pd.DataFrame({TEXT: texts})


def text_lines(path: str | Path, table: pd.DataFrame) -> Iterator[str]:
    """The texts of a table of one column, a line each. Raises DataError for what is no line of text."""
    check_texts(path, table)
    for text in table.iloc[:, 0]:
        yield f"{text}\n"


def check_texts(path: str | Path, table: pd.DataFrame) -> None:
    """Raises DataError unless a table can be written as a text per line."""
    if table.shape[1] != 1:
        names = ", ".join(f"'{name}'" for name in table.columns[:5])
        raise DataError(
            f"{path} would hold one text per line, but the table has the columns {names}: name it .jsonl or "
            ".csv."
        )
    column = table.iloc[:, 0]
    if column.isna().any():
        raise DataError(
            f"{path} would hold one text per line, but column '{column.name}' has missing values: name it "
            ".jsonl or .csv."
        )
    broken = column.astype(object).map(str).str.contains("\n", regex=False).to_numpy(bool)
    if broken.any():
        raise DataError(
            f"{path} would hold one text per line, but column '{column.name}' has line breaks in row "
            f"{column.index[int(broken.argmax())]}: name it .jsonl or .csv."
        )


# --- a folder of files -----------------------------------------------------------------------------------


def folder_files(path: str | Path) -> list[Path]:
    """The files of a folder and those below it that make rows, in order of their names; empty ones make none.

    Files of other kinds, and hidden ones, do not count. Raises DataError for a folder without such files, or
    with several kinds.
    """
    below = sorted(Path(path).rglob("*"))
    shown = [f for f in below if not any(part.startswith(".") for part in f.relative_to(path).parts)]
    files = [file for file in shown if file.suffix.lower() in SOURCES and file.is_file()]
    kinds = sorted({file.suffix.lower() for file in files})
    if not files:
        raise DataError(
            f"{path} is a folder without {', '.join(SOURCES)} files: name a table file, or a folder of such."
        )
    if len(kinds) > 1:
        raise DataError(f"{path} is a folder of {' and '.join(kinds)} files: put one kind into a folder.")
    files = [file for file in files if file.stat().st_size > 0]
    if not files:
        raise DataError(f"{path} is a folder of empty {kinds[0]} files: give files with something in them.")
    return files


def folder_table(files: list[Path], encoding: str = UTF8) -> pd.DataFrame:
    """A row per file. Raises DataError that names the file which is not in the encoding, or no JSON."""
    suffix = files[0].suffix.lower()
    contents = [_content(file, encoding) for file in files]
    return pd.DataFrame({SOURCES[suffix]: pd.Series(contents, dtype=object)})


def _content(file: Path, encoding: str) -> Any:
    with file_errors(file), open_text(file, encoding=encoding) as opened:
        try:
            text = opened.read()
        except UnicodeDecodeError:
            said = broken_byte(file) if encoding == UTF8 else f"is not {encoding}: name its encoding"
            raise DataError(f"{file} {said}.") from None
    if file.suffix.lower() != ".json":
        return text
    try:
        return read_json(text)
    except ValueError as error:
        raise DataError(
            f"{file} is not valid JSON ({first_line(error)}): repair it or leave it out."
        ) from None
