"""Diversity of tables whose right answer is known."""

import numpy as np
import pandas as pd
import pytest

from lookalike.evaluate import evaluate
from tests.evaluate.adult import marks

pytestmark = pytest.mark.usefixtures("few_trees")


def test_categories_that_were_withheld_are_not_covered() -> None:
    """33 of 150 values are rare, and a synthesizer left them out: 78% are covered, not 100%."""
    frequent, rare = [f"often{i}" for i in range(117)], [f"rare{i}" for i in range(33)]
    real = pd.DataFrame({"intent": [*frequent * 25, *rare * 3]})
    holdout = pd.DataFrame({"intent": [*frequent * 25, *rare[:30] * 3, *frequent[:9]]})
    synthetic = pd.DataFrame({"intent": [*frequent * 25, *frequent[:99]]})
    for table in (real, holdout, synthetic):  # nine columns with nothing missing do not hide it
        for i in range(9):
            table[f"side{i}"] = np.arange(len(table)) % 2 == 0
    report = evaluate(real, synthetic, holdout, only=["diversity"])
    covered = report.to_dict()["diversity"]["category_coverage"]
    assert (covered["value"], covered["reference"]) == ((117 + 18) / 168, (147 + 18) / 168)
    assert marks(report)["category_coverage"] == "poor"
    found = evaluate(real, real.copy(), holdout, only=["diversity"]).to_dict()
    assert found["diversity"]["category_coverage"]["value"] == 1
