"""Rows in several views, and a committee of a classifier for each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix, issparse

from lookalike.curate.curating import rows_to_check
from lookalike.curate.views import Committee, Each, Views, out_of_fold, views_of, words_of_texts


def _views(rows: int, classes: int, seed: int) -> tuple[Views, np.ndarray]:
    """A dense and a sparse view that err apart from each other, and the classes."""
    rng = np.random.default_rng(seed)
    codes = np.arange(rows) % classes
    parts = [np.eye(classes)[codes] + rng.normal(0, 0.7, (rows, classes)) for _ in range(2)]
    return Views((parts[0], csr_matrix(parts[1]))), codes


@pytest.mark.parametrize("classes", [2, 4])
def test_a_committee_is_right_more_often_than_its_members(classes: int) -> None:
    views, codes = _views(600, classes, 0)
    right = {
        name: (out_of_fold(some, codes, 5, 1).argmax(1) == codes).mean()
        for name, some in {
            "both": views,
            "dense": Views(views.parts[:1]),
            "sparse": Views(views.parts[1:]),
        }.items()
    }
    assert right["both"] > max(right["dense"], right["sparse"]) + 0.03


@pytest.mark.parametrize("classes", [2, 3])
def test_chances_sum_to_one_and_stand_in_the_order_of_the_classes(classes: int) -> None:
    views, codes = _views(300, classes, 1)
    named = codes * 2 + 1
    committee = Committee().fit(views, named)
    found = committee.predict_proba(views)
    assert found.shape == (300, classes) and np.allclose(found.sum(1), 1)
    assert committee.classes.tolist() == sorted(set(named.tolist()))
    assert (committee.predict(views) == named).mean() > 0.8
    one = Each().fit(views.parts[1], named)
    assert np.allclose(one.predict_proba(views.parts[1]).sum(1), 1)


def test_a_row_of_no_weight_teaches_nothing() -> None:
    views, codes = _views(200, 2, 2)
    wrong = np.where(np.arange(200) < 100, 1 - codes, codes)
    weights = np.where(np.arange(200) < 100, 1e-9, 1.0)
    assert (Committee().fit(views, wrong, weights).predict(views) == codes).mean() > 0.8


def test_rows_are_taken_and_put_together_in_every_view() -> None:
    views, _ = _views(10, 2, 3)
    both = views[np.array([7, 2])] + views[np.array([0])]
    assert len(both) == 3 and issparse(both.parts[1])
    for part, whole in zip(both.parts, views.parts, strict=True):
        dense = [one.toarray() if issparse(one) else one for one in (part, whole)]
        assert (dense[0] == dense[1][[7, 2, 0]]).all()
    assert Views.of(views) is views and len(Views.of(np.eye(4))) == 4


def test_words_of_all_texts_are_told_apart() -> None:
    found = words_of_texts(["How old is it?", "how old"], ["who is it"])
    assert found is not None and [one.shape[0] for one in found] == [2, 1]
    assert np.allclose(found[0].multiply(found[0]).sum(1), 1)
    assert words_of_texts(["one two", "three"], ["four"]) is None
    assert words_of_texts(["", " "], [""]) is None


def test_a_table_without_texts_has_its_points_alone() -> None:
    table = pd.DataFrame({"age": [1.5, 2.5, 3.5, 9.5], "label": ["a", "b", "a", "b"]})
    rows = rows_to_check(table, table, None, "label", None)
    own, real = views_of(rows, np.eye(4), np.eye(4))
    assert real is not None and len(own.parts) == len(real.parts) == 1
    texts = pd.DataFrame({"text": ["how old is it", None, "how old"], "label": ["a", "b", "a"]})
    own, none = views_of(rows_to_check(texts, None, "text", "label", None), np.eye(3), None)
    assert none is None and len(own.parts) == 2 and own.parts[1][1].nnz == 0
