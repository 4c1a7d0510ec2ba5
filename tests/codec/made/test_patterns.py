"""Fresh strings of a pattern: well-formed, none real, none twice, with the shares of the real ones."""

import random
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import RecordCodec
from lookalike.codec.made.patterns import make
from lookalike.codec.made.taken import Taken
from lookalike.table.check_digits import checked
from lookalike.table.inferring import infer
from lookalike.table.patterns import follows, learn

RNG = random.Random(1)


def digits(n: int) -> str:
    return "".join(RNG.choice("0123456789") for _ in range(n))


AREAS = ["212"] * 6 + ["310"] * 3 + ["907"]
IDS = {
    "phone": [f"+1-{RNG.choice(AREAS)}-{digits(3)}-{digits(4)}" for _ in range(600)],
    "ip": [".".join(str(RNG.randrange(256)) for _ in range(4)) for _ in range(600)],
    "card": [checked(f"4{digits(15)}", "luhn") for _ in range(600)],
    "code": [f"{RNG.choice('AAAB')}-{digits(5)}-{RNG.choice('XY')}" for _ in range(600)],
    "short": [f"{i:04d}" for i in RNG.sample(range(10_000), 600)],
    "counting beyond int64": [str(10**25 + i) for i in range(600)],
}


@pytest.mark.parametrize("name", IDS)
def test_made_strings_are_well_formed_fresh_and_unique_over_chunks(name: str) -> None:
    table = pd.DataFrame({"x": list(dict.fromkeys(IDS[name]))})
    schema = infer(table)
    column = schema["x"]
    assert column.kind == "id" and column.pattern
    facts, arrays = RecordCodec.fit(table, schema).to_dict()
    assert name == "short" or not any(value in repr(facts) for value in table["x"])
    codec = RecordCodec.from_dict(facts, arrays)
    tokens, cells = codec.encode(table)
    rng = np.random.default_rng(0)
    made = pd.concat([codec.decode(tokens, cells, rng, offset=i * len(table))["x"] for i in range(3)])
    assert all(follows(text, column.pattern, column.check) for text in made)
    assert not made.isin(table["x"]).any() and made.is_unique


def test_shares_are_kept() -> None:
    made = make(learn(IDS["phone"], 5) or [], None, Taken.of(IDS["phone"]), 0, 2000, np.random.default_rng(0))
    areas = Counter(text[3:6] for text in made)
    assert set(areas) == {"212", "310", "907"}
    real = Counter(text[3:6] for text in IDS["phone"])
    assert all(abs(areas[area] / 2000 - real[area] / 600) < 0.05 for area in real)


def test_octets_are_octets() -> None:
    made = make(learn(IDS["ip"], 5) or [], None, Taken.of(IDS["ip"]), 0, 500, np.random.default_rng(0))
    assert all(0 <= int(octet) <= 255 and str(int(octet)) == octet for ip in made for octet in ip.split("."))


def test_an_edited_pattern_is_what_fresh_ids_look_like() -> None:
    table = pd.DataFrame({"x": list(dict.fromkeys(IDS["code"]))})
    schema = infer(table)
    schema["x"].pattern = r"(NEW|OLD)-\d{6}"
    codec = RecordCodec.fit(table, schema)
    made = codec.decode(*codec.encode(table), np.random.default_rng(0))["x"]
    assert made.str.fullmatch(r"(NEW|OLD)-\d{6}").all() and made.is_unique


def test_codes_that_come_again_are_keys_that_come_again() -> None:
    some = IDS["card"][:300]
    table = pd.DataFrame({"x": [RNG.choice(some) for _ in range(600)]})
    schema = infer(table)
    assert schema["x"].kind == "key" and schema["x"].check == "luhn"
    codec = RecordCodec.fit(table, schema)
    rng = np.random.default_rng(0)
    made = codec.fill(codec.decode(*codec.encode(table), rng), rng)["x"]
    assert not made.isin(table["x"]).any() and all(checked(text, "luhn") == text for text in made)
    assert abs(made.nunique() - table["x"].nunique()) < 40


def test_where_most_strings_are_real_ones_none_is_made_again() -> None:
    real = [f"10.0.{a}.{b}" for a in range(4) for b in range(1, 255) if (a + b) % 10 < 7]
    shapes = learn(real, 5)
    assert shapes is not None
    made = make(shapes, None, Taken.of(real), 0, 400, np.random.default_rng(0))
    assert not set(made) & set(real) and all(text.startswith("10.0.") for text in made)
