"""What is learned of a slot from few rows."""

import numpy as np
import pytest

from lookalike.codec.slot import Array
from lookalike.difflm.small.slotbase import SlotBase, _ridge, fit_slot
from lookalike.difflm.small.view import View

SHIPPED = True
ROWS = 240
RNG = np.random.default_rng(0)
FOLD = RNG.permutation(ROWS) % 8
FLAG = RNG.integers(2, size=ROWS)
NOISE = RNG.normal(size=(ROWS, 4))


def fitted(last: Array, flag: Array, number: bool) -> SlotBase:
    """The base of the last of six slots: a category of two values, four numbers, and a number or category."""
    score = np.column_stack([np.zeros(ROWS), NOISE, last if number else np.zeros(ROWS)])
    codes = np.zeros((ROWS, 6), dtype=np.int64)
    codes[:, 0], codes[:, 5] = flag, 0 if number else last
    is_number = np.array([False, True, True, True, True, number])
    sizes, other = np.where(is_number, 1, 2), np.where(is_number, 0, -1)
    width = 0.05 * np.ones_like(score)
    view = View(score, codes, is_number, codes, other, sizes, sizes + 1, score - width, score + width)
    return fit_slot(view, 5, [0, 1, 2, 3, 4], FOLD, 0)


def test_trees_of_few_rows_tell_spreads_apart() -> None:
    """The mean is the same everywhere: a tree of means would split by chance. .28 nats are there to gain."""
    spread = RNG.normal(size=ROWS) * np.where(FLAG, 1.2, 0.2)
    assert fitted(spread, FLAG, True).gain > 0.15


@pytest.mark.parametrize(("told", "least", "most"), [(True, 0.4, 0.7), (False, -0.02, 0.02)])
def test_a_regression_adds_up_what_each_slot_says_a_little_of(told: bool, least: float, most: float) -> None:
    """Trees alone gain .3 nats where there is something to tell; by chance nothing is gained."""
    total = NOISE.sum(1) + 2 * FLAG - 1 if told else RNG.normal(size=ROWS)
    found = fitted((total > 0).astype(np.int64), FLAG, False)
    assert found.lines is not None and least < found.gain < most
    assert np.mean(found.lines.weight) > 0.4 or not told


def test_every_value_of_enough_rows_has_a_weight_in_the_regressions() -> None:
    """A table of forty places has few rows of each, and all of them tell."""
    place = np.arange(ROWS) % 40
    score = np.column_stack([np.zeros(ROWS), np.linspace(-1.5, 1.5, 40)[place] + 0.3 * NOISE[:, 0]])
    codes = np.column_stack([place, np.zeros(ROWS, dtype=np.int64)])
    sizes = np.array([40, 1])
    is_number = np.array([False, True])
    other = np.array([-1, 0])
    view = View(score, codes, is_number, codes, other, sizes, sizes + 1, score - 0.05, score + 0.05)
    found = fit_slot(view, 1, [0], FOLD, 0)
    assert (found.linear[:, :40] != 0).all()


@pytest.mark.parametrize(("scaled", "rare", "frequent"), [(False, 0.5, 0.9), (True, 0.9, 0.9)])
def test_values_of_few_rows_are_held_back_more_or_as_much_as_others(
    scaled: bool, rare: float, frequent: float
) -> None:
    """Both have an effect of 1, on 10 and on 90 rows of which the typical input has 90."""
    rows = np.array([10.0, 90.0, 90.0])
    _, weights = _ridge((np.diag(rows), rows, np.zeros(3), 0.0), 10.0, scaled)
    np.testing.assert_allclose(weights, [rare, frequent, frequent])


def test_leaves_of_one_class_trust_themselves_more_than_others() -> None:
    """Where the flag is set the class follows a number, elsewhere chance: .35 nats are there to gain."""
    lot = RNG.integers(2, size=ROWS)
    found = fitted(np.where(FLAG, NOISE[:, 0] > 0, lot).astype(np.int64), FLAG, False)
    assert found.odds is None and found.lines is not None
    sure = np.exp(found.logits[:-1]).max(1) > 0.8
    assert np.ptp(found.lines.weight[:-1]) > 0 and sure.any()


def test_large_tables_have_no_regressions_of_classes() -> None:
    rows = 1000
    codes = np.random.default_rng(0).integers(2, size=(rows, 2))
    sizes = np.array([2, 2])
    zeros = np.zeros((rows, 2))
    view = View(zeros, codes, np.zeros(2, bool), codes, np.array([-1, -1]), sizes, sizes + 1, zeros, zeros)
    assert fit_slot(view, 1, [0], np.arange(rows) % 5, 0).lines is None
