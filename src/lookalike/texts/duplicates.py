"""Texts that nearly repeat one another."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable

import numpy as np

from lookalike.texts.words import words_of

ALIKE = 0.8  # Jaccard similarity of word pairs
RECENT = 10  # texts before it that a text is to be apart from: about those of one reply
WORDS_A_CHANGE = 6  # a word in so many may be another one in a near-copy of those
LONG = 60  # words of texts for which the word pairs tell enough


class Accepted:
    """The texts accepted so far, each unlike all before it, found again by their word pairs.

    An inverted index: a text is compared with all before it by counting, for each, how many of its pairs they
    share. That stays fast where a model repeats itself and most texts share most of their pairs.
    """

    def __init__(self) -> None:
        self._places: dict[str, array[int]] = {}  # pair -> texts that have it
        self._sizes = array("i")

    def add(self, text: str) -> bool:
        """Adds a text, unless it is a near-duplicate of one that was added before: then it returns False.

        A near-duplicate shares 80% of the word pairs that the two texts have together (Jaccard similarity);
        the begin and the end of a text count as words.
        """
        words = words_of(text)
        pairs = {f"{a} {b}" for a, b in zip(["", *words], [*words, ""], strict=True)}
        if self._alike(pairs):
            return False
        for pair in pairs:
            self._places.setdefault(pair, array("i")).append(len(self._sizes))
        self._sizes.append(len(pairs))
        return True

    def _alike(self, pairs: set[str]) -> bool:
        found = [np.frombuffer(self._places[pair], dtype=np.intc) for pair in pairs if pair in self._places]
        if not found:
            return False
        common = np.bincount(np.concatenate(found))
        sizes = np.frombuffer(self._sizes, dtype=np.intc)[: len(common)]
        return bool((common >= ALIKE * (len(pairs) + sizes - common)).any())


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
