"""Fresh web addresses in the style of real ones, none of them real: helper of ids.py.

An address is taken apart at its punctuation. Parts of at least `rare` rows (scheme, host, section) are kept;
others are made afresh: numbers count on, words are syllables, long hexadecimal keys are random.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

_TEMPLATES = 100
_CUT = re.compile(r"([^0-9A-Za-z]+)")
_HEX = re.compile(r"[0-9a-fA-F]{8,}")
_CONSONANTS, _VOWELS = "bcdfghklmnprstvz", "aeiou"


@dataclass(frozen=True)
class Template:
    """Addresses that are put together alike. share: rows; parts: [kind, text], kind: kept, number, word,
    hex.
    """

    share: int
    parts: list[list[str]]


def learn(strings: list[str], rare: int) -> list[Template]:
    """Templates, most frequent first."""
    cut = [[part for part in _CUT.split(text) if part] for text in strings]
    counts = Counter(part for parts in cut for part in set(parts))
    templates = Counter(
        tuple(
            (kind, part if kind == "kept" else "") for part in parts for kind in [_kind(part, counts, rare)]
        )
        for parts in cut
    )
    # one without a fresh part can make one address only
    fresh = [(t, n) for t, n in templates.most_common() if any(kind != "kept" for kind, _ in t)]
    common = [(t, n) for t, n in fresh[:_TEMPLATES] if n >= rare] or fresh[:1]
    return [Template(n, [list(part) for part in template]) for template, n in common]


def _kind(part: str, counts: Counter[str], rare: int) -> str:
    if counts[part] >= rare or _CUT.fullmatch(part):
        return "kept"
    return "number" if part.isdigit() else "hex" if _HEX.fullmatch(part) else "word"


def make(templates: list[Template], first: int, rows: int, rng: np.random.Generator) -> list[str]:
    """Addresses; the row numbers from `first` on, one of which is in each, make them different."""
    shares = np.array([template.share for template in templates], dtype=np.float64)
    which = rng.choice(len(templates), size=rows, p=shares / shares.sum())
    made = []
    for number, template in enumerate((templates[i] for i in which), first):
        parts = template.parts
        last = max(i for i, (kind, _) in enumerate(parts) if kind != "kept")
        made.append(
            "".join(
                _part(kind, text, number if i == last else None, rng) for i, (kind, text) in enumerate(parts)
            )
        )
    return made


def _part(kind: str, text: str, number: int | None, rng: np.random.Generator) -> str:
    if kind == "kept":
        return text
    if kind == "number":
        return str(rng.integers(1000) if number is None else number)
    if kind == "hex":
        tail = "" if number is None else f"{number:08x}"
        return rng.bytes(12).hex()[: 24 - len(tail)] + tail
    # always two random syllables, so that short words do not come out
    return word(int(rng.integers(80, 6_400))) + ("" if number is None else word(number))


def word(number: int) -> str:
    """Another word for every number: its digits to the base of 80 syllables, from "ba" on."""
    syllables: list[str] = []
    while number or not syllables:
        number, digit = divmod(number, len(_CONSONANTS) * len(_VOWELS))
        syllables.append(_CONSONANTS[digit // len(_VOWELS)] + _VOWELS[digit % len(_VOWELS)])
    return "".join(reversed(syllables))
