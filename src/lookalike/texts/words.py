"""The words of a text."""

from __future__ import annotations

import re

WORD = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]|[^\W\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]+")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation; in scripts without spaces, its letters."""
    return WORD.findall(text.casefold())
