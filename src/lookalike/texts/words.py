"""The words and sentences of a text, and English words that others look for."""

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
_CLOSING = "\"'\u201d\u2019\u00bb)\\]*"  # what may follow the end of a sentence that it closes
_END = re.compile(rf"[.!?\u2026]+[{_CLOSING}]*(?=\s|$)|[\u3002\uff01\uff1f]+[\u300d\u300f\u201d]*")
_SHORT = re.compile(
    r"(?:^|[\s(])(?:(?!I)[^\W\d_]|\d+|Mr|Mrs|Ms|Dr|Prof|St|vs|etc|approx|e\.g|i\.e)\.$", re.MULTILINE
)
_LONGEST = 10  # letters that are looked at before a full stop


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation; in scripts without spaces, its letters. Each
    emoji is a word, and of a text without any word each sign.
    """
    text = text.casefold()
    return WORD.findall(text) or SIGN.findall(text)


def first_sentences(text: str, most: int, cut: bool = False) -> str:
    """The first sentences of a text, so many at most. cut: the text broke off, and its last sentence is left
    out where it has no end.

    An initial, a number or a common abbreviation with its full stop ends none.
    """
    last = 0
    for one in _END.finditer(text):
        if not _SHORT.search(text, max(0, one.end() - _LONGEST), one.end()):
            last, most = one.end(), most - 1
            if not most:
                return text[:last].strip()
    return text[:last].strip() if cut else text.strip()
