"""Rows that are begun with their time are those that would have been drawn, but for times that come again."""

from functools import partial

import pytest
import torch

from lookalike.difflm.sampling.times import Once, Times
from lookalike.difflm.small.begun import decode_once
from lookalike.difflm.small.decoder import decode
from lookalike.difflm.small.sizes import VAEConfig
from lookalike.difflm.small.vae import VAE
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


@pytest.mark.parametrize(("share", "more"), [(0.01, []), (0.1, [20]), (0.6, [20])])
def test_more_rows_are_begun_than_are_needed(
    vae: VAE, share: float, more: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Times, "foreseen", lambda self, turn: share)
    once, begun = once_of(vae), []
    fresh = once.fresh

    def told(rows: int, generator: torch.Generator) -> torch.Tensor:
        begun.append(rows)
        return fresh(rows, generator)

    once = Once(once.times, told)
    spare: dict[int, torch.Tensor] = {}
    generator = torch.Generator().manual_seed(0)
    tokens, cells = decode_once(
        vae, torch.randn(80, vae.latent_size), generator, once, once.times.claim(1), spare=spare
    )
    assert begun == more  # no more than there is room for in the memory of the whole records
    assert len(tokens) == len(cells) == 80 == len(tokens[:, TIME].unique(dim=0)) == len(once.times.taken)
    assert len(spare[0]) == 80 * vae.positions(len(vae.place)) * 16


def test_rows_keep_their_times_where_there_are_too_few(vae: VAE) -> None:
    once = once_of(vae)
    once.times.over = True
    generator = torch.Generator().manual_seed(0)
    tokens, _ = decode_once(vae, torch.randn(30, vae.latent_size), generator, once, once.times.claim(1))
    assert len(tokens) == 30 and not len(once.times.taken)
