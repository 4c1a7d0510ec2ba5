"""What a row has nothing of is left empty in drawing, as it was in training, and nowhere else."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import lookalike
from lookalike.codec.slot import Slot, plain_slot
from lookalike.difflm import DiffLM
from lookalike.difflm.small.hiding import behind, hidden_in
from lookalike.table.rule import EmptyTogether, EmptyWhen, Joined, Order, Rule

pytestmark = pytest.mark.usefixtures("few_candidates")

ROWS = 300


def number(tokens: int) -> Slot:
    """A slot of so many numbers, and a token of missing cells behind them."""
    rank = np.append(np.linspace(0, 1, tokens), np.nan)[:, None]
    return Slot("x", "", np.ones((tokens + 1, 1)), rank, rank)


def kinds() -> tuple[pd.DataFrame, list[Rule]]:
    rng = np.random.default_rng(0)
    own, gone, tested = (rng.random(ROWS) < share for share in (0.2, 0.5, 0.4))
    low, gap = rng.gamma(4, 10, ROWS).round(1), rng.gamma(3, 5, ROWS).round(1) + 0.1
    a, b = rng.choice(list("abcd"), ROWS), rng.choice(list("stuv"), ROWS)
    table = {
        "low": pd.Series(low).mask(rng.random(ROWS) < 0.2),
        "high": np.where(own, low - gap, low + gap).round(1),
        "a": a,
        "b": b,
        "code": np.where(own, rng.choice(["q-q", "r-r"], ROWS), np.char.add(np.char.add(a, "-"), b)),
        "tested": np.where(tested, "yes", "no"),
        "result": pd.Series(rng.gamma(3, 1, ROWS).round(2).astype(str)).where(tested, "?"),
        "x": pd.Series(rng.gamma(3, 1, ROWS).round(2)).mask(gone),
        "y": pd.Series(rng.gamma(3, 1, ROWS).round(2)).mask(gone),
        "z": rng.normal(size=ROWS).round(2),
    }
    joined = (("as it is", "a"), ("text", "-"), ("as it is", "b"))
    rules = [
        Order("low", "high"),
        Joined("code", joined),
        EmptyWhen("result", "tested", ("no",), "?"),
        EmptyTogether(("x", "y")),
    ]
    return pd.DataFrame(table), rules


@pytest.fixture(scope="module")
def model(quick: Any) -> DiffLM:
    table, rules = kinds()
    schema = lookalike.infer(table)
    schema.rules = rules
    return quick(3, 3, seed=1, threads=1).fit(table, schema)  # type: ignore[no-any-return]


def drawn(model: DiffLM, rows: int = 600) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Drawn rows as they are modelled, and (rows, columns) bool: where they say nothing."""
    fitted = model.fitted
    generator = torch.Generator().manual_seed(1)
    records = fitted.records.draw(fitted.fresh(rows, generator), rows, generator)
    first = [own[0] for own in fitted.plan.codec.columns]
    gone = pd.DataFrame(records[:, 0, first] < 0, columns=fitted.records.columns)
    return fitted.records.decode(records, np.random.default_rng(0)), gone


def test_every_kind_is_empty_where_its_flag_says_so_and_only_there(model: DiffLM) -> None:
    rows, gone = drawn(model)
    below = rows["high (flag)"] == "own"
    unknown = rows["low"].isna()
    expected = {
        "high (gap)": below | unknown,
        "high (below)": ~below,
        "high": ~unknown,
        "code": rows["code (flag)"] == "rule",
        "result": rows["tested"] == "no",
        "x": rows["x (flag)"] == "--",
        "y": rows["x (flag)"] == "--",
    }
    assert {"high (gap)", "code", "result", "x"} <= {*gone.columns}
    seen = ~(below & unknown)  # no real row of an unknown bound is known to break the order
    for name, hidden in expected.items():
        assert 0 < hidden.mean() < 1, name
        pd.testing.assert_series_equal(gone[name][seen], hidden[seen], check_names=False)
    assert not gone.drop(columns=[*expected]).any(axis=None)


def test_a_hidden_column_comes_after_what_tells_where(model: DiffLM) -> None:
    vae, names = model.fitted.records.vae, model.fitted.records.columns  # type: ignore[attr-defined]
    order = [names[column] for column in vae.arranged]
    for name, telling in {"x": ["x (flag)"], "result": ["tested"], "high": ["low"]}.items():
        assert all(order.index(one) < order.index(name) for one in telling)


def test_rows_are_whole_under_conditions_given_cells_and_in_filling(model: DiffLM) -> None:
    table = kinds()[0]
    met = model.sample(200, where={"x": (1, 4), "tested": "yes"}, seed=2)
    coded = model.sample(200, where={"code": "q-q"}, seed=2)
    for found in (
        model.sample(200, seed=2),
        met,
        coded,
        model.sample(like=table.head(30), strength=0.5, seed=2),
    ):
        assert (found["x"].isna() == found["y"].isna()).all()
        assert ((found["result"] == "?") == (found["tested"] == "no")).all()
        assert found[["high", "code", "z"]].notna().all(axis=None)
    assert met["x"].between(1, 4).all() and (met["tested"] == "yes").all()
    assert (coded["code"] == "q-q").all()
    given = table[["tested", "x", "y"]].head(50)
    around = model.sample(given=given, seed=2)
    there = given.notna()
    assert (around[[*given]].astype(str) == given.astype(str)).where(there, True).all(axis=None)
    holes = table.head(20).copy()
    holes.loc[:9, ["z", "high"]] = np.nan
    filled = model.impute(holes, seed=2)
    assert filled[["z", "high"]].notna().all(axis=None)
    kept = holes.notna()
    assert (filled.astype(str) == holes.astype(str)).where(kept, True).all(axis=None)


def test_a_loaded_model_draws_the_same_rows_and_one_of_before_draws(model: DiffLM, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    model.save(tmp_path)
    loaded = DiffLM.load(tmp_path, progress=False)
    pd.testing.assert_frame_equal(loaded.sample(50, seed=3), model.sample(50, seed=3))
    path = tmp_path / "weights.safetensors"
    weights = {name: own for name, own in load_file(path).items() if not name.startswith(("hidden.", "arr"))}
    save_file(weights, path)
    before = DiffLM.load(tmp_path, progress=False)
    assert not drawn(before)[1].any(axis=None)
    assert len(before.sample(50, seed=3)) == 50


def test_numbers_tell_by_being_there_and_where_that_is_not_enough_by_what_they_are() -> None:
    slots = [plain_slot("flag", "", np.ones(2)), number(4), plain_slot("y", "", np.ones(3))]
    columns = [[0], [1], [2]]
    tokens = torch.tensor([[0, 0, 1], [0, 4, -1], [1, 2, -1], [1, 4, -1], [0, 3, 2]])
    hidden = hidden_in(tokens, slots, columns, {2: [0, 1]})[2]
    assert hidden.slots == [0, 1]
    unseen = torch.tensor([[0, 1, -1], [1, 3, -1], [0, 4, -1]])
    assert hidden.of(unseen).tolist() == [False, True, True]
    tokens = torch.tensor([[0, 0, -1], [1, 1, 0], [0, 2, 1], [1, 0, -1]])
    hidden = hidden_in(tokens, slots, columns, {2: [0, 1]})[2]
    assert hidden.of(torch.tensor([[0, 0, 0], [0, 1, 0], [1, 0, 0]])).tolist() == [True, False, True]
    assert not hidden_in(tokens.clamp(min=0), slots, columns, {2: [0, 1]})
    assert behind([2, 1, 0], {2: hidden}, [0, 1, 2])[-1] == 2
