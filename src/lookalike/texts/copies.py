"""Texts that copy a real one: word for word, or nearly so."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.texts.shingles import hashed
from lookalike.texts.words import words_of

Array = npt.NDArray[Any]

COPIED = 0.8  # share of word 4-grams that stand in one real row
GRAM = 4
BLOCK = 10_000  # texts that are looked at together
FEW_GRAMS = 4  # of fewer 4-grams (6 words), those of the real row count too: a short text can lie inside any


class Originals:
    """The real texts, by what they say in lower case and by their word 4-grams.

    100,000 texts of 12 words take about a second and 20 MB.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._numbers: dict[str, int] = {}
        self._same: dict[str, int] = {}
        flat: list[int] = []
        ends = np.empty(len(texts), dtype=np.int64)
        for row, text in enumerate(texts):
            words = words_of(text)
            self._same.setdefault(" ".join(words), row)
            flat += [self._numbers.setdefault(word, len(self._numbers)) for word in words]
            ends[row] = len(flat)
        rows = np.repeat(np.arange(len(texts)), np.diff(ends, prepend=0))
        grams, places = grams_of(np.array(flat, dtype=np.uint64)), rows[: max(len(flat) - GRAM + 1, 0)]
        inside = places == rows[GRAM - 1 :]
        order = np.lexsort((places[inside], grams[inside]))
        grams, places = grams[inside][order], places[inside][order]
        first = np.ones(len(grams), dtype=bool)
        first[1:] = (np.diff(grams) != 0) | (np.diff(places) != 0)
        self._grams, self._rows = grams[first], places[first]
        self._sizes = np.bincount(self._rows, minlength=len(texts))

    def copies(self, texts: Sequence[str]) -> Iterator[int | None]:
        """`copied` of each text; most texts copy none, and a block of them is ruled out in one step."""
        for start in range(0, len(texts), BLOCK):
            some = texts[start : start + BLOCK]
            for text, may in zip(some, self._may_copy(some).tolist(), strict=True):
                yield self.copied(text) if may else None

    def _may_copy(self, texts: Sequence[str]) -> Array:
        """(texts,) bool, False where too many 4-grams of a text stand in no real one; as `copied` counts."""
        same, sizes, flat = np.zeros(len(texts), dtype=bool), [], list[int]()
        for at, text in enumerate(texts):
            words = words_of(text)
            same[at] = " ".join(words) in self._same
            fresh = len(self._numbers) + len(flat)  # a word of no real text has a number of its own
            flat += [self._numbers.get(word, fresh + place) for place, word in enumerate(words)]
            sizes.append(len(words))
        rows = np.repeat(np.arange(len(texts)), sizes)
        grams = grams_of(np.array(flat, dtype=np.uint64))
        places = rows[: len(grams)]
        inside = places == rows[GRAM - 1 :]
        order = np.lexsort((grams[inside], places[inside]))
        grams, places = grams[inside][order], places[inside][order]
        first = np.ones(len(grams), dtype=bool)
        first[1:] = (np.diff(grams) != 0) | (np.diff(places) != 0)
        grams, places = grams[first], places[first]
        found = np.searchsorted(self._grams, grams)
        known = np.append(self._grams, 0)[found] == grams
        known &= found < len(self._grams)
        count = np.bincount(places, minlength=len(texts))
        gone = count - np.bincount(places[known], minlength=len(texts))
        return same | ((count > 0) & (gone <= count - np.ceil(COPIED * count)))

    def copied(self, text: str) -> int | None:
        """The row number of a real text that this one copies, None where there is none: it says the same
        words, or at least 80% of its word 4-grams stand in that one.
        """
        words = words_of(text)
        same = self._same.get(" ".join(words))
        if same is not None:
            return same
        # a word that no real text has gets a number of its own, so that its 4-grams are found nowhere
        numbers = [self._numbers.get(word, len(self._numbers) + at) for at, word in enumerate(words)]
        grams = np.unique(grams_of(np.array(numbers, dtype=np.uint64)))
        starts = np.searchsorted(self._grams, grams)
        stops = np.searchsorted(self._grams, grams, side="right")
        spare = len(grams) - math.ceil(COPIED * len(grams))
        if not len(grams) or int((stops == starts).sum()) > spare:
            return None
        found = [self._rows[start:stop] for start, stop in zip(starts, stops, strict=True)]
        found.sort(key=len)  # a row that has enough of them has one of the rarest
        rows = np.unique(np.concatenate(found[: spare + 1]))
        every = np.sort(np.concatenate(found))  # a row stands once in each
        counts = np.searchsorted(every, rows, side="right") - np.searchsorted(every, rows)
        sizes = np.full(len(rows), len(grams))
        if len(grams) < FEW_GRAMS:
            sizes = np.maximum(sizes, self._sizes[rows])
        like = np.flatnonzero(counts >= COPIED * sizes)
        return int(rows[like[counts[like].argmax()]]) if len(like) else None


def grams_of(numbers: Array) -> Array:
    """(n - 3,) uint64, one for each four numbers in a row."""
    if len(numbers) < GRAM:
        return np.empty(0, dtype=np.uint64)
    count, units = len(numbers) - GRAM + 1, numbers + np.uint64(1)
    return hashed((units[step : step + count] for step in range(GRAM)), count)
