"""Rows that are drawn too rarely are kept more often, and a selector without a signal changes nothing."""

import numpy as np
import pytest
import torch

from lookalike.difflm.refining import Selector, fit_selector, kept

RNG = np.random.default_rng(0)


def points(rows: int, bent: bool) -> np.ndarray:
    """Two features that go together or do not, and a third one of noise."""
    a, noise = RNG.normal(size=rows), RNG.normal(size=(rows, 2))
    return np.stack([a, np.where(bent, np.abs(a), 0) + noise[:, 0], noise[:, 1]], 1)


@pytest.fixture(scope="module")
def selector() -> Selector:
    found = fit_selector(points(3000, True), points(3000, False), 0)
    assert found is not None
    return found


def test_rows_that_are_too_rare_weigh_more(selector: Selector) -> None:
    x = np.array([[2.0, 3.0, 0.0], [2.0, -2.0, 0.0]])
    high, low = selector.log_weights(x)
    assert high > 1 and low < -1


def test_weights_are_those_of_the_trees(selector: Selector) -> None:
    """Of each fold alone: the same as scikit-learn says, on values that no bin begins at."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    from lookalike.difflm.refining import _joined

    x, y = points(1500, True), np.arange(1500) % 2
    model = HistGradientBoostingClassifier(max_iter=20, max_depth=5, early_stopping=False).fit(x, y)
    own = _joined([model, model], 1.0, 0.0)
    assert np.allclose(own.log_weights(x), model.decision_function(x))


def test_what_is_kept_is_more_like_the_learned_rows(selector: Selector) -> None:
    drawn = points(4000, False)
    chosen = kept(selector.log_weights(drawn), 2000, np.random.default_rng(0))
    assert len(chosen) == 2000 == len(set(chosen.tolist())) and (np.diff(chosen) > 0).all()
    real = points(4000, True)
    gap = [abs(rows[:, 1].mean() - real[:, 1].mean()) for rows in (drawn, drawn[chosen])]
    assert gap[1] < 0.7 * gap[0]
    assert abs(drawn[chosen][:, 2].std() - 1) < 0.05


def test_rows_of_one_kind_leave_all_chances_equal() -> None:
    """Trees that know nothing of rows they have not seen are hardly believed."""
    found = fit_selector(points(2000, True), points(2000, True), 0)
    if found is not None:
        assert np.abs(found.log_weights(points(1000, True))).mean() < 0.15


def test_too_few_rows_have_no_selector() -> None:
    assert fit_selector(points(900, True), points(3000, False), 0) is None


@pytest.mark.parametrize("rows", [1, 7, 500, 1000])
def test_the_number_of_rows_comes_out_right(rows: int) -> None:
    weights = np.random.default_rng(1).normal(size=1000) * 3
    assert len(kept(weights, rows, np.random.default_rng(2))) == rows
    assert len(kept(np.zeros(1000), rows, np.random.default_rng(2))) == rows


def test_a_selector_is_read_as_it_was_saved(selector: Selector) -> None:
    arrays = {name: torch.clone(value) for name, value in selector.arrays().items()}
    x = points(50, True)
    assert np.array_equal(Selector.of_arrays(arrays).log_weights(x), selector.log_weights(x))
