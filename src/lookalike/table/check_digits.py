"""Check digits of codes: found where all strings satisfy them, and set right in strings that are made."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lookalike.table.personal import iban_check, luhn

FEWEST = 20  # strings from which on a check that all satisfy is no chance


def _ean(digits: str) -> str:
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def _isbn(digits: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True))
    return "0123456789X"[-total % 11]


_VIN = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", map(int, "123456781234579234567890123456789"), strict=True)
)


def _vin(text: str) -> str:
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum(_VIN[letter] * weight for letter, weight in zip(text, weights, strict=True))
    return "0123456789X"[total % 11]


CHECKS: dict[str, tuple[str, str]] = {  # name -> (strings of which letters and digits, in words)
    "iban": (r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", "the check digits of an IBAN"),
    "luhn": (r"\d{8,19}", "a Luhn check digit"),
    "ean": (r"\d{8}|\d{12,14}", "an EAN check digit"),
    "isbn": (r"\d{9}[\dX]", "the check digit of an ISBN"),
    "vin": (r"[A-HJ-NPR-Z\d]{17}", "the check digit of a vehicle's number"),
}


def checked(text: str, check: str) -> str:
    """The text with its check digits set right; as it is where it lacks the letters for them."""
    places = [at for at, letter in enumerate(text) if letter.isascii() and letter.isalnum()]
    plain = "".join(text[at] for at in places)
    if not re.fullmatch(CHECKS[check][0], plain):
        return text
    made = list(text)
    if check == "iban":
        for at, digit in zip(places[2:4], iban_check(plain[:2], plain[4:]), strict=True):
            made[at] = digit
    elif check == "vin":
        made[places[8]] = _vin(plain)
    else:
        body = plain[:-1]
        made[places[-1]] = (
            str(luhn(body)) if check == "luhn" else _ean(body) if check == "ean" else _isbn(body)
        )
    return "".join(made)


def find_check(strings: Sequence[str]) -> str | None:
    """The check that all strings satisfy."""
    if len(strings) < FEWEST:
        return None
    for check, (form, _) in CHECKS.items():
        fits = re.compile(form)
        if all(
            fits.fullmatch(re.sub("[^A-Za-z0-9]", "", text)) and checked(text, check) == text
            for text in strings
        ):
            return check
    return None
