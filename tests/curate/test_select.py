"""Which rows a person labels next."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from lookalike.curate.select import METHODS, NEED_LABELS, select
from lookalike.errors import OptionError


@pytest.fixture(scope="module")
def groups() -> tuple[Any, Any]:
    """400 unit points in 8 groups, of very different sizes."""
    rng = np.random.default_rng(0)
    of = rng.choice(8, 400, p=np.array([40, 20, 14, 10, 6, 4, 3, 3]) / 100)
    points = np.eye(8)[of] + rng.normal(0, 0.08, (400, 8))
    return points / np.linalg.norm(points, axis=1, keepdims=True), of


@pytest.mark.parametrize("method", METHODS)
def test_rows_come_once_and_no_labelled_one(method: str, groups: tuple[Any, Any]) -> None:
    points, of = groups
    known = np.arange(0, 400, 10)
    found = select(points, 30, method, labelled=(known, of[known]))
    assert len(set(found.tolist())) == 30 and not set(found.tolist()) & set(known.tolist())
    assert (found == select(points, 30, method, labelled=(known, of[known]))).all()
    assert len(select(points, 1000, method, labelled=(known, of[known]))) == 360


@pytest.mark.parametrize(("method", "seen"), [("explore", 7), ("k-means", 7), ("vote-k", 6)])
def test_rare_groups_are_seen(method: str, seen: int, groups: tuple[Any, Any]) -> None:
    points, of = groups
    assert len(set(of[select(points, 16, method)].tolist())) >= seen


@pytest.mark.parametrize("method", NEED_LABELS)
def test_the_least_sure_rows_lie_between(method: str) -> None:
    points = np.linspace(-1, 1, 101)[:, None]
    known = np.array([0, 10, 90, 100])
    found = select(points, 5, method, labelled=(known, np.array([0, 0, 1, 1])))
    assert set(found.tolist()) <= set(range(44, 57))
    with pytest.raises(OptionError, match="needs labelled rows of two classes"):
        select(points, 5, method)


def test_votes_by_hand() -> None:
    """Of two clusters the larger is heard first, then the other, whose voters were not."""
    points = np.concatenate([np.zeros((200, 1)), np.full((160, 1), 9.0)]) + np.linspace(0, 0.1, 360)[:, None]
    found = select(points, 2, "vote-k")
    assert (found >= 200).sum() == 1


def test_the_row_of_the_largest_cluster_comes_first() -> None:
    points = np.concatenate([np.zeros(10), np.full(40, 5.0), np.full(20, 9.0)])[:, None]
    points = points + np.random.default_rng(0).normal(0, 0.01, points.shape)
    found = select(points, 3, "k-means")
    assert 10 <= found[0] < 50 <= found[1] and found[2] < 10


@pytest.mark.filterwarnings("error")
def test_equal_rows_and_a_sample_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    equal = np.repeat(np.eye(3), 4, axis=0)
    found = select(equal, 9, "k-means")
    assert len(set(found.tolist())) == 9 and set((found[:3] // 4).tolist()) == {0, 1, 2}
    monkeypatch.setitem(select.__globals__, "MOST_ROWS", 40)
    many = np.random.default_rng(0).normal(0, 1, (500, 3))
    assert len(set(select(many, 5, "k-means").tolist())) == 5
    assert len(set(select(many, 400, "k-means").tolist())) == 400


def test_options_that_do_not_fit() -> None:
    for n, method in ((0, "random"), (3, "votes")):
        with pytest.raises(OptionError, match="ask for 1 or more by k-means"):
            select(np.eye(4), n, method)


def test_of_rows_that_mean_the_same_each_wording_is_seen() -> None:
    points = np.tile([1.0, 0.0], (60, 1))
    wording = np.repeat([0, 1, 2], [40, 15, 5])
    words = csr_matrix(np.eye(4)[wording])
    assert set(wording[select(points, 3, words=words)].tolist()) == {0, 1, 2}
    assert set(wording[select(points, 3, words=words, labelled=(np.arange(5), np.zeros(5)))]) == {0, 1, 2}
    nothing = csr_matrix((60, 4))  # no row has a word that another one has
    assert select(points, 3, words=nothing).tolist() == select(points, 3).tolist()
