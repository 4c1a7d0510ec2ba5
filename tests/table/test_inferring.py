"""Kinds and facts of columns are inferred; edited kinds hold; tables that cannot be learned are refused."""

import datetime
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import RecordCodec
from lookalike.errors import DataError, SchemaError, UserError
from lookalike.table.inferring import infer
from tests.table.columns import NUMBERS, RNG, ROWS


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
        ([" ".join(RNG.choice(["red", "old", "new", "sad", "wet"], 6)) for _ in range(ROWS)], "text"),
        ([f"word {i} of {i * 7}" for i in range(ROWS)], "compound"),
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
    assert kind_of(range(15)) == "number"  # too few to tell
    assert kind_of([f"name {chr(97 + i % 26)} {i}" for i in range(ROWS)]) == "text"
    assert kind_of([f"C-{i % 20:05d}" for i in range(ROWS)]) == "category"


def test_a_code_that_looks_like_a_date_is_none() -> None:
    assert kind_of(["7732-18-5", "64-17-5", "50-00-0"] * 100) == "category"  # of water, alcohol, ...
    assert kind_of(["2020-01-05", "2020-02-05", "2020-03-05"] * 100) == "datetime"


def test_strings_that_repeat_are_a_category_however_many_they_are() -> None:
    towns = [f"town{i}x" for i in range(150)]
    assert kind_of(towns * 10) == "category"
    assert kind_of([f"t {i}" for i in range(300)] * 6) == "category"  # each value a few times
    assert kind_of([*towns[:50] * 100, *(f"rare{i}y z" for i in range(210))]) == "category"
    assert kind_of([*towns * 5, *(f"rare{i}y z" for i in range(500))]) == "category"  # 40% of the cells once
    assert kind_of([*towns * 5, *(f"rare{i}y z" for i in range(900))]) == "text"  # 55%
    assert kind_of(towns * 4) == "text"  # not one in five rows
    assert kind_of([f"v{i}" for i in range(3000)] * 5) == "category"
    assert kind_of([f"v{i}" for i in range(12_000)] * 5) == "text"  # 7,000 of them beyond the most frequent


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
        lambda i: f"{i % 24}:{i:04d}",
    ],
)
def test_sentences_and_measurements_stay_text_beside_what_repeats(rare: Any) -> None:
    """A category would drop just these: here 30% of the cells, though the others repeat."""
    frequent = ["ok", "none", "good", "fine", "bad"] * 140
    assert kind_of([*frequent, *(rare(i) for i in range(300))]) == "text"
    assert kind_of([*frequent, *(f"word{i}" for i in range(300))]) == "category"


@pytest.mark.parametrize("number", [lambda i: f"{i}.{i % 9}5", lambda i: f"${i},{i:03d}.00"])
def test_words_beside_numbers_are_exceptions(number: Any) -> None:
    words = ["ok", "none", "good", "fine", "bad"]
    column = infer(pd.DataFrame({"x": [*words * 140, *(number(i) for i in range(300))]}))["x"]
    assert column.kind == "number" and sorted(column.exceptions or []) == sorted(words)


@pytest.mark.parametrize(("low", "high"), [(1, 12), (101, 131), (201, 228), (1001, 1231), (70101, 70130)])
def test_counts_are_no_dates_though_all_of_them_may_be(low: int, high: int) -> None:
    numbers = RNG.integers(low, high + 1, ROWS)
    days = numbers[(numbers % 100 >= 1) & (numbers % 100 <= 31)]
    assert kind_of(days) == "number"


def test_days_of_several_years_as_whole_numbers_are_dates() -> None:
    days = pd.date_range("2003-01-01", periods=ROWS).strftime("%y%m%d").astype(int)  # 30101 and on
    assert kind_of(days) == "datetime"


def test_one_frequent_value_makes_no_category() -> None:
    assert kind_of(["none"] * 700 + [f"word{i}" for i in range(300)]) == "id"
    assert kind_of(["none"] * 960 + [f"word{i}" for i in range(40)]) == "category"  # 4% are lost


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


def test_numbers_and_words_are_a_category() -> None:
    column = infer(pd.DataFrame({"x": pd.Series([1, "a", 2.5] * 20, dtype=object)}))["x"]
    assert (column.kind, column.python) == ("category", "mixed float")


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
        (pd.DataFrame({"a": pd.interval_range(0, 3)}), "column 'a' has the dtype interval"),
        (pd.DataFrame({"a": [datetime.time(10)] * 3}), "column 'a' holds values of the type time"),
        (pd.DataFrame({"a": [datetime.timedelta(1)] * 3}, dtype=object), "values of the type timedelta"),
        (pd.DataFrame({"a": [pd.Period("2020"), None]}, dtype=object), "values of the type Period"),
        (pd.DataFrame({"a": [pd.Interval(0, 1)] * 3}, dtype=object), "values of the type Interval"),
        (pd.DataFrame({"a": [b"x", b"y"]}), "column 'a' holds values of the type bytes"),
        (pd.DataFrame({"a": [(1,), (2,)]}), "column 'a' holds values of the type tuple"),
    ],
)
def test_tables_that_cannot_be_learned_are_refused(table: pd.DataFrame, said: str) -> None:
    with pytest.raises(DataError, match=said):
        infer(table)


def test_errors_name_the_file() -> None:
    with pytest.raises(UserError, match=r"people\.csv has only one row"):
        infer(pd.DataFrame({"a": [1]}), source="people.csv")


def test_whole_numbers_that_are_keys_by_name_are_no_numbers() -> None:
    keys = np.random.default_rng(0).integers(100_000, 999_999, 300)
    often, seldom = np.repeat(keys, 9), np.repeat(keys, 2)
    schema = infer(pd.DataFrame({"product_id": often, "stock": often}))
    assert (schema["product_id"].kind, schema["stock"].kind) == ("category", "number")
    assert infer(pd.DataFrame({"product_id": seldom}))["product_id"].kind == "key"
    wide = np.random.default_rng(1).choice(900_000, 60, replace=False)  # far from each other
    names = ("id", "PatientID", "idno", "rownames", "")
    assert [infer(pd.DataFrame({name: wide}))[name].kind for name in names] == ["id"] * 5
    assert [infer(pd.DataFrame({name: wide}))[name].kind for name in ("stock", "paid", "编号")] == [
        "number"
    ] * 3
    assert infer(pd.DataFrame({"rownames": range(1789, 1900)}))["rownames"].kind == "number"  # years
    few = infer(pd.DataFrame({"rownames": range(1, 31), "Name": [f"n{i}" for i in range(30)]}))
    assert few["rownames"].kind == "id"


def test_numbers_that_count_on_are_keys_where_they_are_not_few() -> None:
    names = ("nr", "age", "day of year", "t")
    kinds = [
        [infer(pd.DataFrame({name: range(1, rows + 1)}))[name].kind for name in names] for rows in (30, 60)
    ]
    assert kinds == [["number"] * 4, ["id", "number", "number", "number"]]


def test_that_most_cells_are_numbers_is_said_where_too_many_others_are_none() -> None:
    cells = [f"${i}.50" for i in range(300)] + [
        f"call {chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(60)
    ]
    schema = infer(pd.DataFrame({"x": cells}))
    assert schema["x"].kind == "text"
    (note,) = schema.notes()
    assert "because 17% of its cells are no number, though the others are, written $0.00" in note
