"""The formulas, against SDMetrics' figures and small cases worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from lookalike.evaluate.chapters import detection, fidelity
from lookalike.evaluate.chapters.pairs import Joint, correlations, pair_errors
from lookalike.evaluate.columns import read_columns
from tests.paths import EXAMPLES


def test_adult_agrees_with_sdmetrics():
    """SDMetrics 0.32 gives 1 - 0.00681 for column shapes (numbers: more than 20 distinct values) and,
    with bin edges from the real table, 1 - 0.01684 for column pairs."""
    tables = {
        "real": pd.read_csv(EXAMPLES / "adult.csv.gz", keep_default_na=False),
        "synthetic": pd.read_csv(EXAMPLES / "adult-test.csv.gz", keep_default_na=False),
    }
    columns = read_columns(tables)
    shape = np.mean([fidelity.shape_error(column, "synthetic") for column in columns])
    assert shape == pytest.approx(0.00681, abs=5e-6)
    every = [(i, j) for i in range(len(columns)) for j in range(i)]
    pair = Joint(columns).errors(every, "synthetic")[0].mean()
    assert pair == pytest.approx(0.01684, abs=2e-4)


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
    assert mean["value"] == pytest.approx(0.5)  # (x, x) and (y, y): 1/2 -> 1/4 each; the rest is new


def test_correlations_are_pairwise_complete_and_weighted():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(200, 4)) @ rng.normal(size=(4, 4)))
    table = table.mask(rng.random(table.shape) < 0.2)
    assert np.allclose(correlations(table.to_numpy()), table.corr())
    weights = rng.integers(0, 3, len(table))
    repeated = table.loc[table.index.repeat(weights)]
    assert np.allclose(correlations(table.to_numpy(), weights), repeated.corr())


def test_a_constant_synthetic_column_loses_its_correlation():
    x = np.random.default_rng(0).normal(size=300)
    real = pd.DataFrame({"x": x, "y": x})
    columns = read_columns({"real": real, "synthetic": real.assign(y=1.0)})
    mean, worst, *_ = pair_errors(columns, np.random.default_rng(0))
    assert mean["value"] == pytest.approx(0.5)
    assert worst[0].real == pytest.approx(1)


def test_many_columns_have_their_pairs_drawn():
    rng = np.random.default_rng(0)
    tables = {t: pd.DataFrame(rng.normal(size=(60, 80))).add_prefix("c") for t in ("real", "synthetic")}
    _, worst, every, _ = pair_errors(read_columns(tables), rng)
    assert (len(worst), every) == (1225, 3160)
    assert worst[0].error >= worst[-1].error


def test_chance_is_what_a_fresh_sample_scores():
    rng = np.random.default_rng(0)
    a, b = (pd.DataFrame({"x": rng.normal(size=2000), "c": rng.choice(list("abcdefgh"), 2000)}) for _ in "ab")
    mean, _ = fidelity.shapes(read_columns({"real": a, "synthetic": b}), rng)
    assert mean["chance"] == pytest.approx(mean["value"], rel=0.5)


def test_the_interval_holds_the_truth():
    """The distance of two known distributions lies in about 95% of the intervals; certainly in 15 of 20."""
    rng, inside = np.random.default_rng(0), 0
    for _ in range(20):
        real = pd.DataFrame({"c": rng.choice(["a", "b"], 500, p=[0.5, 0.5])})
        other = pd.DataFrame({"c": rng.choice(["a", "b"], 500, p=[0.7, 0.3])})
        mean, _ = fidelity.shapes(read_columns({"real": real, "synthetic": other}), rng)
        inside += mean["low"] <= 0.2 <= mean["high"]
    assert inside >= 15


def test_copies_compare_every_column_exactly():
    real = pd.DataFrame({"n": [2**60 + i // 2 for i in range(60)], "c": ["a", "b", None] * 20})
    other = pd.DataFrame({"n": [2**60, 2**60, 2**60 + 1, 7], "c": ["a", None, None, "a"]})
    entry = fidelity.copies(read_columns({"real": real, "synthetic": other}))
    assert entry["exact_copies"]["value"] == 0.5


def test_auc_agrees_with_sklearn_with_ties():
    rng = np.random.default_rng(0)
    y, score = rng.integers(0, 2, 500), rng.integers(0, 9, 500)
    assert detection.auc(score, y) == pytest.approx(roc_auc_score(y, score))
    assert detection.auc_spread(score, y, rng) == pytest.approx(0.026, abs=0.006)


def test_values_that_occur_once_are_ordered_at_random():
    """Their order must not tell the detector which table they came from."""
    place = detection._by_frequency(np.arange(2000), np.random.default_rng(0))
    assert (place < 253).sum() == 253
    assert 80 < (place[:1000] < 253).sum() < 173
