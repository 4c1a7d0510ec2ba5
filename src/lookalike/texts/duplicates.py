"""Texts that nearly repeat one another, as they come one by one."""

from __future__ import annotations

from array import array

import numpy as np

from lookalike.defaults import NEAR
from lookalike.texts.shingles import normal, shingles_of


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

    def _alike(self, shingles: list[int]) -> bool:
        found = [np.frombuffer(self._places[one], dtype=np.intc) for one in shingles if one in self._places]
        if not found:
            return False
        common = np.bincount(np.concatenate(found))
        sizes = np.frombuffer(self._sizes, dtype=np.intc)[: len(common)]
        return bool((common >= self._near * (len(shingles) + sizes - common)).any())
