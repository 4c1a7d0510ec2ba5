"""Tables in and out of files, by suffix: .csv .tsv .jsonl .json .parquet .feather .xlsx; .txt and folders.

Text files may be packed: .csv.gz, .bz2, .xz, .zst, .zip. "-" is CSV from standard input, or to standard
output.

Reading: in CSV only an empty cell is missing ("NA", "?" and the like stay what they are, unless declared
missing). What stands between the columns, how decimals are written and the encoding are told from the file,
and said where they are not the usual ones. Writing goes to a temporary file beside the target, which is
renamed at the end: there is never half a table. Everything that is wrong with a file raises DataError, one
sentence that names the file and the fix.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
import pandas as pd

from lookalike import arguments
from lookalike.atomic import put
from lookalike.errors import DataError, file_errors
from lookalike.files import arrow, delimited, excel
from lookalike.files.lines import (
    TEXT_END,
    check_texts,
    count_lines,
    folder_files,
    folder_table,
    json_array,
    json_lines,
    json_table,
    text_lines,
    text_table,
)
from lookalike.files.packed import (
    STANDARD,
    UTF8,
    check_encoding,
    in_encoding,
    open_bytes,
    open_packed,
    packing,
    say_how,
    zip_member,
)
from lookalike.progress import say
from lookalike.table.missing import hide, is_missing
from lookalike.table.nested import holds_values, json_text

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".parquet", ".jsonl", ".jsonl.gz", ".json", ".feather", ".xlsx")
LINES = ".txt"  # one text per line: no table but a column
FOLDER = "a folder"
DELIMITED = {".csv": ",", ".tsv": "\t", ".tab": "\t"}  # suffix -> what stands between the columns
JSON_LINES = (".jsonl", ".ndjson")
TEXT_KINDS = (*DELIMITED, *JSON_LINES, ".json", LINES)
KINDS = (*TEXT_KINDS, ".parquet", ".feather", ".xlsx")
_CHUNK = 100_000  # rows read at a time when a table is sampled


def check_suffix(path: str | Path) -> str:
    """The suffix of a table file, without that of its packing; ".csv" for "-". Raises DataError for a suffix
    that no table is written with.
    """
    if str(path) == STANDARD:
        return ".csv"
    packed = packing(path)
    name = Path(path).name.lower().removesuffix(packed)
    for kind in TEXT_KINDS if packed else KINDS:
        if name.endswith(kind):
            return kind
    named = f"name it such as table.csv{packed}" if packed else f"name it with one of {', '.join(KINDS)}"
    raise DataError(f"{path} has no suffix of a table: {named}.")


def check_target(path: str | Path, table: pd.DataFrame) -> None:
    """Raises DataError if a table of these columns, or with such texts, cannot be written to a path."""
    kind = check_suffix(path)
    if kind == LINES:
        check_texts(path, table)
    if kind == ".xlsx":
        excel.openpyxl()
        excel.check(path, table, 0)


def _readable(path: str | Path) -> str:
    """The suffix of a file to read, or `FOLDER`; that it exists matters more than how it is called."""
    if str(path) == STANDARD:
        return ".csv"
    if Path(path).is_dir():
        return FOLDER
    with file_errors(path):
        open(path, "rb").close()
        if packing(path) == ".zip":
            inside = zip_member(path)
            if any(inside.lower().endswith(kind) for kind in KINDS):
                return check_suffix(inside)
    return check_suffix(path)


def read_table(
    path: str | Path,
    missing: Collection[Any] = (),
    *,
    encoding: str | None = None,
    sep: str | None = None,
    decimal: str | None = None,
) -> pd.DataFrame:
    """Reads a table by its suffix; of a folder of .py, .sql, .json or .txt files, a row per file.

    missing: values that mean missing in this table, such as {"?"}. Where they cannot be told: encoding, of
    text that is not UTF-8; sep, between the columns of delimited text; decimal, "." or ",", before the
    decimals of its numbers. The table's `attrs` keep the layout of delimited text (`delimited.py`).
    Raises DataError for whatever is wrong with the file, and for a table without rows; OptionError for values
    that make no sense; MissingDependency for .xlsx without openpyxl.
    """
    path, missing = arguments.path("path", path), arguments.sentinels("missing", missing)
    table, _ = _read(path, missing, encoding, sep, decimal, None)
    if len(table) == 0:
        raise DataError(f"{path} has a header but no rows: give a table with rows.")
    return table


def sample_rows(
    path: str | Path,
    rows: int,
    seed: int = 0,
    missing: Collection[Any] = (),
    *,
    encoding: str | None = None,
    sep: str | None = None,
    decimal: str | None = None,
) -> tuple[pd.DataFrame, int]:
    """(uniform sample of at most `rows` rows in file order, rows in the file), in the memory of the sample.

    Files of .json and .xlsx are read whole. Options and errors as of `read_table`.
    """
    table, total = _read(path, missing, encoding, sep, decimal, (rows, np.random.default_rng(seed)))
    if total == 0:
        raise DataError(f"{path} has no rows: give a table with rows.")
    return table, total


Choice = tuple[int, np.random.Generator] | None  # how many rows of a sample, drawn so; None: all


def _read(
    path: str | Path,
    missing: Collection[Any],
    encoding: str | None,
    sep: str | None,
    decimal: str | None,
    choice: Choice,
) -> tuple[pd.DataFrame, int]:
    """(the table or a sample of it, rows in the file)."""
    sep, decimal = delimited.check_options(sep, decimal)
    encoding = None if encoding is None else check_encoding(encoding)
    kind = _readable(path)
    with file_errors(path):
        if kind in DELIMITED:
            return _read_delimited(path, missing, encoding, sep, decimal, kind, choice)
        if kind in TEXT_KINDS:
            read = _TEXTS[kind]
            (table, total), guessed = in_encoding(path, encoding, lambda name: read(path, name, choice))
            say_how(path, [], guessed)
        elif kind == FOLDER:
            files = folder_files(path)
            total = len(files)
            files = files if choice is None else [files[i] for i in _choose(total, *choice)]
            table = folder_table(files, encoding or UTF8)
        elif kind == ".xlsx":
            with open_bytes(path) as file:
                table, total = _chosen(excel.read(path, io.BytesIO(file.read())), choice)
        else:
            table, total = _read_arrow(path, kind, choice)
    table = table.reset_index(drop=True)
    delimited.check_names(path, [str(name) for name in table.columns])
    return _without(table, missing), total


def _read_delimited(
    path: str | Path,
    missing: Collection[Any],
    encoding: str | None,
    sep: str | None,
    decimal: str | None,
    kind: str,
    choice: Choice,
) -> tuple[pd.DataFrame, int]:
    usual = DELIMITED[kind]

    def read(name: str) -> tuple[delimited.Found, tuple[pd.DataFrame, int]]:
        found = delimited.find(path, name, usual, sep, decimal, missing)
        if choice is not None:
            return found, delimited.sample(path, name, found, missing, *choice, _CHUNK)
        table = delimited.read(path, name, found, missing)
        return found, (table, len(table))

    (found, (table, total)), guessed = in_encoding(path, encoding, read)
    layout = delimited.layout(table, found, usual)
    if layout:
        table.attrs["layout"] = layout
    words = [] if sep is not None or found.sep == usual else [delimited.in_words(found.sep)]
    if decimal is None and any(how.get("decimal") == "," for how in found.numbers.values()):
        words.append("decimal commas")
    say_how(path, words, guessed)
    if found.doubtful:
        say(
            f"{path}: the commas of column '{found.doubtful[0]}' may stand before decimals or thousands, "
            "so its cells are texts: say which mark stands before decimals with --decimal (decimal=)"
        )
    return table, total


def _read_lines(path: str | Path, encoding: str, choice: Choice) -> tuple[pd.DataFrame, int]:
    if choice is None:
        table = json_table(path, encoding=encoding)
        return table, len(table)
    total = count_lines(path, encoding=encoding)
    return json_table(path, set(_choose(total, *choice).tolist()), encoding), total


def _read_texts(path: str | Path, encoding: str, choice: Choice) -> tuple[pd.DataFrame, int]:
    if choice is None:
        table = text_table(path, encoding=encoding)
        return table, len(table)
    total = count_lines(path, TEXT_END, encoding)
    return text_table(path, set(_choose(total, *choice).tolist()), encoding), total


def _read_array(path: str | Path, encoding: str, choice: Choice) -> tuple[pd.DataFrame, int]:
    return _chosen(json_array(path, encoding), choice)


_TEXTS: dict[str, Callable[[str | Path, str, Choice], tuple[pd.DataFrame, int]]] = {
    **dict.fromkeys(JSON_LINES, _read_lines),
    ".json": _read_array,
    LINES: _read_texts,
}


def _read_arrow(path: str | Path, kind: str, choice: Choice) -> tuple[pd.DataFrame, int]:
    if packing(path):  # of a .zip
        with open_bytes(path) as file:
            return _chosen(arrow.read(io.BytesIO(file.read()), kind), choice)
    if choice is None:
        table = arrow.read(path, kind)
        return table, len(table)
    return arrow.sample(path, kind, lambda total: _choose(total, *choice), _CHUNK)


def _choose(total: int, rows: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    return np.arange(total) if rows >= total else np.sort(rng.choice(total, rows, replace=False))


def _chosen(table: pd.DataFrame, choice: Choice) -> tuple[pd.DataFrame, int]:
    return (table if choice is None else table.iloc[_choose(len(table), *choice)]), len(table)


def write_table(table: pd.DataFrame, path: str | Path, layout: Mapping[str, Any] | None = None) -> None:
    """Writes a table by the suffix of the path; see `ChunkWriter` for tables that come in pieces.

    layout: of delimited text; None: that of the table's `attrs`.
    """
    table = arguments.table("the table to write", table)
    with ChunkWriter(path, layout) as writer:
        writer.write(table)


class ChunkWriter:
    """Writes a table piece by piece; the file appears when the `with` block ends well, else not at all.

        with ChunkWriter("big.parquet") as writer:
            for piece in pieces:
                writer.write(piece)

    layout: how delimited text is written (`delimited.py`); None: as the `attrs` of the first piece say, else
    with commas. "-" is standard output, where each piece appears at once.
    Raises DataError if the folder does not exist or the disk is full.
    """

    def __init__(self, path: str | Path, layout: Mapping[str, Any] | None = None) -> None:
        self.path = arguments.path("path", path)
        self._kind = check_suffix(path)
        self._standard = str(path) == STANDARD
        self._layout = layout
        self._partial = ""
        self._file: Any = None
        self._writer: Any = None  # of Arrow's formats
        self._sheet: list[pd.DataFrame] = []  # what a sheet will hold: it is written in one go
        self._begun = False
        self._nested: set[Any] = set()  # columns of lists and objects
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> Self:
        folder = self.path.parent
        if not folder.is_dir():
            raise DataError(f"{self.path}: the folder {folder} does not exist: make it first.")
        if self.path.is_dir():
            raise DataError(f"{self.path} is a folder: name a file to write to.")
        with file_errors(self.path, "written"):
            if not self._standard:
                handle, self._partial = tempfile.mkstemp(
                    prefix=f".{self.path.name}.", suffix=".partial", dir=folder
                )
                os.close(handle)
            self._file = self._opened()
        return self

    def _opened(self) -> IO[Any]:
        raw: Any
        if self._standard:  # whatever sys.stdout is now: that is for people
            raw = self._closing.enter_context(open(1, "wb", closefd=False))  # noqa: SIM115
        else:
            raw = open_packed(self._partial, self.path.name, self._closing)
        return io.TextIOWrapper(raw, encoding="utf-8", newline="") if self._kind in TEXT_KINDS else raw

    def write(self, table: pd.DataFrame) -> None:
        """Appends a piece; all pieces have the same columns and dtypes."""
        with file_errors(self.path, "written"):
            if self._kind == LINES:
                self._file.writelines(text_lines(self.path, table))
            elif self._kind in JSON_LINES:
                self._file.writelines(json_lines(table))
            elif self._kind == ".json":
                for line in json_lines(table):
                    self._file.write(("[\n" if not self._begun else ",\n") + line.rstrip("\n"))
                    self._begun = True
            elif self._kind in DELIMITED:
                self._write_delimited(self._flat(table))
            elif self._kind == ".xlsx":
                self._sheet.append(self._flat(table))
                excel.check(self.path, table, sum(map(len, self._sheet)))
            else:
                self._write_arrow(self._flat(table))

    def _flat(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with JSON text for lists and objects, in every piece from the first that has them."""
        self._nested |= {name for name in table.columns if holds_values(table[name])}
        texts = {name: table[name].map(json_text, na_action="ignore") for name in self._nested}
        return table.assign(**texts) if texts else table

    def _write_delimited(self, table: pd.DataFrame) -> None:
        if self._layout is None:
            self._layout = table.attrs.get("layout", {})
        usual = DELIMITED[self._kind]
        sep = self._layout.get("sep", usual) if self._kind == ".csv" else usual
        table = delimited.written(table, self._layout.get("numbers", {}), sep)
        delimited.write(table, self._file, sep, header=not self._begun)
        self._begun = True
        if self._standard:
            self._file.flush()

    def _write_arrow(self, table: pd.DataFrame) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._writer is None:
            schema = arrow.schema_of(table)
            parquet = self._kind == ".parquet"
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            self._writer = (
                pq.ParquetWriter(self._file, schema)
                if parquet
                else pa.ipc.new_file(self._file, schema, options=options)
            )
            self._fields = schema
        self._writer.write_table(pa.Table.from_pandas(table, schema=self._fields, preserve_index=False))

    def _finish(self, well: bool) -> None:
        """Writes what comes last and closes the file."""
        if self._kind == ".json" and well:
            self._file.write("\n]\n" if self._begun else "[]\n")
        if self._kind == ".xlsx" and well:
            self._file.write(excel.to_bytes(pd.concat(self._sheet, ignore_index=True)))
        if self._writer is not None:
            self._writer.close()
        self._file.close()
        self._closing.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with file_errors(self.path, "written"):
                self._finish(well=kind is None)
                if kind is None and not self._standard:
                    put(self._partial, self.path)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(self._partial)


def _without(table: pd.DataFrame, missing: Collection[Any]) -> pd.DataFrame:
    """The table with declared missing values as missing."""
    if not missing:
        return table
    gone = {name: is_missing(table[name], missing) for name in table.columns}
    return pd.DataFrame({n: hide(table[n], gone[n]) if gone[n].any() else table[n] for n in table.columns})
