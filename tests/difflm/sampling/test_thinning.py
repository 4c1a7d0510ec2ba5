"""Rows of a call lie evenly over what the model can draw, and each row is drawn as often as before."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import Slot
from lookalike.codec.slot import plain_slot
from lookalike.difflm import DiffLM
from lookalike.difflm.sampling import rows as sampling
from lookalike.difflm.sampling.thinning import BUCKET, coordinates, halvings, thinned
from tests.difflm.conftest import Quick

CELLS = 200


def number(name: str) -> Slot:
    """A number of 200 cells; token 1 has none."""
    rank = np.full((2, CELLS), np.nan)
    rank[0] = (np.arange(CELLS) + 0.5) / CELLS
    return Slot(name, "value", np.ones((2, CELLS), np.int64), rank=rank)


SLOTS = [number("a"), number("b"), plain_slot("c", "value", np.ones(3, np.int64))]


def records(rows: int, seed: int) -> np.ndarray:
    """b is a and a little noise, c is seldom 2, a is missing in a tenth."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, CELLS, rows)
    b = np.clip(a + rng.integers(-10, 11, rows), 0, CELLS - 1)
    c = rng.choice(3, rows, p=[0.6, 0.37, 0.03])
    missing = rng.random(rows) < 0.1
    tokens = np.stack([missing.astype(np.int64), np.zeros(rows, np.int64), c], 1)
    cells = np.stack([np.where(missing, 0, a), b, np.zeros(rows, np.int64)], 1)
    return np.stack([tokens, cells], 1)


def gaps(some: np.ndarray, whole: np.ndarray) -> float:
    """Mean distance of shares in 4 x 4 x 3 boxes of a, b and c."""
    edges = [np.linspace(0, CELLS, 5), np.linspace(0, CELLS, 5), np.arange(4) - 0.5]

    def shares(of: np.ndarray) -> np.ndarray:
        x = np.stack([of[:, 1, 0], of[:, 1, 1], of[:, 0, 2]], 1)
        return np.histogramdd(x, bins=edges)[0] / len(of)

    return float(np.abs(shares(some) - shares(whole)).sum())


@pytest.mark.parametrize(
    ("rows", "most", "times"),
    [(100, 8192, 3), (1024, 8192, 3), (1025, 8192, 2), (4096, 8192, 1), (4097, 8192, 0), (9000, 8192, 0),
     (1, 1, 0), (10, 64, 2), (0, 64, 3)],
)  # fmt: skip
def test_how_often_rows_are_halved(rows: int, most: int, times: int) -> None:
    assert halvings(rows, most) == times


@pytest.mark.parametrize("rows", [200, 3 * BUCKET])
def test_what_stays_is_spread_like_all(rows: int) -> None:
    whole = records(200_000, 99)
    found: dict[str, list[float]] = {"stays": [], "first": [], "chance": []}
    for seed in range(5):
        drawn = records(8 * rows, seed)
        chosen = thinned(SLOTS, drawn, 3, np.random.default_rng(seed))
        assert len(set(chosen)) == rows
        found["stays"].append(gaps(drawn[chosen], whole))
        found["chance"].append(gaps(drawn[:rows], whole))
        found["first"].append(gaps(drawn[chosen[: rows // 2]], whole))
    means = {key: float(np.mean(some)) for key, some in found.items()}
    assert means["stays"] < 0.7 * means["chance"], means
    assert means["first"] < 0.85 * means["chance"] * 2**0.5, means  # of half as many rows by chance


def test_each_row_stays_as_often_as_any_other() -> None:
    drawn, stayed = records(64, 0), np.zeros(64)
    for seed in range(400):
        stayed[thinned(SLOTS, drawn, 1, np.random.default_rng(seed))] += 1
    share = stayed / 400
    assert share.mean() == 0.5
    assert share.min() > 0.4 and share.max() < 0.6, share  # +-4 standard errors of a fair coin


def test_coordinates_have_a_variance_of_one_a_slot() -> None:
    drawn = records(1000, 0)
    constant = plain_slot("d", "value", np.ones(1, np.int64))
    wider = np.concatenate([drawn, np.zeros((1000, 2, 1), np.int64)], 2)
    x = coordinates([*SLOTS, constant], wider)
    assert x.shape == (1000, 2 + 2 + 3) and x.var(0).sum() == pytest.approx(3)


def test_equal_rows_are_halved() -> None:
    same = np.zeros((40, 2, 3), np.int64)
    assert len(set(thinned(SLOTS, same, 2, np.random.default_rng(0)))) == 10


@pytest.fixture(scope="module")
def model(quick: Quick) -> DiffLM:
    rng = np.random.default_rng(0)
    kind = rng.choice(list("xyz"), 400)
    size = rng.normal(size=400).round(2) + (kind == "x")
    return quick(threads=1, seed=0).fit(pd.DataFrame({"kind": kind, "size": size}))


def test_few_rows_of_a_model_have_even_shares(model: DiffLM, monkeypatch: pytest.MonkeyPatch) -> None:
    def spread(of: Callable[[int], pd.DataFrame]) -> float:
        return float(np.std([(of(seed).kind == "x").mean() for seed in range(12)]))

    even = spread(lambda seed: model.sample(50, seed=seed))
    monkeypatch.setattr(sampling, "halvings", lambda rows, most: 0)
    assert even < 0.7 * spread(lambda seed: model.sample(50, seed=seed))


def test_conditions_and_given_rows_are_as_they_are_asked_for(model: DiffLM) -> None:
    assert (model.sample(30, where={"kind": "y"}, seed=0).kind == "y").all()
    given = pd.DataFrame({"kind": ["x", "z"] * 10})
    assert model.sample(given=given, seed=0).kind.tolist() == given.kind.tolist()
    assert model.sample(30, balance="kind", seed=0).kind.value_counts().tolist() == [10, 10, 10]
