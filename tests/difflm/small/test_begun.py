"""Rows that are begun with their time are those that would have been drawn, but for times that come again."""

from functools import partial

import pytest
import torch

from lookalike.difflm.sampling.drawing import Drawing
from lookalike.difflm.sampling.times import Once, Times
from lookalike.difflm.sampling.told import Told
from lookalike.difflm.small import begun
from lookalike.difflm.small.begun import decode_once
from lookalike.difflm.small.decoder import decode
from lookalike.difflm.small.draft import Draft
from lookalike.difflm.small.sizes import VAEConfig
from lookalike.difflm.small.vae import VAE
from lookalike.difflm.training.threads import Threads
from tests.difflm.small.test_axis import AXIS, CELLS, CODEC, TOKENS

TIME = list(AXIS)


@pytest.fixture
def vae() -> VAE:
    torch.manual_seed(0)
    made = VAE(CODEC.slots, CODEC.columns, VAEConfig(width=16, axis=AXIS, knots=64, near=100)).eval()
    assert made.axis is not None
    made.axis.lay(TOKENS, CELLS)
    return made


def once_of(vae: VAE) -> Once:
    return Once(Times(), lambda rows, generator: torch.randn(rows, vae.latent_size, generator=generator))


def test_times_of_their_own(vae: VAE) -> None:
    latent, once = torch.randn(60, vae.latent_size), once_of(vae)
    seeded = partial(torch.Generator().manual_seed, 3)
    first = decode_once(vae, latent, seeded(), once, once.times.claim(1))
    plain = decode(vae, latent, seeded(), 60)
    assert (first[0] == plain[0]).all() and (first[1] == plain[1]).float().mean() > 0.99
    again = decode_once(vae, latent, seeded(), once, once.times.claim(1))
    both = torch.cat([first[0], again[0]])[:, TIME]
    assert len(both.unique(dim=0)) == len(both) == len(once.times.taken)
    assert (again[0] >= 0).all() and again[0].shape == first[0].shape


@pytest.mark.parametrize(("likely", "whole"), [(0.0, []), (2.0, [80])])
def test_the_last_part_of_a_time_is_drawn_anew_or_another_row_begun(
    vae: VAE, likely: float, whole: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun, "LIKELY", likely)
    latent, asked = torch.randn(80, vae.latent_size), []
    before, once = latent.clone(), once_of(vae)

    def fresh(rows: int, generator: torch.Generator) -> torch.Tensor:
        asked.append(rows)
        return torch.randn(rows, vae.latent_size, generator=generator)

    once, spare = Once(once.times, fresh), {}
    for _ in range(2):  # the same rows again
        generator = torch.Generator().manual_seed(0)
        tokens, cells = decode_once(vae, latent, generator, once, once.times.claim(1), spare=spare)
    assert len(tokens) == len(cells) == 80 == len(tokens[:, TIME].unique(dim=0)) == len(once.times.taken) / 2
    assert len(spare[0]) == 80 * vae.positions(len(vae.place)) * 16
    assert asked[: len(whole)] == whole and set(asked) <= {*range(10, 81, 10)} and latent.equal(before)
    plain = decode(vae, latent, torch.Generator().manual_seed(0), 80)[0]
    stays = (tokens[:, TIME[:3]] == plain[:, TIME[:3]]).all(1)
    assert bool(stays.all()) is (likely == 0.0)  # all but the hour


def test_hours_that_the_network_finds_unlikely_are_not_taken(
    vae: VAE, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour, generator, rows = TIME[-1], torch.Generator().manual_seed(0), torch.arange(3)
    for weight in vae.fields.parameters():
        torch.nn.init.normal_(weight.detach())
    draft = Draft(vae, torch.randn(3, vae.latent_size), generator, {}, Drawing(), {}, Threads(1), Told())
    draft.tokens[:], draft.cells[:] = TOKENS[:3], CELLS[:3]
    draft.before = torch.randn(1, vae.config.width).expand(3, -1)
    assert vae.axis is not None
    each = vae.axis.order_each(draft.tokens, draft.cells, hour)
    found = vae.axis.order(draft.tokens, draft.cells)
    assert (each.gather(1, draft.tokens[:, [hour]])[:, 0] == found).all()
    options = draft.ahead.heads.options(int(vae.field_of[hour]), draft.before)
    assert options is not None
    chance, once = options.detach().softmax(-1)[0], once_of(vae)
    least, most = int(chance.argmin()), int(chance.argmax())
    left = torch.ones_like(each, dtype=torch.bool)
    left[0, least] = left[1, most] = False  # what no row has of the days of the first two
    once.times.take(each[:2][left[:2]].numpy())
    draft.tokens[2, hour] = -1  # a day without an hour
    monkeypatch.setattr(begun, "LIKELY", float(chance[most]))
    assert begun._moved(draft, hour, once, rows).tolist() == [1] and draft.tokens[1, hour] == most
    monkeypatch.setattr(begun, "LIKELY", 0.0)
    assert begun._moved(draft, hour, once, rows[:2]).tolist() == [0, 1] and draft.tokens[0, hour] == least


def test_rows_keep_their_times_where_there_are_too_few(vae: VAE) -> None:
    once = once_of(vae)
    once.times.over = True
    generator = torch.Generator().manual_seed(0)
    tokens, _ = decode_once(vae, torch.randn(30, vae.latent_size), generator, once, once.times.claim(1))
    assert len(tokens) == 30 and not len(once.times.taken)
