"""Privacy of tables whose right answer is known."""

import pandas as pd
import pytest

from lookalike.evaluate import evaluate
from tests.evaluate.adult import ROWS, adult

pytestmark = pytest.mark.usefixtures("few_trees")

REAL = adult("adult.csv.gz")
HELD = adult("adult-test.csv.gz", 2 * ROWS)
HOLDOUT, OTHER = HELD[:ROWS], HELD[ROWS:].reset_index(drop=True)


def test_rare_values_are_looked_for_in_as_many_rows_as_the_holdout_has() -> None:
    found = evaluate(REAL, pd.concat([OTHER] * 3), HOLDOUT, only=["privacy"]).to_dict()["privacy"][
        "rare_values"
    ]
    assert found["value"] == pytest.approx(found["reference"], abs=0.25)
    leaked = evaluate(REAL, REAL, HOLDOUT, only=["privacy"]).to_dict()["privacy"]["rare_values"]
    assert leaked["value"] == 1 and leaked["reference"] < 0.95
