"""Held-out rows, and columns that come first."""

import numpy as np
import pytest

from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.rows import random_first, split


@pytest.mark.parametrize(("rows", "held"), [(100_000, 2000), (1000, 50), (100, 10), (20, 2)])
def test_no_row_is_both_trained_on_and_held_out(rows: int, held: int) -> None:
    train, validation = split(rows, TrainConfig(validation_rows=2000), 0)
    assert len(validation) == held
    assert sorted([*train, *validation]) == list(range(rows))
    assert not np.array_equal(split(rows, TrainConfig(), 1)[0], train)


def test_a_tiny_table_validates_on_its_training_rows() -> None:
    train, validation = split(12, TrainConfig(), 0)
    assert sorted(train) == sorted(validation) == list(range(12))


def test_a_share_of_the_rows_has_columns_that_come_first() -> None:
    first = random_first(20_000, 8, TrainConfig(subset_share=0.6), np.random.default_rng(0))
    sizes = first.sum(1)
    assert (sizes > 0).mean() == pytest.approx(0.6, abs=0.06)  # some of the subsets are empty
    assert sizes.max() == 7  # never all of them
    assert np.ptp(first.mean(0)) < 0.03  # any column
    assert not random_first(500, 8, TrainConfig(subset_share=0.0), np.random.default_rng(0)).any()
    assert not random_first(500, 1, TrainConfig(), np.random.default_rng(0)).any()
