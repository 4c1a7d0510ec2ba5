"""Copies of real texts are found with their row."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lookalike.texts import copies
from lookalike.texts.checks import TextChecks
from lookalike.texts.copies import Originals
from tests.work import steps


def test_copies_of_real_rows_are_found_with_their_row() -> None:
    real = [
        "How long does it take until a bank transfer from abroad shows up in my account?",
        "Where is my card",
        "What should I do now that my new card has been declined at the cash machine twice",
    ]
    originals = Originals(real)
    assert (
        originals.copied("HOW long does it take, until a bank transfer from abroad shows up in my account")
        == 0
    )
    assert originals.copied(real[2] + " today") == 2  # 13 of 14 4-grams
    assert originals.copied("Tell me now: " + real[0]) == 0  # 12 of 15
    assert originals.copied("Tell me at once and right now: " + real[0]) is None  # 12 of 19
    assert originals.copied("where is my card?") == 1
    assert originals.copied("do now that my new") is None  # a few words lie inside many texts
    assert (
        originals.copied("Twice the cash machine declined the new card that I have, what should I do") is None
    )
    assert originals.copied("") is None and originals.copied("?!") is None


def test_copies_in_scripts_without_spaces_are_found() -> None:
    originals = Originals(["我的新卡已经两个星期没有到了请帮忙查询", "怎么充值"])
    assert originals.copied("我的新卡已经两个星期没有到了请帮忙查询!") == 0
    assert originals.copied("我的新卡已经两个星期没有到了请帮忙查一下") == 0
    assert originals.copied("为什么我的转账被拒绝了而且收了手续费") is None


def test_a_text_is_not_compared_with_each_real_one(many: tuple[list[str], list[str]]) -> None:
    real, shuffled = many
    some, costs = [*shuffled[:40], *real[:20]], []
    for rows in (1_000, 10_000):  # the second has ten times as many as the first
        originals = Originals(real[:rows])
        costs.append(steps(lambda one=originals: [one.copied(text) for text in some]))
    assert costs[1] < 2 * costs[0]  # more of the words are known
    assert all(originals.copied(text) is not None for text in real[:100])
    assert sum(originals.copied(text) is not None for text in shuffled) < 10


def test_many_at_once_say_what_each_says(
    many: tuple[list[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "BLOCK", 7)  # so that blocks end within the texts
    real, shuffled = many[0][:60], many[1][:60]
    half = [" ".join(text.split()[: len(text.split()) * 4 // 5]) for text in real]
    texts = [
        *real[:20],
        "",
        "?!",
        "no",
        "unheard words words unheard words words",
        *half,
        *shuffled,
        "",
        "a b c d",
    ]
    texts += [f"{text} {other}" for text, other in pairwise(real)]
    originals = Originals(real)
    found = list(originals.copies(texts))
    assert found == [originals.copied(text) for text in texts]
    assert found[:20] == list(range(20)) and 10 < sum(one is not None for one in found[24:84]) <= 60
    assert list(originals.copies([])) == [] and list(Originals([""]).copies(["", "x y z w"])) == [0, None]
    assert [hit and hit.value for hit in TextChecks(real).each("copy", texts)] == found
