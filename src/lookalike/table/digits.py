"""Digits of other scripts than ASCII: Devanagari, Arabic, Thai, full-width ones."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_ASCII = "0123456789"


@lru_cache(maxsize=64)
def _tables(zero: str) -> tuple[dict[int, str], dict[int, str]]:
    """(digits of a script -> ASCII, ASCII -> digits of a script), for `str.translate`."""
    own = [chr(ord(zero) + value) for value in range(10)]
    there = {ord(digit): plain for digit, plain in zip(own, _ASCII, strict=True)}
    return there, {ord(plain): digit for digit, plain in zip(own, _ASCII, strict=True)}


def zero_of(text: str) -> str:
    """The zero of the script that the first digit of a text is of, "0" where there is none."""
    if text.isascii():
        return "0"
    for sign in text:
        if sign.isdecimal():
            return chr(ord(sign) - unicodedata.decimal(sign))
    return "0"


def plain(text: str, zero: str) -> str | None:
    """A text with ASCII digits; None where some of its digits are not of the script of `zero`."""
    if zero == "0":
        return text
    if any(sign.isdecimal() and zero_of(sign) != zero for sign in text):
        return None
    return text.translate(_tables(zero)[0])


def in_script(text: str, zero: str) -> str:
    """A text of ASCII digits with those of a script."""
    return text if zero == "0" else text.translate(_tables(zero)[1])


def script_of(texts: list[str]) -> str:
    """The zero of the script that all digits of some texts are of; "0" where they are of several."""
    zeros = {zero_of(text) for text in texts}
    zero = zeros.pop() if len(zeros) == 1 else "0"
    return zero if all(plain(text, zero) is not None for text in texts) else "0"
