"""What lies beside a time: stretches of several rows, never that of the time itself."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from lookalike.codec import RecordCodec
from lookalike.difflm.small import near
from lookalike.difflm.small.fields import Fields
from lookalike.difflm.small.near import ROWS, STEPS, WIDE, Near
from lookalike.table.inferring import infer

HOURS = 400
HEAT, SKY = 0, 1


def table() -> pd.DataFrame:
    """A heat that rises with the hour, and a sky that is blue in the later half."""
    hour = np.arange(HOURS)
    sky = np.where(hour < HOURS // 2, "grey", "blue")
    return pd.DataFrame({"heat": hour + 0.5, "sky": sky, "hour": hour})


def encoded(rows: pd.DataFrame, told: list[str]) -> tuple[Fields, Tensor, Tensor]:
    """Of rows, as a record of the columns that are told has them."""
    known = table()[told]
    codec = RecordCodec.fit(known, infer(known))
    assert len(codec.slots) == len(told)
    tokens, cells = (torch.from_numpy(array.astype(np.int64)) for array in codec.encode(rows[told]))
    return Fields(codec.slots, 8, 2), tokens, cells


def laid(rows: pd.DataFrame) -> tuple[Near, Fields]:
    """Of rows of `table`; their "hour" is their place."""
    fields, tokens, cells = encoded(rows, ["heat", "sky"])
    found = Near(fields, [HEAT, SKY], [0, 1])
    found.lay(fields, torch.from_numpy(rows["hour"].to_numpy(dtype=np.float64)), tokens, cells)
    return found, fields


def score(rows: pd.DataFrame) -> Tensor:
    fields, tokens, cells = encoded(rows, ["heat", "sky"])
    return fields.features[:, 3][tokens[:, HEAT] * fields.cells + cells[:, HEAT]] * 2


def at(*places: float) -> Tensor:
    return torch.tensor(places, dtype=torch.float64)


def means(own: Tensor) -> Tensor:
    """Of stretches of `ROWS` rows."""
    return own.view(-1, ROWS).mean(1)


def test_the_stretches_before_and_after_are_told_and_what_lies_between() -> None:
    found, _ = laid(table())
    own = means(score(table()))
    told = found(at(102, 300))  # the middle of the stretch 20, and the begin of 60
    width = 3  # a number and two values of a choice
    assert found.size == 7 * width + 2 == told.shape[1]
    parts = told[:, :-2].view(2, 7, width)
    for row, (stretch, share) in enumerate(((20, 0.5), (60, 0.3))):
        before, after = own[stretch - 1], own[stretch + 1]
        beside = [before, after, before + share * (after - before), own[stretch - 2]]
        beside += [own[stretch - WIDE : stretch].mean(), own[stretch + 2]]
        beside += [own[stretch + 1 : stretch + 1 + WIDE].mean()]
        assert torch.allclose(parts[row, :, 0], torch.stack(beside), atol=0.6 / STEPS)
    assert torch.allclose(told[:, -2:], torch.tensor([[2.5, 2.5], [0.5, 4.5]]).log() / 2)
    sky = parts[:, :, 1:]  # of one value before and after the first place, of the other around the second
    assert torch.allclose(sky.sum(2), torch.ones(2, 7)) and torch.allclose(sky[0], 1 - sky[1])
    assert bool((sky == sky[:, :1]).all())


def test_no_row_is_told_what_it_holds_and_none_is_kept_by_itself() -> None:
    """All rows of a time are left out, whether a row is one of them or is drawn at their time."""
    rows = pd.concat([table(), table().assign(heat=0.5)])  # two rows of every time
    before = laid(rows)[0]
    changed = laid(rows.assign(heat=rows["heat"].where(~rows["hour"].isin([100, 250]), 399.5)))[0]
    assert torch.equal(changed(at(100, 250)), before(at(100, 250)))
    assert not torch.equal(changed(at(104, 254)), before(at(104, 254)))
    for made, many in ((before, rows), (laid(table())[0], table())):
        hours = many["hour"].to_numpy()
        held = np.histogram(hours, made.edges.numpy())[0]
        assert held.min() >= ROWS and held.sum() == len(many)
        assert not np.isin(made.edges.numpy(), hours).any()


@pytest.mark.parametrize("counts", [[9], [1] * 23, [4, 1, 9, 1, 1, 1], [1, 1], [5, 5]])
def test_every_stretch_has_rows_enough_and_none_is_lost(counts: list[int]) -> None:
    ends = near._ends(np.array(counts), ROWS)
    held = np.add.reduceat(counts, ends[:-1])
    assert ends[0] == 0 and ends[-1] == len(counts) and held.sum() == sum(counts)
    assert (held >= min(ROWS, sum(counts))).all()


def test_beyond_the_ends_lies_nothing() -> None:
    found, _ = laid(table())
    told = found(at(-1e12, 0, HOURS - 1, 1e12))
    own = means(score(table()))
    assert told[:2, 0].tolist() == [0, 0] and told[2:, 3].tolist() == [0, 0]
    assert torch.allclose(told[:2, 3], own[1].expand(2), atol=0.5 / STEPS)
    assert torch.allclose(told[2:, 0], own[-2].expand(2), atol=0.5 / STEPS)
    assert bool(told.isfinite().all())
    one, _ = laid(table().head(1))
    assert bool((one(at(0, 5))[:, :-2] == 0).all())


def test_many_times_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = laid(table())[0]
    monkeypatch.setattr(near, "PLACES", 40)
    found, _ = laid(table())
    assert len(whole.beside) == HOURS // ROWS and len(found.beside) == 40
    own = score(table())
    assert found(at(105))[0, 0] == pytest.approx(float(own[90:100].mean()), abs=1 / STEPS)


def test_what_is_kept_is_coarse_and_comes_back() -> None:
    found, fields = laid(table())
    kept = found.arrays()
    assert kept["beside"].dtype == torch.int8
    other = Near(fields, [HEAT, SKY], [0, 1])
    other.take(kept)
    places = torch.linspace(-5, HOURS + 5, 99, dtype=torch.float64)
    assert torch.equal(other(places), found(places))


def test_what_is_not_there_is_told_as_the_middle() -> None:
    fields, tokens, cells = encoded(table(), ["heat", "sky"])
    tokens[95:100] = -1
    found = Near(fields, [HEAT, SKY], [0, 1])
    found.lay(fields, torch.arange(HOURS, dtype=torch.float64), tokens, cells)
    assert found(at(100))[0, :3].tolist() == [0, 0, 0] and float(found(at(105))[0, 0]) != 0
