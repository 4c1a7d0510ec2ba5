"""What is looked up of a value is what would be computed of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from lookalike.codec import RecordCodec
from lookalike.difflm.small.ahead import ROWS, Ahead
from lookalike.difflm.small.decoder import decode
from lookalike.difflm.small.sizes import VAEConfig
from lookalike.difflm.small.stepping import centred
from lookalike.difflm.small.vae import VAE
from lookalike.table.inferring import infer


def vae_of(injection: str = "soft_prompt") -> VAE:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "letter": rng.choice(list("abc"), 400),
            "many": rng.normal(size=400).round(3),
            "few": rng.choice([1.0, 2.5, np.nan], 400),
        }
    )
    codec = RecordCodec.fit(table, infer(table))
    torch.manual_seed(0)
    return VAE(codec.slots, codec.columns, VAEConfig(width=8, injection=injection)).eval()


@torch.no_grad()
def test_every_value_of_every_slot_is_looked_up() -> None:
    vae = vae_of()
    for field in range(len(vae.fixed)):
        choices = vae.fields.choices(field)
        ahead = Ahead(vae, ROWS * choices)
        following = (field + 1) % len(vae.fixed)
        tokens = torch.arange(vae.fields.token_counts[field]).repeat_interleave(vae.fields.cell_counts[field])
        cells = torch.arange(vae.fields.cell_counts[field]).repeat(vae.fields.token_counts[field])
        tokens, cells = torch.cat([tokens, torch.tensor([-1])]), torch.cat([cells, torch.tensor([0])])
        found = ahead.read(field, following, tokens, cells)
        assert found is not None and len(found.vectors) == choices
        x = centred(vae.fields.embed_slot(field, tokens, cells) + vae.next(torch.tensor([following])))
        torch.testing.assert_close(found.vectors[found.at], x)
        read = torch.cat([found.query, found.key, found.value], 1)[found.at]
        torch.testing.assert_close(read, ahead.step.read(x).float())
        assert Ahead(vae, ROWS * choices - 1).read(field, following, tokens, cells) is None


def test_nothing_is_looked_up_where_the_latent_is_added_to_every_token() -> None:
    ahead = Ahead(vae_of("input_embed"), 10**6)
    assert ahead.read(0, 1, torch.zeros(3, dtype=torch.long), torch.zeros(3, dtype=torch.long)) is None


@pytest.mark.parametrize("injection", ["soft_prompt", "kv_memory"])
def test_records_are_the_same_with_and_without(injection: str) -> None:
    vae = vae_of(injection)
    latent = torch.randn(500, vae.latent_size)
    made = []
    for rows in (0, 10**6):
        generator = torch.Generator().manual_seed(1)
        made.append(decode(vae, latent, generator, 500, ahead=Ahead(vae, rows)))
    assert (made[0][0] == made[1][0]).all(1).float().mean() > 0.99  # but for the rounding of a draw
    assert len(made[0][0].unique(dim=0)) > 100
