"""The likeliest mixture of several parts, and of those of groups of rows."""

import numpy as np

from lookalike.difflm.small.kernels import BORROWED, mixed, mixed_by

RNG = np.random.default_rng(0)


def test_groups_of_rows_have_weights_of_their_own_as_far_as_their_rows_tell() -> None:
    """The first part is sure of half of the rows, the second says all alike."""
    sure = np.arange(400) < 200
    parts = np.log(np.column_stack([np.where(sure, 0.9, 0.1), np.full(400, 0.5)]))
    whole, likely = mixed(parts)
    weights, better = mixed_by(parts, sure.astype(int), 3)
    np.testing.assert_allclose(weights.sum(1), 1)
    assert weights[1, 0] > 0.85 and weights[0, 0] < 0.15
    assert better > likely + 0.2
    np.testing.assert_allclose(weights[2], whole)  # nothing is known of a group without rows
    one = np.arange(400) == 0
    near, _ = mixed_by(parts, one.astype(int), 2)
    assert abs(near[1, 0] - whole[0]) < 1 / BORROWED
