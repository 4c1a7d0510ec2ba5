"""Quotas between rounds: by weights, in full requests, no class above its share, and bad functions named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from lookalike.defaults import GROW
from lookalike.errors import DataError, OptionError
from lookalike.prompting.arms import Place
from lookalike.prompting.growth.growing import Growth, Strategy, checked, drawn, strategy, totals
from tests.prompting.growth.places import known, places, row

LABELS = ["a"] * 6 + ["b"] * 4


def growth_of(weights: Sequence[float], n: int, **options: Any) -> Growth:
    return Growth(Strategy(lambda places, accepted, seed: weights), n, 10, 0, **options)


def test_requests_are_drawn_in_proportion_to_the_weights() -> None:
    assert drawn(np.array([1.0, 3.0, 0.0]), 8, 0.5).tolist() == [2, 6, 0]
    for start in np.linspace(0, 1, 11, endpoint=False):
        some = drawn(np.array([0.3, 0.0, 0.9, 1.8]), 5, float(start))
        assert some.sum() == 5 and some[1] == 0
        assert (np.abs(some - np.array([0.5, 0, 1.5, 3.0])) < 1).all()
    many = np.sum([drawn(np.ones(100), 10, (at + 0.5) / 100) for at in range(100)], axis=0)
    assert set(many.tolist()) == {10}  # no place is preferred to another of its weight


def test_a_round_asks_for_its_share_in_full_requests() -> None:
    growth = growth_of([1, 1, 2, 0], 80, rounds=4)
    counts = growth.plan(places(["a"] * 4), [], [True] * 4, 0, 1.0)
    assert sum(counts) == 20 and set(counts) <= {0, 10} and counts[3] == 0
    assert growth.plan(places(["a"] * 4), [], [True] * 4, 3, 1.0) == [20, 20, 40, 0]
    assert growth.plan(places(["a"] * 4), [], [False, True, True, True], 3, 1.0)[0] == 0
    assert growth.plan(places(["a"] * 4), [], [False, False, False, True], 3, 1.0) == [0, 0, 0, 80]


def test_classes_keep_their_shares_unless_the_strategy_decides_on_them() -> None:
    some = places(LABELS)
    weights = [0.0] * 9 + [1.0]
    fixed = growth_of(weights, 100, wanted=totals("real", LABELS, 100), rounds=1)
    counts = fixed.plan(some, [], [True] * 10, 0, 1.0)
    assert sum(counts[:6]) == 60 and counts[6:] == [0, 0, 0, 40]
    assert growth_of(weights, 100, rounds=1).plan(some, [], [True] * 10, 0, 1.0) == [0] * 9 + [100]
    fixed.made = Counter({"a": 60, "b": 35})
    assert sum(fixed.plan(some, [], [True] * 10, 5, 2.0)) == 10  # five lack, two are asked for each


def test_a_class_that_is_behind_gets_more_of_a_round() -> None:
    some, labels = places("aaaaabbbbb"), "ab" * 50
    growth = growth_of([1.0] * 10, 1000, wanted=totals("real", labels, 1000), rounds=10)
    for made, more in [({"a": 50, "b": 50}, 5), ({"a": 60, "b": 40}, 6), ({"a": 90, "b": 10}, 8)]:
        growth.made = Counter(made)
        counts = growth.plan(some, [], [True] * 10, 1, 1.0)
        assert (sum(counts), sum(counts[5:])) == (100, 10 * more)


def test_many_classes_take_turns_in_full_requests() -> None:
    labels = [str(at) for at in range(50)]
    growth = growth_of([1.0] * 50, 500, wanted=totals("real", labels, 500), rounds=5)
    counts = growth.plan(places(labels), [], [True] * 50, 0, 1.0)
    assert sum(counts) == 100 and set(counts) == {0, 10}


def test_even_and_real_are_totals_and_weights() -> None:
    assert totals("real", LABELS, 100) == {"a": 60, "b": 40}
    assert totals("even", LABELS, 100) == {"a": 50, "b": 50}
    some = known([0.0] * 10, list(LABELS), 100)
    for by, share in [("real", 0.6), ("even", 0.5)]:
        found = strategy(by, some)
        weights = np.array(found.weights(places(LABELS), [], 0))
        assert found.crowded is None and weights[:6].sum() / weights.sum() == pytest.approx(share)
        assert len(set(weights[:6])) == 1


def test_every_name_is_a_strategy() -> None:
    some = known([0.0, 90.0, 180.0, 270.0], ["a", "a", "b", "b"], 8, (0, 1, 2, 3))
    at = places(["a", "a", "b", "b"])
    accepted = [row(at[0], "1 degrees"), row(at[2], "181 degrees")]
    for name in GROW:
        first, again = (strategy(name, some).weights(at, accepted, 0) for _ in range(2))
        assert np.array_equal(first, again) and np.shape(first) == (4,)


@pytest.mark.parametrize(
    ("returned", "words"),
    [([1.0], "shape"), ([1.0, -1.0], "negative"), ([1.0, float("nan")], "not finite")],
)
def test_weights_that_are_none_are_named(returned: list[float], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        growth_of(returned, 10).plan(places(["a", "a"]), [], [True, True], 0, 1.0)


def test_a_function_that_raises_is_named() -> None:
    def grow(places: Sequence[Place], accepted: Sequence[Any], seed: int) -> list[float]:
        raise KeyError("topic")

    with pytest.raises(DataError, match=r"grow failed between two rounds: .*topic"):
        Growth(Strategy(grow), 10, 5, 0).plan(places(["a"]), [], [True], 0, 1.0)


@pytest.mark.parametrize("wrong", ["cover", 3, ["coverage"]])
def test_another_value_is_one_sentence(wrong: Any) -> None:
    with pytest.raises(OptionError, match="coverage, errors, novelty"):
        checked(wrong)
    assert checked(None) == "real"
