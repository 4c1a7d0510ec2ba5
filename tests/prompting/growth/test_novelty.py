"""ROUGE-L is exact, whatever the bound leaves out."""

from __future__ import annotations

import random

import pytest

from lookalike.prompting.growth.novelty import Pool, common, novel, rouge_l, weights
from tests.prompting.growth.places import places, row


def by_table(a: list[str], b: list[str]) -> int:
    """The longest common subsequence as in textbooks."""
    row = [0] * (len(b) + 1)
    for one in a:
        before = row[:]
        for at, other in enumerate(b):
            row[at + 1] = before[at] + 1 if one == other else max(row[at], before[at + 1])
    return row[-1]


def test_the_subsequence_in_bits_is_that_of_the_table() -> None:
    rng = random.Random(0)
    for _ in range(300):
        a, b = (rng.choices("abcdefg", k=rng.randint(0, 90)) for _ in range(2))
        assert common(a, b) == common(b, a) == by_table(a, b)


def test_known_scores() -> None:
    assert rouge_l("police killed the gunman", "police kill the gunman") == 0.75  # Lin (2004), S1 and S2
    assert rouge_l("police killed the gunman", "the gunman kill police") == 0.5  # and S3
    assert rouge_l("Same WORDS.", "same, words") == 1.0 and rouge_l("", "a") == 0.0


@pytest.mark.parametrize("limit", [0.3, 0.5, 0.7, 0.9])
def test_a_pool_says_what_comparing_with_all_says(limit: float) -> None:
    rng = random.Random(1)
    words = list("abcdefghijkl")
    texts = [" ".join(rng.choices(words, k=rng.randint(1, 12))) for _ in range(200)]
    pool, kept = Pool(), list[str]()
    for text in texts:
        scores = [rouge_l(text, other) for other in kept]
        assert novel(text, pool, limit) == novel(text, kept, limit) == (max(scores, default=0.0) <= limit)
        score, at = pool.nearest(text)
        assert score == pytest.approx(max(scores, default=0.0))
        assert at == -1 or scores[at] == score
        if novel(text, pool, limit):
            kept.append(text)
            pool.add(text)
    assert len(pool) == len(kept) > 5


def test_a_text_of_no_words_and_long_ones() -> None:
    assert novel("", ["", "a"]) and novel("anything", [])
    long = " ".join(map(str, range(3000)))
    assert not novel(long, [long + " 1"]) and novel(long, [" ".join(map(str, range(3000, 0, -1)))])
    assert not novel("\u4f60\u597d\u5417", ["\u4f60\u597d\u5417\uff1f"])


def test_places_whose_texts_were_new_have_more_weight() -> None:
    some = places(["a", "a", "a"])
    grow = weights(lambda one: str(one.record["text"]))
    accepted = [row(some[0], "how do i top up"), row(some[0], "how do i top up now")]
    accepted += [row(some[1], "where is my card"), row(some[1], "exchange rates abroad")]
    first = grow(some, accepted, 0)
    assert first[0] < first[1] <= first[2] == 1.0
    assert (grow(some, accepted, 0) == first).all()
