"""The grid that whole numbers lie on, against numbers that were put on one."""

import numpy as np

from lookalike.codec.ticks.grid import grid_of


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
