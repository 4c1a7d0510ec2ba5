"""Novelty as in Self-Instruct (Wang et al., ACL 2023): a text is kept if its ROUGE-L to every one before is
at most .7; and growth towards the places whose texts were the newest.

ROUGE-L (Lin 2004) of texts of m and n words is 2 LCS / (m + n), LCS the length of their longest common
subsequence. LCS is at most the number of words that both have (each as often as both have it). That bound is
counted through an index for all texts of a pool at once; only texts whose bound is above the limit are
compared, the LCS in words of bits (Hyyro 2004). So the answer is exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from lookalike.prompting.arms import Place
from lookalike.prompting.growth.known import Array
from lookalike.prompting.written import Row
from lookalike.texts.words import words_of

LIMIT = 0.7


class Pool:
    """Texts that a new one is compared with, by their words."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._words: list[list[str]] = []
        self._sizes: Array = np.zeros(256, dtype=np.int64)
        self._holding: dict[str, tuple[list[int], list[int]]] = {}  # word -> texts, how often in each
        for text in texts:
            self.add(text)

    def __len__(self) -> int:
        return len(self._words)

    def add(self, text: str) -> None:
        """One more text."""
        words, at = words_of(text), len(self._words)
        if at == len(self._sizes):
            self._sizes = np.concatenate([self._sizes, np.zeros_like(self._sizes)])
        self._words.append(words)
        self._sizes[at] = len(words)
        for word, count in Counter(words).items():
            texts, counts = self._holding.setdefault(word, ([], []))
            texts.append(at)
            counts.append(count)

    def nearest(self, text: str, above: float = 0.0) -> tuple[float, int]:
        """The largest ROUGE-L to a text of the pool that is above a limit, and its number; (0, -1) where none
        is.
        """
        words, best, number = words_of(text), above, -1
        bounds = self._bounds(words)
        places = np.flatnonzero(bounds > best)
        for at in places[np.argsort(-bounds[places], kind="stable")].tolist():
            if bounds[at] <= best:
                break
            score = 2 * common(words, self._words[at]) / (len(words) + len(self._words[at]))
            if score > best:
                best, number = score, at
        return (best, number) if number >= 0 else (0.0, -1)

    def has_like(self, text: str, limit: float = LIMIT) -> bool:
        """Whether ROUGE-L to any text of the pool is above the limit."""
        words = words_of(text)
        bounds = self._bounds(words)
        places = np.flatnonzero(bounds > limit)
        for at in places[np.argsort(-bounds[places], kind="stable")].tolist():
            if 2 * common(words, self._words[at]) / (len(words) + len(self._words[at])) > limit:
                return True
        return False

    def _bounds(self, words: Sequence[str]) -> Array:
        """(texts,) the most that ROUGE-L can be, by the words that both have."""
        shared = np.zeros(len(self._words))
        for word, count in Counter(words).items():
            if word in self._holding:
                texts, counts = self._holding[word]
                shared[texts] += np.minimum(counts, count)
        return 2 * shared / np.maximum(self._sizes[: len(self._words)] + len(words), 1)


def novel(text: str, pool: Pool | Sequence[str], limit: float = LIMIT) -> bool:
    """Whether the ROUGE-L of a text to every one of the pool is at most the limit.

    pool: texts, or for many of them a `Pool`, which is built once and added to as texts are kept.
    """
    return not (pool if isinstance(pool, Pool) else Pool(pool)).has_like(text, limit)


def rouge_l(one: str, other: str) -> float:
    """ROUGE-L of two texts, 0..1: the F1 of their longest common subsequence of words."""
    a, b = words_of(one), words_of(other)
    return 2 * common(a, b) / (len(a) + len(b)) if a and b else 0.0


def common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence of words, a word of bits a step."""
    one, other = (one, other) if len(one) <= len(other) else (other, one)
    places: dict[str, int] = {}
    for at, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << at
    full = (1 << len(one)) - 1
    row = full  # a zero at each word of `one` at which the subsequence grows
    for word in other:
        here = row & places.get(word, 0)
        row = ((row + here) | (row - here)) & full
    return len(one) - row.bit_count()


def weights(text: Callable[[Row], str]) -> Callable[[Sequence[Place], Sequence[Row], int], Array]:
    """The strategy: of each place the mean novelty, 1 - ROUGE-L to the nearest row before, of its rows; 1 for
    a place that has none. text: of an accepted row.
    """
    pool, scores = Pool(), dict[str, float]()  # a text's score is that of when it first came

    def grow(places: Sequence[Place], accepted: Sequence[Row], seed: int) -> Array:
        sums, counts = Counter[int](), Counter[int]()
        for row in accepted:
            own = text(row)
            if own not in scores:
                scores[own] = 1.0 - pool.nearest(own)[0]
                pool.add(own)
            sums[id(row.place)] += scores[own]  # type: ignore[assignment]
            counts[id(row.place)] += 1
        return np.array([sums[id(one)] / counts[id(one)] if counts[id(one)] else 1.0 for one in places])

    return grow
