"""Numbers that lie near others of their row."""

import numpy as np
import pandas as pd
import pytest
import torch

from lookalike import DiffLM
from lookalike.codec import RecordCodec
from lookalike.difflm.small.anchors import find_anchors
from lookalike.difflm.small.sizes import VAEConfig
from lookalike.difflm.small.vae import VAE
from lookalike.table.inferring import infer
from tests.difflm.conftest import Quick

ROWS = 3000


def cards(rows: int = ROWS) -> pd.DataFrame:
    """Half of the bills are nearly the limit, the others anything; the age tells nothing."""
    rng = np.random.default_rng(0)
    limit = rng.choice(np.arange(10, 80) * 100, rows)
    bill = np.where(rng.random(rows) < 0.5, limit * rng.uniform(0.98, 1, rows), rng.uniform(0, 8000, rows))
    return pd.DataFrame({"limit": limit, "bill": bill.round(2), "age": rng.normal(40, 10, rows).round(1)})


TABLE = cards()
CODEC = RecordCodec.fit(TABLE, infer(TABLE))
LIMIT, BILL, AGE = range(3)


def share_near(made: pd.DataFrame) -> float:
    return float((made["bill"] / made["limit"]).between(0.97, 1.01).mean())


def found(table: pd.DataFrame) -> list[tuple[int, int]]:
    return [pair[:2] for pair in find_anchors(RecordCodec.fit(table, infer(table)), table)]


def test_the_anchor_of_a_number_is_the_column_that_it_lies_near() -> None:
    ((number, anchor, share, scale),) = find_anchors(CODEC, TABLE)
    assert (number, anchor, share) == (BILL, LIMIT, 0.5) and scale < 0.1
    assert found(TABLE.head(500)) == []
    noise = np.random.default_rng(1).normal(0, 1, ROWS)
    assert found(TABLE.assign(bill=(TABLE["limit"] * np.exp(noise)).round(2))) == []
    assert found(TABLE.assign(bill=TABLE["bill"].sample(frac=1, random_state=0).to_numpy())) == []


def anchored() -> VAE:
    """Bills are drawn within a few cells of their anchors, where these have logistics."""
    torch.manual_seed(0)
    vae = VAE(CODEC.slots, CODEC.columns, VAEConfig(anchors=((BILL, LIMIT, 0.5, 0.03),)))
    fields, k = vae.fields, vae.fields.mixtures
    n = fields.numbers.index(BILL)
    with torch.no_grad():
        fields.mixture[n] = 0
        fields.mixture_bias[n, 0, k - 1], fields.mixture_bias[n, 0, 2 * k - 1] = 20.0, 0.0
        fields.mixture_bias[n, 0, 3 * k - 1] = -6.0
    return vae


@pytest.mark.parametrize("written", [{LIMIT}, set()])
def test_an_anchored_logistic_lies_where_the_value_of_the_anchor_is(written: set[int]) -> None:
    vae = anchored()
    tokens, cells = (torch.from_numpy(part).long() for part in CODEC.encode(TABLE))
    added = vae.fields.anchored(BILL, tokens, cells, written)
    hidden = torch.zeros(ROWS, vae.config.width)
    token, cell, _ = vae.fields.draw(BILL, hidden, torch.Generator().manual_seed(0), None, None, added)
    drawn = tokens.clone(), cells.clone()
    drawn[0][:, BILL], drawn[1][:, BILL] = token, cell
    made = CODEC.decode(*(part.numpy() for part in drawn), np.random.default_rng(0))
    free = TABLE["limit"].between(1500, 7500).to_numpy()
    assert (share_near(made[free]) > 0.9) == bool(written)
    # and what is drawn has the probability that is learned
    order = [LIMIT, BILL, AGE] if written else [BILL, LIMIT, AGE]
    at = torch.tensor([[order.index(slot) for slot in range(3)]]).expand(ROWS, -1)
    nll = vae.fields.nll(hidden[:, None].expand(-1, 3, -1), *drawn, None, at)[:, BILL]
    log_prob = vae.fields.log_prob(BILL, hidden, token, cell, None, added)
    assert torch.allclose(nll, -log_prob, atol=1e-4)
    other = torch.tensor([[1 - one if one < 2 else one for one in range(3)]]).expand(ROWS, -1)
    assert (
        not written
        or vae.fields.nll(hidden[:, None].expand(-1, 3, -1), *drawn, None, at.gather(1, other))[
            :, BILL
        ].mean()
        > nll.mean()
    )


@pytest.fixture(scope="module")
def model(quick: Quick) -> DiffLM:
    return quick(steps=250, denoiser_steps=30, seed=0, threads=1).fit(TABLE)


def test_rows_keep_near_what_real_rows_are_near(model: DiffLM, tmp_path: object) -> None:
    made = model.sample(2000, seed=1)
    assert share_near(TABLE) == pytest.approx(0.5, abs=0.03)
    assert share_near(made) == pytest.approx(0.5, abs=0.12)
    model.save(tmp_path)  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(DiffLM.load(tmp_path).sample(200, seed=2), model.sample(200, seed=2))  # type: ignore[arg-type]


def test_conditions_and_given_cells_are_kept_beside_anchors(model: DiffLM) -> None:
    made = model.sample(300, where={"bill": (3000, 4000)}, seed=1)
    assert made["bill"].between(3000, 4000).all()
    near = (made["limit"] - 3500).abs() < 600
    assert near.mean() > 0.3  # the limits of such bills lie near them in half of the rows, else in 17%
    given = pd.DataFrame({"limit": [2000, 5000] * 300})
    made = model.sample(600, given=given, seed=1)
    assert share_near(made) == pytest.approx(0.5, abs=0.15)
