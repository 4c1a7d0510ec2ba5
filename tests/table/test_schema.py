"""Kinds, facts and exact dtypes of columns; schemas as JSON; what a schema refuses."""

import datetime
import json
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import RecordCodec
from lookalike.errors import DataError, SchemaError, UserError
from lookalike.table.schema import Schema, infer

ROWS = 400
RNG = np.random.default_rng(0)
NUMBERS = RNG.integers(0, 100, ROWS)


def kind_of(values: Any) -> str:
    return infer(pd.DataFrame({"x": values}))["x"].kind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", "b"] * 200, "category"),
        (NUMBERS, "number"),
        (NUMBERS % 2, "number"),
        (NUMBERS / 7, "number"),
        ([True, False] * 200, "boolean"),
        ([True, False, None, True] * 100, "boolean"),
        (pd.date_range("2020", periods=ROWS), "datetime"),
        ([f"2020-01-{d:02d}" for d in range(1, 29)] * 10, "datetime"),
        ([f"{h}:{m:02d}" for h in range(20) for m in range(20)], "datetime"),
        ([f"word {i} of {i * 7}" for i in range(ROWS)], "text"),
        (["lone"] * ROWS, "constant"),
        ([None] * ROWS, "constant"),
        (range(ROWS), "id"),
        ([f"C-{i:05d}" for i in range(ROWS)], "id"),
        ([str(uuid.UUID(int=i << 90, version=4)) for i in range(ROWS)], "id"),
        (pd.to_timedelta(NUMBERS, unit="min"), "number"),
        ([Decimal(int(i)) / 100 for i in NUMBERS], "number"),
    ],
)
def test_kinds_are_inferred(values: Any, kind: str) -> None:
    assert kind_of(values) == kind


def test_an_id_is_a_key_and_not_a_measurement() -> None:
    assert kind_of(RNG.normal(size=ROWS)) == "number"  # unique floats
    assert kind_of(RNG.permutation(10**6)[:ROWS]) == "number"  # unique, but nothing like a sequence
    assert kind_of(range(1700, 1760)) == "number"  # years
    assert kind_of(range(40)) == "number"  # too few to tell
    assert kind_of([f"name {chr(97 + i % 26)} {i}" for i in range(ROWS)]) == "text"
    assert kind_of([f"C-{i % 20:05d}" for i in range(ROWS)]) == "category"


def test_strings_that_repeat_are_a_category_however_many_they_are() -> None:
    towns = [f"town{i}x" for i in range(150)]
    assert kind_of(towns * 10) == "category"
    assert kind_of([f"t {i}" for i in range(300)] * 6) == "category"  # each value a few times
    assert kind_of([*towns[:50] * 100, *(f"rare{i}y z" for i in range(210))]) == "category"
    assert kind_of([*towns * 5, *(f"rare{i}y z" for i in range(500))]) == "category"  # 40% of the cells once
    assert kind_of([*towns * 5, *(f"rare{i}y z" for i in range(900))]) == "text"  # 55%
    assert kind_of(towns * 4) == "text"  # not one in five rows
    assert kind_of([f"v{i}" for i in range(3000)] * 5) == "text"  # 2,000 of them beyond the most frequent


def test_what_is_kept_of_rare_values_decides_too() -> None:
    table = pd.DataFrame({"x": [f"town {i}" for i in range(150)] * 4})
    schema = infer(table, keep_rare=True)
    assert (schema["x"].kind, schema["x"].min_rows) == ("category", 1)
    assert infer(pd.DataFrame({"x": [f"town {i}" for i in range(600)]}), keep_rare=True)["x"].kind == "text"


@pytest.mark.parametrize(
    "rare",
    [
        lambda i: f"the parcel number {i} came late and broken",
        lambda i: f"it-came-late-and-was-all-broken-{i:04d}",
        lambda i: f"{i}.{i % 9}5",
        lambda i: f"{i % 24}:{i:04d}",
        lambda i: f"${i},{i:03d}.00",
    ],
)
def test_sentences_and_measurements_stay_text_beside_what_repeats(rare: Any) -> None:
    """A category would drop just these: here 30% of the cells, though the others repeat."""
    frequent = ["ok", "none", "good", "fine", "bad"] * 140
    assert kind_of([*frequent, *(rare(i) for i in range(300))]) == "text"
    assert kind_of([*frequent, *(f"word{i}" for i in range(300))]) == "category"


def test_one_frequent_value_makes_no_category() -> None:
    assert kind_of(["none"] * 700 + [f"word{i}" for i in range(300)]) == "text"
    assert kind_of(["none"] * 960 + [f"word{i}" for i in range(40)]) == "category"  # 4% are lost


