"""What trees say of a slot before the network corrects it, and that every way of asking says the same."""

import numpy as np
import pandas as pd
import pytest
import torch

from lookalike.codec import RecordCodec
from lookalike.difflm.small.base import Base, fit_base, of_arrays
from lookalike.difflm.small.chains import Orders
from lookalike.difflm.small.decoder import decode
from lookalike.difflm.small.numbers import number_tables
from lookalike.difflm.small.records import TokenRecords
from lookalike.difflm.small.sizes import VAEConfig
from lookalike.difflm.small.vae import VAE
from lookalike.difflm.training.threads import Threads
from lookalike.table.inferring import infer

SHIPPED = True
ROWS = 400


def table() -> pd.DataFrame:
    """`near` follows from `kind` and `size` nearly, `flag` from `size` alone; `size` has some gaps."""
    rng = np.random.default_rng(0)
    kind, size = rng.choice(list("abc"), ROWS), rng.normal(size=ROWS)
    near = size + 4 * (kind == "b") + 0.1 * rng.normal(size=ROWS)
    gone = rng.random(ROWS) < 0.1
    flag = np.where(size > 0, "yes", "no")
    return pd.DataFrame({"near": near, "kind": kind, "size": np.where(gone, np.nan, size), "flag": flag})


TABLE = table()
CODEC = RecordCodec.fit(TABLE, infer(TABLE))
TOKENS, CELLS = (torch.from_numpy(array.astype(np.int64)) for array in CODEC.encode(TABLE))


def only(vae: VAE, order: list[int]) -> Orders:
    return Orders([order], vae.fixed_in, vae.in_turn)


@pytest.fixture(scope="module")
def vae() -> VAE:
    """At its first step: the network corrects nothing."""
    torch.manual_seed(0)
    made = VAE(CODEC.slots, CODEC.columns, VAEConfig(width=16, based=True)).eval()
    made.base, _, _ = fit_base(made.fields, made.fixed, only(made, made.arranged), TOKENS, CELLS, 0)
    return made


def drawn(vae: VAE, rows: int, **conditions: object) -> pd.DataFrame:
    latent = torch.randn(rows * (16 if conditions else 1), vae.latent_size)
    generator = torch.Generator().manual_seed(0)
    tokens, cells = decode(vae, latent, generator, rows, **conditions)  # type: ignore[arg-type]
    return CODEC.decode(tokens.numpy(), cells.numpy(), np.random.default_rng(0))


def test_the_network_begins_as_a_chain_of_trees(vae: VAE) -> None:
    rows = drawn(vae, 2000)
    shift = rows["near"] - rows["size"] - 4 * (rows["kind"] == "b")
    assert shift.abs().median() < 0.3 and rows["near"].std() > 1.5
    agrees = (rows["flag"] == "yes") == (rows["size"] > 0)
    assert agrees[rows["size"].notna()].mean() > 0.9


def test_a_row_sees_a_tree_that_has_not_seen_it(vae: VAE) -> None:
    """Were it otherwise, a class drawn by lot would be told better than by its frequencies."""
    lots = TABLE.assign(kind=np.random.default_rng(1).permutation(TABLE["kind"]))[["kind", "size"]]
    codec = RecordCodec.fit(lots, infer(lots))
    tokens, cells = (torch.from_numpy(array.astype(np.int64)) for array in codec.encode(lots))
    made = VAE(codec.slots, codec.columns, VAEConfig(width=16, based=True)).eval()
    base, fold, _ = fit_base(made.fields, made.fixed, only(made, [1, 0]), tokens, cells, 0)
    placed = base.place_rows(tokens, cells, fold)
    said = base.said_of(0, placed.leaf[:, 0].long(), placed.predicted[:, 0], placed.odds[:, 0], True)
    told = said.logits[0].log_softmax(-1).gather(1, tokens[:, :1])
    frequency = torch.bincount(tokens[:, 0]).float() / ROWS
    assert float(told.mean()) <= float(frequency[tokens[:, 0]].log().mean()) + 0.005


def test_columns_come_in_the_order_that_rows_are_likeliest_in() -> None:
    """As the network has them at its first step, when it corrects nothing."""
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, ROWS))
    signs = pd.DataFrame({"above": np.where(one + 0.2 * other > 0, "yes", "no"), "one": one, "other": other})
    codec = RecordCodec.fit(signs, infer(signs))
    tokens, cells = (torch.from_numpy(array.astype(np.int64)) for array in codec.encode(signs))
    torch.manual_seed(0)
    made = VAE(codec.slots, codec.columns, VAEConfig(width=16, based=True)).eval()
    orders = [[0, 1, 2], [1, 2, 0], [2, 0, 1]]
    with torch.no_grad():
        likely = []
        for order in orders:
            made.arrange(order)
            assert made.canonical == made.fixed_in(order) and made.place.argsort().tolist() == order
            made.base, fold, _ = fit_base(made.fields, made.fixed, only(made, order), tokens, cells, 0)
            latent, written = torch.zeros(ROWS, made.latent_size), made.place.argsort().expand(ROWS, -1)
            told = made.nll(latent, tokens, cells, written, placed=made.placed(tokens, cells, fold))
            likely.append(-float(told.sum(1).mean()))
    several = Orders(orders, made.fixed_in, made.in_turn)
    _, _, best = fit_base(made.fields, made.fixed, several, tokens, cells, 0)
    assert best == orders[int(np.argmax(likely))] and max(likely) - min(likely) > 0.03


