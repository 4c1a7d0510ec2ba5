"""What rows near a time hold: means of stretches of several rows, without the row that is learned."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from lookalike.codec import RecordCodec
from lookalike.difflm.small.near import ROWS, STEPS, Near
from lookalike.table.inferring import infer

HOURS = 400


def table() -> pd.DataFrame:
    """A heat that rises with the hour, and a sky that is blue in the later half."""
    hour = np.arange(HOURS)
    sky = np.where(hour < HOURS // 2, "grey", "blue")
    return pd.DataFrame({"hour": hour, "heat": hour + 0.5, "sky": sky})


KNOWN = table()[["heat", "sky"]]
CODEC = RecordCodec.fit(KNOWN, infer(KNOWN))


def laid(rows: pd.DataFrame, most: int = HOURS // ROWS) -> tuple[Near, Tensor]:
    """What rows of `table` tell, and what they hold."""
    tokens, cells = (
        torch.from_numpy(array.astype(np.int64)) for array in CODEC.encode(rows[["heat", "sky"]])
    )
    near = Near(CODEC.slots, (), most)
    near.lay(at(*rows["hour"]), tokens, cells)
    return near, near.held(tokens, cells)


def at(*places: float) -> Tensor:
    return torch.tensor(places, dtype=torch.float64)


def test_at_the_middle_of_a_stretch_lies_its_mean_and_between_two_what_lies_between() -> None:
    near, held = laid(table())
    assert near.size == 1 + CODEC.slots[1].tokens
    mean = held.view(-1, ROWS, near.size).mean(1)
    middle = 20 * ROWS + (ROWS - 1) / 2
    told = near(
        at(middle, middle + ROWS, *(middle + ROWS * s for s in (0.4, 0.498, 0.502)), -1e12, 1e12), None
    )
    want = [mean[20], mean[21], *(torch.lerp(mean[20], mean[21], s) for s in (0.4, 0.498, 0.502))]
    want += [mean[0], mean[-1]]
    assert torch.allclose(told, torch.stack(want), atol=1 / STEPS)
    assert torch.equal(near.means * STEPS, (near.means * STEPS).round())


@pytest.mark.parametrize("twice", [False, True])
def test_a_row_that_is_learned_is_not_told_what_it_holds(twice: bool) -> None:
    rows = pd.concat([table(), table().assign(heat=0.5)]) if twice else table()
    other = rows.assign(heat=rows["heat"].where(np.arange(len(rows)) != 100, 399.5))
    (near, held), (changed, changed_held) = laid(rows), laid(other)
    place, row = at(*rows["hour"]), slice(100, 101)
    assert not torch.equal(held[row], changed_held[row])
    same = near(place[row], held[row]), changed(place[row], changed_held[row])
    assert torch.allclose(*same, atol=2 / STEPS)
    assert not torch.allclose(near(place[row], None), changed(place[row], None), atol=2 / STEPS)


@pytest.mark.parametrize("counts", [[9], [1] * 23, [4, 1, 9, 1, 1, 1], [4, 4, 4, 4], [1, 1], [1, 2, 5, 5]])
def test_every_stretch_has_rows_enough_and_every_row_is_in_one(counts: list[int]) -> None:
    rows = table().head(len(counts)).loc[lambda own: own.index.repeat(counts)]
    near, _ = laid(rows, max(1, sum(counts) // ROWS))
    held = near.rows[near.rows > 0]
    assert float(held.sum()) == sum(counts) and bool((held >= min(ROWS, sum(counts))).all())
    own = torch.searchsorted(near.ends, at(*rows["hour"]), right=True).bincount(minlength=len(near.ends))
    assert torch.equal(own.float(), near.rows[:, 0])
    assert bool(near(at(*rows["hour"]), None).isfinite().all())


def test_stretches_are_longer_where_there_would_be_too_many() -> None:
    near, held = laid(table(), 20)
    assert near.rows.max() == HOURS // 20 and int((near.rows > 0).sum()) == 20
    assert float(near(at(109.5), None)[0, 0]) == pytest.approx(float(held[100:120, 0].mean()), abs=1 / STEPS)
