"""Near-duplicates among many texts."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pandas as pd
import pytest

from lookalike.defaults import NEAR
from lookalike.texts import candidates, near, shingles
from lookalike.texts.near import leaders
from tests.texts.pieces import alike


def _edited(texts: list[str], kind: str) -> list[str]:
    rng = random.Random(0)
    vocabulary = [word for text in texts for word in text.split()]
    found = []
    for text in texts:
        words, at = text.split(), rng.randrange(len(text))
        if kind == "word":
            words[rng.randrange(len(words))] = rng.choice(vocabulary)
            found.append(" ".join(words))
        elif kind == "typo":
            found.append(text[:at] + rng.choice("abcdefghijklmnopqrstuvwxyz") + text[at + 1 :])
        else:
            found.append(text.upper().rstrip(".?!") + " !!")
    return found


@pytest.mark.parametrize(("kind", "least"), [("word", 0.6), ("typo", 0.93), ("case", 0.99)])
def test_planted_edits_are_found(banking: pd.DataFrame, kind: str, least: float) -> None:
    texts = banking.text.drop_duplicates().tolist()[:400]
    found, similar = leaders(_edited(texts, kind), against=texts)
    assert (found >= len(texts)).mean() >= least
    right = found[found >= 0] - len(texts) == np.flatnonzero(found >= 0)
    assert right.mean() > 0.97
    assert (similar[found >= 0] >= NEAR).all() and (similar[found < 0] == 0).all()


def test_leaders_are_what_comparing_all_texts_finds(banking: pd.DataFrame) -> None:
    texts = banking.text[:150].tolist() + _edited(banking.text[:150].tolist(), "word")
    found, _ = leaders(texts)
    kept: list[int] = []
    for at, text in enumerate(texts):
        best = max(((alike(text, texts[other]), -other) for other in kept), default=(0.0, 0))
        assert (found[at] >= 0) == (best[0] >= NEAR)
        if best[0] < NEAR:
            kept.append(at)
    assert 0 < (found >= 0).sum() < 150


def test_a_chain_is_thinned_not_reduced_to_one() -> None:
    rng = random.Random(0)
    letters = [rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(1300)]
    chain = ["".join(letters[6 * at : 6 * at + 45]) for at in range(200)]
    near_ones = [alike(a, b) for a, b in itertools.pairwise(chain)]
    assert min(near_ones) >= NEAR and alike(chain[0], chain[-1]) < 0.05
    found, _ = leaders(chain)
    assert (found < 0).sum() >= 60
    for at in np.flatnonzero(found >= 0):
        assert found[found[at]] < 0  # what is repeated is kept


def test_short_and_empty_texts_repeat_only_what_says_the_same() -> None:
    texts = [
        "",
        "a",
        "A!",
        "ab",
        "ok",
        "OK.",
        "no way",
        "no",
        "",
        " ",
        "\U0001f600",
        "\U0001f601",
        "yes yes yes yes",
    ]
    found, similar = leaders(texts)
    assert found.tolist() == [-1, -1, 1, -1, -1, 4, -1, -1, 0, 0, -1, -1, -1]
    assert similar.tolist() == [0, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0]
    assert leaders([])[0].tolist() == []


def test_the_order_says_who_is_kept() -> None:
    texts = ["where is my new card please", "where is my new card please?", "something else entirely"]
    assert leaders(texts)[0].tolist() == [-1, 0, -1]
    assert leaders(texts, order=np.array([1, 0, 2]))[0].tolist() == [1, -1, -1]


def test_an_equal_text_follows_what_its_like_repeats() -> None:
    first = "the quick brown fox jumps over the lazy dog again and again"
    found, _ = leaders([first, first + "s", first + "s", first.upper()])
    assert found.tolist() == [-1, 0, 0, 0]


@pytest.mark.parametrize(("least", "most", "pieces"), [(1, 3, 100), (7, 17, 1000), (5000, 5000, 10**7)])
def test_the_same_rows_whatever_the_block_size(
    banking: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, least: int, most: int, pieces: int
) -> None:
    texts = banking.text[:120].tolist() + _edited(banking.text[:120].tolist(), "typo")
    texts += [f"order {number} was sent to you today" for number in range(100, 160)]
    found, similar = leaders(texts)
    for place, name, size in (
        *((near, "LEAST_BLOCK", least), (near, "MOST_BLOCK", most), (shingles, "PIECES", pieces)),
        *((shingles, "MOST_PAIRS", most), (candidates, "PAIRS", pieces), (candidates, "STEP", most)),
    ):
        monkeypatch.setattr(place, name, size)
    again, also = leaders(texts)
    assert (again == found).all() and (also == similar).all() and (found >= 0).sum() > 100


def test_a_full_bucket_gives_the_same_rows_whatever_the_block_size(
    banking: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"order {number} was sent to you today" for number in range(100, 160)] + banking.text[
        :60
    ].tolist()
    monkeypatch.setattr(candidates, "MOST", 3)
    monkeypatch.setattr(near, "MOST_BLOCK", 1)
    found = leaders(texts, 0.9)[0]
    monkeypatch.setattr(near, "MOST_BLOCK", 1000)
    monkeypatch.setattr(near, "LEAST_BLOCK", 1000)
    assert (leaders(texts, 0.9)[0] == found).all()
