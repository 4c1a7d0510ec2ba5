"""Values that are drawn by the weights as they are have the chances that the likelihood says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from lookalike.codec import RecordCodec
from lookalike.difflm.small.fields import Fields
from lookalike.difflm.small.heads import COLUMNS, Heads
from lookalike.table.inferring import infer

DRAWS = 40_000


@pytest.fixture(scope="module")
def codec() -> RecordCodec:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "letter": rng.choice(list("abc"), 600),
            "rare": rng.choice(["x", "y", "z"], 600, p=[0.6, 0.399, 0.001]),
            "many": rng.normal(size=600).round(3),
            "spike": np.where(rng.random(600) < 0.5, 0, rng.normal(size=600).round(3)),
            "gaps": rng.choice([1.0, 2.5, np.nan], 600),
        }
    )
    return RecordCodec.fit(table, infer(table))


@torch.no_grad()
def test_values_have_the_chances_of_the_likelihood(codec: RecordCodec) -> None:
    torch.manual_seed(0)
    fields = Fields(codec.slots, 8, 4)
    for weight in fields.parameters():
        weight.add_(torch.randn_like(weight) * 0.3)
    heads = Heads(fields)
    for slot, own in enumerate(codec.slots):
        hidden = torch.randn(1, 8)
        generator = torch.Generator().manual_seed(slot)
        tokens, cells = heads.draw(slot, hidden.expand(DRAWS, -1), generator)
        assert heads.known[slot].weight.shape[1] % COLUMNS == 0
        options = heads.options(slot, hidden)
        assert (options is not None) == (own.column != "many")
        pairs = torch.cartesian_prod(torch.arange(own.tokens), torch.arange(own.cells)).view(-1, 2)
        expected = fields.log_prob(slot, hidden.expand(len(pairs), -1), pairs[:, 0], pairs[:, 1]).exp()
        there = torch.from_numpy(own.counts.reshape(-1) > 0)
        expected = torch.where(there & ~torch.isin(pairs[:, 0], torch.tensor(own.banned)), expected, 0.0)
        at = tokens * own.cells + (0 if cells is None else cells)
        drawn = torch.bincount(at, minlength=len(pairs)) / DRAWS
        assert (drawn[expected == 0] == 0).all()
        expected = expected / expected.sum()
        often = expected * DRAWS >= 5
        missed = ((drawn - expected).square() / expected)[often].sum() * DRAWS
        degrees = max(1, int(often.sum()) - 1)
        assert (missed - degrees) / np.sqrt(2 * degrees) < 5
