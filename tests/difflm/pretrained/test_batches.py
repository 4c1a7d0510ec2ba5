"""Batches and parts of texts that are about as long as each other."""

import numpy as np

from lookalike.difflm.pretrained.batches import epoch_batches, length_parts


def test_parts_hold_every_row_once_and_not_too_many_tokens() -> None:
    length = np.array([5, 3, 9, 1])
    assert [part.tolist() for part in length_parts(length, 10)] == [[3, 1], [0], [2]]
    assert [part.tolist() for part in length_parts(length, 4)] == [[3], [1], [0], [2]]


def test_an_epoch_has_every_row_once_in_batches_of_like_length() -> None:
    length = np.random.default_rng(0).geometric(0.02, 3000)
    rows = np.arange(3000)[::3]
    first, second = (epoch_batches(length, rows, 20, 0, epoch) for epoch in (0, 1))
    assert sorted(np.concatenate(first).tolist()) == rows.tolist()
    assert max(map(len, first)) == 20
    spread = np.mean([length[batch].std() for batch in first])
    assert spread < 0.3 * length[rows].std()
    assert [batch.tolist() for batch in first] != [batch.tolist() for batch in second]
