"""What is learned of a slot from few rows."""

import numpy as np
import pytest

from lookalike.codec.slot import Array
from lookalike.difflm.small.slotbase import SlotBase, fit_slot
from lookalike.difflm.small.view import View

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
    assert found.lines.weight > 0.4 or not told


def test_large_tables_have_no_regressions_of_classes() -> None:
    rows = 1000
    codes = np.random.default_rng(0).integers(2, size=(rows, 2))
    sizes = np.array([2, 2])
    zeros = np.zeros((rows, 2))
    view = View(zeros, codes, np.zeros(2, bool), codes, np.array([-1, -1]), sizes, sizes + 1, zeros, zeros)
    assert fit_slot(view, 1, [0], np.arange(rows) % 5, 0).lines is None
