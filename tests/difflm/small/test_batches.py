"""Batches and parts of records that are about as long as each other."""

import numpy as np
import torch

from lookalike.difflm.small.batches import batch_size, length_parts, shuffled
from lookalike.difflm.training.config import TrainConfig


def test_rows_of_a_batch_are_about_as_long_as_each_other() -> None:
    lengths = torch.from_numpy(np.random.default_rng(0).geometric(0.02, 5000))
    rows = torch.arange(5000)[::2]
    mixed = shuffled(rows, lengths, 50, torch.Generator().manual_seed(0))
    assert torch.equal(mixed.sort().values, rows)
    spread = torch.stack([lengths[part].float().std() for part in mixed.split(50)]).mean()
    assert spread < 0.3 * lengths[rows].float().std()
    again = shuffled(rows, lengths, 50, torch.Generator().manual_seed(1))
    assert not torch.equal(mixed, again)


def test_parts_hold_every_row_once_and_not_too_many_slots() -> None:
    lengths = torch.tensor([5, 900, 20, 20, 20, 3])
    parts = length_parts(lengths, 100)
    assert sorted(torch.cat(parts).tolist()) == list(range(6))
    assert all(len(part) == 1 or len(part) * int(lengths[part].max()) <= 100 for part in parts)
    assert parts[0].tolist() == [1] and len(parts) == 2


def test_a_batch_is_smaller_for_small_tables_and_long_records() -> None:
    config = TrainConfig(batch=256, slots_most=32_768)
    assert batch_size(100_000, 10, config) == 256
    assert batch_size(100_000, 512, config) == 64  # so many slots in all
    assert batch_size(100_000, 10_000, config) == 32
    assert batch_size(2000, 10, config) == 100  # 20 batches
    assert batch_size(20, 10, config) == 20
