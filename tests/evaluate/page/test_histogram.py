"""What is drawn of a column shows no value that fewer than five real rows have."""

import numpy as np
import pandas as pd
import pytest

from lookalike.evaluate import evaluate

pytestmark = pytest.mark.usefixtures("few_trees")

ROWS = 300


def test_axes_do_not_end_at_a_real_value() -> None:
    values = np.sort(np.random.default_rng(0).normal(size=ROWS) * 1000)
    real = pd.DataFrame({"x": values.round(3), "n": 10 * np.arange(ROWS) + 3})
    labels = evaluate(real, real, only=["fidelity"], quick=True).to_dict()["columns"]
    for name in real:
        ends = {float(label.replace(",", "")) for label in labels[name]["histogram"]["labels"]}
        assert len(ends) > 12 and not ends & set(real[name].astype(float))


def test_whole_numbers_of_few_rows_share_a_bin() -> None:
    ages = np.concatenate([np.repeat(np.arange(20, 40), 14), np.arange(40, 44)])
    real = pd.DataFrame({"age": ages})
    drawn = evaluate(real, real, only=["fidelity"], quick=True).to_dict()["columns"]["age"]["histogram"]
    assert [int(label) for label in drawn["labels"]][:3] == [20, 22, 24]
    often = pd.DataFrame({"age": np.repeat(np.arange(20, 43), 14)})
    drawn = evaluate(often, often, only=["fidelity"], quick=True).to_dict()["columns"]["age"]["histogram"]
    assert [int(label) for label in drawn["labels"]][:3] == [20, 21, 22]
    assert drawn["real"][0] == pytest.approx(1 / 23, abs=1e-4)
