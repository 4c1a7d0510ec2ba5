"""The record codec: whole tables, of every size and shape."""

import datetime
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.codec import RecordCodec
from lookalike.errors import DataError
from lookalike.table.dtypes import python_type
from lookalike.table.inferring import infer
from tests.work import steps

RNG = np.random.default_rng(0)


def people(rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": np.arange(rows) + 1000,
            "age": RNG.integers(17, 91, rows),
            "job": RNG.choice(["cook", "smith", "nurse"], rows, p=[0.7, 0.2, 0.1]),
            "pay": np.where(RNG.random(rows) < 0.5, 0.0, RNG.lognormal(8, 1, rows).round(2)),
            "hired": pd.Timestamp("2010-01-01") + pd.to_timedelta(RNG.integers(0, 10**8, rows), unit="s"),
            "note": [f"{'good' if i % 2 else 'bad'} work of {i}" for i in RNG.integers(0, 999, rows)],
            "left": pd.Series(RNG.random(rows) < 0.2).astype("boolean").mask(RNG.random(rows) < 0.1),
            "country": "NL",
        }
    )  # fmt: skip


def test_a_table_survives_and_the_record_is_laid_out_in_column_order() -> None:
    table = people(2000)
    codec = RecordCodec.fit(table, infer(table))
    assert [codec.slots[own[0]].column for own in codec.columns] == [
        "age",
        "job",
        "pay",
        "hired",
        "note",
        "left",
    ]
    assert [i for own in codec.columns for i in own] == list(range(len(codec.slots)))
    tokens, cells = codec.encode(table)
    assert (tokens.dtype, cells.dtype) == (np.int32, np.int16)
    assert tokens.shape == cells.shape == (2000, len(codec.slots))
    for slot, own, place in zip(codec.slots, tokens.T, cells.T, strict=True):
        seen = own >= 0
        assert (slot.counts[own[seen], place[seen]] > 0).all()
    back = codec.decode(tokens, cells, np.random.default_rng(0))
    assert list(back.columns) == list(table.columns) and (back.dtypes == table.dtypes).all()
    exact = ["job", "left", "country"]
    pd.testing.assert_frame_equal(back[exact], table[exact])
    assert (back["note"] == table["note"]).mean() > 0.98
    assert ((back["pay"] == 0) == (table["pay"] == 0)).all()


def test_the_same_random_numbers_give_the_same_table() -> None:
    table = people(500)
    codec = RecordCodec.fit(table, infer(table))
    facts, arrays = codec.to_dict()
    again = RecordCodec.from_dict(json.loads(json.dumps(facts)), arrays)
    tokens, cells = codec.encode(table)
    assert all((a == b).all() for a, b in zip((tokens, cells), again.encode(table), strict=True))
    first, second = (c.decode(tokens, cells, np.random.default_rng(5)) for c in (codec, again))
    pd.testing.assert_frame_equal(first, second)
    assert all(array.dtype.kind in "fiu" for array in arrays.values())


def test_the_schema_of_the_caller_is_left_alone() -> None:
    table = people(500)
    schema = infer(table.drop(index=table.index[table["left"].isna()]))
    assert not schema["left"].nullable
    codec = RecordCodec.fit(table, schema)
    assert codec.schema["left"].nullable and not schema["left"].nullable


def test_part_of_a_row_can_be_encoded() -> None:
    table = people(500)
    codec = RecordCodec.fit(table, infer(table))
    whole, _ = codec.encode(table)
    part, _ = codec.encode(table[["job", "age"]], partial=True)
    given = [i for i, slot in enumerate(codec.slots) if slot.column in ("job", "age")]
    assert (part[:, given] == whole[:, given]).all()
    assert (np.delete(part, given, axis=1) == -1).all()
    with pytest.raises(DataError, match="no column 'id'"):
        codec.encode(table[["job"]])


@pytest.mark.parametrize("rows", [2, 60])
def test_small_tables(rows: int) -> None:
    table = people(rows)
    codec = RecordCodec.fit(table, infer(table))
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))
    assert (back.dtypes == table.dtypes).all()
    for name in ("age", "pay", "hired"):
        assert table[name].min() <= back[name].min() and back[name].max() <= table[name].max()


def test_one_column_and_five_hundred() -> None:
    one = pd.DataFrame({"x": RNG.normal(size=300)})
    assert RecordCodec.fit(one, infer(one)).encode(one)[0].shape == (300, 1)
    many = pd.DataFrame(RNG.normal(size=(300, 500)))
    codec = RecordCodec.fit(many, infer(many))
    back = codec.decode(*codec.encode(many), np.random.default_rng(0))
    assert list(back.columns) == list(range(500))


def test_nothing_to_model() -> None:
    table = pd.DataFrame({"a": ["x"] * 9, "b": [None] * 9})
    codec = RecordCodec.fit(table, infer(table))
    tokens, cells = codec.encode(table)
    assert tokens.shape == (9, 0)
    pd.testing.assert_frame_equal(codec.decode(tokens, cells, np.random.default_rng(0)), table)


