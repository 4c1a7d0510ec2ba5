import numpy as np
import pandas as pd
import pytest

from bench.tables import detection
from bench.tables.detection import CATEGORIES, PUBLISHED, TEST, parts, split, table


def drawn(seed: int, rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.random(rows)
    kind = rng.choice(["a", "b", "c"], rows)
    return pd.DataFrame({"x": x, "near": x + rng.normal(0, 0.05, rows), "kind": kind})


def test_the_first_seed_whose_training_rows_have_all_values():
    whole = pd.DataFrame({"number": range(20), "kind": ["b"] * 20})
    order = np.arange(20)
    np.random.RandomState(1234).shuffle(order)
    train, test = split(whole, [1])
    assert train.number.tolist() == order[:18].tolist() and test.number.tolist() == order[18:].tolist()
    whole.loc[order[19], "kind"] = "a"  # it would be a test row
    np.random.RandomState(1235).shuffle(order)
    train, test = split(whole, [1])
    assert set(train.kind) == {"a", "b"} and train.number.tolist() == order[:18].tolist()
    assert split(whole, [])[0].number.tolist() != train.number.tolist()


def test_of_beijing_rows_that_lack_something_are_dropped(tmp_path):
    for name in ("beijing", "magic"):
        (tmp_path / name).mkdir()
        part = drawn(0, 50).assign(b=1, c=2, d=3, e=4, f=5, g=6, h=7, i="x", near=[None, *range(49)])
        part.to_csv(tmp_path / name / "whole.csv.gz", index=False)
    assert [len(t) for t in parts("magic", tmp_path)] == [45, 5]
    assert sum(len(t) for t in split(drawn(0, 49), [])) == 49
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CATEGORIES, "beijing", [])
        assert [len(t) for t in parts("beijing", tmp_path)] == [44, 5]


def test_fresh_rows_cannot_be_told_and_others_can():
    pytest.importorskip("xgboost", reason='needs the extra "bench"')
    real, fresh = drawn(0), drawn(1)
    assert detection.detection(real, fresh) == pytest.approx(0.5, abs=0.06)
    assert detection.detection(real, fresh.assign(near=fresh.near.sample(frac=1).to_numpy())) > 0.8
    assert detection.detection(real, fresh.assign(kind="d")) > 0.99  # of no column that the real rows have
    gone = fresh.assign(x=fresh.x.mask(fresh.x > 0.3), kind=None)
    assert detection.detection(real, gone) > 0.9


def test_published_figures_stand_beside_those_measured():
    runs = {f"magic/cart/{seed}": {"auc": 0.5 + seed / 10} for seed in (0, 1)} | {
        "magic/tvae/0": {"error": "no"}
    }
    lines = table(runs, ["adult", "magic"], ["cart", "tvae"], [0, 1]).splitlines()
    assert f"| TabPC, published | 0.572 | {PUBLISHED['TabPC'][2]:.3f} |" in lines
    assert "| cart | - | 0.550 ± 0.071 |" in lines and "| tvae | - | failed |" in lines
    assert f"| {TEST} | - | - |" in lines
