"""How near a value is to the learned range: inside, beyond it by its width, farther."""

import numpy as np

from lookalike.codec.learned import FAR, LEARNED, OUTSIDE, in_range


def test_beyond_the_range_by_its_width_is_outside_and_farther_is_far() -> None:
    ticks = np.array([10, 20, 9, 21, 0, 30, -1, 31])
    assert in_range(ticks, 10, 20).tolist() == [LEARNED, LEARNED, *[OUTSIDE] * 4, FAR, FAR]


def test_an_open_or_the_widest_range_has_nothing_far() -> None:
    ticks = np.array([-(2**62), 0, 2**62])
    assert in_range(ticks, -np.inf, 0).tolist() == [LEARNED, LEARNED, OUTSIDE]
    assert in_range(np.array([-1e308, 0.0, 1.7e308]), -1e308, 1e308).tolist() == [LEARNED, LEARNED, OUTSIDE]
