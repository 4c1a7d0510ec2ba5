"""Values that are declared missing."""

import numpy as np
import pandas as pd

from lookalike.codec import RecordCodec
from lookalike.table.inferring import infer
from lookalike.table.missing import is_missing


def test_sentinels_are_ordinary_until_declared() -> None:
    table = pd.DataFrame({"job": ["?", "cook", "smith", "cook"] * 50, "age": [-999, 40, 41, 42] * 50})
    assert not any(column.nullable for column in infer(table).columns)
    schema = infer(table, missing={"?", "-999"})
    assert [column.nullable for column in schema.columns] == [True, True]
    assert schema["age"].minimum == 40
    codec = RecordCodec.fit(table, schema)
    assert codec.missing(table)[:4].tolist() == [[True, True], [False, False], [False, False], [False, False]]
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))
    assert (back.dtypes == table.dtypes).all()
    assert (back["job"].isna() == (table["job"] == "?")).all()
    assert (back["age"] == table["age"]).all()  # int64 has no missing value, so the sentinel is written


def test_declared_values_are_missing_among_objects() -> None:
    cells = pd.Series([{"a": 1}, "N/A", [1], None, "N/A "])
    assert is_missing(cells, ("N/A",)).tolist() == [False, True, False, True, False]
    schema = infer(pd.DataFrame({"x": cells}), missing={"N/A"})
    assert schema["x"].kind == "json" and schema["x"].nullable
