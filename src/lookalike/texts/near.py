"""Near-duplicates among many texts: candidates by MinHash, each verified by its exact Jaccard similarity.

MinHash with bands (Broder 1997; Leskovec et al., Mining of Massive Datasets, section 3.4): two texts are
candidates when all hashes of one of 32 bands of 4 are equal. A pair of similarity .7 is found with a chance
of 99.98%, one of .6 of 98.8%.

Leaders, no closure: texts are looked at in an order, and one is a near-duplicate when it is near a text that
was *kept*. A chain in which each text is near the next, but its ends are not, is thinned, not reduced to one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.defaults import NEAR
from lookalike.texts.shingles import Shingles, by_words, normal, shingles_of

Array = npt.NDArray[Any]

BANDS, ROWS = 32, 4  # of hashes
SEED = 0x5EED
PIECES = 4_000_000  # shingles that are hashed at once
MOST = 5000  # kept texts of one band that a text is compared with, at most


def leaders(
    texts: Sequence[str],
    near: float = NEAR,
    order: Array | None = None,
    against: Sequence[str] = (),
    words: bool | None = None,
) -> tuple[Array, Array]:
    """For each text the one it repeats, and how alike they are.

    near: Jaccard similarity of the shingles, 0..1, from which texts are near-duplicates. order: which texts
    come first and are kept rather than later ones; None is the order of the texts. against: texts that are
    all kept, and first, such as real ones. words: whether shingles are of words; None: by these texts.
    Returns (texts,) int64 the number of the kept text that each repeats, -1 for one that is kept; numbers
    from len(texts) on are those of `against`; and (texts,) float64 how alike, 1 for equal ones, 0 for kept.
    """
    every = [normal(text) for text in (*texts, *against)]
    count, extra = len(texts), len(against)
    turn = np.arange(count) if order is None else np.asarray(order)
    turn = np.concatenate([np.arange(count, count + extra), turn])
    found = np.full(count + extra, -1, dtype=np.int64)
    alike = np.zeros(count + extra)
    # equal ones first: of each text in its normal form the first in turn stands for the others
    first: dict[str, int] = {}
    for at in turn.tolist():
        leader = first.setdefault(every[at], at)
        if leader != at and at < count:
            found[at], alike[at] = leader, 1.0
    different = np.array(sorted(first.values()), dtype=np.int64)
    place = np.full(count + extra, -1, dtype=np.int64)
    place[different] = np.arange(len(different))
    words = by_words(every) if words is None else words
    shingles = shingles_of([every[at] for at in different.tolist()], words)
    inner = place[turn]
    followed, similar = _greedy(shingles, near, inner[inner >= 0], different >= count)
    at = np.flatnonzero(followed >= 0)
    found[different[at]], alike[different[at]] = different[followed[at]], similar[at]
    return _settled(found[:count], found), alike[:count]


def _settled(found: Array, whole: Array) -> Array:
    """An equal text whose leader turned out to repeat another one follows that one."""
    follows = found >= 0
    target = found[follows]
    again = whole[target]
    found[follows] = np.where(again >= 0, again, target)
    return found


def _greedy(shingles: Shingles, near: float, order: Array, kept: Array) -> tuple[Array, Array]:
    """As `leaders`, of texts that all differ. kept: (texts,) bool, those that are kept in any case."""
    followed, similar = np.full(len(shingles), -1, dtype=np.int64), np.zeros(len(shingles))
    buckets = _buckets(shingles)
    shared: Array = np.any(buckets >= 0, axis=1)
    holders: list[dict[int, list[int]]] = [{} for _ in range(BANDS)]
    sizes = shingles.sizes
    for text in order[shared[order]].tolist():
        lists = [
            holder.setdefault(number, [])
            for holder, number in zip(holders, buckets[text].tolist(), strict=True)
            if number >= 0
        ]
        others = set().union(*lists) if not kept[text] else ()
        if others:
            candidates = np.fromiter(others, dtype=np.int64, count=len(others))
            size, own = sizes[candidates], sizes[text]
            candidates = candidates[np.minimum(size, own) >= near * np.maximum(size, own)]
            if len(candidates):
                candidates.sort()
                scores = shingles.jaccard(shingles.of(text), candidates)
                best = int(scores.argmax())
                if scores[best] >= near:
                    followed[text], similar[text] = candidates[best], scores[best]
                    continue
        for listed in lists:
            if len(listed) < MOST:
                listed.append(text)
    return followed, similar


def _buckets(shingles: Shingles) -> Array:
    """(texts, bands) int32: the number of a text's bucket in each band, -1 where it is alone."""
    found = np.full((len(shingles), BANDS), -1, dtype=np.int32)
    filled = shingles.sizes > 0
    for at, band in enumerate(bands(shingles)):
        _, inverse, counts = np.unique(band, return_inverse=True, return_counts=True)
        several = (counts[inverse] > 1) & filled
        found[several, at] = inverse[several]
    return found


def bands(shingles: Shingles) -> Iterator[Array]:
    """For each band (texts,) uint64: texts of one value are candidates. They depend on the text alone, so
    that texts that were hashed apart can be compared.
    """
    rng = np.random.default_rng(SEED)
    for _ in range(BANDS):
        band = np.zeros(len(shingles), dtype=np.uint64)
        for _ in range(ROWS):
            factor, add = rng.integers(1, 2**63, size=2, dtype=np.uint64)
            smallest = _smallest(shingles, factor | np.uint64(1), add)
            band = (band ^ smallest) * np.uint64(0x9E3779B97F4A7C15)
            band ^= band >> np.uint64(32)
        yield band


def _smallest(shingles: Shingles, factor: np.uint64, add: np.uint64) -> Array:
    """(texts,) the smallest hash of each text's shingles, under the hash function of factor and add."""
    found = np.zeros(len(shingles), dtype=np.uint64)
    ends, start = shingles.ends, 0
    while start < len(shingles):
        stop = int(np.searchsorted(ends, ends[start] + PIECES, side="right")) - 1
        stop = min(max(stop, start + 1), len(shingles))
        hashed = shingles.hashes[ends[start] : ends[stop]] * factor + add
        hashed ^= hashed >> np.uint64(33)
        some = np.flatnonzero(np.diff(ends[start : stop + 1]) > 0)
        if len(some):
            found[start + some] = np.minimum.reduceat(hashed, (ends[start:stop] - ends[start])[some])
        start = stop
    return found
