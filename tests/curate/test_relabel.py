"""FreeAL's loop with a simulated annotator, and who labels what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lookalike.curate.relabel import allocate, relabel, vote_entropy
from lookalike.errors import DataError, OptionError

CLASSES = 4


@pytest.fixture(scope="module")
def rows() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    true = rng.integers(0, CLASSES, 500)
    return np.eye(CLASSES)[true] * 1.8 + rng.normal(0, 0.55, (500, CLASSES)), true


class Annotator:
    """25% of its answers are wrong; 15% where at least 8 of 10 demonstrations have the true label."""

    def __init__(self, true: Any) -> None:
        self.true, self.calls, self.rng = true, [], np.random.default_rng(1)

    def __call__(self, some: Any, near: Any, labels: Any) -> Any:
        self.calls.append((some.tolist(), near.tolist(), labels.tolist()))
        helped = (labels == self.true[some][:, None]).sum(1) >= 8 if near.shape[1] else np.zeros(len(some))
        wrong = self.rng.random(len(some)) < np.where(helped, 0.15, 0.25)
        return np.where(
            wrong, (self.true[some] + self.rng.integers(1, CLASSES, len(some))) % CLASSES, self.true[some]
        )


def test_errors_are_halved_for_half_a_call_more(rows: tuple[Any, Any]) -> None:
    points, true = rows
    annotator = Annotator(true)
    found = relabel(points, annotator, CLASSES)
    first = 0.25
    assert (found.codes != true).mean() <= first / 2
    assert found.asked.min() == 1 and found.asked.mean() <= 1.5
    assert [len(some) for some, _, _ in annotator.calls] == [500, *(int(x) for x in _rest(annotator))]
    assert found.changed[0] > found.changed[1] and len(found.changed) == 2
    assert (found.codes[found.clean] == true[found.clean]).mean() > 0.95


def _rest(annotator: Annotator) -> list[int]:
    return [len(some) for some, _, _ in annotator.calls[1:]]


def test_the_same_answers_bring_the_same_questions(rows: tuple[Any, Any]) -> None:
    points, true = rows
    first, second = Annotator(true), Annotator(true)
    a, b = relabel(points, first, CLASSES), relabel(points, second, CLASSES)
    assert first.calls == second.calls and (a.codes == b.codes).all()


def test_it_begins_with_labels_and_shows_clean_rows(rows: tuple[Any, Any]) -> None:
    points, true = rows
    annotator = Annotator(true)
    given = true.copy()
    given[:100] = (given[:100] + 1) % CLASSES
    found = relabel(points, annotator, CLASSES, codes=given, rounds=1)
    some, near, labels = annotator.calls[0]
    assert len(annotator.calls) == 1 and len(near[0]) == 10 and found.asked.max() == 1
    assert (np.array(labels) == true[np.array(near)]).mean() > 0.95
    assert not set(some) & set(np.array(near).ravel().tolist())
    silent = relabel(points, lambda some, near, labels: np.full(len(some), -1), CLASSES, codes=given)
    assert (silent.codes != true).mean() <= (given != true).mean()


def test_answers_that_are_no_labels() -> None:
    points = np.random.default_rng(0).normal(size=(40, 2))
    for answer in (np.full(40, 7), np.zeros(3), np.full(40, 0.5)):
        with pytest.raises(DataError, match="give each row a label from 0 to 3"):
            relabel(points, lambda *_, answer=answer: answer, CLASSES)
    with pytest.raises(DataError, match="all rows have the same label"):
        relabel(points, lambda *_: np.zeros(40), CLASSES)
    with pytest.raises(DataError, match="40 rows have no first label"):
        relabel(points, lambda *_: np.full(40, -1), CLASSES)
    with pytest.raises(OptionError, match="0 rounds were asked for"):
        relabel(points, lambda *_: np.zeros(40), CLASSES, rounds=0)


def test_who_labels() -> None:
    votes = np.array([[0, 0, 0, 0], [0, 1, 0, 1], [2, 2, 2, 1], [0, 1, 2, -1]])
    assert vote_entropy(votes, 3).tolist() == pytest.approx([0, 0.5, 0.4056, 1], abs=1e-3)
    chances = np.array([[0.9, 0.1, 0], [0.3, 0.3, 0.4], [0.1, 0.8, 0.1], [0.4, 0.3, 0.3]])
    found = allocate(votes, chances, 0.25, 3)
    assert found.who.tolist() == ["llm", "llm", "model", "person"]
    assert found.codes[:3].tolist() == [0, 0, 1]
    assert allocate(votes, None, 0.5, 3).who.tolist() == ["llm", "person", "llm", "person"]
    with pytest.raises(OptionError, match="choose a number from 0 to 1"):
        allocate(votes, None, 2, 3)


def test_rows_for_people_hold_more_errors_than_random_ones() -> None:
    rng = np.random.default_rng(0)
    true, hard = rng.integers(0, 3, 600), rng.random(600) < 0.3
    wrong = rng.random((600, 7)) < np.where(hard, 0.5, 0.05)[:, None]
    votes = np.where(wrong, (true[:, None] + rng.integers(1, 3, (600, 7))) % 3, true[:, None])
    found = allocate(votes, None, 0.2, 3)
    people = found.who == "person"
    left = ((found.codes != true) & ~people).sum()
    assert people.sum() == 120 and left <= 0.7 * 0.8 * (found.codes != true).sum()
