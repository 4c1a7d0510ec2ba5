"""The likelihood of a slot: it sums to one, and drawing follows it."""

import numpy as np
import pandas as pd
import pytest
import torch

from lookalike.codec import NOT_MISSING, RecordCodec
from lookalike.difflm.small.fields import Fields
from lookalike.table.inferring import infer

ROWS = 1500
SHARES = [0.5, 0.3, 0.12] + [0.002] * 40


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    hurdle = np.where(rng.random(ROWS) < 0.4, 0.0, rng.lognormal(size=ROWS).round(2))
    return pd.DataFrame(
        {
            "size": rng.normal(size=ROWS),
            "hurdle": pd.Series(hurdle).mask(rng.random(ROWS) < 0.1),
            "letter": rng.choice(list("abc") + [f"rare{i}" for i in range(40)], ROWS, p=SHARES),
            "grade": rng.integers(0, 5, ROWS),
            "word": [
                f"{start}{end}" if end > 50 else None
                for start, end in zip(rng.choice(["ne", "so"], ROWS), rng.integers(0, 900, ROWS), strict=True)
            ],
        }
    )


TABLE = table()
CODEC = RecordCodec.fit(TABLE, infer(TABLE))
SLOTS = range(len(CODEC.slots))


@pytest.fixture(scope="module")
def fields() -> Fields:
    torch.manual_seed(0)
    made = Fields(CODEC.slots, 16, 4)
    for head in made.heads:  # at the start they are nearly uniform
        torch.nn.init.normal_(head, std=0.2)
    return made


def options(slot: int) -> tuple[torch.Tensor, torch.Tensor]:
    """All (token, cell) of a slot."""
    tokens, cells = np.nonzero(CODEC.slots[slot].counts)
    return torch.from_numpy(tokens), torch.from_numpy(cells)


def log_probs(fields: Fields, slot: int, hidden: torch.Tensor) -> torch.Tensor:
    tokens, cells = options(slot)
    return fields.log_prob(slot, hidden.expand(len(tokens), -1), tokens, cells).detach().double()


def hidden_of(slot: int) -> torch.Tensor:
    return torch.randn(1, 16, generator=torch.Generator().manual_seed(slot))


def chi_square(drawn: np.ndarray, expected: np.ndarray) -> float:
    """Standard deviations by which the statistic is above what chance gives; rare options count as one."""
    often = expected >= 5
    drawn, expected = (np.append(x[often], x[~often].sum()) for x in (drawn, expected))
    statistic = ((drawn - expected) ** 2 / np.maximum(expected, 1)).sum()
    degrees = max(len(drawn) - 1, 1)
    return float((statistic - degrees) / np.sqrt(2 * degrees))


def counted(slot: int, tokens: torch.Tensor, cells: torch.Tensor) -> np.ndarray:
    """How often every option was drawn; nothing else may be."""
    shape = CODEC.slots[slot].counts.shape
    counts = np.bincount((tokens * shape[1] + cells).numpy(), minlength=shape[0] * shape[1]).reshape(shape)
    assert counts[CODEC.slots[slot].counts == 0].sum() == 0
    own_tokens, own_cells = options(slot)
    return counts[own_tokens.numpy(), own_cells.numpy()]


@pytest.mark.parametrize("slot", SLOTS)
def test_the_probabilities_of_a_slot_sum_to_one(fields: Fields, slot: int) -> None:
    for seed in range(3):
        hidden = torch.randn(1, 16, generator=torch.Generator().manual_seed(seed))
        lost = 0.0  # classes without rows keep a little: that of tokens which are not to be emitted
        nobody = torch.from_numpy(np.flatnonzero(CODEC.slots[slot].counts.sum(1) == 0))
        if len(nobody):
            lost = (
                fields.log_prob(slot, hidden.expand(len(nobody), -1), nobody, 0 * nobody).exp().sum().item()
            )
        assert log_probs(fields, slot, hidden).exp().sum().item() + lost == pytest.approx(1, abs=1e-3)


def test_log_prob_agrees_with_nll(fields: Fields) -> None:
    tokens, cells = (torch.from_numpy(array.astype(np.int64)) for array in CODEC.encode(TABLE))
    hidden = torch.randn(ROWS, len(CODEC.slots), 16, generator=torch.Generator().manual_seed(0))
    nll = fields.nll(hidden, tokens, cells)
    assert (tokens < 0).any() and (nll[tokens < 0] == 0).all()
    for slot in SLOTS:
        own = fields.log_prob(slot, hidden[:, slot], tokens[:, slot], cells[:, slot])
        torch.testing.assert_close(own, -nll[:, slot], atol=1e-4, rtol=1e-4)


def test_embedding_one_slot_agrees_with_embedding_all(fields: Fields) -> None:
    tokens, cells = (torch.from_numpy(array.astype(np.int64)) for array in CODEC.encode(TABLE))
    together = fields.embed(tokens, cells)
    for slot in SLOTS:
        own = fields.embed_slot(slot, tokens[:, slot], cells[:, slot])
        torch.testing.assert_close(own, together[:, slot], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("slot", SLOTS)
def test_drawing_follows_the_probabilities(fields: Fields, slot: int) -> None:
    hidden, draws = hidden_of(slot), 30_000
    generator = torch.Generator().manual_seed(1)
    tokens, cells, mass = fields.draw(slot, hidden.expand(draws, -1), generator)
    expected = log_probs(fields, slot, hidden).exp().numpy()
    banned = np.isin(options(slot)[0].numpy(), CODEC.slots[slot].banned)
    expected[banned] = 0
    drawn = counted(slot, tokens, cells)
    assert drawn[banned].sum() == 0 and (mass == 0).all()
    assert chi_square(drawn, expected / expected.sum() * draws) < 6


CONDITIONS = [
    {"size": (-0.4, 1.1)},
    {"size": (2.2, None)},
    {"hurdle": (0, 1.5)},
    {"hurdle": {0}},
    {"hurdle": None},
    {"hurdle": NOT_MISSING},
    {"letter": {"a", "c"}},
    {"grade": {1, 4}},
    {"word": NOT_MISSING},
]


@pytest.mark.parametrize("where", CONDITIONS, ids=str)
def test_an_allowed_mass_is_the_sum_of_its_cells(fields: Fields, where: dict) -> None:
    ((slot, share),) = CODEC.allowed(where).items()
    hidden, draws = hidden_of(slot), 30_000
    allowed = fields.allow(slot, share)
    tokens, cells, mass = fields.draw(
        slot, hidden.expand(draws, -1), torch.Generator().manual_seed(2), allowed
    )
    own_tokens, own_cells = (array.numpy() for array in options(slot))
    weight = share[own_tokens, own_cells] * ~np.isin(own_tokens, CODEC.slots[slot].banned)
    expected = log_probs(fields, slot, hidden).exp().numpy() * weight
    torch.testing.assert_close(mass, torch.full((draws,), np.log(expected.sum())).float(), atol=2e-3, rtol=0)
    drawn = counted(slot, tokens, cells)
    assert drawn[weight == 0].sum() == 0
    assert chi_square(drawn, expected / expected.sum() * draws) < 6
