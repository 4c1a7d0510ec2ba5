"""The simple synthesizers on a table whose columns hang together in a known way."""

import numpy as np
import pandas as pd
import pytest

from bench.tables.simple import LEAF, cart, copula, decimals, encoded, shuffled

ROWS = 800
RNG = np.random.default_rng(3)
X = RNG.normal(50, 10, ROWS).round(1)
TABLE = pd.DataFrame({
    "x": X,
    "near": np.where(RNG.random(ROWS) < 0.1, np.nan, (2 * X + RNG.normal(0, 4, ROWS)).round()),
    "high": pd.Series(np.where(X > 50, "yes", "no")).where(RNG.random(ROWS) > 0.05, None),
    "count": RNG.poisson(2, ROWS),
    "flag": RNG.random(ROWS) < 0.3,
})  # fmt: skip


def made(method, table=TABLE, rows=2000):
    return method(table, 0)()(rows)


@pytest.mark.parametrize("method", [shuffled, copula, cart])
def test_the_columns_keep_their_dtypes_their_values_and_their_shares(method):
    out = made(method)
    assert list(out.dtypes) == list(TABLE.dtypes) and out.index.equals(pd.RangeIndex(2000))
    assert out.x.mean() == pytest.approx(TABLE.x.mean(), abs=1) and out.x.between(X.min(), X.max()).all()
    assert set(out.high.dropna()) == {"yes", "no"} and set(out["count"]) <= set(TABLE["count"])
    assert out.near.isna().mean() == pytest.approx(TABLE.near.isna().mean(), abs=0.03)
    assert out.high.isna().mean() == pytest.approx(TABLE.high.isna().mean(), abs=0.03)
    assert (out.x.round(1) == out.x).all() and (out.near.dropna() % 1 == 0).all()
    again, other = made(method), method(TABLE, 1)()(2000)
    assert again.equals(out) and not other.equals(out)


def test_what_hangs_together_is_lost_by_one_and_kept_by_two():
    real = TABLE[["x", "near"]].corr().iloc[0, 1]
    pairs = {method: made(method)[["x", "near"]].corr().iloc[0, 1] for method in (shuffled, copula, cart)}
    assert abs(pairs[shuffled]) < 0.1
    assert pairs[copula] == pytest.approx(real, abs=0.12) and pairs[cart] == pytest.approx(real, abs=0.03)
    told = made(cart).dropna()
    assert ((told.x > 50) == (told.high == "yes")).mean() > 0.99


def test_a_chain_of_trees_draws_real_values_from_leaves_of_several_rows():
    table = pd.DataFrame({"a": np.arange(40) // 20, "b": np.arange(40)})
    out = made(cart, table)
    assert set(out.b) == set(range(40))  # of every leaf all rows
    assert (out.a == out.b // 20).all()
    unlike = made(cart, pd.DataFrame({"a": np.arange(40), "b": np.arange(40)}))
    assert unlike.groupby("a").b.nunique().min() >= LEAF


def test_a_chain_of_trees_learns_three_classes_and_missing():
    table = pd.DataFrame(
        {"a": np.arange(40), "b": np.tile(np.array(["x", "y", "z", None], dtype=object), 10)}
    )
    assert made(cart, table).b.isna().mean() == pytest.approx(0.25, abs=0.1)


def test_a_copula_draws_between_the_values_of_a_number_and_never_beyond():
    table = pd.DataFrame({"a": [1.25, 3.5, 7.0] * 20, "b": 5, "c": None})
    out = made(copula, table)
    assert set(out.b) == {5} and out.c.isna().all()
    assert out.a.min() == 1.25 and out.a.max() == 7.0 and decimals(out.a) == 2


def test_columns_as_finite_numbers_and_their_decimals():
    assert encoded(pd.Series([1.0, None, 3.0, np.inf])).tolist() == [1.0, 0.0, 3.0, 3.0]
    assert encoded(pd.Series(["b", "a", "b", None])).tolist() == [0.0, 1.0, 0.0, -1.0]
    assert encoded(pd.Series(["b", "a", "b", "c", None])).tolist() == [0.0, 1.0, 0.0, 2.0, -2.0]
    assert [decimals(pd.Series(v)) for v in ([1, 2], [0.5], [1e-3, 2.25], [1 / 3])] == [0, 1, 3, 12]
