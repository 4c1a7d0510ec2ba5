"""Tables into files, by suffix (`suffixes.py`), as a whole or piece by piece.

A table goes to a temporary file beside the target, which is renamed at the end: there is never half a table.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

import pandas as pd

from lookalike import arguments
from lookalike.atomic import put
from lookalike.errors import DataError, file_errors
from lookalike.files import csvlines, excel
from lookalike.files.lines import check_texts, json_lines, text_lines
from lookalike.files.packed import STANDARD, open_packed
from lookalike.files.place import Place, is_url
from lookalike.files.suffixes import DELIMITED, JSON_LINES, LINES, TEXT_KINDS, check_suffix
from lookalike.table import arrow, sources
from lookalike.table.nested import holds_values, json_text


def check_target(path: str | Path, table: pd.DataFrame) -> None:
    """Raises DataError if a table of these columns, or with such texts, cannot be written to a path."""
    kind = check_suffix(path)
    if str(path) != STANDARD and not is_url(path):
        _check_place(Path(path))
    if kind == LINES:
        check_texts(path, table)
    if kind == ".xlsx":
        excel.openpyxl()
        excel.check(path, table, 0)


def _check_place(path: Path) -> None:
    if not path.parent.is_dir():
        raise DataError(f"{path}: the folder {path.parent} does not exist: make it first.")
    if path.is_dir():
        raise DataError(f"{path} is a folder: name a file to write to.")


def write_table(table: pd.DataFrame, path: str | Path, layout: Mapping[str, Any] | None = None) -> None:
    """Writes a table by the suffix of the path; see `ChunkWriter` for tables that come in pieces.

    layout: how the file is written: the separator, quotes and numbers of delimited text, the Arrow types of
        .parquet and .feather (lists, structs, the width of decimals). None: as the table's `attrs` say, which
        those of `read_table`, `DiffLM.sample` and `DiffLM.impute` do in pandas; a table of other origin is
        written like a file that was read with `write_table(table, path, read.attrs.get("layout"))`.
    """
    table = sources.table("the table to write", table)
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
        self._url = path if is_url(path) else None  # the file is uploaded when it is complete
        self._kind = check_suffix(path)
        self._standard = str(path) == STANDARD
        self._layout = layout
        self._partial = ""
        self._file: Any = None
        self._writer: Any = None  # of Arrow's formats
        self._lines: csvlines.LineWriter | None = None  # of delimited text
        self._sheet: list[pd.DataFrame] = []  # what a sheet will hold: it is written in one go
        self._begun = False
        self._nested: set[Any] = set()  # columns of lists and objects
        self._packing, self._closing = contextlib.ExitStack(), contextlib.ExitStack()

    def __enter__(self) -> Self:
        if self._url is not None:
            self.path = Path(self._closing.enter_context(tempfile.TemporaryDirectory())) / self.path.name
        _check_place(self.path)
        with file_errors(self.path, "written"):
            if not self._standard:
                handle, self._partial = tempfile.mkstemp(
                    prefix=f".{self.path.name}.", suffix=".partial", dir=self.path.parent
                )
                os.close(handle)
            self._file = self._opened()
        return self

    def _opened(self) -> IO[Any]:
        raw: Any
        if self._standard:  # whatever sys.stdout is now: that is for people
            raw = self._packing.enter_context(open(1, "wb", closefd=False))  # noqa: SIM115
        else:
            raw = open_packed(self._partial, self.path.name, self._packing)
        if self._kind in DELIMITED or self._kind not in TEXT_KINDS:
            return cast(IO[bytes], raw)
        return io.TextIOWrapper(raw, encoding="utf-8", newline="")

    def write(self, table: pd.DataFrame) -> None:
        """Appends a piece; all pieces have the same columns and dtypes."""
        if self._layout is None:
            self._layout = table.attrs.get("layout", {})
        with file_errors(self.path, "written"):
            if self._kind == LINES:
                self._file.writelines(text_lines(self.path, table))
            elif self._kind in JSON_LINES:
                self._file.writelines(json_lines(table, self._layout))
            elif self._kind == ".json":
                for line in json_lines(table, self._layout):
                    self._file.write(("[\n" if not self._begun else ",\n") + line.rstrip("\n"))
                    self._begun = True
            elif self._kind in DELIMITED:
                self._write_delimited(self._flat(table))
            elif self._kind == ".xlsx":
                self._sheet.append(self._flat(table))
                excel.check(self.path, table, sum(map(len, self._sheet)))
            else:
                self._write_arrow(table)

    def _flat(self, table: pd.DataFrame, kept: Collection[str] = ()) -> pd.DataFrame:
        """The table with JSON text for lists and objects, in every piece from the first that has them; kept:
        columns that are left as they are.
        """
        nested = {name for name in table.columns if str(name) not in kept and holds_values(table[name])}
        self._nested |= nested
        texts = {name: table[name].map(json_text, na_action="ignore") for name in self._nested}
        return table.assign(**texts) if texts else table

    def _write_delimited(self, table: pd.DataFrame) -> None:
        if self._lines is None:
            usual, fixed = DELIMITED[self._kind], self._kind != ".csv"
            self._lines = csvlines.LineWriter(self._file, str(self.path), self._layout or {}, usual, fixed)
        self._lines.write(table)
        if self._standard:
            self._file.flush()

    def _write_arrow(self, table: pd.DataFrame) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._writer is None:
            self._known = arrow.known(self._layout or {})
            self._fields = arrow.schema_of(self._flat(table, self._known.names), self._known)
            parquet = self._kind == ".parquet"
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            self._writer = (
                pq.ParquetWriter(self._file, self._fields)
                if parquet
                else pa.ipc.new_file(self._file, self._fields, options=options)
            )
        self._writer.write_table(arrow.as_arrow(self._flat(table, self._known.names), self._fields))

    def _finish(self, well: bool) -> None:
        """Writes what comes last and closes the file."""
        if self._kind == ".json" and well:
            self._file.write("\n]\n" if self._begun else "[]\n")
        if self._kind == ".xlsx" and well:
            self._file.write(excel.to_bytes(pd.concat(self._sheet, ignore_index=True), self._layout))
        if self._writer is not None:
            self._writer.close()
        self._file.close()
        self._packing.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with file_errors(self.path, "written"):
                self._finish(well=kind is None)
                if kind is None and not self._standard:
                    put(self._partial, self.path)
                    if self._url is not None:
                        folder, _, name = str(self._url).rpartition("/")
                        Place(folder).take(str(self.path), name)
        finally:
            self._closing.close()
            with contextlib.suppress(OSError):
                os.unlink(self._partial)
