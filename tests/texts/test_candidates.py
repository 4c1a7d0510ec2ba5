"""Pairs of texts that may be alike, and those that are."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from lookalike.texts import candidates
from lookalike.texts.candidates import Alike, Buckets, inside, sketches
from lookalike.texts.shingles import Shingles, normal, shingles_of


@pytest.fixture
def some(banking: pd.DataFrame) -> Shingles:
    texts = banking.text[:40].tolist()
    return shingles_of([normal(text) for text in [*texts, *(f"{text}s" for text in texts)]], words=False)


@pytest.mark.parametrize("size", [1, 10**6])
@pytest.mark.parametrize("near", [0.2, 0.67, 0.95])
def test_no_pair_that_is_near_is_missed(
    some: Shingles, near: float, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "PAIRS", size)
    one, other = np.triu_indices(len(some), 1)
    earlier, later, alike = Alike(some, near).near([(one[:99], other[:99]), (one[50:], other[50:])])
    expected = {}
    for left, right in itertools.combinations(range(len(some)), 2):
        both = len(np.intersect1d(some.of(left), some.of(right)))
        score = both / (some.sizes[left] + some.sizes[right] - both)
        if score >= near:
            expected[left, right] = score
    found = dict(zip(zip(earlier.tolist(), later.tolist(), strict=True), alike.tolist(), strict=True))
    assert found == pytest.approx(expected) and len(found) >= 20
    assert [len(part) for part in Alike(some, near).near([])] == [0, 0, 0]


def test_sketches_differ_in_no_more_places_than_the_sets(some: Shingles) -> None:
    drawn = sketches(some)
    for one, other in itertools.pairwise(range(len(some))):
        apart = sum(bin(word).count("1") for word in (drawn[one] ^ drawn[other]).tolist())
        assert 0 <= apart <= len(np.setxor1d(some.of(one), some.of(other)))
        assert drawn[one].any()


def test_bits_are_counted_with_and_without_numpy_2(monkeypatch: pytest.MonkeyPatch) -> None:
    words = np.random.default_rng(0).integers(2**64, size=(50, 4), dtype=np.uint64)[:, 1]
    expected = [bin(word).count("1") for word in words.tolist()]
    assert candidates._ones(words).tolist() == expected
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert candidates._ones(words).tolist() == expected


def test_buckets_give_pairs_that_share_a_value_and_none_for_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = [np.array([5, 7, 5, 9, 5, 0], np.uint64), np.array([1, 2, 3, 4, 5, 0], np.uint64)]
    buckets = Buckets(values, np.array([True] * 5 + [False]))
    assert buckets.shared.tolist() == [True, False, True, False, True, False]
    buckets.add(np.array([0]))
    pairs = [(int(a), int(b)) for one in buckets.kept(np.array([2, 4])) for a, b in zip(*one, strict=True)]
    assert pairs == [(0, 2), (0, 4)]
    known = buckets.known(np.array([4]))
    buckets.add(np.array([2]))
    assert [(a.tolist(), b.tolist()) for a, b in buckets.kept(np.array([4]), known)] == [([2], [4])]
    block = np.array([4, 2, 0])
    found = buckets.among(block, np.array([True, True, False]))
    assert found is not None
    assert [(a.tolist(), b.tolist()) for a, b in inside(found)] == [([4], [2])]
    monkeypatch.setattr(candidates, "PAIRS", 1)
    assert buckets.among(block, np.array([True, True, True])) is None
    monkeypatch.setattr(candidates, "PAIRS", 9)
    monkeypatch.setattr(candidates, "MOST", 4)
    assert buckets.among(block, np.array([True, True, True])) is None  # 2 are kept: it may become full
