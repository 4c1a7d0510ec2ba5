"""Ids: fresh, unique, of the same shape, and never a real one."""

import base64
import re
import uuid
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import RecordCodec
from lookalike.errors import ConditionError, DataError
from lookalike.table.check_digits import checked
from lookalike.table.inferring import infer

ROWS = 2000
RNG = np.random.default_rng(0)
WORDS = [
    ("".join(RNG.choice(list("abcdefgh"), 7)), "".join(RNG.choice(list("stuvwxyz"), 5))) for _ in range(ROWS)
]
WIDE = {48 + digit: chr(0xFF10 + digit) for digit in range(10)}
IDS: dict[str, tuple[Any, str]] = {
    "counted": (np.arange(ROWS) + 10, r"\d+"),
    "padded": ([f"C-{i:05d}" for i in range(ROWS)], r"C-\d{5}"),
    "suffixed": ([f"{i:04d}/XY" for i in range(ROWS)], r"\d{4,5}/XY"),
    "keyed": ([f"20{i % 20:02d}:AR{'XYZ'[i % 3]}:{i}" for i in range(ROWS)], r"\d{4}:[A-Z]{3}:\d{4}"),
    "full width": (
        [f"03-{i * 7 % 9973:04d}-{i:04d}".translate(WIDE) for i in range(ROWS)],
        "[\uff10-\uff19]{2}-[\uff10-\uff19]{4}-[\uff10-\uff19]{4}",
    ),
    "uuid": ([str(uuid.UUID(bytes=RNG.bytes(16), version=4)) for _ in range(ROWS)], r"[\da-f-]{36}"),
    "upper": ([RNG.bytes(10).hex().upper() for _ in range(ROWS)], r"[0-9A-F]{20}"),
    "base64": (["k_" + base64.b64encode(RNG.bytes(18)).decode() for _ in range(ROWS)], r"k_[\dA-Za-z/+]{24}"),
    "digest": ([f"sha256:{RNG.bytes(32).hex()}" for _ in range(ROWS)], r"sha256:[0-9a-f]{64}"),
    "page": ([f"https://example.com/{'ab'[i % 2]}/item?id={i}&v=2" for i in range(ROWS)],
             r"https://example\.com/[ab]/item\?id=\d{4}&v=2"),
    "article": ([f"https://news.example.org/24/0{1 + i % 9}/{w}-{v}.html" for i, (w, v) in enumerate(WORDS)],
                r"https://news\.example\.org/24/0[1-9]/[a-z]+-[a-z]+\.html"),
    "site": ([f"http://www.{a}{b}.com" for a, b in WORDS], r"http://www\.[a-z]+\.com"),
}  # fmt: skip


@pytest.mark.parametrize("name", IDS)
def test_ids_are_fresh_unique_and_of_the_same_shape(name: str) -> None:
    values, shape = IDS[name]
    table = pd.DataFrame({"x": values})
    schema = infer(table)
    assert schema["x"].kind == "id"
    codec = RecordCodec.fit(table, schema)
    assert codec.slots == [] and codec.columns == []
    tokens, cells = codec.encode(table)
    assert tokens.shape == (ROWS, 0)
    rng = np.random.default_rng(0)
    chunks = [codec.decode(tokens, cells, rng, offset=offset)["x"] for offset in (0, ROWS, 2 * ROWS)]
    made = pd.concat(chunks)
    assert made.is_unique and not made.isin(values).any()
    assert made.dtype == table["x"].dtype
    assert all(re.fullmatch(shape, str(value)) for value in made), made.iloc[0]


def test_real_strings_are_not_kept_in_the_model() -> None:
    table = pd.DataFrame({"x": IDS["keyed"][0]})
    facts, arrays = RecordCodec.fit(table, infer(table)).to_dict()
    assert not any(value in repr(facts) for value in table["x"])
    assert all(array.dtype.kind in "fiu" for array in arrays.values())


@pytest.mark.parametrize("dtype", ["int64", "Int64", str])
def test_whole_numbers_with_a_check_digit_are_ids_that_have_it(dtype: Any) -> None:
    heads, rng = ["4539", "5212", "4000"], np.random.default_rng(1)
    cards = [f"{heads[i % 3]}{rng.integers(10**11):011d}0" for i in range(300)]
    cards += [f"37{rng.integers(10**12):012d}0" for _ in range(60)]
    table = pd.DataFrame({"x": pd.Series([checked(card, "luhn") for card in cards]).astype(dtype)})
    if dtype == "Int64":
        table.loc[::7, "x"] = pd.NA
    schema = infer(table)
    assert (schema["x"].kind, schema["x"].check) == ("id", "luhn")
    codec = RecordCodec.fit(table, schema)
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))["x"]
    assert back.dtype == table["x"].dtype and (back.isna() == table["x"].isna()).all()
    texts = [str(card) for card in back.dropna()]
    assert all(checked(text, "luhn") == text for text in texts)
    assert {text[:2] if len(text) == 15 else text[:4] for text in texts} == {*heads, "37"}
    assert len({*texts}) == len(texts) and not {*texts} & {*map(str, table["x"])}


def test_numbers_whose_check_digits_are_wrong_are_a_measure() -> None:
    rng = np.random.default_rng(1)
    assert infer(pd.DataFrame({"x": rng.integers(10**15, 10**16, 200)}))["x"].kind == "number"


def test_a_dtype_without_room_is_refused() -> None:
    table = pd.DataFrame({"x": np.arange(100, dtype="int8")})
    codec = RecordCodec.fit(table, infer(table))
    with pytest.raises(DataError, match="column 'x' holds ids of the dtype int8"):
        codec.decode(*codec.encode(table), np.random.default_rng(0))


