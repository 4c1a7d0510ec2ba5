"""Near-duplicates among texts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lookalike.texts.duplicates import Accepted, near_copy
from tests.work import steps


def test_near_duplicates_are_those_with_four_of_five_word_pairs_in_common() -> None:
    accepted = Accepted()
    text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    assert accepted.add(text)
    assert not accepted.add(text.upper() + "!")
    assert not accepted.add(text + " seventeen")  # 16 of 19 pairs
    assert accepted.add(text.replace("sixteen", "last"))  # 15 of 19
    assert accepted.add("where is my card")
    assert accepted.add("where is my phone")
    assert accepted.add("?!") and not accepted.add("...")


def test_counting_finds_what_comparing_all_texts_finds(banking: pd.DataFrame) -> None:
    rng = np.random.default_rng(1)
    texts = []
    for text in banking.text[:150]:
        words = text.split()
        words[int(rng.integers(len(words)))] = "other"
        texts += [text, " ".join(words)]

    def pairs(text: str) -> set[tuple[str, str]]:
        words = "".join(
            letter if letter.isalnum() or letter == "_" else " " for letter in text.lower()
        ).split()
        return set(zip(["", *words], [*words, ""], strict=True))

    accepted, kept, expected, found = Accepted(), [], [], []
    for text in texts:
        own = pairs(text)
        alike = any(len(own & other) >= 0.8 * len(own | other) for other in kept)
        expected.append(not alike)
        if not alike:
            kept.append(own)
        found.append(accepted.add(text))
    assert found == expected
    assert 0 < expected.count(False) < 150


def test_a_text_is_not_compared_with_each_accepted_one(many: tuple[list[str], list[str]]) -> None:
    real, shuffled = many
    some, costs = [*shuffled[:40], *real[:20]], []
    for rows in (200, 2_000):
        accepted = Accepted()
        for text in real[-rows:]:
            accepted.add(text)
        costs.append(steps(lambda one=accepted: [one.add(text) for text in some]))
    assert costs[1] < 2 * costs[0]
    fresh = Accepted()
    assert sum(fresh.add(text) for text in shuffled) > 800


def test_near_copies_of_one_reply_differ_in_a_word_of_six() -> None:
    text = "My card was declined at the shop yesterday"  # eight words: one may differ
    assert near_copy("My phone was declined at the shop yesterday", ["Where is it?", text])
    assert near_copy("My card was declined at the shop", [text])
    assert near_copy(text.upper() + "!!", [text])
    assert not near_copy("My phone was declined at the bank yesterday", [text])
    assert not near_copy("Where is my card?", ["Where is my phone?"])  # of four words none may differ
    assert not near_copy("...", ["..."]) and not near_copy(text, [])
    assert not near_copy("word " * 61, ["word " * 61])  # of long texts the word pairs tell enough
