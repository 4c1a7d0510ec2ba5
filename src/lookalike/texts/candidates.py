"""Which of many texts may be near-duplicates, by the buckets of their MinHash bands, and which of these are.

Texts come in turns, a block at a time. A text is compared with those that were kept before its block, and
with those inside it. What is found does not depend on how the blocks are cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.texts.shingles import Shingles

Array = npt.NDArray[Any]
Pairs = tuple[Array, Array]  # the earlier and the later texts, by number

PAIRS = 4_000_000  # of a block, at most, and that wait to be verified
STEP = 1 << 18  # pairs that are looked at together: what they take stays in the processor's cache
MOST = 5000  # kept texts of a bucket that a text is compared with, at most
SKETCH, BITS = 4, 64  # words of a sketch, bits of a word
_ONES = np.array([bin(value).count("1") for value in range(1 << 16)], dtype=np.uint8)
_HALF = np.uint64(32)


@dataclass
class Band:
    """The buckets of a band: texts of one value.

    bucket: (texts,) int32, -1 for a text that shares its value with none. starts: (buckets,) where the kept
    texts of each begin in `held`; full: (buckets,) how many are kept by now.
    """

    bucket: Array
    starts: Array
    full: Array
    held: Array

    @classmethod
    def of(cls, values: Array, filled: Array) -> Band:
        """values: (texts,) uint64; filled: (texts,) bool, whether there is anything in the text."""
        _, number, counts = np.unique(values, return_inverse=True, return_counts=True)
        several = counts > 1
        bucket = np.where(several[number] & filled, (np.cumsum(several) - 1)[number], -1)
        sizes = counts[several]
        held = np.empty(int(sizes.sum()), dtype=np.int32)
        return cls(bucket.astype(np.int32), np.cumsum(sizes) - sizes, np.zeros(len(sizes), np.int64), held)

    def known(self, texts: Array) -> Array:
        """(texts,) how many kept texts each is compared with."""
        bucket = self.bucket[texts]
        if not len(self.full):
            return np.zeros(len(texts), dtype=np.int64)
        return np.where(bucket >= 0, np.minimum(self.full[bucket], MOST), 0)

    def add(self, texts: Array) -> None:
        """These are kept, in their turns."""
        texts = texts[self.bucket[texts] >= 0]
        texts = texts[np.argsort(self.bucket[texts], kind="stable")]
        bucket = self.bucket[texts]
        first, sizes = _runs(bucket)
        self.held[self.starts[bucket] + self.full[bucket] + np.arange(len(texts)) - first] = texts
        self.full[bucket] += sizes  # every text of a bucket says the same

    def among(self, texts: Array, asked: Array) -> tuple[Array, Array] | None:
        """(texts in the order of their buckets, how many of those right before it each is compared with).

        asked: (texts,) bool, whether it is compared. None where it would depend on which of them are kept
        whether a text is compared with more than `MOST`.
        """
        there = self.bucket[texts] >= 0
        texts, asked = texts[there], asked[there]
        order = np.argsort(self.bucket[texts], kind="stable")
        texts, bucket = texts[order], self.bucket[texts[order]]
        first, sizes = _runs(bucket)
        full = self.full[bucket]
        if ((full < MOST) & (full + sizes > MOST)).any():
            return None
        return texts, np.where(asked[order] & (full < MOST), np.arange(len(texts)) - first, 0)


class Buckets:
    """The bands of many texts; `shared`: (texts,) bool, those that are compared with any."""

    def __init__(self, values: Iterable[Array], filled: Array) -> None:
        self._bands = [Band.of(band, filled) for band in values]
        self.shared = np.zeros(len(filled), dtype=bool)
        for band in self._bands:
            self.shared |= band.bucket >= 0

    def known(self, texts: Array) -> list[Array]:
        """Band by band, how many kept texts each is compared with."""
        return [band.known(texts) for band in self._bands]

    def add(self, texts: Array) -> None:
        """These are kept, in their turns."""
        for band in self._bands:
            band.add(texts)

    def kept(self, texts: Array, since: list[Array] | None = None) -> Iterator[Pairs]:
        """Each text with the kept ones of its buckets. since: `known`, of these only the ones after them."""
        for at, band in enumerate(self._bands):
            counts = band.known(texts)
            begun = np.zeros_like(counts) if since is None else since[at]
            firsts = band.starts[band.bucket[texts]] if len(band.starts) else counts
            yield from _spread(band.held, firsts + begun, counts - begun, texts)

    def among(self, texts: Array, asked: Array) -> list[Pairs] | None:
        """Texts that share a bucket, by band, as `_spread` wants them; None for too many, or as `Band.among`
        says.
        """
        found = []
        total = 0
        for band in self._bands:
            own = band.among(texts, asked)
            if own is None:
                return None
            total += int(own[1].sum())
            if total > PAIRS:
                return None
            found.append(own)
        return found


def inside(found: list[Pairs]) -> Iterator[Pairs]:
    """The pairs of `Buckets.among`."""
    for texts, counts in found:
        yield from _spread(texts, np.arange(len(texts)) - counts, counts, texts)


def _spread(held: Array, firsts: Array, counts: Array, texts: Array) -> Iterator[Pairs]:
    """Each text with those of `held` from its first on, so many: at most `STEP` at once, or those of one."""
    some = counts > 0
    firsts, counts, texts = firsts[some], counts[some], texts[some]
    ends, begin = counts.cumsum(), 0
    while begin < len(texts):
        done = ends[begin] - counts[begin]
        stop = max(int(np.searchsorted(ends, done + STEP, side="right")), begin + 1)
        own = counts[begin:stop]
        places = np.repeat(firsts[begin:stop] - own.cumsum() + own, own) + np.arange(int(own.sum()))
        yield held[places], np.repeat(texts[begin:stop], own)
        begin = stop


def _runs(numbers: Array) -> tuple[Array, Array]:
    """(n,) where the run of equal numbers begins that each is in, and (n,) how long it is."""
    if not len(numbers):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    begins = np.flatnonzero(np.append(True, numbers[1:] != numbers[:-1]))
    sizes = np.diff(np.append(begins, len(numbers)))
    return np.repeat(begins, sizes), np.repeat(sizes, sizes)


class Alike:
    """Says of pairs how alike they are, exactly, and of most in a few steps that they are not enough so.

    The sketch of a text is the parity of its shingles in each of 256 places. Two sketches differ in no more
    places than the sets have shingles that are not common, which bounds the similarity (the bitmap filter of
    Sandes, Teodoro and Melo, 2020).
    """

    def __init__(self, shingles: Shingles, near: float) -> None:
        self._shingles, self._near = shingles, near
        self._sizes = shingles.sizes
        self._sketches = sketches(shingles)

    def near(self, pairs: Iterable[Pairs]) -> tuple[Array, Array, Array]:
        """(earlier, later, how alike) of those pairs that are near, some of them several times."""
        found: list[tuple[Array, Array, Array]] = []
        waiting: list[Array] = []
        count = 0
        for earlier, later in pairs:
            may = self._may(earlier, later)
            waiting.append(earlier[may].astype(np.uint64) << _HALF | later[may].astype(np.uint64))
            count += len(waiting[-1])
            if count > PAIRS:
                found.append(self._verified(waiting))
                waiting, count = [], 0
        found.append(self._verified(waiting))
        earlier, later, alike = map(np.concatenate, zip(*found, strict=True))
        return earlier, later, alike

    def _may(self, earlier: Array, later: Array) -> Array:
        """(pairs,) bool, whether they may be near: by their sizes, then by their sketches."""
        one, other = self._sizes[earlier], self._sizes[later]
        may = np.flatnonzero(np.minimum(one, other) >= self._near * np.maximum(one, other))
        different = self._sketches[earlier[may]] ^ self._sketches[later[may]]
        apart = _ones(different[:, 0]).astype(np.int64)
        for word in range(1, SKETCH):
            apart += _ones(different[:, word])
        both = (one + other)[may]
        # common <= (both - apart) / 2, and the similarity is common / (both - common)
        return may[(both - apart) * (1 + self._near) >= 2 * self._near * both - 1e-6]

    def _verified(self, waiting: list[Array]) -> tuple[Array, Array, Array]:
        both = np.unique(np.concatenate(waiting)) if waiting else np.zeros(0, dtype=np.uint64)
        earlier = (both >> _HALF).astype(np.int64)
        later = (both & np.uint64(0xFFFFFFFF)).astype(np.int64)
        alike = self._shingles.jaccard(earlier, later)
        near = alike >= self._near
        return earlier[near], later[near], alike[near]


def _ones(words: Array) -> Array:
    """How many bits of each uint64 are set."""
    if hasattr(np, "bitwise_count"):  # from NumPy 2 on
        return np.asarray(np.bitwise_count(words))
    halves = np.ascontiguousarray(words).view(np.uint16).reshape(-1, 4)
    return np.asarray(_ONES[halves].sum(1, dtype=np.uint8))


def sketches(shingles: Shingles) -> Array:
    """(texts, `SKETCH`) uint64: of which places a text has an odd number of shingles."""
    found = np.zeros((len(shingles), SKETCH), dtype=np.uint64)
    for begin, stop in shingles.blocks():
        hashes = shingles.hashes[shingles.ends[begin] : shingles.ends[stop]]
        starts = shingles.ends[begin:stop] - shingles.ends[begin]
        some = np.flatnonzero(shingles.sizes[begin:stop])
        if not len(some):
            continue
        bits = np.uint64(1) << (hashes >> np.uint64(40)) % np.uint64(BITS)
        words = (hashes >> np.uint64(48)) % np.uint64(SKETCH)
        for word in range(SKETCH):
            own = np.where(words == word, bits, np.uint64(0))
            found[begin + some, word] = np.bitwise_xor.reduceat(own, starts[some])
    return found
