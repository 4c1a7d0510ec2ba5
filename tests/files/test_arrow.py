"""The Arrow schema of a file in is the schema out, every cell with it."""

import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from lookalike.files.reading import read_table, sample_rows
from lookalike.files.writing import ChunkWriter, write_table
from lookalike.table import arrow
from lookalike.table.inferring import infer
from lookalike.table.schema import Schema

ARRAYS: dict[str, Any] = {
    "int64 with nulls": pa.array([1, None, 2**60 + 1]),
    "uint8 with nulls": pa.array([1, None, 255], pa.uint8()),
    "int8": pa.array([1, 2, -3], pa.int8()),
    "bool": pa.array([True, None, False]),
    "decimal": pa.array([Decimal("1.25"), None, Decimal("3.10")], pa.decimal128(5, 2)),
    "wide decimal": pa.array([Decimal("1"), None, Decimal("3")], pa.decimal256(50, 3)),
    "list": pa.array([[1, 2], None, []]),
    "list of a size": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)),
    "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}]),
    "structs in lists": pa.array([[{"x": 1.5}], None, [{"x": None}]]),
    "map": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int64())),
    "dictionary": pa.array(["a", None, "b"]).dictionary_encode(),
    "ordered": pa.DictionaryArray.from_arrays(
        pa.array([1, None, 0], pa.int8()), pa.array(["low", "high", "never"]), ordered=True
    ),
    "timestamp with a zone": pa.array([1, None, 3], pa.timestamp("ms", "Europe/Berlin")),
    "timestamp": pa.array([1, None, 3], pa.timestamp("us")),
    "date32": pa.array([1, None, 3], pa.date32()),
    "date64": pa.array([86400000, None, 0], pa.date64()),
    "time64": pa.array([1, None, 3], pa.time64("us")),
    "time32": pa.array([1, None, 3], pa.time32("s")),
    "duration": pa.array([1, None, 3], pa.duration("s")),
    "binary": pa.array([b"a", None, b"\xff"]),
    "float": pa.array([1.5, None, 2], pa.float32()),
    "large string": pa.array(["a", None, ""], pa.large_string()),
    "null": pa.nulls(3),
}


def put(table: Any, path: Path) -> None:
    (pq.write_table if path.suffix == ".parquet" else feather.write_feather)(table, path)


def got(path: Path) -> Any:
    return (pq.read_table if path.suffix == ".parquet" else feather.read_table)(path)


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
@pytest.mark.parametrize("name", ARRAYS)
def test_a_column_comes_back(tmp_path: Path, suffix: str, name: str) -> None:
    there, back = tmp_path / f"there{suffix}", tmp_path / f"back{suffix}"
    put(pa.table({"x": ARRAYS[name], "y": pa.array([1, 2, 3])}), there)
    first = got(there)
    for table in (read_table(there), sample_rows(there, 9)[0]):
        with ChunkWriter(back) as writer:
            writer.write(table.iloc[:1])
            writer.write(table.iloc[1:])
        assert got(back).schema.equals(first.schema, check_metadata=True)
        assert got(back)["x"].combine_chunks().equals(first["x"].combine_chunks())


def test_an_index_and_whole_numbers_as_names_come_back(tmp_path: Path) -> None:
    given = pd.DataFrame({0: [1, 2], 7: ["a", "b"]}, index=pd.Index([10, 20], name="key"))
    given.to_parquet(tmp_path / "there.parquet")
    table = read_table(tmp_path / "there.parquet")
    assert list(table.columns) == [0, 7, "key"]
    write_table(table, tmp_path / "back.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "back.parquet"), given)


def test_a_plain_index_is_none_of_the_made_rows(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1, 2, 3]}, index=pd.RangeIndex(5, 8)).to_parquet(tmp_path / "there.parquet")
    write_table(read_table(tmp_path / "there.parquet").iloc[:2], tmp_path / "back.parquet")
    assert pd.read_parquet(tmp_path / "back.parquet").index.tolist() == [0, 1]


def test_the_schema_of_a_table_carries_it(tmp_path: Path) -> None:
    put(pa.table({"d": pa.array([Decimal("1.25"), Decimal("3.10")], pa.decimal128(5, 2)), "n": [1, 2]}),
        tmp_path / "t.parquet")  # fmt: skip
    schema = infer(read_table(tmp_path / "t.parquet"))
    layout = Schema.from_dict(json.loads(json.dumps(schema.to_dict()))).layout
    made = pd.DataFrame({"n": [7, 8], "new": ["x", "y"], "d": [Decimal("1"), Decimal("12345.678")]})
    write_table(made, tmp_path / "made.parquet", layout)
    found = pq.read_table(tmp_path / "made.parquet")
    assert found.schema.field("d").type == pa.decimal128(5, 2) and found["n"].to_pylist() == [7, 8]
    assert found["d"].to_pylist() == [Decimal("1.00"), None]  # no such number has five digits
    write_table(made, tmp_path / "made.csv", layout)
    assert (tmp_path / "made.csv").read_text() == "n,new,d\n7,x,1\n8,y,12345.678\n"


@pytest.mark.parametrize(
    ("cell", "kind", "fitted"),
    [
        (3.0, pa.int64(), 3),
        ({"a": 1}, pa.struct([("a", pa.int64()), ("b", pa.string())]), {"a": 1, "b": None}),
        ({"k": 1}, pa.map_(pa.string(), pa.int64()), [("k", 1)]),
        ([1, 2], pa.list_(pa.float64()), [1.0, 2.0]),
        (5, pa.string(), "5"),
    ],
)
def test_made_cells_fit_their_type(cell: Any, kind: Any, fitted: Any) -> None:
    schema = pa.schema([pa.field("x", kind)])
    made = arrow.as_arrow(pd.DataFrame({"x": pd.Series([cell, None], dtype=object)}), schema)
    assert made["x"].to_pylist() == [fitted, None]


def test_no_value_is_in_a_layout() -> None:
    table = arrow.as_pandas(pa.table({"who": pa.array(["secret", "other"]).dictionary_encode()}))
    assert b"secret" not in base64.b64decode(table.attrs["layout"]["arrow"])
    assert np.array_equal(table["who"].cat.categories, ["secret", "other"])


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        (pa.time32("s"), ["09:05:00", None, "23:59:59"]),
        (pa.time32("ms"), ["09:05:00.250", None, "23:59:59.001"]),
        (pa.time64("us"), ["09:05:00.250", None, "23:59:59.001"]),
        (pa.time64("us"), ["09:05:00", None, "23:59:59"]),
        (pa.time64("ns"), ["09:05:00.000000001", None, "23:59:59.999999999"]),
    ],
)
def test_times_of_the_day_are_strings_here_and_times_in_the_file(
    kind: Any, cells: list[str], tmp_path: Path
) -> None:
    whole = pd.to_timedelta(pd.Series(cells)).to_numpy("m8[ns]").astype(np.int64)
    counts = whole // 10 ** {"s": 9, "ms": 6, "us": 3, "ns": 0}[kind.unit]
    array = pa.array(counts, mask=pd.isna(pd.Series(cells)).to_numpy()).cast(
        pa.int32() if kind.bit_width == 32 else pa.int64()
    )
    put(pa.table({"t": array.cast(kind)}), tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert table["t"].tolist() == cells
    write_table(table, tmp_path / "out.parquet")
    assert got(tmp_path / "out.parquet").equals(got(tmp_path / "t.parquet"))
