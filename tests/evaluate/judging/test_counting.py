"""Figures out of votes, worked out by hand."""

import numpy as np
import pytest

from lookalike.agreement import wilson
from lookalike.evaluate.judging import counting, words
from lookalike.evaluate.judging.asking import Rated, Vote
from lookalike.evaluate.judging.pairs import REAL, Pair
from lookalike.evaluate.section import Entry


def pair(item: int, other: str = "a", control: str = "") -> Pair:
    return Pair(item, REAL, other, (f"real {item}", f"made {item}"), "", control)


def votes(*said: tuple[int, float, float]) -> list[Vote]:
    """(item, whether the real row won as the first, as the second)."""
    return [
        Vote(pair(item), swapped, won, "")
        for item, *both in said
        for swapped, won in zip((False, True), both, strict=True)
    ]


def test_orders_that_differ_are_a_tie_and_a_lost_vote_is_no_pair() -> None:
    some = [*votes((0, 1.0, 1.0), (1, 0.0, 0.0), (2, 1.0, 0.0), (3, 0.5, 1.0)), *votes((4, 1.0, 1.0))[:1]]
    found = {one.item: value for one, value in counting.outcomes(some).items()}
    assert found == {0: 0.0, 1: 1.0, 2: 0.5, 3: 0.5}
    assert counting.consistency(some).value == 0.5
    # decided: 9 votes without the tie; the first place wins those of 0, 1, 2 twice, 4
    assert counting.first_place(some).value == pytest.approx(5 / 8)


def test_controls_count_votes_and_a_tie_is_not_right() -> None:
    some = [Vote(pair(-1, REAL, "label"), False, 1.0, ""), Vote(pair(-1, REAL, "label"), True, 0.5, "")]
    some += [Vote(pair(-2, REAL, "moved"), False, 1.0, ""), *votes((0, 0.0, 0.0))]
    share, kinds = counting.controls(some)
    assert kinds == {"label": (1, 2), "moved": (1, 1)} and share.value == pytest.approx(2 / 3)
    assert (share.low, share.high) == wilson(2, 3)
    assert counting.controls(votes((0, 1.0, 1.0)))[0].value is None


def test_a_table_that_loses_every_vote_has_a_bound_in_place_of_an_elo() -> None:
    some = votes((0, 1.0, 1.0), (1, 1.0, 1.0))
    assert counting.endless(some, ["a", "b"]) == {"a": 0.0}
    assert counting.endless([*some, *votes((2, 0.0, 1.0))], ["a"]) == {}
    assert counting.bound(0.0, 60) == pytest.approx(
        1000 + 400 * np.log10(wilson(0, 60)[1] / (1 - wilson(0, 60)[1]))
    )
    assert counting.bound(1.0, 60) == pytest.approx(2000 - counting.bound(0.0, 60))


def test_scores_stand_beside_those_of_real_rows() -> None:
    rated = [
        Rated(REAL, 0, {"x": 4}),
        Rated(REAL, 1, {"x": 5}),
        Rated("a", 0, {"x": 1}),
        Rated("a", 1, {"x": 2}),
    ]
    found = counting.scores(rated, [REAL, "a", "b"])
    assert found["a"]["x"].value == 1.5 and found["a"]["x"].reference == 4.5 == found[REAL]["x"].value
    assert found[REAL]["x"].reference is None and found["b"] == {}
    assert found["a"]["x"].low == 1.0  # no lower than a score can be


def test_agreement_with_people() -> None:
    judged = {"p1": 0.0, "p2": 0.0, "p3": 1.0, "p4": 0.5}
    share, kappa, of = counting.agreement(judged, {"p1": 0.0, "p2": 1.0, "p3": 1.0, "p4": 0.25, "other": 0.0})
    assert of == 4 and share is not None and share.value == 0.75  # people who differ on p4 are a tie
    assert kappa is not None and kappa.value == pytest.approx((0.75 - 5 / 16) / (1 - 5 / 16))
    assert counting.agreement(judged, {}) == (None, None, 0)


def test_a_figure_that_rounds_to_nothing_has_no_sign() -> None:
    assert words.number(Entry(-0.004), 2) == "0.00" and words.number(Entry(-0.006), 2) == "-0.01"
