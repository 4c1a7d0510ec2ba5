"""Text columns: sub-words, their slots, and valid text from whatever tokens."""

import sys

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import RecordCodec
from lookalike.codec.kinds.text import LONGEST, MISSING, STOP
from lookalike.errors import ConditionError, MissingDependency
from lookalike.table.inferring import infer

RNG = np.random.default_rng(0)


def names(rows: int) -> list[str]:
    first, last = ["Ann", "Bob", "Çiğdem", "日本", "😀🎉"], ["Smith", "O'Neil", "Ng", "de la Cruz"]
    return [f"{first[i % 5]} {last[i % 4]} {RNG.integers(300)}" for i in range(rows)]


def codec_of(values: list[str | None]) -> RecordCodec:
    table = pd.DataFrame({"x": values})
    schema = infer(table)
    assert schema["x"].kind == "text"
    return RecordCodec.fit(table, schema)


def test_texts_come_back() -> None:
    values = names(3000)
    values[::10] = [None] * 300  # type: ignore[call-overload]
    values[1::10] = [""] * 300
    codec = codec_of(values)
    tokens, cells = codec.encode(pd.DataFrame({"x": values}))
    back = codec.decode(tokens, cells, np.random.default_rng(0))["x"]
    assert [None if pd.isna(v) else v for v in back] == values
    assert (tokens[::10, 0] == MISSING).all() and (tokens[1::10, 0] == STOP).all()
    assert (tokens[::10, 1:] == -1).all()
    assert cells.max() == 0


def test_slots_share_a_vocabulary_and_end_early() -> None:
    codec = codec_of(names(3000))
    assert {slot.vocabulary for slot in codec.slots} == {"x"}
    assert {slot.tokens for slot in codec.slots} == {codec.slots[0].tokens} and codec.slots[0].tokens <= 1024
    assert all(slot.ends == (STOP, MISSING) for slot in codec.slots)
    assert codec.columns == [list(range(len(codec.slots)))] and 2 <= len(codec.slots) <= 12
    # nothing is missing or empty in training, so neither can be emitted
    assert all(slot.counts[MISSING].sum() == 0 for slot in codec.slots)
    assert codec.slots[0].counts[STOP, 0] == 0


def test_a_frequent_string_is_one_token() -> None:
    codec = codec_of(["Department of Transportation"] * 2000 + names(2000))
    tokens, _ = codec.encode(pd.DataFrame({"x": ["Department of Transportation"]}))
    assert (tokens[0] > MISSING).sum() == 1


def test_any_tokens_give_valid_text() -> None:
    codec = codec_of(names(3000))
    shape = (2000, len(codec.slots))
    tokens = RNG.integers(0, codec.slots[0].tokens, shape).astype(np.int32)
    back = codec.decode(tokens, np.zeros(shape, np.int16), np.random.default_rng(0))["x"]
    texts = [text for text in back if isinstance(text, str)]
    assert len(texts) > 1900 and all(text.encode("utf-8").decode("utf-8") == text for text in texts)


def test_a_text_takes_as_many_slots_as_it_needs() -> None:
    values = [" ".join([f"word{i}"] * (1 + i % 50)) for i in range(600)]
    codec = codec_of(values)
    tokens, _ = codec.encode(pd.DataFrame({"x": values}))
    assert (tokens >= 0).sum(1).max() == len(codec.slots) and (tokens[0] >= 0).sum() < 8
    assert all(slot.span for slot in codec.slots)
    assert all(slot.counts is codec.slots[1].counts for slot in codec.slots[1:])


def test_long_texts_are_cut_and_that_is_said() -> None:
    long = " ".join(str(n) for n in RNG.integers(10**9, size=100_000))  # a megabyte
    values = [*names(300), long]
    codec = codec_of(values)
    back = codec.decode(*codec.encode(pd.DataFrame({"x": values})), np.random.default_rng(0))["x"]
    assert len(codec.slots) == LONGEST
    assert list(back[:-1]) == values[:-1] and long.startswith(back.iloc[-1]) and len(back.iloc[-1]) > 2000
    assert codec.notes() == [
        "column 'x': 1 of its texts are longer than 2,048 sub-words or 16,384 letters, "
        "the rest of them is cut off"
    ]
    assert codec_of(names(300)).notes() == []


def test_the_texts_of_a_record_share_its_slots() -> None:
    short, long = names(80), [" ".join(str(n) for n in RNG.integers(10**9, size=500)) for _ in range(80)]
    table = pd.DataFrame({"a": long, "b": short, "c": long[::-1]})
    schema = infer(table)
    for column in schema.columns:
        column.kind = "text"
    codec = RecordCodec.fit(table, schema)
    widths = [len(own) for own in codec.columns]
    assert sum(widths) <= LONGEST and widths[0] == widths[2] == (LONGEST - widths[1]) // 2
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))
    assert list(back["b"]) == short
    assert all(real.startswith(made) and made for real, made in zip(long, back["a"], strict=True))
    assert len(codec.notes()) == 2


def test_broken_surrogates_do_not_crash() -> None:
    table = pd.DataFrame({"x": pd.Series([f"\ud800{name}" for name in names(300)], dtype=object)})
    codec = RecordCodec.fit(table, infer(table))
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))["x"]
    assert (back == table["x"].str[1:]).mean() > 0.98


def test_one_exact_text_can_be_asked_for() -> None:
    values = names(3000)
    codec = codec_of([None, *values[1:]])
    shares = codec.allowed({"x": values[1]})
    tokens, _ = codec.encode(pd.DataFrame({"x": [values[1]]}))
    for slot, share in shares.items():
        assert share.sum() == 1 and share[tokens[0, slot], 0] == 1
    assert len(shares) == (tokens[0] >= 0).sum()
    missing = codec.allowed({"x": None})
    assert list(missing) == [0] and missing[0].sum() == missing[0][MISSING, 0] == 1
    for refused in ({"a", "b"}, ("a", "b"), "Ünknown Ω"):
        with pytest.raises(ConditionError, match="'x'"):
            codec.allowed({"x": refused})


def test_ten_thousand_strings() -> None:
    values = [f"user {i} 😀" for i in range(10_000)]
    codec = codec_of(values)
    back = codec.decode(*codec.encode(pd.DataFrame({"x": values})), np.random.default_rng(0))["x"]
    assert (back == values).mean() > 0.99


def test_without_tokenizers_the_error_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingDependency, match=r"pip install '\.\[difflm\]'"):
        codec_of(names(300))
