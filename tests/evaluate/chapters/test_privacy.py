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


@pytest.mark.parametrize(("rows", "least"), [(300, 200), (90, 90), (20, 40)])
def test_how_large_a_holdout_has_to_be_is_said_as_it_is(rows: int, least: int) -> None:
    report = evaluate(REAL, OTHER.head(rows), HOLDOUT.head(min(45, least - 1)), only=["privacy"])
    assert f"real holdout of at least {least} rows" in str(report)
