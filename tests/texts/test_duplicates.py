"""Near-duplicates among texts that come one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lookalike.defaults import NEAR
from lookalike.texts.duplicates import Accepted, near_copy
from tests.texts.pieces import alike
from tests.work import steps


def test_near_duplicates_share_two_of_three_shingles() -> None:
    accepted = Accepted()
    text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    assert accepted.add(text)
    assert not accepted.add(text.upper() + "!")
    assert not accepted.add(text + " seventeen")
    assert not accepted.add(text.replace("seven", "sevn"))
    assert accepted.add(" ".join(text.split()[:8] + ["other"] * 8))
    assert accepted.add("where is my card")
    assert accepted.add("where is my phone")
    assert accepted.add("?!") and not accepted.add("?!") and accepted.add("...")


def test_long_texts_are_compared_by_their_words() -> None:
    rng = np.random.default_rng(0)
    words = [f"w{at}" for at in range(60)]
    accepted = Accepted(words=True)
    assert accepted.add(" ".join(words))
    assert not accepted.add(" ".join([*words[:59], "other"]))
    assert accepted.add(" ".join(rng.permutation(words)))


def test_counting_finds_what_comparing_all_texts_finds(banking: pd.DataFrame) -> None:
    rng = np.random.default_rng(1)
    texts = []
    for text in banking.text[:150]:
        words = text.split()
        words[int(rng.integers(len(words)))] = "other"
        texts += [text, " ".join(words)]
    accepted, kept, expected, found = Accepted(), [], [], []
    for text in texts:
        repeats = any(alike(text, other) >= NEAR for other in kept)
        expected.append(not repeats)
        if not repeats:
            kept.append(text)
        found.append(accepted.add(text))
    assert found == expected
    assert 0 < expected.count(False) < 150


def test_a_text_is_not_compared_with_each_accepted_one(banking: pd.DataFrame) -> None:
    some, costs = banking.text[:20].tolist(), []
    for rows in (200, 400):
        accepted = Accepted()
        for text in banking.text[20 : 20 + rows]:
            accepted.add(text)
        costs.append(steps(lambda one=accepted: [one.add(text) for text in some]))
    assert costs[1] < 1.5 * costs[0]


def test_near_copies_of_one_reply_differ_in_a_word_of_six() -> None:
    text = "My card was declined at the shop yesterday"  # eight words: one may differ
    assert near_copy("My phone was declined at the shop yesterday", ["Where is it?", text])
    assert near_copy("My card was declined at the shop", [text])
    assert near_copy(text.upper() + "!!", [text])
    assert not near_copy("My phone was declined at the bank yesterday", [text])
    assert not near_copy("Where is my card?", ["Where is my phone?"])  # of four words none may differ
    assert near_copy("...", ["..."]) and not near_copy(text, [])
    assert not near_copy("word " * 61, ["word " * 61])  # of long texts the word pairs tell enough


def test_a_text_is_compared_without_being_added() -> None:
    accepted = Accepted()
    text = "my card was stolen in the city of Rome yesterday at noon"
    assert not accepted.repeats(text) and not accepted.repeats(text)
    assert accepted.add(text) and accepted.repeats(text + "!")