def test_the_order_is_saved_with_the_base() -> None:
    made, again = (VAE(CODEC.slots, CODEC.columns, VAEConfig(width=16, based=True)).eval() for _ in range(2))
    made.arrange([2, 0, 3, 1])
    made.base, _, _ = fit_base(made.fields, made.fixed, only(made, made.arranged), TOKENS, CELLS, 0)
    TokenRecords(CODEC, again, Threads(1)).load(TokenRecords(CODEC, made, Threads(1)).weights())
    assert again.arranged == [2, 0, 3, 1] and again.canonical == made.canonical
    torch.manual_seed(0)
    one = drawn(made, 20)
    torch.manual_seed(0)
    pd.testing.assert_frame_equal(drawn(again, 20), one)


def test_reading_a_record_and_writing_it_slot_by_slot_say_the_same(vae: VAE) -> None:
    made = VAE(CODEC.slots, CODEC.columns, VAEConfig(width=16, based=True)).eval()
    for name, weight in made.named_parameters():
        if weight.ndim >= 2:
            torch.nn.init.normal_(weight, std=0.1 if name.startswith("fields.mixture") else 0.3)
    made.base = vae.base
    few = slice(0, 30)
    latent, fold = torch.randn(30, made.latent_size), torch.arange(30) % vae.base.folds  # type: ignore[union-attr]
    order = made.place.argsort().expand(30, -1)
    with torch.no_grad():
        placed = made.placed(TOKENS[few], CELLS[few], fold)
        whole = -made.nll(latent, TOKENS[few], CELLS[few], order, placed=placed)
        for at in range(order.shape[1]):
            slot = int(order[0, at])
            x, _ = made.sequence(latent, TOKENS[few], CELLS[few], order[:, :at], placed)
            own = made.base.place(slot, TOKENS[few], CELLS[few], fold)  # type: ignore[union-attr]
            said = made.base.said_of(slot, *own, True)  # type: ignore[union-attr]
            x[:, -1] += made.next(torch.full((30,), slot), said.hints)
            hidden = made.backbone(x)[:, -1]
            one = made.fields.log_prob(slot, hidden, TOKENS[few, slot], CELLS[few, slot], said)
            torch.testing.assert_close(one, whole[:, slot], atol=1e-4, rtol=1e-4)


def test_what_comes_first_is_told_without_what_comes_before_in_the_canonical_order(vae: VAE) -> None:
    last = vae.fixed.index(int(vae.place.argmax()))
    order = [vae.fixed[last], *(vae.fixed[slot] for slot in vae.canonical if slot != last)]
    known = vae.known_in(order)
    assert known == set(range(len(vae.fixed))) - {last}
    assert vae.known_in(order[1:2]) == {vae.canonical[0]}


def test_given_cells_count_in_the_columns_before_them(vae: VAE) -> None:
    last = int(vae.place.argmax())
    held = TABLE.assign(near=np.where(np.arange(ROWS) % 2, 1.0, 5.0))
    tokens, cells = (torch.from_numpy(array.astype(np.int64)) for array in CODEC.encode(held))
    assert CODEC.slots[last].column in ("near", "size")
    slot = CODEC.columns[0][0]
    rows = drawn(vae, ROWS, given={slot: (tokens[:, slot], cells[:, slot])})
    high = rows["near"] > 3
    assert (rows["kind"] == "b")[high].mean() > 0.7 and (rows["kind"] == "b")[~high].mean() < 0.2


def test_a_base_is_read_as_it_was_saved(vae: VAE) -> None:
    assert isinstance(vae.base, Base)
    again = of_arrays(vae.fields, vae.fixed, {k: v.clone() for k, v in vae.base.arrays().items()})
    fold = torch.zeros(ROWS, dtype=torch.long)
    one, other = (base.place_rows(TOKENS, CELLS, fold) for base in (vae.base, again))
    assert all(
        torch.equal(getattr(one, name), getattr(other, name)) for name in ("leaf", "predicted", "odds")
    )
    assert float(one.odds.sum()) > 0
    known = torch.ones(ROWS, len(vae.fixed), dtype=torch.bool)
    for a, b in zip(vae.base.said(one, known).logits, again.said(other, known).logits, strict=True):
        assert torch.equal(a, b)


def test_values_of_few_rows_are_stretches_of_a_smooth_mixture() -> None:
    """A table of 400 rows has cells of 5: as classes each would be learned for itself."""
    plain, smooth = (number_tables([CODEC.slots[0]], least).spread for least in (0, 100))
    assert not plain.any() and smooth.all()
    zeros = pd.DataFrame({"x": np.where(np.arange(300) % 2, 0.0, np.arange(300.0))})
    slot = RecordCodec.fit(zeros, infer(zeros)).slots[0]
    spread = number_tables([slot], 100).spread
    assert not spread[slot.counts.sum(1).argmax()] and spread.sum() == len(spread) - 1
