"""Decoding step by step says what reading whole records says; candidates are weighed by their likelihood."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from lookalike.codec import NOT_MISSING, RecordCodec
from lookalike.difflm.small import decoder
from lookalike.difflm.small.draft import Draft
from lookalike.difflm.small.injection import VARIANTS
from lookalike.difflm.small.sizes import VAEConfig
from lookalike.difflm.small.vae import VAE
from lookalike.table.inferring import infer

ROWS = 300


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "kind": rng.choice(list("abc"), ROWS),
            "size": pd.Series(rng.normal(size=ROWS)).mask(rng.random(ROWS) < 0.2),
            "when": pd.Series(
                pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 5000, ROWS), "h")
            ).mask(rng.random(ROWS) < 0.2),
            "word": [
                f"w{a} x{b}" if a % 5 else None
                for a, b in zip(rng.integers(0, 40, ROWS), rng.integers(0, 90, ROWS), strict=True)
            ],
        }
    )


TABLE = table()
SCHEMA = infer(TABLE)
SCHEMA["word"].kind, SCHEMA["word"].format = "text", None  # its own kind is a compound
CODEC = RecordCodec.fit(TABLE, SCHEMA)
TOKENS, CELLS = (torch.from_numpy(array.astype(np.int64)) for array in CODEC.encode(TABLE))


def random_vae(codec: RecordCodec, injection: str) -> VAE:
    """Random weights, so that everything depends on everything before it."""
    torch.manual_seed(0)
    made = VAE(codec.slots, codec.columns, VAEConfig(width=16, mixtures=3, injection=injection, prompts=4))
    for name, weight in made.named_parameters():
        if weight.ndim >= 2 and not name.startswith("fields.mixture"):
            torch.nn.init.normal_(weight, std=0.3)
    return made.eval()


@pytest.fixture(scope="module", params=VARIANTS)
def vae(request: pytest.FixtureRequest) -> VAE:
    return random_vae(CODEC, request.param)


def read(vae: VAE, tokens: Tensor, cells: Tensor, first: list[int], latent: Tensor) -> Tensor:
    """Log probability of every slot, (rows, slots), of whole records read at once, columns `first` first."""
    early = torch.isin(torch.arange(len(vae.columns)), torch.tensor(first, dtype=torch.long))
    order = vae.order(early.expand(len(tokens), -1), tokens)
    with torch.no_grad():
        mean, log_variance = vae.posterior(tokens, cells)
        nll, _, _ = vae(tokens, cells, order, (latent - mean) / (0.5 * log_variance).exp())
    return -nll


@pytest.fixture
def spied(monkeypatch: pytest.MonkeyPatch) -> dict:
    """What the decoder does: which candidates it kept, and how likely it found what it wrote after that."""
    seen: dict = {"kept": None, "weight": None, "written": None}
    resample, write = decoder.resample, Draft.write

    def spy_resample(weight: Tensor, *rest: object) -> Tensor:
        seen["weight"], seen["kept"] = weight, resample(weight, *rest)
        return seen["kept"]

    def spy_write(draft: Draft, order: list, start: int, stop: int, rescored: bool = False) -> None:
        kept = draft.log_prob
        if stop == len(order):
            draft.log_prob = torch.zeros(len(draft.latent))
        write(draft, order, start, stop, True)
        if stop == len(order):
            seen["written"], draft.log_prob = draft.log_prob, kept

    monkeypatch.setattr(decoder, "resample", spy_resample)
    monkeypatch.setattr(Draft, "write", spy_write)
    return seen


def test_writing_step_by_step_says_what_reading_at_once_says(vae: VAE, spied: dict) -> None:
    latent = torch.randn(ROWS, vae.latent_size, generator=torch.Generator().manual_seed(1))
    tokens, cells = decoder.decode(vae, latent, torch.Generator().manual_seed(3), ROWS)
    whole = read(vae, tokens, cells, [], latent)
    torch.testing.assert_close(spied["written"], whole.sum(1), atol=2e-3, rtol=1e-3)
    text = CODEC.columns[3]
    lengths = (tokens[:, text] >= 0).sum(1)
    assert lengths.min() < lengths.max()  # rows were put aside at different times


def test_what_is_given_is_kept_and_scored(vae: VAE, spied: dict) -> None:
    latent = torch.randn(2 * ROWS, vae.latent_size, generator=torch.Generator().manual_seed(1))
    given = {slot: (TOKENS[:, slot], CELLS[:, slot]) for slot in range(len(CODEC.slots))}
    tokens, cells = decoder.decode(vae, latent, torch.Generator(), ROWS, given=given)
    assert torch.equal(tokens, TOKENS) and torch.equal(cells, CELLS)
    whole = read(vae, TOKENS, CELLS, [], latent[spied["kept"]])
    torch.testing.assert_close(spied["weight"][spied["kept"]], whole.sum(1), atol=2e-3, rtol=1e-3)
    assert (whole[:, :2].std(0) > 0.01).all()  # else agreement would mean nothing


@pytest.mark.parametrize("how", ["given", "given text", "allowed"])
def test_after_resampling_cache_and_latents_still_belong_together(vae: VAE, spied: dict, how: str) -> None:
    candidates = 4
    columns = {"given": [1, 2], "given text": [1, 3]}.get(how, [])
    first = [slot for column in columns for slot in CODEC.columns[column]]
    latent = torch.randn(ROWS * candidates, vae.latent_size, generator=torch.Generator().manual_seed(1))
    options: dict = {"given": {slot: (TOKENS[:, slot], CELLS[:, slot]) for slot in first}}
    if how == "allowed":
        shares = CODEC.allowed({"size": NOT_MISSING, "when": ("2024-02-01", "2024-05-01")})
        options = {"allowed": {slot: vae.allow(slot, share) for slot, share in shares.items()}}
    tokens, cells = decoder.decode(vae, latent, torch.Generator().manual_seed(2), ROWS, **options)
    assert len(spied["kept"]) == ROWS
    if columns:
        assert torch.equal(tokens[:, first], TOKENS[:, first])
        assert torch.equal(spied["kept"] // candidates, torch.arange(ROWS))  # a row keeps one of its own
    # a condition only proposes in its own order: the record is weighed and finished in the canonical one
    whole = read(vae, tokens, cells, columns, latent[spied["kept"]])
    early = first if columns else [s for c in (0, 1, 2) for s in CODEC.columns[c]]
    late = [slot for slot in range(len(CODEC.slots)) if slot not in early]
    torch.testing.assert_close(spied["written"], whole[:, late].sum(1), atol=2e-3, rtol=1e-3)
    if columns:
        weight = spied["weight"][spied["kept"]]
        torch.testing.assert_close(weight, whole[:, first].sum(1), atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("injection", VARIANTS)
def test_a_condition_is_met_as_in_the_canonical_order(injection: str) -> None:
    """Random weights make the orders disagree, so only the right weights find the canonical one's rows."""
    codec = RecordCodec.fit(TABLE[["kind", "size"]], infer(TABLE[["kind", "size"]]))
    vae, kind, size = random_vae(codec, injection), codec.columns[0][0], codec.columns[1][0]
    allowed = codec.allowed({"size": None})[size]
    missing = {size: vae.allow(size, allowed)}
    (token,) = np.flatnonzero(allowed.max(1))

    def shares(rows: int, candidates: int, **options: object) -> Tensor:
        generator = torch.Generator().manual_seed(5)
        latent = torch.randn(rows * candidates, vae.latent_size, generator=generator)
        tokens, _ = decoder.decode(vae, latent, generator, rows, **options)
        if not options:
            tokens = tokens[tokens[:, size] == token]
        assert (tokens[:, size] == token).all()
        return torch.bincount(tokens[:, kind], minlength=3)[:3] / len(tokens)

    expected = shares(60_000, 1)
    given = {size: (torch.full((6000,), token), torch.zeros(6000, dtype=torch.long))}
    assert (shares(6000, 8, given=given) - expected).abs().sum() / 2 > 0.02  # in its own order
    assert (shares(6000, 8, allowed=missing) - expected).abs().sum() / 2 < 0.018


def test_candidates_without_a_condition_are_ignored(vae: VAE) -> None:
    latent = torch.randn(20, vae.latent_size)
    one = decoder.decode(vae, latent[::2], torch.Generator().manual_seed(0), 10)
    two = decoder.decode(vae, latent, torch.Generator().manual_seed(0), 10)
    assert torch.equal(one[0], two[0])


def test_what_follows_an_end_is_empty(vae: VAE) -> None:
    latent = torch.randn(500, vae.latent_size, generator=torch.Generator().manual_seed(3))
    tokens, cells = decoder.decode(vae, latent, torch.Generator().manual_seed(4), 500)
    several = [column for column in CODEC.columns if len(column) > 1]
    assert len(several) == 2
    for column in several:
        over = torch.zeros(500, dtype=torch.bool)
        for slot in column:
            assert torch.equal(tokens[:, slot] < 0, over)
            assert (cells[:, slot][over] == 0).all()
            over |= torch.isin(tokens[:, slot], torch.tensor(CODEC.slots[slot].ends))
        assert over.any()
