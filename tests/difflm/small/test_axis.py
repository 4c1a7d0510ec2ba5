"""The time of a row as one input: when it is found, what it is, and who is told of it."""

import numpy as np
import pandas as pd
import pytest
import torch

from lookalike.codec import RecordCodec
from lookalike.difflm.small.ahead import Ahead
from lookalike.difflm.small.axis import Axis, find_axis, knots_of
from lookalike.difflm.small.decoder import decode
from lookalike.difflm.small.sizes import VAEConfig
from lookalike.difflm.small.vae import VAE
from lookalike.difflm.training.threads import Threads
from lookalike.table.inferring import infer

ROWS = 3000


def weather(split: bool = True) -> pd.DataFrame:
    """A temperature that wanders by the hour: each is near that of the hours beside it."""
    rng = np.random.default_rng(0)
    time = pd.Series(pd.date_range("2011-01-01", periods=ROWS, freq="5h"))
    wander = pd.Series(rng.normal(size=ROWS).cumsum()).rolling(5, min_periods=1).mean()
    heat = (wander - wander.rolling(400, min_periods=1, center=True).mean()).round(1)
    if split:
        date = {"hour": time.dt.hour, "month": time.dt.month, "year": time.dt.year, "day": time.dt.day}
    else:
        date = {"time": time}
    rows = pd.DataFrame({**date, "heat": heat, "noise": rng.normal(size=ROWS)})
    return rows.sample(frac=1, random_state=0).reset_index(drop=True)


TABLE = weather()
CODEC = RecordCodec.fit(TABLE, infer(TABLE))
TOKENS, CELLS = (torch.from_numpy(array.astype(np.int64)) for array in CODEC.encode(TABLE))
AXIS = (2, 1, 3, 0)


def made() -> VAE:
    torch.manual_seed(0)
    vae = VAE(CODEC.slots, CODEC.columns, VAEConfig(width=16, axis=AXIS, knots=64)).eval()
    assert vae.axis is not None
    vae.axis.lay(TOKENS, CELLS)
    for weight in vae.parameters():
        if weight.ndim >= 2:
            torch.nn.init.normal_(weight, std=0.3)
    return vae


def test_the_parts_of_a_date_are_found_coarsest_first() -> None:
    assert find_axis(CODEC, TABLE) == AXIS


def test_a_date_column_is_an_axis() -> None:
    table = weather(split=False)
    codec = RecordCodec.fit(table, infer(table))
    found = find_axis(codec, table)
    assert [codec.slots[slot].column for slot in found] == ["time"] * len(found) and len(found) == 2


def test_a_time_that_tells_nothing_is_none() -> None:
    """The same dates, dealt anew among the rows; and a table without dates."""
    table = TABLE.assign(heat=TABLE["heat"].sample(frac=1, random_state=1).to_numpy())
    assert find_axis(RecordCodec.fit(table, infer(table)), table) == ()
    plain = TABLE[["heat", "noise"]]
    assert find_axis(RecordCodec.fit(plain, infer(plain)), plain) == ()


def test_knots_of_one_place_are_finite() -> None:
    axis = Axis([(0, 2, 1), (1, 3, 1)], 1, 16, 4)
    same, cells = torch.ones(9, 2, dtype=torch.long), torch.zeros(9, 2, dtype=torch.long)
    axis.lay(same, cells)
    assert bool(axis.embed(same, cells).isfinite().all())
    assert bool(axis.embed(torch.zeros_like(same), cells).isfinite().all())


def test_the_order_of_the_file_is_no_time() -> None:
    """Many rows of one time, which stand in the file in the order of what the time tells nothing of."""
    rng = np.random.default_rng(0)
    heat = np.sort(rng.normal(size=ROWS)).round(2)
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 30, ROWS), "D")
    for time in ({"day": day}, {"year": rng.integers(2000, 2004, ROWS), "month": rng.integers(1, 13, ROWS)}):
        table = pd.DataFrame({**time, "heat": heat})
        assert find_axis(RecordCodec.fit(table, infer(table)), table) == ()


