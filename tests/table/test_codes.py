"""Strings that are codes, though no key by their looks alone."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from lookalike import infer
from lookalike.codec.record import RecordCodec
from lookalike.table.check_digits import checked

LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
RNG = np.random.default_rng(0)
ROWS = 600


def _numbers(low: int, high: int) -> list[int]:
    return [int(n) for n in RNG.integers(low, high, ROWS)]


A, B, C, D = (_numbers(*ends) for ends in ((200, 999), (0, 10_000), (1, 99), (0, 12)))
ROWS_OF = list(zip(A, B, C, D, strict=True))
CODES = {
    "zip": ([f"{b:05d}" + ("" if a % 3 else f"-{a:04d}") for a, b, *_ in ROWS_OF], r"\d{5}(-\d{4})?"),
    "phone": (
        [
            (f"({a}) 555-{b}", f"{a}.555.{b}", f"{a}-555-{b} ext. {c}", f"{a}-555-{b} x{c}")[d % 4]
            for a, b, c, d in ROWS_OF
        ],
        r"\(\d{3}\) 555-\d{1,4}|\d{3}\.555\.\d{1,4}|\d{3}-555-\d{1,4}( ext\. | x)\d{1,2}",
    ),
    "version": (
        [f"{a % 3}.{d}.{c % 10}" + ("", "-rc.1", "-beta")[b % 3] for a, b, c, d in ROWS_OF],
        r"\d\.\d{1,2}\.\d(-rc\.1|-beta)?",
    ),
    "site": ([f"www.{('acme', 'foo', 'bar')[c % 3]}{a}.com" for a, c in zip(A, C, strict=True)],
             r"www\.(acme|foo|bar)\d{3}\.com"),
    "masked card": ([f"**** **** **** {b:04d}" for b in B], r"\*{4} \*{4} \*{4} \d{4}"),
    "invoice": ([f"INV/{2019 + d % 4}/{i:05d}" for i, d in enumerate(D)], r"INV/20\d\d/\d{5}"),
    "hexadecimal": ([f"0x{int(n):04X}" for n in RNG.integers(0, 65_536, ROWS)], r"0x[\dA-F]{4}"),
    "room": ([f"{('SCI', 'HALL')[b % 2]} {a}" for a, b in zip(A, B, strict=True)], r"(SCI|HALL) \d{3}"),
}  # fmt: skip


@pytest.mark.parametrize("name", CODES)
def test_codes_are_made_as_they_are_written(name: str) -> None:
    cells, form = CODES[name]
    table = pd.DataFrame({"code": cells, "x": range(ROWS)})
    assert table["code"].str.fullmatch(form).all()
    schema = infer(table)
    assert schema["code"].kind == ("compound" if name == "room" else schema["code"].kind) != "text"
    codec = RecordCodec.fit(table, schema)
    made = codec.fill(codec.decode(*codec.encode(table), np.random.default_rng(0)), np.random.default_rng(0))
    assert made["code"].str.fullmatch(form).all(), made["code"].head(10).tolist()


def test_the_check_digit_of_a_vehicle_is_the_ninth() -> None:
    assert checked("1M8GDM9A0KP042788", "vin") == "1M8GDM9AXKP042788"
    letters = np.array(list("ABCDEFGHJKLMNPRSTUVWXYZ0123456789"))
    cars = ["".join(own) for own in RNG.choice(letters, (ROWS, 17))]
    table = pd.DataFrame({"vin": [checked(car, "vin") for car in cars], "x": range(ROWS)})
    codec = RecordCodec.fit(table, infer(table))
    made = codec.decode(*codec.encode(table), np.random.default_rng(0))["vin"]
    assert all(checked(car, "vin") == car for car in made)
    assert made.str.fullmatch("[A-HJ-NPR-Z0-9]{17}").all() and not made.isin(table["vin"]).any()


def test_a_few_cells_without_a_digit_leave_codes_what_they_are() -> None:
    rings = [f"{(877, 1142, 745)[i % 3]}-{19_000 + 37 * i}" for i in range(400)]
    own = pd.Series([" ", " ", "lost", *rings])
    assert infer(pd.DataFrame({"ring": own}))["ring"].kind == "id"
    table = pd.DataFrame({"ring": own})
    codec = RecordCodec.fit(table, infer(table))
    made = codec.fill(codec.decode(*codec.encode(table), np.random.default_rng(0)), np.random.default_rng(0))
    assert (made["ring"][:2] == " ").all()
    assert made["ring"][2:].str.fullmatch(r"(?:877|1142|745)-\d{5}").all()
    many = pd.Series([*[" "] * 40, *rings])
    assert infer(pd.DataFrame({"ring": many}))["ring"].kind != "key"


@pytest.mark.parametrize(
    ("draw", "shape"),
    [
        (lambda: "".join(RNG.choice(list("0123456789bcdefghjkmnpqrstuvwxyz"), 7)), "[0-9b-hjkmnp-z]{7}"),
        (lambda: "".join(RNG.choice(list(LETTERS), 5)), "[0-9a-zA-Z]{5}"),
        (
            lambda: f"0065g{''.join(RNG.choice(list(LETTERS), 6))}AA{RNG.choice(list('ABC'))}",
            "0065g[0-9a-zA-Z]{6}AA[A-C]",
        ),
        (lambda: "2001:db8::" + ":".join(f"{n:x}" for n in RNG.integers(0, 65536, 4)),
         "2001:db8::([1-9a-f][0-9a-f]{0,3}|0)(:([0-9a-f]{1,4})){3}"),
        (lambda: "".join(RNG.choice(list("abcdefghijklmnopqrstuvwxyz"), 3)), "[a-z]{3}"),
    ],
)  # fmt: skip
def test_short_random_keys_are_ids(draw: Any, shape: str) -> None:
    table = pd.DataFrame({"x": list(dict.fromkeys(draw() for _ in range(400)))})
    assert infer(table)["x"].kind == "id"
    codec = RecordCodec.fit(table, infer(table))
    made = codec.decode(*codec.encode(table), np.random.default_rng(0))["x"]
    assert made.str.fullmatch(shape).all() and made.is_unique and not made.isin(table["x"]).any()


def test_words_of_one_length_are_no_random_keys() -> None:
    words = [
        a + b + c + d + e for a in "bcdfg" for b in "aeiou" for c in "lmnrs" for d in "tkp" for e in "ey"
    ]
    assert infer(pd.DataFrame({"x": words}))["x"].kind == "text"
    assert (
        infer(pd.DataFrame({"x": [w + str(i % 7) for i, w in enumerate(words)]}))["x"].pattern
        != "[0-9a-z]{6}"
    )


def test_codes_of_letters_that_come_again_are_no_keys() -> None:
    codes = ["".join(RNG.choice(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 3)) for _ in range(400)]
    assert infer(pd.DataFrame({"x": [*codes, *codes[:10]]}))["x"].kind == "key"  # airports
    assert infer(pd.DataFrame({"x": [*codes, *codes[:200]]}))["x"].kind == "text"  # currencies of countries


def test_codes_of_numbers_of_which_most_are_there_are_compounds() -> None:
    codes = [f"{n}-{RNG.integers(10)}" for n in RNG.integers(1000, 1040, 640)]
    table = pd.DataFrame({"loinc": codes, "n": range(640)})
    assert infer(table)["loinc"].kind == "compound"
    codec = RecordCodec.fit(table, infer(table))
    made = codec.decode(*codec.encode(table), np.random.default_rng(0))["loinc"]
    assert made.str.fullmatch(r"10[0-3]\d-\d").all()
