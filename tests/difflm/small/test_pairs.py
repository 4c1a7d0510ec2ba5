"""Differences of numbers as inputs: which pairs are found, and what is told of them."""

import numpy as np
import pandas as pd
import torch

from lookalike.codec import RecordCodec
from lookalike.difflm.small.pairs import Pairs, find_pairs, values
from lookalike.table.inferring import infer

ROWS = 3000


def bills(seed: int = 0) -> pd.DataFrame:
    """`paid` is what a bill falls by, nearly; `other` has nothing to do with either."""
    rng = np.random.default_rng(seed)
    before = rng.lognormal(6, 1, ROWS).round(2)
    fall = (rng.exponential(50, ROWS) * rng.choice([-1, 1], ROWS)).round(2)
    paid = np.where(fall > 0, fall, 0.0) + rng.exponential(1, ROWS).round(2)
    return pd.DataFrame({
        "before": before, "after": before - fall, "paid": paid, "other": rng.lognormal(6, 1, ROWS).round(2),
    })  # fmt: skip


TABLE = bills()
CODEC = RecordCodec.fit(TABLE, infer(TABLE))
TOKENS, CELLS = (torch.from_numpy(array.astype(np.int64)) for array in CODEC.encode(TABLE))


def test_a_difference_that_tells_a_third_number_is_found() -> None:
    found = find_pairs(CODEC.slots, TOKENS.numpy(), CELLS.numpy())
    assert found[0] == (0, 1) and all(3 not in pair for pair in found)


def test_numbers_that_do_not_go_together_have_no_pairs() -> None:
    dealt = pd.DataFrame(
        {name: TABLE[name].sample(frac=1, random_state=i).to_numpy() for i, name in enumerate(TABLE)}
    )
    codec = RecordCodec.fit(dealt, infer(dealt))
    assert find_pairs(codec.slots, *codec.encode(dealt)) == ()
    assert find_pairs(CODEC.slots, TOKENS.numpy()[:500], CELLS.numpy()[:500]) == ()


def test_values_are_in_the_unit_of_the_column() -> None:
    found = values(CODEC.slots[0])[TOKENS[:, 0], CELLS[:, 0]]
    inside = np.abs(found - TABLE["before"].mean()) < 4.9 * TABLE["before"].std(ddof=0)
    assert np.median(np.abs(found - TABLE["before"])[inside] / TABLE["before"][inside]) < 0.02


def test_a_difference_is_told_by_its_rank() -> None:
    torch.manual_seed(0)
    pairs = Pairs([(0, 1)], CODEC.slots, [0, 1, 2, 3], 8)
    pairs.lay(TOKENS, CELLS)
    told = pairs.embed(TOKENS, CELLS)[:, 0]
    order = pairs.difference(0, TOKENS, CELLS).argsort()
    beside = (told[order][50:] - told[order][:-50]).norm(dim=1).mean()
    assert beside < 0.5 * (told - told[torch.randperm(ROWS)]).norm(dim=1).mean()


def test_a_missing_number_tells_nothing() -> None:
    pairs = Pairs([(0, 1)], CODEC.slots, [0, 1, 2, 3], 8)
    pairs.lay(TOKENS, CELLS)
    gone = TOKENS[:5].clone()
    gone[:, 1] = -1
    assert not pairs.embed(gone, CELLS[:5]).any() and pairs.embed(TOKENS[:5], CELLS[:5]).any()


def test_the_later_of_two_tells() -> None:
    pairs = Pairs([(0, 1), (2, 3)], CODEC.slots, [0, 1, 2, 3], 8)
    assert pairs.later(torch.tensor([[3, 1, 0, 2]])).tolist() == [[0, 3]]
