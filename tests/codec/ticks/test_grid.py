"""The grid that whole numbers lie on, against numbers that were put on one."""

import numpy as np

from lookalike.codec.ticks.cells import draw, locate, partition
from lookalike.codec.ticks.grid import grid_of, units_of


def test_numbers_at_even_distances_lie_on_the_grid_of_their_neighbours():
    weeks = 15_344 + 7 * np.arange(400)  # Mondays, each once
    assert grid_of(weeks, np.ones(400)) == (7, 15_344 % 7)


def test_few_numbers_beside_a_grid_do_not_hide_it():
    rng = np.random.default_rng(0)
    halves = np.unique(5 * rng.integers(0, 4_000, 2_000))
    odd = halves[:: len(halves) // 10] + 2
    values = np.union1d(halves, odd)
    assert grid_of(values, np.ones(len(values))) == (5, 0)
    fine = np.unique(rng.integers(0, 20_000, 2_000))
    assert grid_of(fine, np.ones(len(fine))) == (1, 0)


def test_fives_and_quarters_beside_other_numbers_are_drawn_as_often():
    rng = np.random.default_rng(0)
    prices = rng.lognormal(12, 0.4, 4_000)
    for unit, other, units in ((5_000, 100, [1, 10, 100, 1_000, 5_000]), (25, 1, [1, 5, 25, 50, 100])):
        whole = rng.random(4_000) < 0.8
        real = (np.where(whole, np.rint(prices / unit) * unit, np.rint(prices / other) * other)).astype(
            np.int64
        )
        cells = partition(*np.unique(real, return_counts=True), rare=5)
        assert list(cells.units)[: len(units)] == units
        index = locate(cells.low, cells.high, real)
        made = draw(cells, index, rng)
        for one in units[1:]:
            assert abs((made % one == 0).mean() - (real % one == 0).mean()) < 0.03, one


def test_numbers_of_which_no_more_than_by_chance_are_fives_are_rounded_to_tens_alone():
    rng = np.random.default_rng(0)
    values, counts = np.unique(rng.integers(0, 10**6, 5_000) // 10 * 10, return_counts=True)
    assert units_of(values, counts, 1) == [1, 10, 100, 1_000, 10_000, 100_000]
