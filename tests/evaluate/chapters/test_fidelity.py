"""Column by column: against SDMetrics' figures and small cases worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from lookalike.evaluate.chapters import fidelity
from lookalike.evaluate.chapters.pairs import pair_errors
from lookalike.evaluate.columns import read_columns
from tests.evaluate.adult import adult_tables


def test_adult_agrees_with_sdmetrics():
    """SDMetrics 0.32 gives 1 - 0.00681 for column shapes (numbers: more than 20 distinct values)."""
    shape = np.mean([fidelity.shape_error(column, "synthetic") for column in read_columns(adult_tables())])
    assert shape == pytest.approx(0.00681, abs=5e-6)


def test_shape_errors_by_hand():
    real = pd.DataFrame({"number": np.arange(100.0), "name": ["a"] * 50 + ["b"] * 50, "few": [0, 1] * 50})
    other = pd.DataFrame(
        {"number": np.arange(100.0) + 10, "name": ["a"] * 80 + ["c"] * 20, "few": [0, 5] * 50}
    )
    errors = [fidelity.shape_error(c, "synthetic") for c in read_columns({"real": real, "synthetic": other})]
    assert errors == pytest.approx([0.1, 0.5, 0.5])


def test_missing_values_are_left_out_of_shapes_and_not_of_pairs():
    real = pd.DataFrame({"a": ["x", "y"] * 50, "b": ["x", "y"] * 50})
    other = real.assign(a=["x", None, None, "y"] * 25)
    columns = read_columns({"real": real, "synthetic": other})
    assert fidelity.shape_error(columns[0], "synthetic") == 0
    assert fidelity.missing_rate(columns[0], "synthetic") == 0.5
    mean, *_ = pair_errors(columns, np.random.default_rng(0))
    assert mean.value == pytest.approx(0.5)  # (x, x) and (y, y): 1/2 -> 1/4 each; the rest is new


def test_chance_is_what_a_fresh_sample_scores():
    rng = np.random.default_rng(0)
    a, b = (pd.DataFrame({"x": rng.normal(size=2000), "c": rng.choice(list("abcdefgh"), 2000)}) for _ in "ab")
    mean, _ = fidelity.shapes(read_columns({"real": a, "synthetic": b}), rng)
    assert mean.chance == pytest.approx(mean.value, rel=0.5)


def test_the_interval_holds_the_truth():
    """The distance of two known distributions lies in about 95% of the intervals; certainly in 15 of 20."""
    rng, inside = np.random.default_rng(0), 0
    for _ in range(20):
        real = pd.DataFrame({"c": rng.choice(["a", "b"], 500, p=[0.5, 0.5])})
        other = pd.DataFrame({"c": rng.choice(["a", "b"], 500, p=[0.7, 0.3])})
        mean, _ = fidelity.shapes(read_columns({"real": real, "synthetic": other}), rng)
        inside += mean.low <= 0.2 <= mean.high
    assert inside >= 15