def test_a_table_without_a_column_of_the_schema_is_refused() -> None:
    table = people(100)
    with pytest.raises(DataError, match="no column 'age', which the model was fitted on"):
        RecordCodec.fit(table.drop(columns="age"), infer(table))


OLD = {  # facts of a model of the version before params were dataclasses, as `to_dict` wrote them
    "schema": {
        "format": 1,
        "rows": 60,
        "missing": [],
        "columns": [
            {
                "name": "same",
                "kind": "constant",
                "dtype": "str",
                "nullable": True,
                "python": "str",
                "value": "x",
            },
            {"name": "id", "kind": "id", "dtype": "int64"},
            {"name": "key", "kind": "key", "dtype": "str", "nullable": True, "python": "str"},
            {"name": "job", "kind": "category", "dtype": "str", "python": "str"},
        ],
    },
    "params": [
        {"dict": {"rows": {"value": [3, 57]}}},
        {"dict": {"rows": {"value": [60, 0]}, "form": {"value": "integer"}, "next": {"value": 1060}}},
        {
            "dict": {
                "rows": {"value": [0, 60]},
                "fresh": {"dict": {"sort": {"value": None}}},
                "distinct": {"value": 0},
                "sizes": {"array": "2.sizes"},
                "counts": {"array": "2.counts"},
                "determines": {"value": []},
                "gaps": {"value": []},
            }
        },
        {
            "dict": {
                "values": {"value": ["cook", "smith"]},
                "rare": {"value": None},
                "missing": {"value": None},
                "counts": {"array": "3.counts"},
            }
        },
    ],
}


def test_the_facts_of_an_older_model_are_read() -> None:
    none = np.zeros(0, dtype=np.int64)
    codec = RecordCodec.from_dict(
        OLD, {"2.sizes": none, "2.counts": none, "3.counts": np.array([40.0, 20.0])}
    )
    tokens = np.array([[0, 1], [1, 0]], dtype=np.int32)
    table = codec.decode(tokens, 0 * tokens, np.random.default_rng(0))
    table = codec.fill(table, np.random.default_rng(0))
    assert table["same"].tolist()[0] == "x" and table["same"].isna().tolist() == [False, True]
    assert table["id"].tolist() == [1060, 1061] and table["job"].tolist() == ["smith", "cook"]
    assert table["key"].isna().all() and codec.notes() == []


def test_what_is_learned_cannot_be_changed() -> None:
    table = people(60)
    codec = RecordCodec.fit(table, infer(table))
    for params in codec.params:
        with pytest.raises(AttributeError):
            params.rows = [1, 1]


def test_there_is_no_loop_over_rows() -> None:
    def there_and_back(rows: int) -> int:
        table = people(rows).drop(columns="note")

        def call() -> None:
            codec = RecordCodec.fit(table, infer(table))
            codec.decode(*codec.encode(table), np.random.default_rng(0))

        return steps(call)

    there_and_back(1000)  # what only a first call does
    assert there_and_back(60_000) - there_and_back(20_000) < 10_000  # a step a row is 40,000


def test_values_beside_words_come_back_in_their_type() -> None:
    days = [datetime.datetime(2022, 1, 1) + datetime.timedelta(days=n * 7 % 601) for n in range(300)]
    columns: dict[str, list[Any]] = {
        "whole": [n * 37 % 997 for n in range(300)],
        "decimal": [n * 37 % 997 / 8 for n in range(300)],
        "day": days,
        "few": [n % 3 + 1 for n in range(300)],
    }
    cells = {name: pd.Series([*own, *["TBC"] * 40, None], dtype=object) for name, own in columns.items()}
    table = pd.DataFrame(cells)
    schema = infer(table)
    assert [c.kind for c in schema.columns] == ["number", "number", "datetime", "category"]
    codec = RecordCodec.fit(table, schema)
    made = codec.decode(*codec.encode(table), np.random.default_rng(0))
    for name, own in columns.items():
        assert {*map(type, made[name][:300])} <= {int, float} if name == "decimal" else {type(own[0])}
        assert (made[name][300:340] == "TBC").all() and made[name].isna().tolist() == table[
            name
        ].isna().tolist()
    report = lookalike.evaluate(table, made, quick=True, only=["fidelity"]).to_dict()
    assert report["fidelity"]["shape_error"]["value"] < 0.1


@pytest.mark.parametrize(
    ("cells", "python"),
    [
        ([1, 2, "3"], "mixed"),
        ([1, True, "x"], "mixed"),
        ([1, 2.5, "x"], "mixed float"),
        ([1, "x"], "mixed int"),
    ],
)
def test_types_beside_words(cells: list[Any], python: str) -> None:
    assert python_type(pd.Series(cells, dtype=object)) == python
