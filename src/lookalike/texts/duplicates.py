"""Texts that nearly repeat one another."""

from __future__ import annotations

from array import array

import numpy as np

from lookalike.texts.words import words_of

ALIKE = 0.8  # Jaccard similarity of word pairs


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
