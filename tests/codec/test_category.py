"""Category and boolean columns."""

import numpy as np
import pandas as pd

from lookalike.codec import RecordCodec
from lookalike.codec.category import LARGEST
from lookalike.schema import infer


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
    assert "zebra" not in repr(codec.to_dict()[0]["params"])  # nor kept in the model


def test_values_that_were_not_seen_become_the_most_frequent_where_nothing_is_rare() -> None:
    assert back(codec_of(["a"] * 9 + ["b"] * 10), ["zzz"]) == ["b"]


def test_the_threshold_is_an_option() -> None:
    assert len(codec_of(["a"] * 9 + ["b"] * 3, rare=3).slots[0].counts) == 2


def test_where_everything_is_rare_something_is_still_written() -> None:
    assert set(back(codec_of(["a", "a", "b", "b", "c"]), ["a", "b", "c"])) == {"a", "b"}
    assert set(back(codec_of(["a", "b", "c"]), ["a", "b", "c"])) == {"a", "b", "c"}


def test_the_vocabulary_is_capped() -> None:
    values = [f"v{i}" for i in range(1500) for _ in range(5)]
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
