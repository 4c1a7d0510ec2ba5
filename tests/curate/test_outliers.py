"""Rows that are far from all others are reported."""

import numpy as np
import pandas as pd

import lookalike
from lookalike.curate.outliers import outliers


def test_the_far_row_is_reported() -> None:
    rng = np.random.default_rng(0)
    real, synthetic = rng.normal(size=(200, 3)), rng.normal(size=(100, 3))
    synthetic[7] = 20
    for base in (real, None):
        found = list(outliers(np.arange(100), synthetic, base))
        assert [one["row"] for one in found] == [7] and found[0]["score"] > found[0]["limit"]
        assert found[0]["action"] == "report"
    assert not list(outliers(np.arange(10), synthetic[:10], None))  # too few to say what is usual


def test_it_has_to_be_asked_for() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(100, 2)).round(2), columns=["a", "b"])
    kept, decisions = lookalike.curate(table, only="outlier", progress=False)
    assert len(kept) == 100 and set(decisions.table.action) <= {"report"}
    assert "outlier" not in set(lookalike.curate(table, progress=False)[1].table.check)
