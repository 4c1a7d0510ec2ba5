"""Tables in Arrow's formats, .parquet and .feather: the file's Arrow schema in is the schema out, by
`table/arrow.py`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lookalike.table.arrow import as_pandas


def read(file: str | Path | io.BytesIO, kind: str) -> pd.DataFrame:
    """The whole table; kind: its suffix."""
    import pyarrow.feather as feather
    import pyarrow.parquet as pq

    if kind == ".parquet":
        with pq.ParquetFile(file) as opened:
            return as_pandas(opened.read())
    return as_pandas(feather.read_table(file))


def rows(path: str | Path) -> int:
    """The rows of a .parquet file."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as opened:
        return int(opened.metadata.num_rows)


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
    return as_pandas(pa.Table.from_batches(pieces, schema=schema)), total
