"""Patterns by structure: what they say of strings, which check digits they find, what an edited one means."""

import random
import uuid
from collections.abc import Callable

import pytest

from lookalike.errors import SchemaError
from lookalike.table.check_digits import checked, find_check
from lookalike.table.patterns import (
    expression,
    follows,
    learn,
    of_expression,
    sequential,
)
from lookalike.table.personal import iban_check

RNG = random.Random(0)


def digits(n: int) -> str:
    return "".join(RNG.choice("0123456789") for _ in range(n))


def iban() -> str:
    account = digits(18)
    return f"DE{iban_check('DE', account)}{account}"


MADE: dict[str, tuple[Callable[[], str], str, str | None]] = {
    "phone": (lambda: f"+1-{digits(3)}-{digits(3)}-{digits(4)}", r"\+1-\d{3}-\d{3}-\d{4}", None),
    "leading zeros": (lambda: f"0{digits(9)}", r"0\d{9}", None),
    "code": (lambda: f"{RNG.choice('ABC')}Q-{digits(4)}-{RNG.choice('XY')}", r"(AQ|BQ|CQ)-\d{4}-(X|Y)", None),
    "uuid": (
        lambda: str(uuid.UUID(int=RNG.getrandbits(128), version=4)),
        r"[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}",
        None,
    ),
    "mac": (
        lambda: ":".join(f"{RNG.randrange(256):02X}" for _ in range(6)),
        ":".join([r"[\dA-F]{2}"] * 6),
        None,
    ),
    "ip": (lambda: ".".join(str(RNG.randrange(256)) for _ in range(4)), r"\.".join([r"\d{1,3}"] * 4), None),
    "card": (lambda: checked(f"4{digits(15)}", "luhn"), r"4\d{15}", "luhn"),
    "ean": (lambda: checked(f"40{digits(11)}", "ean"), r"40\d{11}", "ean"),
    "isbn": (lambda: checked(f"3{digits(9)}", "isbn"), r"3\d{9}|3\d{8}X", "isbn"),
    "iban": (iban, r"DE\d{20}", "iban"),
    "blocks": (lambda: " ".join([digits(4) for _ in range(4)]), r"\d{4} \d{4} \d{4} \d{4}", None),
    "plate": (lambda: f"{RNG.choice(['B', 'HH'])}-{RNG.choice('XYZ')} {RNG.randrange(1, 9999)}",
              r"(B|HH)-(X|Y|Z) \d{2,4}", None),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_the_pattern_of_strings(name: str) -> None:
    make, wanted, check = MADE[name]
    strings = [make() for _ in range(1500)]
    shapes = learn(strings, 5)
    assert shapes is not None and find_check(strings) == check
    said = expression(shapes)
    assert said == wanted
    fine = sum(follows(text, said, check) for text in strings)
    assert fine >= 0.99 * len(strings)
    fresh = [make() for _ in range(500)]
    assert sum(follows(text, said, check) for text in fresh) >= 0.98 * len(fresh)
    assert not follows("what is this?", said, check)


def test_the_first_digits_that_come_again_stay_together() -> None:
    cards = [checked(f"{RNG.choice(['4539', '5212', '4000'])}{digits(12)}", "luhn") for _ in range(600)]
    shapes = learn(cards, 5)
    assert shapes is not None and expression(shapes) == r"(4000|4539|5212)\d{12}"


def test_check_digits_are_those_of_the_standards() -> None:
    assert checked("4111111111111110", "luhn") == "4111111111111111"
    assert checked("4006381333930", "ean") == "4006381333931"
    assert checked("0-306-40615-0", "isbn") == "0-306-40615-2"
    assert checked("0-8044-2957-0", "isbn") == "0-8044-2957-X"
    assert checked("DE00 3704 0044 0532 0130 00", "iban") == "DE89 3704 0044 0532 0130 00"
    assert checked("of no use", "ean") == "of no use"
    assert find_check(["4006381333931"] * 5) is None  # too few to tell
    assert find_check(["4006381333931"] * 30 + ["4006381333932"]) is None


def test_texts_have_no_pattern_and_rare_letters_are_not_told() -> None:
    assert learn([" ".join(["word", "Of", "some"][: RNG.randrange(4)] * i) for i in range(400)], 5) is None
    shapes = learn([f"K{'Z' if i == 7 else 'A'}{i % 10}" for i in range(300)], 5)
    assert shapes is not None and "Z" not in repr(shapes[0].parts[0].values)


def test_what_counts_on() -> None:
    assert sequential([f"C-{i:04d}" for i in range(100)])
    assert not sequential([f"C-{i * 7919 % 10000:04d}" for i in range(100)])
    assert not sequential([f"10.0.0.{i % 50}" for i in range(100)])
    shapes = learn([f"C-{i:04d}" for i in range(100)], 5, counting=True)
    assert shapes is not None and expression(shapes) == r"C-\d{4}"


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [(r"AB-\d{4}", 5), (r"[A-F]{2}\d{1,3}", 2), (r"(DE|FR)\d{2}", 3), ("x", 1), (r"a|b\d+", 1)],
)
def test_an_edited_pattern_is_shapes(pattern: str, parts: int) -> None:
    shapes = of_expression(pattern, "x")
    assert len(shapes[0].parts) in (parts, parts - 1, parts + 1)


@pytest.mark.parametrize("pattern", [r"(?=a)b", r"a.*", r"\bword", "(", r"[^a]"])
def test_a_pattern_of_which_nothing_can_be_made_is_refused(pattern: str) -> None:
    with pytest.raises(SchemaError, match="column 'x'"):
        of_expression(pattern, "x")
