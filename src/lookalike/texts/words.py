"""The words of a text, and English ones that others look for."""

from __future__ import annotations

import re

ALONE = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff"  # letters of scripts without spaces
EMOJI = r"\u2600-\u27bf\U0001f000-\U0001faff"
WORD = re.compile(rf"[{ALONE}{EMOJI}]|[^\W{ALONE}{EMOJI}]+")
SIGN = re.compile(r"\S")
MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation; in scripts without spaces, its letters. Each
    emoji is a word, and of a text without any word each sign.
    """
    text = text.casefold()
    return WORD.findall(text) or SIGN.findall(text)
