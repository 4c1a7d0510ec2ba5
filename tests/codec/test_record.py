"""The record codec: whole tables, of every size and shape."""

import json

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import RecordCodec
from lookalike.errors import DataError
from lookalike.table.schema import infer
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
            "note": [f"{'good' if i % 2 else 'bad'} {i}" for i in RNG.integers(0, 999, rows)],
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


@pytest.mark.parametrize("rows", [2, 3, 20, 60])
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


def test_a_constant_that_is_sometimes_missing_has_a_slot() -> None:
    table = pd.DataFrame({"a": ["x", "x", None] * 9})
    codec = RecordCodec.fit(table, infer(table))
    assert codec.slots[0].counts.ravel().tolist() == [18, 9]
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))
    pd.testing.assert_frame_equal(back, table)
    assert codec.allowed({"a": None})[0].ravel().tolist() == [0, 1]
    assert codec.allowed({"a": "x"})[0].ravel().tolist() == [1, 0]


def test_a_table_without_a_column_of_the_schema_is_refused() -> None:
    table = people(100)
    with pytest.raises(DataError, match="no column 'age', which the model was fitted on"):
        RecordCodec.fit(table.drop(columns="age"), infer(table))


def test_there_is_no_loop_over_rows() -> None:
    def there_and_back(rows: int) -> int:
        table = people(rows).drop(columns="note")

        def call() -> None:
            codec = RecordCodec.fit(table, infer(table))
            codec.decode(*codec.encode(table), np.random.default_rng(0))

        return steps(call)

    there_and_back(1000)  # what only a first call does
    assert there_and_back(60_000) - there_and_back(20_000) < 10_000  # a step a row is 40,000
