"""Copies of real texts are found with their row."""

from __future__ import annotations

from lookalike.texts.copies import Originals


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


def test_copies_are_found_among_a_hundred_thousand_texts(many: tuple[list[str], list[str]]) -> None:
    real, candidates = many
    originals = Originals(real)
    copies = [originals.copied(text) is not None for text in candidates]
    assert all(copies[9_000:])
    assert sum(copies[:9_000]) < 100
