import numpy as np
import pandas as pd
import pytest

from bench.tables import forest
from bench.tables.forest import c2st, utility


@pytest.fixture(autouse=True)
def fewer_trees(monkeypatch):
    """They tell as much of tables that are as different as these."""
    monkeypatch.setattr(forest, "TREES", 50)


def drawn(seed: int, rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.random(rows)
    three = pd.Series(["low", "middle", "high"])[(3 * x).astype(int)].to_numpy()
    two = np.where(x > 0.7, "yes", "no")
    return pd.DataFrame({"x": x, "near": x + rng.normal(0, 0.05, rows), "two": two, "three": three})


def test_a_forest_cannot_tell_fresh_rows_and_tells_shuffled_and_missing_ones():
    real, fresh = drawn(0), drawn(1)
    assert c2st(real, fresh) == pytest.approx(0.5, abs=0.1)
    rng = np.random.default_rng(0)
    assert c2st(real, fresh.assign(near=rng.permutation(fresh.near))) > 0.8
    assert c2st(real, fresh.assign(two=fresh.two.mask(rng.random(200) < 0.8))) > 0.7


def test_utility_is_what_a_forest_learns():
    train, test = drawn(0), drawn(1)
    assert utility(train, test, "two") > 0.99  # AUC
    assert utility(train[["x", "two"]].assign(two="no"), test[["x", "two"]], "two") == 0.5
    assert utility(train, test, "three") > 0.95  # accuracy
    mixed = train.assign(three=np.random.default_rng(0).permutation(train.three))[["x", "three"]]
    assert utility(mixed, test[["x", "three"]], "three") == pytest.approx(1 / 3, abs=0.15)
    assert utility(train, test, "near") > 0.9  # R2
    assert utility(train.assign(near=1000.0), test, "near") == -1
    assert utility(train, test.assign(near=test.near.mask(test.x > 0.5)), "near") > 0.7
