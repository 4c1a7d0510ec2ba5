"""Tables in and out of files, by suffix: .csv .csv.gz .parquet .jsonl .jsonl.gz .feather; .txt and folders.

Reading: in CSV only an empty cell is missing ("NA", "?" and the like stay what they are, unless declared
missing). Writing goes to a temporary file beside the target, which is renamed at the end: there is never half
a table. Everything that is wrong with a file raises DataError, one sentence that names the file and the fix.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import os
import tempfile
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
import pandas as pd

from . import arguments
from .errors import DataError, file_errors, first_line
from .lines import (
    TEXT_END,
    check_texts,
    count_lines,
    folder_files,
    folder_table,
    json_lines,
    json_table,
    open_text,
    text_lines,
    text_table,
)
from .nested import holds_values, json_text, plain_cell
from .schema import hide, is_missing

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".jsonl", ".jsonl.gz", ".feather")
LINES = ".txt"  # one text per line: no table but a column
FOLDER = "a folder"
_CHUNK = 100_000  # rows read at a time when a table is sampled
# before pandas 3.1 the floats of a CSV were off in the last digit, unless asked for; now asking is deprecated
_OLD_PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2]) < (3, 1)
_EXACT_FLOATS = {"float_precision": "round_trip"} if _OLD_PANDAS else {}


def check_suffix(path: str | Path) -> str:
    """The suffix of a table file. Raises DataError for a suffix that no table is written with."""
    name = Path(path).name.lower()
    for suffix in (*SUFFIXES, LINES):
        if name.endswith(suffix):
            return suffix
    raise DataError(f"{path} has no suffix of a table: name it with one of {', '.join((*SUFFIXES, LINES))}.")


def check_target(path: str | Path, table: pd.DataFrame) -> None:
    """Raises DataError if a table of these columns, or with such texts, cannot be written to a path."""
    if check_suffix(path) == LINES:
        check_texts(path, table)


def _readable(path: str | Path) -> str:
    """The suffix of a file to read, or `FOLDER`; that it exists matters more than how it is called."""
    if Path(path).is_dir():
        return FOLDER
    with file_errors(path):
        open(path, "rb").close()
    return check_suffix(path)


def read_table(path: str | Path, missing: Collection[Any] = ()) -> pd.DataFrame:
    """Reads a table by its suffix; of a folder of .py, .sql, .json or .txt files, a row per file.

    missing: values that mean missing in this table, such as {"?"}.
    Raises DataError for whatever is wrong with the file, and for a table without rows.
    """
    path, missing = arguments.path("path", path), arguments.sentinels("missing", missing)
    suffix = _readable(path)
    with file_errors(path):
        if suffix.startswith(".csv"):
            table = _read_csv(path, missing)
        elif suffix.startswith(".jsonl"):
            table = json_table(path)
        elif suffix == LINES:
            table = text_table(path)
        elif suffix == FOLDER:
            table = folder_table(folder_files(path))
        else:
            table = _plain_cells(pd.read_parquet(path) if suffix == ".parquet" else pd.read_feather(path))
    table = table.reset_index(drop=True)
    _check_names(path, [str(name) for name in table.columns])
    if len(table) == 0:
        raise DataError(f"{path} has a header but no rows: give a table with rows.")
    return table if suffix.startswith(".csv") else _without(table, missing)


def sample_rows(
    path: str | Path, rows: int, seed: int = 0, missing: Collection[Any] = ()
) -> tuple[pd.DataFrame, int]:
    """(uniform sample of at most `rows` rows in file order, rows in the file), in the memory of the sample.

    Raises DataError as `read_table`.
    """
    suffix = _readable(path)
    rng = np.random.default_rng(seed)
    with file_errors(path):
        if suffix.startswith(".csv"):
            table, total = _sample_csv(path, rows, rng, missing)
        elif suffix.startswith(".jsonl"):
            total = count_lines(path)
            table = json_table(path, set(_choose(total, rows, rng).tolist()))
        elif suffix == LINES:
            total = count_lines(path, TEXT_END)
            table = text_table(path, set(_choose(total, rows, rng).tolist()))
        elif suffix == FOLDER:
            files = folder_files(path)
            total = len(files)
            table = folder_table([files[i] for i in _choose(total, rows, rng)])
        else:
            table, total = _sample_arrow(path, suffix, rows, rng)
            table = _plain_cells(table)
    if total == 0:
        raise DataError(f"{path} has no rows: give a table with rows.")
    return (table if suffix.startswith(".csv") else _without(table, missing)), total


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Writes a table by the suffix of the path; see `ChunkWriter` for tables that come in pieces."""
    table = arguments.table("the table to write", table)
    with ChunkWriter(path) as writer:
        writer.write(table)


