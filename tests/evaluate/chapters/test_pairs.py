"""Pairs of columns: against SDMetrics' figures, pandas and small cases worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from lookalike.evaluate.chapters.pairs import Joint, at, correlations, pair_errors
from lookalike.evaluate.columns import read_columns
from tests.evaluate.adult import adult_tables


def test_adult_agrees_with_sdmetrics():
    """With bin edges from the real table, SDMetrics 0.32 gives 1 - 0.01684 for column pairs."""
    columns = read_columns(adult_tables())
    every = [(i, j) for i in range(len(columns)) for j in range(i)]
    assert Joint(columns).errors(every, "synthetic")[0].mean() == pytest.approx(0.01684, abs=2e-4)


def test_correlations_are_pairwise_complete_and_weighted():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(200, 4)) @ rng.normal(size=(4, 4)))
    table = table.mask(rng.random(table.shape) < 0.2)
    assert np.allclose(correlations(table.to_numpy()), table.corr())
    weights = rng.integers(0, 3, len(table))
    repeated = table.loc[table.index.repeat(weights)]
    assert np.allclose(correlations(table.to_numpy(), weights), repeated.corr())


def test_some_pairs_of_many_columns_have_the_correlations_of_all():
    rng = np.random.default_rng(0)
    values = np.where(rng.random((300, 60)) < 0.1, np.nan, rng.normal(size=(300, 60)))
    values[:, 20:30] = 2.0
    some, weights = np.array([(i, j) for i in range(60) for j in range(i)])[::7], rng.integers(0, 3, 300)
    for own in (None, weights.astype(float)):
        every = correlations(values, own)[tuple(some.T)]
        assert np.allclose(at(values, some, own), every, equal_nan=True)
        assert np.isnan(every).any()


def test_a_constant_synthetic_column_loses_its_correlation():
    x = np.random.default_rng(0).normal(size=300)
    real = pd.DataFrame({"x": x, "y": x})
    columns = read_columns({"real": real, "synthetic": real.assign(y=1.0)})
    mean, worst, *_ = pair_errors(columns, np.random.default_rng(0))
    assert mean.value == pytest.approx(0.5)
    assert worst[0].real == pytest.approx(1)


def test_many_columns_have_their_pairs_drawn():
    rng = np.random.default_rng(0)
    tables = {t: pd.DataFrame(rng.normal(size=(60, 80))).add_prefix("c") for t in ("real", "synthetic")}
    _, worst, every, _ = pair_errors(read_columns(tables), rng)
    assert (len(worst), every) == (1225, 3160)
    assert worst[0].error >= worst[-1].error
