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
from lookalike.texts.candidates import Alike, Buckets, inside
from lookalike.texts.shingles import Shingles, by_words, normal, shingles_of

Array = npt.NDArray[Any]

BANDS, ROWS = 32, 4  # of hashes
SEED = 0x5EED
LEAST_BLOCK, MOST_BLOCK = 256, 20_000  # texts that are compared together, at first and at most


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
    """As `leaders`, of texts that all differ. kept: (texts,) bool, those that are kept in any case.

    Block by block in their turns: what is near a text that was kept before the block follows it; of the
    others in the block the first are kept; and the former may be nearer to one of these.
    """
    followed, similar = np.full(len(shingles), -1, dtype=np.int64), np.zeros(len(shingles))
    buckets, alike = Buckets(bands(shingles), shingles.sizes > 0), Alike(shingles, near)
    todo = order[buckets.shared[order]]
    turn = np.zeros(len(shingles), dtype=np.int64)
    turn[todo] = np.arange(len(todo))
    at, size = 0, LEAST_BLOCK
    while at < len(todo):
        some = todo[at : at + size]
        asked = some[~kept[some]]
        _follow(followed, similar, alike.near(buckets.kept(asked)))
        while True:  # a block in which too many may be alike is cut
            rest = some[followed[some] < 0]
            found = buckets.among(rest, ~kept[rest])
            if found is not None:
                break
            some = some[: len(some) // 2]
        _in_turn(followed, similar, alike.near(inside(found)), turn)
        follower = some[followed[some] >= 0]
        known = buckets.known(follower)
        buckets.add(rest[followed[rest] < 0])
        earlier, later, how = alike.near(buckets.kept(follower, known))
        before = turn[earlier] < turn[later]
        _follow(followed, similar, (earlier[before], later[before], how[before]))
        at += len(some)
        size = min(2 * len(some), MOST_BLOCK)
    return followed, similar


def _follow(followed: Array, similar: Array, pairs: tuple[Array, Array, Array]) -> None:
    """Of kept texts (earlier, later, how alike) each later one follows the one most like it, the first of
    several.
    """
    earlier, later, how = pairs
    order = np.lexsort((earlier, -how, later))
    earlier, later, how = earlier[order], later[order], how[order]
    first = np.ones(len(later), dtype=bool)
    first[1:] = later[1:] != later[:-1]
    earlier, later, how = earlier[first], later[first], how[first]
    better = (how > similar[later]) | ((how == similar[later]) & (earlier < followed[later]))
    followed[later[better]], similar[later[better]] = earlier[better], how[better]


def _in_turn(followed: Array, similar: Array, pairs: tuple[Array, Array, Array], turn: Array) -> None:
    """The same where it is not known yet which of the earlier texts are kept."""
    earlier, later, how = pairs
    order = np.lexsort((earlier, -how, turn[later]))
    gone: set[int] = set()
    for one, other, score in zip(*(part[order].tolist() for part in (earlier, later, how)), strict=True):
        if one not in gone and other not in gone:
            gone.add(other)
            followed[other], similar[other] = one, score


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
    ends = shingles.ends
    for start, stop in shingles.blocks():
        hashed = shingles.hashes[ends[start] : ends[stop]] * factor + add
        hashed ^= hashed >> np.uint64(33)
        some = np.flatnonzero(np.diff(ends[start : stop + 1]) > 0)
        if len(some):
            found[start + some] = np.minimum.reduceat(hashed, (ends[start:stop] - ends[start])[some])
    return found