def test_notes_say_what_was_chosen_why_and_how_to_change_it() -> None:
    table = pd.DataFrame(
        {
            "city": [f"town{i}x" for i in range(150)] * 10,
            "person": [f"p{i % 500}" for i in range(1500)],
            "product": [*([f"item{i}" for i in range(100)] * 12), *(f"rare{i}" for i in range(300))],
            "review": [f"{i} is what it is for a while" for i in range(1500)],
        }
    )
    schema = infer(table)
    person, product = schema.notes()
    assert person.startswith("column 'person' is learned as text, which may invent values, because 100% of")
    assert "occur in fewer than 5 rows" in person and 'kind to "category"' in person
    assert product.startswith("column 'product' is learned as a category, because most of its 400 values")
    assert 'kind to "text"' in product
    schema["product"].kind = "text"
    assert schema.notes() == [person]  # what the user decided needs no note
    assert Schema.from_dict(schema.to_dict()).notes() == []


def test_min_rows_is_kept_in_json_and_checked() -> None:
    schema = infer(pd.DataFrame({"x": ["a", "b"] * 20}), keep_rare=True)
    facts = json.loads(json.dumps(schema.to_dict()))
    assert facts["columns"][0]["min_rows"] == 1 and Schema.from_dict(facts) == schema
    assert "rare values kept" in repr(schema)
    for wrong in (0, 2.5, "2", True):
        facts["columns"][0]["min_rows"] = wrong
        with pytest.raises(SchemaError, match="column 'x' has the min_rows"):
            Schema.from_dict(facts)


def test_numbers_know_their_precision_and_range() -> None:
    table = pd.DataFrame(
        {
            "whole": NUMBERS.astype(float),
            "cents": (NUMBERS / 100).round(2),
            "narrow": (NUMBERS / 100).round(2).astype("float32"),
            "real": NUMBERS / 7,
            "exact": [Decimal(int(i)).scaleb(-3) for i in NUMBERS],
            "big": NUMBERS.astype(np.int64) * 10**16,
        }
    )
    schema = infer(table)
    assert [column.decimals for column in schema.columns] == [0, 2, 2, None, 3, 0]
    assert [column.integer for column in schema.columns] == [True, False, False, False, False, True]
    assert schema["big"].maximum == int(np.sort(NUMBERS)[-5]) * 10**16
    assert schema["whole"].minimum == np.sort(NUMBERS)[4]  # the fifth smallest: no single row is told


@pytest.mark.parametrize(
    ("step", "resolution"),
    [
        ("D", "day"),
        ("h", "hour"),
        ("min", "minute"),
        ("s", "second"),
        ("ms", "ms"),
        ("us", "us"),
        ("ns", "ns"),
    ],
)
def test_datetimes_know_their_resolution(step: str, resolution: str) -> None:
    dates = pd.DataFrame({"x": pd.date_range("2020-01-01", periods=ROWS, freq=f"7{step}", unit="ns")})
    assert infer(dates)["x"].resolution == resolution


def test_months_and_years_are_resolutions() -> None:
    months = np.datetime64("1980-01") + NUMBERS
    years = np.datetime64("1900") + NUMBERS
    schema = infer(pd.DataFrame({"m": months.astype("M8[s]"), "y": years.astype("M8[s]")}))
    assert (schema["m"].resolution, schema["y"].resolution) == ("month", "year")


def test_mixed_objects_are_strings() -> None:
    column = infer(pd.DataFrame({"x": pd.Series([1, "a", 2.5] * 20, dtype=object)}))["x"]
    assert (column.kind, column.python) == ("category", "mixed")


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


ZONES = ["UTC", "Europe/Berlin", "+05:30"]


def nulls(values: Any, dtype: Any) -> pd.Series:
    series = pd.Series(values) if dtype is None else pd.Series(values).astype(dtype)
    return series.mask(np.arange(ROWS) % 9 == 4)


@pytest.mark.parametrize(("name", "series"), many_dtypes().items())
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_every_dtype_comes_back_exactly(name: str, series: pd.Series) -> None:
    table = pd.DataFrame({name: series})
    codec = RecordCodec.fit(table, infer(table))
    facts, arrays = codec.to_dict()
    codec = RecordCodec.from_dict(json.loads(json.dumps(facts)), arrays)  # as a saved model would have it
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))[name]
    assert back.dtype == series.dtype
    assert (back.isna() == series.isna()).all()
    real, made = series.dropna(), back.dropna()
    if series.dtype == object and len(real):
        assert {type(value) for value in made} == {type(value) for value in real}
    if codec.schema[name].kind in ("number", "datetime"):
        assert real.min() <= made.min() and made.max() <= real.max()
    elif codec.schema[name].kind != "id":
        assert set(made) <= set(real)
    else:
        assert not set(made) & set(real) and made.is_unique


