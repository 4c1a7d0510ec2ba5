"""Tables in Arrow's formats: .parquet and .feather."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lookalike.table.nested import plain_cell


def read(file: str | Path | io.BytesIO, kind: str) -> pd.DataFrame:
    """The whole table; kind: its suffix."""
    return _plain_cells(pd.read_parquet(file) if kind == ".parquet" else pd.read_feather(file))


def sample(
    path: str | Path, kind: str, choose: Callable[[int], np.ndarray[Any, Any]], chunk: int
) -> tuple[pd.DataFrame, int]:
    """(the chosen rows, rows in the file); choose: rows in the file -> places, in order; chunk: rows that are
    read at a time.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if kind == ".parquet":
        file = pq.ParquetFile(path)
        total, schema = file.metadata.num_rows, file.schema_arrow
        batches = file.iter_batches(batch_size=chunk)
    else:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        schema = reader.schema
        total = sum(reader.get_batch(i).num_rows for i in range(reader.num_record_batches))
        batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
    chosen = choose(total)
    pieces, start = [], 0
    for batch in batches:
        first, last = np.searchsorted(chosen, [start, start + batch.num_rows])
        pieces.append(batch.take(pa.array(chosen[first:last] - start)))
        start += batch.num_rows
    table = pa.Table.from_batches(pieces, schema=schema).to_pandas().reset_index(drop=True)
    return _plain_cells(table), total


def schema_of(table: pd.DataFrame) -> Any:
    """The Arrow schema of the first piece, wide enough for the pieces that follow."""
    import pyarrow as pa

    schema = pa.Schema.from_pandas(table, preserve_index=False)
    for i, found in enumerate(schema):
        if pa.types.is_null(found.type):  # nothing but missing values so far
            schema = schema.set(i, found.with_type(pa.string()))
        elif pa.types.is_decimal(found.type) and table.iloc[:, i].dtype == object:
            schema = schema.set(i, found.with_type(pa.decimal128(38, found.type.scale)))
    return schema


def _plain_cells(table: pd.DataFrame) -> pd.DataFrame:
    """The table with Python's lists where pyarrow gives arrays."""
    for name in table.columns:
        if table[name].dtype == object and any(isinstance(cell, (np.ndarray, dict)) for cell in table[name]):
            table[name] = table[name].map(plain_cell)
    return table
