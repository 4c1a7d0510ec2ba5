"""Columns of every dtype that a table may have, for the tests of this folder."""

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

ROWS = 400
RNG = np.random.default_rng(0)
NUMBERS = RNG.integers(0, 100, ROWS)
ZONES = ["UTC", "Europe/Berlin", "+05:30"]


def many_dtypes() -> dict[str, pd.Series]:
    """One column of every dtype that a table may have."""
    import pyarrow as pa

    base = np.datetime64("2020-01-01", "s") + RNG.integers(0, 10**7, ROWS)
    words = RNG.choice(["a", "b", "ç😀"], ROWS)
    columns = {
        t: pd.Series(NUMBERS).astype(t)
        for t in ["int8", "uint8", "int16", "int64", "uint64", "float32", "float64"]
    }
    columns |= {
        f"null {t}": nulls(NUMBERS, t)
        for t in ["Int8", "UInt8", "Int64", "UInt64", "Float32", "Float64", "float64"]
    }
    columns |= {
        f"string {t}": nulls(words, t) for t in ["string[python]", "string[pyarrow]", "str", "object"]
    }
    columns |= {f"date {u}": nulls(base.astype(f"M8[{u}]"), None) for u in ["s", "ms", "us", "ns"]}
    columns |= {
        f"span {u}": nulls((base - base[0]).astype(f"m8[{u}]"), None) for u in ["s", "ms", "us", "ns"]
    }
    columns |= {
        f"zone {z}": nulls(pd.Series(base).dt.tz_localize("UTC").dt.tz_convert(z), None) for z in ZONES
    }
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(int(i)) for i in NUMBERS]
    columns |= {
        "bool": pd.Series(NUMBERS < 20),
        "boolean": nulls(NUMBERS < 20, "boolean"),
        "object bool": nulls(NUMBERS < 20, "object"),
        "object int": nulls(NUMBERS, "object"),
        "object date": nulls(days, "object"),
        "object decimal": nulls([Decimal(int(i)).scaleb(-2) for i in NUMBERS], "object"),
        "ordered": pd.Series(pd.Categorical(words, categories=["unused", "b", "a", "ç😀"], ordered=True)),
        "intervals": pd.Series(pd.cut(NUMBERS, 4)),
        "arrow int": nulls(NUMBERS, pd.ArrowDtype(pa.int32())),
        "arrow float": nulls(NUMBERS / 4, pd.ArrowDtype(pa.float64())),
        "arrow string": nulls(words, pd.ArrowDtype(pa.string())),
        "arrow bool": nulls(NUMBERS < 20, pd.ArrowDtype(pa.bool_())),
        "arrow date": nulls(days, pd.ArrowDtype(pa.date32())),
        "arrow zone": pd.Series(base).dt.tz_localize("UTC").astype(pd.ArrowDtype(pa.timestamp("us", "UTC"))),
        "arrow decimal": nulls(
            [Decimal(int(i)).scaleb(-2) for i in NUMBERS], pd.ArrowDtype(pa.decimal128(9, 2))
        ),
        "arrow span": nulls(NUMBERS * 1000, pd.ArrowDtype(pa.duration("ms"))),
        "huge int": pd.Series(RNG.integers(2**62, 2**63 - 1, ROWS)),
        "huge uint": pd.Series(RNG.integers(2**63, 2**64 - 1, ROWS, dtype=np.uint64)),
        "python int": pd.Series([int(i) * 10**30 for i in NUMBERS], dtype=object),
        "infinite": pd.Series(np.where(NUMBERS < 10, np.inf, np.where(NUMBERS > 90, -np.inf, NUMBERS / 8))),
        "wide": pd.Series(RNG.uniform(-1, 1, ROWS) * 1.7e308),
        "constant": nulls([7] * ROWS, "Int64"),
        "nothing": pd.Series([np.nan] * ROWS),
        "id": pd.Series(np.arange(ROWS, dtype="int16")),
    }
    return columns


def nulls(values: Any, dtype: Any) -> pd.Series:
    series = pd.Series(values) if dtype is None else pd.Series(values).astype(dtype)
    return series.mask(np.arange(ROWS) % 9 == 4)
