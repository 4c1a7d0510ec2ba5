"""The elimination step of Evol-Instruct (Xu et al., 2023, section 3.2): instructions whose evolution failed.

Other programs that evolve instructions keep all of them.
"""

from __future__ import annotations

import re

from lookalike.texts.language import FUNCTION_WORDS
from lookalike.texts.words import words_of

SHORT = 80  # words of a response: "sorry" in a shorter one says that the instruction cannot be answered
LEAKED = re.compile(  # words of the prompt that evolves
    r"#? ?\b(?:the )?(?:given|rewritten|created|evolved|original|new) (?:prompt|instruction)\b",
    re.IGNORECASE,
)
_SORRY = re.compile(r"\b(?:sorry|apologi[sz]e)\b", re.IGNORECASE)
_STOP = frozenset().union(*FUNCTION_WORDS.values())


def eliminated(before: str, after: str, response: str | None = None, gains: bool | None = None) -> str | None:
    """Why an evolved instruction is dropped, in a word or two; None for one that is kept.

    before, after: the instruction and what it became; response: the answer to it, where there is one; gains:
    whether a model said that the new one asks for more (None: nobody was asked).
    "no gain": no new word, or a model said so; "leaked": it speaks of the prompt that evolved it, and the one
    before did not; "sorry": a response of fewer than 80 words that is sorry; "no content": a response of
    nothing but stop words and punctuation.
    """
    old, new = words_of(before), words_of(after)
    if not after.strip() or gains is False or set(new) <= set(old):
        return "no gain"
    if LEAKED.search(after) and not LEAKED.search(before):
        return "leaked"
    if response is None:
        return None
    words = words_of(response)
    if len(words) < SHORT and _SORRY.search(response):
        return "sorry"
    if not any(word not in _STOP and any(map(str.isalnum, word)) for word in words):
        return "no content"
    return None
