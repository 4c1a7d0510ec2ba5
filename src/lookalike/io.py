"""Tables in and out of files, by suffix: .csv .csv.gz .parquet .jsonl .jsonl.gz .feather.

Reading: in CSV only an empty cell is missing ("NA", "?" and the like stay what they are, unless declared
missing). Writing goes to a temporary file beside the target, which is renamed at the end: there is never half
a table. Everything that is wrong with a file raises DataError, one sentence that names the file and the fix.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import os
import tempfile
import warnings
from collections.abc import Collection, Iterator
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
import pandas as pd

from .errors import DataError, file_errors, first_line
from .schema import hide, is_missing

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".jsonl", ".jsonl.gz", ".feather")
_CHUNK = 100_000  # rows read at a time when a table is sampled
# before pandas 3.1 the floats of a CSV were off in the last digit, unless asked for; now asking is deprecated
_OLD_PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2]) < (3, 1)
_EXACT_FLOATS = {"float_precision": "round_trip"} if _OLD_PANDAS else {}


def check_suffix(path: str | Path) -> str:
    """The suffix of a table file. Raises DataError for a suffix that no table is written with."""
    name = Path(path).name.lower()
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            return suffix
    raise DataError(f"{path} has no suffix of a table: name it with one of {', '.join(SUFFIXES)}.")


def _readable(path: str | Path) -> str:
    """The suffix of a file to read; that it exists matters more than how it is called."""
    with file_errors(path):
        open(path, "rb").close()
    return check_suffix(path)


def read_table(path: str | Path, missing: Collection[Any] = ()) -> pd.DataFrame:
    """Reads a table by its suffix.

    missing: values that mean missing in this table, such as {"?"}.
    Raises DataError for whatever is wrong with the file, and for a table without rows.
    """
    suffix = _readable(path)
    with file_errors(path):
        if suffix.startswith(".csv"):
            table = _read_csv(path, missing)
        elif suffix.startswith(".jsonl"):
            table = _json_table(path, _open(path))
        else:
            table = pd.read_parquet(path) if suffix == ".parquet" else pd.read_feather(path)
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
            with _open(path) as lines:
                total = sum(1 for line in lines if line.strip())
            chosen = set(_choose(total, rows, rng).tolist())
            table = _json_table(path, _open(path), chosen)
        else:
            table, total = _sample_arrow(path, suffix, rows, rng)
    if total == 0:
        raise DataError(f"{path} has no rows: give a table with rows.")
    return (table if suffix.startswith(".csv") else _without(table, missing)), total


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Writes a table by the suffix of the path; see `ChunkWriter` for tables that come in pieces."""
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
        self.path = Path(path)
        self._suffix = check_suffix(path)
        self._partial = ""
        self._file: Any = None
        self._arrow: Any = None
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
        if self._suffix in (".csv", ".jsonl"):
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
            if self._suffix.startswith(".csv"):
                table.to_csv(self._file, index=False, header=self._arrow is None, lineterminator="\n")
                self._arrow = False  # the header is written
            elif self._suffix.startswith(".jsonl"):
                self._file.writelines(_json_lines(table))
            else:
                self._write_arrow(table)

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


def _open(path: str | Path) -> IO[str]:
    if str(path).lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return open(path, encoding="utf-8-sig", newline="")


def _header(path: str | Path) -> tuple[list[str], str]:
    """(column names, separator) of a CSV file; the separator is a comma, or else a semicolon or tab."""
    with _open(path) as file:
        line = next((line for line in file if line.strip()), "")
    if not line:
        raise DataError(f"{path} is empty: give a table with a header and rows.")
    separator = next((s for s in (",", ";", "\t") if s in line), ",")
    with _open(path) as file:
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


def _check_fields(path: str | Path, separator: str, width: int) -> None:
    """Raises DataError for the first row that has not `width` fields."""
    with _open(path) as file:
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


# --- JSON lines and Arrow ------------------------------------------------------------------------------


def _json_table(path: str | Path, lines: IO[str], chosen: set[int] | None = None) -> pd.DataFrame:
    """One JSON object per line; a key that a line lacks is missing there. chosen: line indices, None: all."""
    columns: dict[str, list[Any]] = {}
    rows = seen = 0
    with lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            seen += 1
            if chosen is not None and seen - 1 not in chosen:
                continue
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if not isinstance(record, dict):
                raise DataError(f"{path} has no JSON object in line {number}: write one object per line.")
            for name, value in record.items():
                if isinstance(value, (dict, list)):
                    raise DataError(
                        f"{path} has a nested value in column '{name}' of line {number}: make it a string."
                    )
                if name not in columns:
                    columns[name] = [None] * rows
                columns[name].append(value)
            rows += 1
            for values in columns.values():
                if len(values) < rows:
                    values.append(None)
    if not seen:
        raise DataError(f"{path} is empty: give a table with rows.")
    return pd.DataFrame(columns)


def _json_lines(table: pd.DataFrame) -> Iterator[str]:
    """One line per row; numbers keep every digit, dates become strings, infinities null (JSON has none)."""
    names = [str(name) for name in table.columns]
    columns = []
    for i in range(len(names)):
        values = table.iloc[:, i].astype(object)
        columns.append(values.where(values.notna() & ~values.isin([np.inf, -np.inf]), None).tolist())
    for row in zip(*columns, strict=True):
        yield json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, default=_json_value) + "\n"


def _json_value(value: Any) -> Any:
    return (
        value.item()
        if isinstance(value, np.generic)
        else float(value)
        if isinstance(value, Decimal)
        else str(value)
    )


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


def _without(table: pd.DataFrame, missing: Collection[Any]) -> pd.DataFrame:
    """The table with declared missing values as missing."""
    if not missing:
        return table
    gone = {name: is_missing(table[name], missing) for name in table.columns}
    return pd.DataFrame({n: hide(table[n], gone[n]) if gone[n].any() else table[n] for n in table.columns})