def test_few_rows_have_no_axis() -> None:
    assert find_axis(CODEC, TABLE.head(500)) == ()
    assert knots_of(100) < knots_of(30_000) <= 2048


def test_what_is_near_in_time_is_near_for_the_network() -> None:
    axis = made().axis
    assert axis is not None
    order = axis.order(TOKENS, CELLS).argsort()
    told = axis.embed(TOKENS, CELLS)[order]
    beside = (told[1:] - told[:-1]).norm(dim=1).mean()
    apart = (told - told[torch.randperm(ROWS)]).norm(dim=1).mean()
    assert beside < 0.2 * apart


def test_reading_a_record_and_writing_it_slot_by_slot_say_the_same() -> None:
    """The likelihood of a slot is the same whether the others are read at once or one after the other."""
    vae = made()
    few = slice(0, 20)
    tokens, cells = TOKENS[few], CELLS[few]
    latent = torch.randn(20, vae.latent_size)
    order = vae.place.argsort().expand(20, -1)
    with torch.no_grad():
        whole = vae.nll(latent, tokens, cells, order)
        for n in (2, 4, 5):
            slots = order[0, :n].tolist()
            x, _ = vae.sequence(latent, tokens, cells, order[:, :n])
            slot = order[:, n]
            timed = None
            if int(vae.field_of[slot[0]]) in vae.timed_in(order[0].tolist()):
                assert vae.axis is not None
                timed = vae.axis.embed(tokens, cells) @ vae.axis.tell[int(vae.field_of[slot[0]])]
            assert (timed is None) == (not set(AXIS) <= set(slots))
            x = torch.cat([x[:, :-1], x[:, -1:] + vae.next(slot, timed=timed).unsqueeze(1)], 1)
            hidden = vae.backbone(x)[:, -1]
            own = -vae.fields.log_prob(int(slot[0]), hidden, tokens[:, slot[0]], cells[:, slot[0]])
            assert torch.allclose(own, whole[:, slot[0]], atol=1e-4)


@pytest.mark.parametrize("given", [[], [4], [0, 5]])
def test_rows_are_written_whatever_is_given(given: list[int]) -> None:
    vae = made()
    held = {slot: (TOKENS[:8, slot], CELLS[:8, slot]) for slot in given}
    generator = torch.Generator().manual_seed(0)
    tokens, _ = decode(vae, torch.randn(16, vae.latent_size), generator, 8, given=held)
    assert tokens.shape == (8, 6) and bool((tokens >= 0).all())
    assert all(torch.equal(tokens[:, slot], TOKENS[:8, slot]) for slot in given)


def test_rows_of_a_time_are_written_together() -> None:
    """All are at one slot, so that the whole of them is measured."""

    class Counted(Threads):
        begun = ended = 0

        def begin(self) -> None:
            self.begun += 1

        def end(self, work: float = 1.0) -> None:
            self.ended += 1

    vae, threads = made(), Counted(1)
    decode(vae, torch.randn(8, vae.latent_size), torch.Generator().manual_seed(0), 8, threads=threads)
    assert (threads.begun, threads.ended) == (1, 1)


@torch.no_grad()
def test_what_is_looked_up_of_a_value_is_told_of_the_time() -> None:
    vae, latent, drawn = made(), torch.randn(400, 16), []
    assert vae.axis is not None
    vae.axis.lay(TOKENS, CELLS)
    vae.axis.tell.mul_(30)  # so that rows would differ without it
    for rows in (0, 10**6):
        generator = torch.Generator().manual_seed(1)
        drawn.append(decode(vae, latent[:, : vae.latent_size], generator, 400, ahead=Ahead(vae, rows)))
    assert all((a == b).float().mean() > 0.99 for a, b in zip(*drawn, strict=True))