class ChunkWriter:
    """Writes a table piece by piece; the file appears when the `with` block ends well, else not at all.

        with ChunkWriter("big.parquet") as writer:
            for piece in pieces:
                writer.write(piece)

    Raises DataError if the folder does not exist or the disk is full.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = arguments.path("path", path)
        self._suffix = check_suffix(path)
        self._partial = ""
        self._file: Any = None
        self._arrow: Any = None
        self._nested: set[Any] = set()  # columns of lists and objects
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> Self:
        folder = self.path.parent
        if not folder.is_dir():
            raise DataError(f"{self.path}: the folder {folder} does not exist: make it first.")
        if self.path.is_dir():
            raise DataError(f"{self.path} is a folder: name a file to write to.")
        with file_errors(self.path, "written"):
            handle, self._partial = tempfile.mkstemp(
                prefix=f".{self.path.name}.", suffix=".partial", dir=folder
            )
            os.close(handle)
            self._file = self._opened()
        return self

    def _opened(self) -> Any:
        if self._suffix in (".csv", ".jsonl", LINES):
            return self._opened_file("w", encoding="utf-8", newline="")
        raw = self._opened_file("wb")
        if not self._suffix.endswith(".gz"):
            return raw
        # no file name and time inside, so that the same table gives the same bytes
        packed = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0)
        return io.TextIOWrapper(packed, encoding="utf-8", newline="")

    def _opened_file(self, mode: str, **options: Any) -> IO[Any]:
        return self._closing.enter_context(open(self._partial, mode, **options))

    def write(self, table: pd.DataFrame) -> None:
        """Appends a piece; all pieces have the same columns and dtypes."""
        with file_errors(self.path, "written"):
            if self._suffix == LINES:
                self._file.writelines(text_lines(self.path, table))
            elif self._suffix.startswith(".jsonl"):
                self._file.writelines(json_lines(table))
            elif self._suffix.startswith(".csv"):
                table = self._flat(table)
                table.to_csv(self._file, index=False, header=self._arrow is None, lineterminator="\n")
                self._arrow = False  # the header is written
            else:
                self._write_arrow(self._flat(table))

    def _flat(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with JSON text for lists and objects, in every piece from the first that has them."""
        self._nested |= {name for name in table.columns if holds_values(table[name])}
        texts = {name: table[name].map(json_text, na_action="ignore") for name in self._nested}
        return table.assign(**texts) if texts else table

    def _write_arrow(self, table: pd.DataFrame) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._arrow is None:
            schema = _arrow_schema(table)
            parquet = self._suffix == ".parquet"
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            self._arrow = (
                pq.ParquetWriter(self._file, schema)
                if parquet
                else pa.ipc.new_file(self._file, schema, options=options)
            )
            self._fields = schema
        self._arrow.write_table(pa.Table.from_pandas(table, schema=self._fields, preserve_index=False))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with file_errors(self.path, "written"):
                if self._arrow:
                    self._arrow.close()
                self._file.close()
                self._closing.close()
                if kind is None:
                    os.chmod(self._partial, 0o666 & ~_umask())  # temporary files are private, results are not
                    os.replace(self._partial, self.path)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(self._partial)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _arrow_schema(table: pd.DataFrame) -> Any:
    """The Arrow schema of the first piece, wide enough for the pieces that follow."""
    import pyarrow as pa

    schema = pa.Schema.from_pandas(table, preserve_index=False)
    for i, found in enumerate(schema):
        if pa.types.is_null(found.type):  # nothing but missing values so far
            schema = schema.set(i, found.with_type(pa.string()))
        elif pa.types.is_decimal(found.type) and table.iloc[:, i].dtype == object:
            schema = schema.set(i, found.with_type(pa.decimal128(38, found.type.scale)))
    return schema


# --- CSV -----------------------------------------------------------------------------------------------


def _header(path: str | Path) -> tuple[list[str], str]:
    """(column names, separator) of a CSV file; the separator is a comma, or else a semicolon or tab."""
    with open_text(path) as file:
        line = next((line for line in file if line.strip()), "")
    if not line:
        raise DataError(f"{path} is empty: give a table with a header and rows.")
    separator = next((s for s in (",", ";", "\t") if s in line), ",")
    with open_text(path) as file:
        names = next((row for row in csv.reader(file, delimiter=separator) if row), [])
    _check_names(path, names)
    return names, separator


def _check_names(path: str | Path, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"{path} has two columns named '{name}': rename one of them.")
        seen.add(name)