def test_a_schema_survives_json(tmp_path: Path) -> None:
    table = pd.DataFrame(many_dtypes())
    schema = infer(table, missing={"?"})
    schema.save(tmp_path / "schema.json")
    assert Schema.load(tmp_path / "schema.json") == schema
    text = repr(schema)
    assert len(text.splitlines()) == len(table.columns) + 2
    assert "ordered" in text and "timedelta64[ms]" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "is no schema"),
        ('{"format": 99}', "the format 99"),
        ('{"format": 1, "rows": 2, "columns": [{"name": "a", "kind": "nose", "dtype": "int64"}]}', "'nose'"),
        ('{"format": 1, "rows": 2, "columns": [{"name": "a", "kin": "x"}]}', "unknown entry 'kin'"),
        ('{"format": 1, "rows": 2, "columns": [{"name": "a"}]}', "is no schema"),
    ],
)
def test_a_bad_schema_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "schema.json"
    path.write_text(text)
    with pytest.raises(SchemaError, match=said) as error:
        Schema.load(path)
    assert str(path) in str(error.value)


def test_a_missing_schema_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="cannot be read"):
        Schema.load(tmp_path / "none.json")


def test_edited_kinds_are_used() -> None:
    table = pd.DataFrame({"zip": NUMBERS + 10_000, "size": RNG.choice(["1", "2", "3.5"], ROWS)})
    schema = infer(table)
    schema["zip"].kind, schema["size"].kind = "category", "number"
    codec = RecordCodec.fit(table, schema)
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))
    assert set(codec.known()["zip"]) <= set(table["zip"])
    assert (back.dtypes == table.dtypes).all()
    assert codec.schema["size"].decimals == 1
    assert set(back["size"].astype(float)) == {1.0, 2.0, 3.5}


def test_an_edited_range_holds() -> None:
    table = pd.DataFrame({"x": RNG.normal(50, 40, ROWS).round(1)})
    schema = infer(table)
    schema["x"].minimum, schema["x"].maximum = 0, 100
    codec = RecordCodec.fit(table, schema)
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))["x"]
    assert back.min() == 0 and back.max() == 100


@pytest.mark.parametrize(
    ("column", "kind", "value"),
    [
        ("word", "number", "'plum'"),
        ("word", "datetime", "'plum'"),
        ("word", "constant", "'plum'"),
        ("word", "boolean", "'fig'"),
        ("word", "id", "'plum'"),
        ("age", "text", "41"),
        ("age", "datetime", "41"),
        ("age", "nose", "nose"),
    ],
)
def test_a_kind_that_the_data_contradict_is_refused(column: str, kind: str, value: str) -> None:
    table = pd.DataFrame({"word": ["plum", "pear", "fig", "plum"] * 10, "age": [41, 42, 43, 44] * 10})
    schema = infer(table)
    schema[column].kind = kind
    with pytest.raises(SchemaError) as error:
        RecordCodec.fit(table, schema)
    assert f"'{column}'" in str(error.value) and value in str(error.value)


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


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pd.DataFrame(), "no columns"),
        (pd.DataFrame({"a": []}), "no rows"),
        (pd.DataFrame({"a": [1]}), "only one row"),
        (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), "two columns named 'a'"),
        (pd.DataFrame([[1], [2]], columns=[1.5]), "1.5"),
        (pd.DataFrame([[1], [2]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "several levels"),
        (pd.DataFrame({"a": [1j, 2j]}), "column 'a' has the dtype complex128"),
        (pd.DataFrame({"a": pd.period_range("2020", periods=3)}), "column 'a' has the dtype period"),
        (pd.DataFrame({"a": [datetime.time(10)] * 3}), "column 'a' holds values of the type time"),
        (pd.DataFrame({"a": [(1,), (2,)]}), "column 'a' holds values of the type tuple"),
    ],
)
def test_tables_that_cannot_be_learned_are_refused(table: pd.DataFrame, said: str) -> None:
    with pytest.raises(DataError, match=said):
        infer(table)


def test_errors_name_the_file() -> None:
    with pytest.raises(UserError, match=r"people\.csv has only one row"):
        infer(pd.DataFrame({"a": [1]}), source="people.csv")


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(SchemaError, match="no column 'ages': its columns are age"):
        infer(pd.DataFrame({"age": [1, 2]}))["ages"]
