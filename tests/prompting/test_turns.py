"""Classes keep their shares while rows are written, and a budget that leaves them unequal says so."""

from __future__ import annotations

from collections import Counter

import pytest

from lookalike.errors import LLMError
from lookalike.prompting.arms import Place
from lookalike.prompting.turns import DEAREST, FIRST, behind, in_turn
from lookalike.prompting.work import Work
from tests.prompting.test_writing import run_with, works_of


def labels(asks: list[tuple[Work, int]]) -> str:
    return "".join(str(work.place.label) for work, _ in asks)


def test_classes_take_turns_in_proportion_to_their_shares() -> None:
    works = [Work(0, Place("a", 0), 60, 5), Work(1, Place("b", 1), 20, 5)]
    asks = [(works[0], 5)] * 12 + [(works[1], 5)] * 4
    assert labels(in_turn(works, asks, 0)) == "abaaa" + "baaa" * 2 + "baa"
    assert len(in_turn(works, asks * 4, 0)) == FIRST and len(in_turn(works, asks * 4, 40)) == 40


def test_the_class_that_is_behind_is_first_and_gets_what_it_lacks() -> None:
    works = works_of("a", "b", wanted=500)
    works[0].made = works[0].total_good = 36
    works[1].made = works[1].total_good = 20
    works[0].total_asked = works[1].total_asked = 40
    asks = [(work, 5) for work in works for _ in range(100)]
    found = labels(in_turn(works, asks, 16))
    assert found.startswith("bbbbbba") and found[6:].count("b") == 11  # of 18, as it brings 5 for 9 rows


def test_a_class_that_brings_nothing_does_not_use_up_the_budget() -> None:
    works = works_of("a", "b", wanted=500)
    works[0].made = works[0].total_good = 500
    works[0].total_asked, works[1].total_asked = 1000, 4000
    asks = [(work, 5) for work in works for _ in range(500)]
    found = Counter(labels(in_turn(works, asks, 500)))
    assert found["b"] / found["a"] == pytest.approx(DEAREST, rel=0.1)


@pytest.mark.parametrize(("calls", "most"), [(40, 0.12), (70, 0.07), (150, 0.04)])
def test_a_budget_that_ends_leaves_the_classes_in_their_shares(calls: int, most: float) -> None:
    asked = 0

    def answer(place: int, n: int, part: int) -> list[str | None]:
        nonlocal asked
        asked += 1
        if asked > calls:
            raise LLMError("the budget is used up", "budget")
        good = n - 1 if place % 2 else n - 3 - part % 2  # of a three of ten
        return [None] * good + ["label"] * (n - good)

    writer = run_with(works_of(*"ab" * 5, wanted=200), answer)
    writer.write()
    made = Counter(row.place.label for row in writer.written.accepted)
    assert writer.written.stopped == "the budget is used up"
    assert abs(made["a"] / made.total() - 0.5) < most  # in equal requests: 27%; replies race


def test_one_class_is_asked_for_in_one_round() -> None:
    works = works_of(*"a" * 40)
    assert len(in_turn(works, [(work, 5) for work in works], 0)) == 40


def test_a_class_that_lacks_much_of_its_share_is_named() -> None:
    share = {"a": 100, "b": 100}
    line = "the classes are not in their shares: 'b' has 64 of 160 rows; its share would be 80."
    assert behind(share, {"a": 96, "b": 64}) == line
    assert behind(share, {"a": 83, "b": 77}) is None
    assert behind(share, {}) is None and behind({"a": 10}, {"a": 4}) is None
    assert behind({"a": 5, "b": 0}, {"a": 4}) is None