def _csv_options(separator: str, missing: Collection[Any]) -> dict[str, Any]:
    return {
        "sep": separator,
        "encoding": "utf-8-sig",
        "keep_default_na": False,
        "na_values": ["", *(str(value) for value in missing)],
        "index_col": False,  # else a row with one field too many would move all columns
        "low_memory": False,
        **_EXACT_FLOATS,
    }


def _read_csv(path: str | Path, missing: Collection[Any]) -> pd.DataFrame:
    names, separator = _header(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            table = pd.read_csv(path, **_csv_options(separator, missing))
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            raise _unreadable(path, separator, len(names), error) from None
    # pandas fills rows that are too short with missing values; those end in one
    if len(table) and table.iloc[:, -1].isna().any():
        _check_fields(path, separator, len(names))
    return table


def _unreadable(path: str | Path, separator: str, width: int, error: Exception) -> DataError:
    _check_fields(path, separator, width)
    return DataError(f"{path} is not a readable CSV file ({first_line(error)}): repair or export it again.")


@contextlib.contextmanager
def _wide_cells() -> Iterator[None]:
    """Python's csv reader refuses cells of more than 128 KB; pandas does not."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _check_fields(path: str | Path, separator: str, width: int) -> None:
    """Raises DataError for the first row that has not `width` fields."""
    with open_text(path) as file, _wide_cells():
        reader = csv.reader(file, delimiter=separator)
        for row in reader:
            if row and len(row) != width:
                raise DataError(
                    f"{path} has {len(row)} fields in line {reader.line_num} where its header has {width}: "
                    "repair that line (a value with a comma needs quotes)."
                )


def _sample_csv(
    path: str | Path, rows: int, rng: np.random.Generator, missing: Collection[Any]
) -> tuple[pd.DataFrame, int]:
    names, separator = _header(path)
    options = {**_csv_options(separator, ()), "na_values": [], "dtype": str}
    kept, keys, total, checked = pd.DataFrame(columns=names, dtype=str), np.zeros(0), 0, False
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            for chunk in pd.read_csv(path, chunksize=_CHUNK, **options):
                # the rows with the smallest random keys are a uniform sample, however many there are
                kept = pd.concat([kept, chunk])
                keys = np.concatenate([keys, rng.random(len(chunk))])
                total += len(chunk)
                # a row that is too short ends in an empty cell
                if not checked and chunk.iloc[:, -1].isin(["", np.nan]).any():
                    _check_fields(path, separator, len(names))
                    checked = True
                if len(kept) > rows:
                    smallest = np.sort(np.argpartition(keys, rows)[:rows])
                    kept, keys = kept.iloc[smallest], keys[smallest]
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            raise _unreadable(path, separator, len(names), error) from None
    # the sample is read again, as one table, so that every column gets one dtype
    text = io.StringIO(kept.to_csv(index=False, sep=separator))
    return pd.read_csv(text, **{**_csv_options(separator, missing), "encoding": None}), total


# --- Arrow ---------------------------------------------------------------------------------------------


def _choose(total: int, rows: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    return np.arange(total) if rows >= total else np.sort(rng.choice(total, rows, replace=False))


def _sample_arrow(
    path: str | Path, suffix: str, rows: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if suffix == ".parquet":
        file = pq.ParquetFile(path)
        total, schema = file.metadata.num_rows, file.schema_arrow
        batches = file.iter_batches(batch_size=_CHUNK)
    else:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        schema = reader.schema
        total = sum(reader.get_batch(i).num_rows for i in range(reader.num_record_batches))
        batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
    chosen = _choose(total, rows, rng)
    pieces, start = [], 0
    for batch in batches:
        first, last = np.searchsorted(chosen, [start, start + batch.num_rows])
        pieces.append(batch.take(pa.array(chosen[first:last] - start)))
        start += batch.num_rows
    return pa.Table.from_batches(pieces, schema=schema).to_pandas().reset_index(drop=True), total


def _plain_cells(table: pd.DataFrame) -> pd.DataFrame:
    """The table with Python's lists where pyarrow gives arrays."""
    for name in table.columns:
        if table[name].dtype == object and any(isinstance(cell, (np.ndarray, dict)) for cell in table[name]):
            table[name] = table[name].map(plain_cell)
    return table


def _without(table: pd.DataFrame, missing: Collection[Any]) -> pd.DataFrame:
    """The table with declared missing values as missing."""
    if not missing:
        return table
    gone = {name: is_missing(table[name], missing) for name in table.columns}
    return pd.DataFrame({n: hide(table[n], gone[n]) if gone[n].any() else table[n] for n in table.columns})
