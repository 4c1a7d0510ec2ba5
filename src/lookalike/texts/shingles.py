"""Texts as sets of shingles: overlapping pieces of letters, or of words where texts are long.

Letters find what words miss in short texts: one word of twelve replaced leaves 23% of the word 5-grams alike
(Jaccard similarity), but 80% of the letter 4-grams.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.texts.words import words_of

Array = npt.NDArray[Any]

LETTERS, WORDS = 4, 5  # in a shingle
LONG = 40  # words of the median text, from which shingles are of words
BLOCK = 50_000  # texts that are cut at once
PIECES = 4_000_000  # shingles that are looked at together, at most, or those of one text
MOST_PAIRS = 1 << 16  # texts that are compared together
_ODD = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB], dtype=np.uint64)


def normal(text: str) -> str:
    """What is compared of a text: its words in lower case with one space between them, in one form of
    Unicode; of a text without words, its other signs.
    """
    folded = unicodedata.normalize("NFKC", text)
    return " ".join(words_of(folded)) or "".join(folded.split())


def by_words(texts: Sequence[str]) -> bool:
    """Whether shingles of these texts, in their normal form, are of words: half of them have at least 40."""
    some = texts[:: max(1, len(texts) // 10_000)]
    return bool(some) and float(np.median([text.count(" ") + 1 for text in some])) >= LONG


@dataclass(frozen=True)
class Shingles:
    """The sets of shingles of many texts. Text i has `hashes[ends[i] : ends[i + 1]]`: uint64, ascending, each
    once. ends: (texts + 1,).
    """

    hashes: Array
    ends: Array

    def __len__(self) -> int:
        return len(self.ends) - 1

    def of(self, text: int) -> Array:
        """The shingles of one text."""
        return self.hashes[self.ends[text] : self.ends[text + 1]]

    @property
    def sizes(self) -> Array:
        """(texts,) how many shingles each has."""
        return np.diff(self.ends)

    def blocks(self) -> Iterator[tuple[int, int]]:
        """(first text, the one after the last) of blocks with about `PIECES` shingles."""
        start = 0
        while start < len(self):
            stop = int(np.searchsorted(self.ends, self.ends[start] + PIECES, side="right")) - 1
            stop = min(max(stop, start + 1), len(self))
            yield start, stop
            start = stop

    def jaccard(self, one: Array, other: Array) -> Array:
        """(pairs,) the Jaccard similarity, 0..1, of these texts with those, none empty."""
        found = np.zeros(len(one))
        sizes = self.sizes
        ends = (sizes[one] + sizes[other]).cumsum()
        start = 0
        while start < len(one):
            done = ends[start - 1] if start else 0
            stop = min(int(np.searchsorted(ends, done + PIECES, side="right")), start + MOST_PAIRS)
            stop = max(stop, start + 1)
            found[start:stop] = self._common(one[start:stop], other[start:stop])
            start = stop
        return found / (sizes[one] + sizes[other] - found)

    def _common(self, one: Array, other: Array) -> Array:
        """(pairs,) how many shingles they share; at most `MOST_PAIRS` pairs."""
        keys, hashes, _ = self._keys(one)
        theirs, their_hashes, starts = self._keys(other)
        at = np.searchsorted(keys, theirs)
        at[at == len(keys)] = 0
        return np.add.reduceat((keys[at] == theirs) & (hashes[at] == their_hashes), starts, dtype=np.int64)

    def _keys(self, texts: Array) -> tuple[Array, Array, Array]:
        """Ascending: the place of a text among these and the first 48 bits of each of its shingles; the
        shingles; and where those of each text begin.
        """
        sizes = self.ends[texts + 1] - self.ends[texts]
        starts = sizes.cumsum() - sizes
        hashes = self.hashes[np.repeat(self.ends[texts] - starts, sizes) + np.arange(int(sizes.sum()))]
        place = np.repeat(np.arange(len(texts), dtype=np.uint64) << np.uint64(48), sizes)
        return place | hashes >> np.uint64(16), hashes, starts


def shingles_of(texts: Sequence[str], words: bool) -> Shingles:
    """The shingles of texts in their normal form. words: of words, not of letters.

    A text shorter than a shingle is one shingle; an empty text has none.
    """
    hashes: list[Array] = []
    sizes: list[Array] = []
    for at in range(0, len(texts), BLOCK):
        found, counts = _cut(texts[at : at + BLOCK], words)
        hashes.append(found)
        sizes.append(counts)
    ends = np.append(0, np.cumsum(np.concatenate(sizes))) if sizes else np.zeros(1, dtype=np.int64)
    return Shingles(np.concatenate(hashes) if hashes else np.empty(0, np.uint64), ends.astype(np.int64))


def _cut(texts: Sequence[str], words: bool) -> tuple[Array, Array]:
    """The hashes of these texts, one text after the other, and (texts,) how many each has."""
    flat, lengths, size = _words(texts) if words else _letters(texts)
    rows = np.repeat(np.arange(len(texts)), lengths)
    starts = np.append(0, np.cumsum(lengths)[:-1])
    # a window begins where `size` units of the text are left, and at the first unit of a short text
    left = np.repeat(starts + lengths, lengths) - np.arange(len(flat))
    begins = (left >= size) | (np.arange(len(flat)) == np.repeat(starts, lengths))
    units = np.append(flat, np.zeros(size, dtype=np.uint64))
    hashes = hashed(
        (np.where(left > step, units[step : step + len(flat)] + np.uint64(1), 0) for step in range(size)),
        len(flat),
    )
    hashes, rows = hashes[begins], rows[begins]
    order = np.lexsort((hashes, rows))
    hashes, rows = hashes[order], rows[order]
    first = np.ones(len(hashes), dtype=bool)
    first[1:] = (hashes[1:] != hashes[:-1]) | (rows[1:] != rows[:-1])
    return hashes[first], np.bincount(rows[first], minlength=len(texts))


def hashed(units: Iterable[Array], count: int) -> Array:
    """(count,) uint64, one for each of so many sequences. units: (count,) uint64, the first of every one,
    then the second, and so on.
    """
    found = np.zeros(count, dtype=np.uint64)
    for step, unit in enumerate(units):
        found = (found ^ unit) * _ODD[step % len(_ODD)]
        found ^= found >> np.uint64(29)
    return found


def _letters(texts: Sequence[str]) -> tuple[Array, Array, int]:
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    joined = "".join(texts).encode("utf-32-le", "surrogatepass")
    return np.frombuffer(joined, dtype="<u4").astype(np.uint64), lengths, LETTERS


def _words(texts: Sequence[str]) -> tuple[Array, Array, int]:
    """Words as numbers that depend on the word alone, so that texts cut apart can be compared."""
    split = [text.split(" ") if text else [] for text in texts]
    numbers: dict[str, int] = {}
    flat = [numbers.setdefault(word, len(numbers)) for words in split for word in words]
    of_word = _word_hashes(list(numbers))
    lengths = np.array([len(words) for words in split], dtype=np.int64)
    return of_word[np.array(flat, dtype=np.int64)] if flat else np.empty(0, np.uint64), lengths, WORDS


def _word_hashes(words: list[str]) -> Array:
    found = np.zeros(len(words), dtype=np.uint64)
    letters, lengths, _ = _letters(words)
    longest = int(lengths.max(initial=0))
    starts = np.append(0, np.cumsum(lengths)[:-1])
    for step in range(longest):
        there = lengths > step
        unit = letters[np.where(there, starts + step, 0)] + np.uint64(1)
        found = np.where(there, (found ^ unit) * _ODD[step % len(_ODD)], found)
        found ^= np.where(there, found >> np.uint64(31), np.uint64(0))
    return found
