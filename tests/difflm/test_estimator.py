"""A model among the estimators of scikit-learn, and as a notebook shows it."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

import lookalike
from lookalike.errors import DataError, OptionError


def table(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows).round(3)
    zone = np.where(x > 0, "right", np.where(x < -1, "far", "left"))
    zone = np.where(rng.random(rows) < 0.05, rng.choice(["right", "far", "left"], rows), zone)  # so no rule
    return pd.DataFrame({"x": x, "zone": zone, "other": rng.choice(["p", "q"], rows)})


def quick(**given: Any) -> lookalike.DiffLM:
    return lookalike.DiffLM(epochs=0.5, max_time="20s", threads=1, progress=False, **given)


@pytest.fixture(scope="module")
def model() -> lookalike.DiffLM:
    return quick().fit(table(300, 0))


def test_the_score_is_of_rows_like_the_learned_ones(model: lookalike.DiffLM) -> None:
    held = table(200, 1)
    mixed = held.assign(zone=held["zone"].sample(frac=1, random_state=0).to_numpy())
    assert model.score(held) == model.score(held) < 0
    assert model.score(held) > model.score(mixed) + 0.3
    for odd in (held.assign(zone="never seen"), held.assign(zone=None), held.assign(x=1e9)):
        assert -50 < model.score(odd) < model.score(held)
    assert model.score(held.to_dict("records")) == pytest.approx(model.score(held))
    last = [one["bound"] for one in model.history if "bound" in one][-1]
    assert -model.score(held) == pytest.approx(last, abs=1.0)  # of the rows that training held out
    with pytest.raises(DataError, match="has no column 'zone'"):
        model.score(held.drop(columns="zone"))
    with pytest.raises(OptionError, match="no rows"):
        model.score(held.head(0))
    with pytest.raises(OptionError, match="learned nothing yet"):
        quick().score(held)


def test_it_is_searched_cloned_and_the_end_of_a_pipeline() -> None:
    search = GridSearchCV(quick(), {"rate": [0, 4]}, cv=2, error_score="raise").fit(table(120, 0))
    assert search.best_params_["rate"] in (0, 4) and np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(search.best_estimator_.sample(5)) == 5
    assert clone(search.best_estimator_).get_params() == search.best_estimator_.get_params()
    drop = FunctionTransformer(lambda given: given.drop(columns="other"))
    line = Pipeline([("drop", drop), ("model", search.best_estimator_)]).fit(table(120, 0))
    assert list(line[-1].sample(3)) == ["x", "zone"] and line.score(table(50, 1)) < 0


def test_it_gives_back_the_kind_that_it_was_fitted_on(model: lookalike.DiffLM) -> None:
    polars = pytest.importorskip("polars")
    kinds = {"x": polars.Float32, "zone": polars.Enum(["right", "left", "far"]), "other": polars.Categorical}
    given = polars.from_pandas(table(150, 0)).cast(kinds)
    own = quick().fit(given.lazy())
    made = own.sample(20, seed=0)
    assert isinstance(made, polars.LazyFrame) and made.collect_schema() == given.schema
    again = pickle.loads(pickle.dumps(own)).sample(20, seed=0)
    assert again.collect().equals(made.collect())
    chunks = list(own.sample_chunks(5, like=given.head(2)))
    assert [len(one.collect()) for one in chunks] == [5]
    gaps = given.with_columns(zone=polars.lit(None, kinds["zone"]))
    full = own.impute(gaps)
    assert (
        isinstance(full, polars.DataFrame) and full.schema == given.schema and full["zone"].null_count() == 0
    )
    assert isinstance(model.impute(gaps.to_dicts()[:3]), list)
    assert isinstance(model.sample(2), pd.DataFrame)


def test_a_notebook_shows_it(model: lookalike.DiffLM) -> None:
    assert repr(lookalike.DiffLM()) == "DiffLM()"
    assert repr(quick(rate=2)) == "DiffLM(max_time='20s', rate=2, epochs=0.5, threads=1, progress=False)"
    assert "it has learned nothing yet" in quick()._repr_html_()
    html = model._repr_html_()
    assert "learned 300 rows of 3 columns" in html and "nats per held-out row" in html
    assert model.schema._repr_html_() in html and "<td" in html