def test_an_id_that_may_be_missing() -> None:
    values = [f"K{i:04d}" if i % 4 else None for i in range(ROWS)]
    table = pd.DataFrame({"x": values})
    schema = infer(table)
    schema["x"].kind = "id"
    codec = RecordCodec.fit(table, schema)
    assert codec.slots[0].counts.ravel().tolist() == [1500, 500]
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))["x"]
    assert (back.isna() == table["x"].isna()).all() and back.dropna().is_unique
    assert codec.allowed({"x": None})[0].ravel().tolist() == [0, 1]


def test_ids_cannot_be_asked_for() -> None:
    table = pd.DataFrame({"x": IDS["padded"][0]})
    codec = RecordCodec.fit(table, infer(table))
    for where in ("C-00001", None):
        with pytest.raises(ConditionError, match="'x'"):
            codec.allowed({"x": where})


@pytest.mark.parametrize(("name", "first"), [("Unnamed: 0", 0), ("", 0), ("row", 1), ("rownames", 1)])
def test_row_numbers_count_the_rows_again(name: str, first: int) -> None:
    table = pd.DataFrame({name: np.arange(ROWS) + first})
    codec = RecordCodec.fit(table, infer(table))
    none, rng = codec.encode(table.head(50)), np.random.default_rng(0)
    drawn = [codec.decode(*none, rng, offset=offset)[name] for offset in (0, 50)]
    assert pd.concat(drawn).tolist() == [*range(first, first + 100)]
    for other in ({name: rng.permutation(ROWS) + first}, {"customer_id": np.arange(ROWS) + first}):
        codec = RecordCodec.fit(pd.DataFrame(other), infer(pd.DataFrame(other)))
        assert codec.decode(*none, rng).iloc[:, 0].min() == ROWS + first  # fresh: none is a real one


MIXED: dict[str, tuple[list[str], str, str]] = {
    "phone": ([f"({n % 700 + 200}) 555-{n * 7919 % 9973:04d}" for n in range(400)], "N/A",
              r"\(\d{3}\) \d{3}-\d{4}"),
    "mail": ([f"ann{n * 37 % 997}@a.com" for n in range(400)], "none", r"[a-z]+\d*@a\.com"),
    "order": ([f"PO-{n * 7919 % 99991:05d}" for n in range(400)], "-", r"PO-\d{5}"),
    "uuid": ([str(uuid.UUID(bytes=RNG.bytes(16), version=4)) for _ in range(400)], "null", r"[\da-f-]{36}"),
    "page": ([f"https://example.com/p/{n * 7}" for n in range(400)], "unknown", r"https://example\.com/p/\d+"),
    "twice": ([f"PO-{n // 2 * 7919 % 99991:05d}" for n in range(400)], "cancelled", r"PO-\d{5}"),
}  # fmt: skip


@pytest.mark.parametrize("name", MIXED)
def test_a_word_in_place_of_an_id_is_an_exception(name: str) -> None:
    cells, word, shape = MIXED[name]
    table = pd.DataFrame({"x": [*cells, *[word] * 60, *[None] * 40]})
    schema = infer(table)
    assert schema["x"].kind in ("id", "key") and schema["x"].exceptions == [word]
    codec = RecordCodec.fit(table, schema)
    codec = RecordCodec.from_dict(*codec.to_dict())
    tokens, places = codec.encode(table)
    rng = np.random.default_rng(0)
    made = codec.fill(codec.decode(tokens, places, rng), rng)["x"]
    assert (made[400:460] == word).all() and made[460:].isna().all()
    fresh = made[:400]
    assert fresh.str.fullmatch(shape).all() and not fresh.isin(cells).any()
    assert fresh.is_unique == table["x"][:400].is_unique
    assert codec.allowed({"x": word})[0][:, 0].tolist() == [0, 0, 1]
    assert codec.allowed({"x": None})[0][:, 0].tolist() == [0, 1, 0]
    with pytest.raises(ConditionError, match="made afresh"):
        codec.allowed({"x": cells[0]})


def test_a_code_that_looks_like_a_blank_is_an_id_like_others() -> None:
    codes = sorted({"".join(RNG.choice(list("ABCDEFGHIJKLMNOPQRSTVWXYZ"), 3)) for _ in range(300)})
    assert infer(pd.DataFrame({"x": [*codes, "UNK"]}))["x"].exceptions is None
    assert infer(pd.DataFrame({"x": [*codes, *["UNK"] * 20]}))["x"].exceptions == ["UNK"]


def test_a_sum_below_numbers_is_no_id() -> None:
    table = pd.DataFrame({"line": [*map(str, range(1, 300)), "Total"]})
    codec = RecordCodec.fit(table, infer(table))
    made = codec.decode(*codec.encode(table), np.random.default_rng(0))["line"]
    assert made.tolist() == [*map(str, range(300, 600))]


def test_the_letters_before_a_counter_stay_together() -> None:
    table = pd.DataFrame({"key": [f"{('ABC', 'OPS')[n * n % 7 % 2]}-{1200 + n}" for n in range(300)]})
    codec = RecordCodec.fit(table, infer(table))
    made = codec.decode(*codec.encode(table), np.random.default_rng(0))["key"]
    assert made.is_unique and made.str.fullmatch(r"(ABC|OPS)-1[5-7]\d\d").all()
    shares = made.str[:3].value_counts(normalize=True) - table["key"].str[:3].value_counts(normalize=True)
    assert shares.abs().max() < 0.1
