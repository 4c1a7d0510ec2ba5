"""What rows near a time hold: means of stretches of several rows, of the half that the time is not in."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from lookalike.codec import RecordCodec
from lookalike.difflm.small.near import MANY, ROWS, STEPS, Near, stretches
from lookalike.table.inferring import infer

HOURS = 400


def table() -> pd.DataFrame:
    """A heat that rises with the hour, and a sky that is blue in the later half."""
    hour = np.arange(HOURS)
    sky = np.where(hour < HOURS // 2, "grey", "blue")
    return pd.DataFrame({"hour": hour, "heat": hour + 0.5, "sky": sky})


KNOWN = table()[["heat", "sky"]]
CODEC = RecordCodec.fit(KNOWN, infer(KNOWN))


def laid(rows: pd.DataFrame, most: int = 0) -> tuple[Near, Tensor]:
    """What rows of `table` tell, and what they hold."""
    tokens, cells = (
        torch.from_numpy(array.astype(np.int64)) for array in CODEC.encode(rows[["heat", "sky"]])
    )
    near = Near(CODEC.slots, (), most or max(1, stretches(len(rows))))
    near.lay(at(*rows["hour"]), tokens, cells)
    return near, near.held(tokens, cells)


def at(*places: float) -> Tensor:
    return torch.tensor(places, dtype=torch.float64)


@pytest.mark.parametrize("half", [0, 1])
def test_a_time_is_told_what_lies_between_two_means_of_the_other_half(half: int) -> None:
    near, held = laid(table())
    assert near.size == 1 + CODEC.slots[1].tokens
    count = HOURS // 2 // ROWS
    mean = held[half::2][: count * ROWS].view(count, ROWS, near.size).mean(1)
    assert torch.allclose(near.means[half, 1:count], mean[:-1], atol=1 / STEPS)
    assert torch.equal(near.means * STEPS, (near.means * STEPS).round())
    first = 20 * 2 * ROWS + half  # of a stretch, whose middle is at the last but `ROWS`
    middle, apart = first + ROWS - 1, 2 * ROWS
    places = at(*(middle + step for step in range(apart)))
    asked = near.half(places) != half
    want = torch.stack([torch.lerp(mean[20], mean[21], step / apart) for step in range(apart)])
    assert torch.allclose(near(places)[asked], want[asked], atol=1 / STEPS)
    outside = at(half - 1, HOURS + half - 1)
    assert torch.equal(near(outside), torch.stack([near.means[half, 1], near.means[half, count]]))


@pytest.mark.parametrize("step", [1, 7, 34, 60, 1440])
def test_times_as_far_apart_as_most_are_take_turns(step: int) -> None:
    rows = table().assign(hour=lambda own: 5 + own["hour"] * step)
    near, _ = laid(rows.drop(range(100, 130)))
    half = near.half(at(*rows["hour"]))
    assert torch.equal(half[1:], 1 - half[:-1])


def test_no_row_is_told_what_rows_of_its_time_hold() -> None:
    twice = pd.concat([table(), table().assign(heat=0.5)])
    other = twice.assign(heat=twice["heat"].where(twice["hour"] != 100, 399.5))
    (near, _), (changed, _) = laid(twice), laid(other)
    places = at(*table()["hour"])
    differs = (near(places) != changed(places)).any(1)
    assert not differs[100] and differs[101] and differs[99]


def test_many_rows_of_a_time_are_in_both_halves() -> None:
    """Every day has a heat of its own, and so many rows that a mean over them is none of a single row."""
    days = np.repeat(np.arange(12), MANY)
    heat = np.random.default_rng(0).permutation(12)[days] * 30 + 0.5
    rows = pd.DataFrame({"hour": days, "heat": heat, "sky": "grey"})
    near, held = laid(rows)
    assert torch.allclose(near(at(*days)), held, atol=1 / STEPS)
    few = rows[rows.groupby("hour").cumcount() < MANY - 1]
    near, held = laid(few)
    assert not torch.isclose(near(at(*few["hour"])), held[:, :1], atol=1 / STEPS)[:, 0].any()


@pytest.mark.parametrize("counts", [[9], [1] * 23, [4, 1, 9, 1, 1, 1], [4, 4, 4, 4], [1, 1], [1, 2, 5, 5]])
def test_every_stretch_has_rows_enough_and_every_row_is_in_one(counts: list[int]) -> None:
    rows = table().head(len(counts)).loc[lambda own: own.index.repeat(counts)]
    near, _ = laid(rows, sum(counts))
    places = at(*rows["hour"])
    for half in range(2):
        mine = places[near.half(places) == half]
        held = torch.searchsorted(near.ends[half], mine, right=True).bincount()
        assert bool((held[held > 0] >= min(ROWS, len(mine))).all())
        if len(mine):
            assert bool((held[1:] > 0).all()) and bool(near.middle[half, 1 : len(held)].isfinite().all())
    assert bool(near(places).isfinite().all()) and bool(near(at(-1e12, 1e12)).isfinite().all())


def test_stretches_are_longer_where_there_would_be_too_many() -> None:
    near, held = laid(table(), 20)
    assert int(near.middle.isfinite().sum()) == 2 * 20
    assert float(near(at(110.0))[0, 0]) == pytest.approx(float(held[101:121:2, 0].mean()), abs=1 / STEPS)
    assert stretches(10**9) < 10**6
