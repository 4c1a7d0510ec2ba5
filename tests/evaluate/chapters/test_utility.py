"""Utility of tables whose right answer is known."""

import numpy as np
import pandas as pd
import pytest

from lookalike.evaluate import evaluate
from tests.evaluate.adult import ROWS, adult

REAL = adult("adult.csv.gz")
HELD = adult("adult-test.csv.gz", 2 * ROWS)
HOLDOUT, OTHER = HELD[:ROWS], HELD[ROWS:].reset_index(drop=True)


def test_utility_of_a_number_is_a_share_of_variance() -> None:
    found = evaluate(REAL, OTHER, HOLDOUT, target="age", only=["utility"], quick=True).to_dict()
    assert 0.1 < found["utility"]["trtr"]["value"] < 0.6
    assert found["utility"]["ratio"]["value"] == pytest.approx(1, abs=0.15)
    assert found["models"]["score"] == "R^2"


def test_a_missing_target_is_left_out_row_by_row() -> None:
    gaps = [t.assign(income=t["income"].where(np.arange(len(t)) % 3 > 0)) for t in (REAL, OTHER, HOLDOUT)]
    found = evaluate(*gaps, target="income", only=["utility"], quick=True).to_dict()
    assert found["utility"]["ratio"]["value"] == pytest.approx(1, abs=0.1)
    none = [t.assign(income=None) for t in gaps]
    assert "income" in evaluate(*none, target="income", only=["utility"]).to_dict()["skipped"]["utility"]


@pytest.mark.parametrize(
    "target", [pd.Series("a", index=REAL.index), pd.Series(range(ROWS)).map("id{}".format)]
)
def test_a_target_that_cannot_be_predicted_is_named(target: pd.Series) -> None:
    tables = [t.assign(odd=target.to_numpy()) for t in (REAL, OTHER, HOLDOUT)]
    found = evaluate(*tables, target="odd", only=["utility"]).to_dict()
    assert "odd" in found["skipped"]["utility"]
