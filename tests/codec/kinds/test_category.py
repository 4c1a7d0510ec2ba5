"""Category and boolean columns."""

import json

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import RecordCodec, dropped_notes
from lookalike.errors import ConditionError
from lookalike.table.inferring import infer
from lookalike.table.repeats import LARGEST


def codec_of(values: object, rare: int = 5, kind: str = "category") -> RecordCodec:
    table = pd.DataFrame({"x": values})
    schema = infer(table)
    schema["x"].kind = kind
    return RecordCodec.fit(table, schema, rare=rare)


def back(codec: RecordCodec, values: object) -> list[object]:
    decoded = codec.decode(*codec.encode(pd.DataFrame({"x": values})), np.random.default_rng(0))["x"]
    return [None if pd.isna(value) else value for value in decoded]


def test_one_token_per_value_most_frequent_first() -> None:
    codec = codec_of(["b"] * 10 + ["a"] * 20 + [None] * 7)
    (slot,) = codec.slots
    assert slot.counts.tolist() == [[20.0], [10.0], [7.0]]
    assert slot.rank is None and slot.value is None and slot.banned == () and slot.ends == ()
    assert back(codec, ["a", None, "b"]) == ["a", None, "b"]


def test_rare_values_share_a_banned_token_and_are_never_written() -> None:
    values = ["a"] * 50 + ["b"] * 5 + ["zebra"] * 4 + ["d"]
    codec = codec_of(values)
    (slot,) = codec.slots
    assert slot.counts.tolist() == [[50.0], [5.0], [5.0]] and slot.banned == (2,)
    tokens, _ = codec.encode(pd.DataFrame({"x": ["zebra", "d", "never seen"]}))
    assert tokens[:, 0].tolist() == [2, 2, 2]
    assert set(back(codec, values)) == {"a", "b"}
    assert "zebra" not in repr(codec.to_dict())  # nor kept in the model


def test_values_that_were_not_seen_become_the_most_frequent_where_nothing_is_rare() -> None:
    assert back(codec_of(["a"] * 9 + ["b"] * 10), ["zzz"]) == ["b"]


def test_the_threshold_is_an_option() -> None:
    assert len(codec_of(["a"] * 9 + ["b"] * 3, rare=3).slots[0].counts) == 2


def test_where_everything_is_rare_something_is_still_written() -> None:
    assert set(back(codec_of(["a", "a", "b", "b", "c"]), ["a", "b", "c"])) == {"a", "b"}
    assert set(back(codec_of(["a", "b", "c"]), ["a", "b", "c"])) == {"a", "b", "c"}


def test_the_vocabulary_is_capped() -> None:
    values = [f"v{i}" for i in range(5500) for _ in range(5)]
    (slot,) = codec_of(values).slots
    assert slot.tokens == LARGEST + 1 and slot.banned == (LARGEST,)


def test_categoricals_keep_unused_categories_and_order() -> None:
    dtype = pd.CategoricalDtype(["lo", "mid", "hi"], ordered=True)
    table = pd.DataFrame({"x": pd.Series(["hi", "lo"] * 20, dtype=dtype)})
    codec = RecordCodec.fit(table, infer(table))
    decoded = codec.decode(*codec.encode(table), np.random.default_rng(0))["x"]
    assert decoded.dtype == dtype and decoded.equals(table["x"])


def test_booleans_with_missing_values() -> None:
    values = pd.array([True, False, None] * 20, dtype="boolean")
    codec = codec_of(values, kind="boolean")
    assert back(codec, values) == [True, False, None] * 20


INTENTS = [f"often{i}" for i in range(117)] * 6 + [f"rare{i}" for i in range(33)] * 3


def loaded(codec: RecordCodec) -> RecordCodec:
    facts, arrays = codec.to_dict()
    return RecordCodec.from_dict(json.loads(json.dumps(facts)), arrays)


def test_what_is_dropped_is_named_and_counted_but_not_saved() -> None:
    codec = codec_of(INTENTS)
    counted = {"x": {"values": 33, "of_values": 150, "rows": 99, "of_rows": 801}}
    assert codec.dropped() == counted == loaded(codec).dropped()
    assert codec.notes() == [
        "column 'x': 33 of 150 values occur in fewer than 5 rows (99 of 801 rows) and are not reproduced: "
        "'rare0', 'rare1', 'rare2' and 30 more; keep them with --keep-rare"
    ]
    assert codec.notes() == dropped_notes(pd.DataFrame({"x": INTENTS}), codec.schema)
    assert loaded(codec).notes() == [codec.notes()[0].replace(": 'rare0', 'rare1', 'rare2' and 30 more", "")]
    assert codec_of(["a"] * 9 + ["b"] * 10).dropped() == {}
    assert codec_of(["a"] * 9 + ["b"]).notes()[0].startswith("column 'x': 1 of 2 values occurs in fewer")


def test_rare_values_are_kept_where_the_schema_says_so() -> None:
    table = pd.DataFrame({"x": INTENTS, "y": INTENTS})
    schema = infer(table)
    schema["x"].kind = schema["y"].kind = "category"
    schema["x"].min_rows, schema["y"].min_rows = 1, 4
    codec = RecordCodec.fit(table, schema)
    assert set(codec.known()["x"]) == set(INTENTS) and len(codec.known()["y"]) == 117
    assert list(codec.dropped()) == ["y"] and "in fewer than 4 rows" in codec.notes()[0]


def test_that_nothing_is_frequent_is_said() -> None:
    (note,) = codec_of(["a", "b", "c"]).notes()
    assert "none of its 3 values occurs in 5 rows, so all of them are reproduced" in note
    (note,) = codec_of(["a", "a", "b", "b", "c"]).notes()
    assert "in 5 rows, so those of at least 2 rows are reproduced, the other 1 not: 'c'" in note


def test_what_the_cap_drops_is_said_too() -> None:
    (note,) = codec_of([f"v{i}" for i in range(5500) for _ in range(5)]).notes()
    assert "500 of 5,500 values are beyond the 5,000 most frequent (2,500 of 27,500 rows)" in note


def test_a_condition_on_a_dropped_value_says_how_to_keep_it() -> None:
    codec = codec_of(INTENTS)
    with pytest.raises(ConditionError, match=r"'rare7' of column 'x' was dropped as rare.*--keep-rare"):
        codec.allowed({"x": "rare7"})
    with pytest.raises(ConditionError, match="'nothing' of column 'x' never occurs: "):
        codec.allowed({"x": "nothing"})
    with pytest.raises(
        ConditionError, match=r"never occurs, or is one of the 33 that were dropped.*--keep-rare"
    ):
        loaded(codec).allowed({"x": "rare7"})
