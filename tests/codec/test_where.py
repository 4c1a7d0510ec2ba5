"""Conditions: their grammar, what they allow, and what they refuse."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.codec import NOT_MISSING, RecordCodec, parse_where
from lookalike.errors import ConditionError
from lookalike.table.inferring import infer

RNG = np.random.default_rng(0)
ROWS = 5000
TABLE = pd.DataFrame(
    {
        "age": RNG.integers(17, 91, ROWS),
        "price": RNG.normal(50, 9, ROWS).round(2),
        "real": RNG.normal(size=ROWS),
        "holes": pd.Series(RNG.normal(size=ROWS)).mask(RNG.random(ROWS) < 0.2),
        "job": RNG.choice(["cook", "smith", "sales, retail"], ROWS),
        "flag": RNG.random(ROWS) < 0.3,
        "size": pd.Categorical(RNG.choice(["S", "M", "L"], ROWS), categories=["S", "M", "L"], ordered=True),
        "grade": pd.Categorical(RNG.integers(1, 5, ROWS)),
        "span": pd.to_timedelta(RNG.integers(0, 10**5, ROWS), unit="s"),
        "same": "x",
        "a=b": RNG.choice(["1", "2"], ROWS),
        "end": np.where(RNG.random(ROWS) < 0.1, np.inf, RNG.normal(size=ROWS).round(1)),
    }
)
SCHEMA = infer(TABLE)
CODEC = RecordCodec.fit(TABLE, SCHEMA)
TOKENS, CELLS = CODEC.encode(TABLE)


@pytest.mark.parametrize(
    ("column", "wanted", "holds"),
    [
        ("age", 40, lambda x: x == 40),
        ("age", (30, 39), lambda x: (x >= 30) & (x <= 39)),
        ("age", (29.5, None), lambda x: x >= 30),
        ("age", {20, 80}, lambda x: x.isin([20, 80])),
        ("age", np.array([20, 80]), lambda x: x.isin([20, 80])),
        ("price", ("50.005", "50.3"), lambda x: (x >= 50.01) & (x <= 50.3)),
        ("real", (0.1, 0.1234), lambda x: (x >= 0.1) & (x <= 0.1234)),
        ("holes", None, lambda x: x.isna()),
        ("holes", NOT_MISSING, lambda x: x.notna()),
        ("holes", (0, None), lambda x: x >= 0),
        ("job", "cook", lambda x: x == "cook"),
        ("job", ["cook", "smith"], lambda x: x != "sales, retail"),
        ("flag", True, lambda x: x),
        ("flag", "false", lambda x: ~x),
        ("size", ("S", "M"), lambda x: x <= "M"),
        ("grade", ("2", "3"), lambda x: x.isin([2, 3])),
        ("grade", "2", lambda x: x == 2),
        ("span", ("1h", "2h"), lambda x: (x >= pd.Timedelta("1h")) & (x <= pd.Timedelta("2h"))),
        ("same", "x", lambda x: x == "x"),
        ("end", np.inf, lambda x: x == np.inf),
        ("end", (2, None), lambda x: x >= 2),
        ("end", (None, 0), lambda x: x <= 0),
    ],
)
def test_what_is_allowed_satisfies_the_condition(
    column: str, wanted: Any, holds: Callable[[pd.Series], pd.Series]
) -> None:
    where = {column: wanted}
    weight = np.ones(ROWS)
    for slot, share in CODEC.allowed(where).items():
        assert share.shape == CODEC.slots[slot].counts.shape
        weight *= share[TOKENS[:, slot], CELLS[:, slot]]
    made = CODEC.decode(TOKENS[weight > 0], CELLS[weight > 0], np.random.default_rng(0), where=where)[column]
    assert holds(made).all()
    real = int(holds(TABLE[column]).sum())
    assert len(made) >= real * 0.95 > 0
    assert abs(weight.sum() - real) < 5 * real**0.5 + 1  # the shares add up to the rows that satisfy it


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"agee": 1}, "no column 'agee': did you mean 'age'."),
        ({"age": 200}, "the value 200 of column 'age' never occurs: its values go from 17 to 90"),
        ({"age": {20, 200}}, "the value 200 of column 'age'"),
        ({"age": 20.5}, "the value 20.5 of column 'age' never occurs"),
        ({"age": (200, 300)}, "no value of column 'age' lies in 200..300: its values go from 17 to 90"),
        ({"age": (40, 30)}, "lies in 40..30"),
        ({"age": "old"}, "column 'age' holds numbers, and old is not a number"),
        ({"age": None}, "no value of column 'age' is missing"),
        ({"age": (1, 2, 3)}, "tuple of 3"),
        ({"age": []}, "empty set"),
        ({"job": "Cook"}, "'Cook' of column 'job' never occurs: the values are"),
        ({"job": {"cook", "nurse"}}, "'nurse' of column 'job'"),
        ({"job": ("a", "d")}, "column 'job' holds categories, for which a..d is not a range"),
        ({"job": None}, "no value of column 'job' is missing"),
        ({"size": ("S", "XL")}, "not a range"),
        ({"same": "y"}, "column 'same' is always 'x'"),
    ],
)
def test_what_never_occurs_is_refused(where: dict[str, Any], said: str) -> None:
    with pytest.raises(ConditionError) as error:
        CODEC.allowed(where)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("job=cook", {"job": "cook"}),
        ("job=cook,smith", {"job": {"cook", "smith"}}),
        ("job=sales, retail", {"job": "sales, retail"}),
        ('job="sales, retail",cook', {"job": {"sales, retail", "cook"}}),
        ("age=30..39", {"age": ("30", "39")}),
        ("age=..39", {"age": (None, "39")}),
        ("age=30..", {"age": ("30", None)}),
        ("holes=", {"holes": None}),
        ("holes!=", {"holes": NOT_MISSING}),
        ("a=b=1", {"a=b": "1"}),
    ],
)
def test_the_command_line_says_the_same(text: str, where: dict[str, Any]) -> None:
    assert parse_where([text], SCHEMA, CODEC.known()) == where
    CODEC.allowed(where)


def test_decimal_commas_are_read_where_the_file_has_them() -> None:
    schema = lookalike.infer(pd.DataFrame({"price": [1.25, 2.5, 3.75] * 10}))
    schema.layout = {"sep": ";", "numbers": {"price": {"decimal": ",", "places": 2}}}
    assert parse_where(["price=2,5"], schema) == {"price": "2.5"}
    assert parse_where(["price=1,25..3"], schema) == {"price": ("1.25", "3")}
    assert parse_where(["price=..-2,5"], schema) == {"price": (None, "-2.5")}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["job"], "no '='"),
        (["jobs=cook"], "no column 'jobs'"),
        (["job=cook", "job=smith"], "column 'job' has two conditions"),
    ],
)
def test_bad_texts_are_refused(texts: list[str], said: str) -> None:
    with pytest.raises(ConditionError, match=said):
        parse_where(texts, SCHEMA)


@pytest.mark.parametrize("dtype", ["float32", "Float32", "float[pyarrow]"])
def test_a_value_of_a_single_precision_column_is_found_as_it_is_written(dtype: str) -> None:
    table = pd.DataFrame({"x": pd.Series(RNG.normal(size=400).astype("float32")).astype(dtype)})
    codec = RecordCodec.fit(table, infer(table))
    assert codec.allowed({"x": float(str(table["x"].iloc[7]))})[0].sum() > 0
