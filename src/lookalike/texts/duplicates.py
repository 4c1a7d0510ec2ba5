"""Texts that nearly repeat one another, as they come one by one."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable

import numpy as np

from lookalike.defaults import NEAR
from lookalike.texts.shingles import normal, shingles_of
from lookalike.texts.words import words_of

RECENT = 10  # texts before it that a text is to be apart from: about those of one reply
WORDS_A_CHANGE = 6  # a word in so many may be another one in a near-copy of those
LONG = 60  # words of texts for which the shingles tell enough


class Accepted:
    """The texts accepted so far, each unlike all before it, found again by their shingles.

    An inverted index: a text is compared with all before it by counting, for each, how many of its shingles
    they share. That stays fast where a model repeats itself and most texts share most of theirs.
    """

    def __init__(self, words: bool = False, near: float = NEAR) -> None:
        """words: whether shingles are of words, for long texts (`shingles.by_words`), or of letters. near:
        the Jaccard similarity from which two texts are near-duplicates, 0..1.
        """
        self._words, self._near = words, near
        self._places: dict[int, array[int]] = {}  # shingle -> texts that have it
        self._sizes = array("i")

    def add(self, text: str) -> bool:
        """Adds a text, unless it is a near-duplicate of one that was added before: then it returns False."""
        shingles = shingles_of([normal(text)], self._words).hashes.tolist()
        if self._alike(shingles):
            return False
        for shingle in shingles:
            self._places.setdefault(shingle, array("i")).append(len(self._sizes))
        self._sizes.append(len(shingles))
        return True

    def repeats(self, text: str) -> bool:
        """Whether a text is a near-duplicate of one that was added."""
        return self._alike(shingles_of([normal(text)], self._words).hashes.tolist())

    def _alike(self, shingles: list[int]) -> bool:
        found = [np.frombuffer(self._places[one], dtype=np.intc) for one in shingles if one in self._places]
        if not found:
            return False
        common = np.bincount(np.concatenate(found))
        sizes = np.frombuffer(self._sizes, dtype=np.intc)[: len(common)]
        return bool((common >= self._near * (len(shingles) + sizes - common)).any())


def near_copy(text: str, others: Iterable[str]) -> bool:
    """Whether a text repeats one of the others but for a word in six: exchanged, put in or left out.

    For texts of one reply, which are to be held apart more than those of different ones: models repeat a
    sentence with one word exchanged. Texts of more than 60 words are left to `Accepted`.
    """
    words = words_of(text)
    most = len(words) // WORDS_A_CHANGE
    return bool(words) and len(words) <= LONG and any(_near(words, words_of(one), most) for one in others)


def _near(one: list[str], other: list[str], most: int) -> bool:
    """Whether at most so many changes make one text of the other (Levenshtein distance of their words)."""
    bags = Counter(one), Counter(other)
    if max((bags[0] - bags[1]).total(), (bags[1] - bags[0]).total()) > most:
        return False
    row = list(range(len(other) + 1))
    for at, word in enumerate(one, 1):
        last, row[0] = row[0], at
        for place, own in enumerate(other, 1):
            last, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, last + (word != own))
    return row[-1] <= most
