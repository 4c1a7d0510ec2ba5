"""A review is begun, goes on, and is refused where its table or columns are others."""

from __future__ import annotations

import contextlib
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import lookalike
from lookalike.decisions import Decisions
from lookalike.errors import DataError, OptionError, UserError
from lookalike.review.reviewing import Review, fingerprint
from lookalike.review.store import Answer, Store
from tests.review.conftest import said


def test_it_goes_on_with_its_queue_and_its_answers_and_may_become_longer(
    table: pd.DataFrame, decisions: Decisions, begun: Callable[..., Review]
) -> None:
    one = begun(table, decisions, queue=20)
    one.store.add(said(one.items[0].row, "keep"))
    again = begun(table, decisions, queue=20, seed=5)  # the seed is that of the first time
    assert again.items == one.items and len(again.store.state().standing) == 1
    longer = begun(table, decisions, queue=40)
    assert len(longer.items) == 40
    assert [(i.row, i.turn) for i in longer.items[:20]] == [(i.row, i.turn) for i in one.items]
    assert begun(table, decisions, queue=20).items == longer.items


def test_another_table_or_other_columns_are_refused(
    table: pd.DataFrame, begun: Callable[..., Review]
) -> None:
    begun(table, label="category")
    with pytest.raises(DataError, match="holds the review of another table: give that table"):
        begun(table.iloc[::-1], label="category")
    with pytest.raises(DataError, match="holds a review with the label 'category'"):
        begun(table, label="text")
    short = Decisions.of([{"row": 0, "check": "length", "action": "drop"}], 7)
    with pytest.raises(DataError, match="the decisions are on a table of 7 rows and this one has 60"):
        begun(table, short)


@pytest.mark.parametrize(
    ("rows", "options", "sentence"),
    [
        ({"a": []}, {}, "there is nothing to review: the table has no rows"),
        ({"a": [1]}, {"label": "b"}, "the label 'b' is not a column: choose one of 'a'"),
        ({"a": [1]}, {"text": "b"}, "the text 'b' is not a column"),
        ({"a": [1]}, {"pair": ("a", "b")}, "the pair 'b' is not a column"),
        ({"a": [1]}, {"pair": ("a", "a")}, "name two columns"),
        ({"a": [None, None]}, {"label": "a"}, "the column 'a' is empty"),
        ({"a": list(range(3000))}, {"label": "a"}, "'a' has 3,000 different values, which are no labels"),
        ({"a": [1]}, {"queue": 0}, "queue is 0"),
        ({"a": [1]}, {"limit": 2}, "limit is 2"),
    ],
)
def test_mistakes_are_one_sentence(
    rows: dict[str, list[object]], options: dict[str, object], sentence: str, begun: Callable[..., Review]
) -> None:
    with pytest.raises((OptionError, DataError), match=sentence) as caught:
        begun(pd.DataFrame(rows), **options)
    assert isinstance(caught.value, UserError)


@pytest.mark.parametrize(
    "cells", [["one"] * 3, [1, 2, 2], [1.0, 2.5, None], [True, False, True], ["a", None, "a"]]
)
def test_labels_of_any_kind_keep_their_values(cells: list[object], begun: Callable[..., Review]) -> None:
    rows = pd.DataFrame({"label": cells, "x": range(3)})
    one = begun(rows, label="label")
    first = next(iter(one.cards.labels))
    one.store.add(said(2, "label", value=first))
    out, _ = one.outcome()
    assert out["label"].dtype == rows["label"].dtype
    assert out["label"].iat[2] == one.cards.labels[first]


def test_a_category_takes_a_label_that_only_the_decisions_have(begun: Callable[..., Review]) -> None:
    rows = pd.DataFrame({"label": pd.Categorical(["a", "b", "a"]), "x": range(3)})
    given = [{"row": 0, "check": "labels", "action": "relabel", "value": "new"}]
    one = begun(rows, Decisions.of(given, 3, "label"))
    one.store.add(said(1, "label", value="new"))
    assert one.outcome()[0]["label"].tolist() == ["new", "new", "a"]


def test_in_python_it_ends_when_all_is_answered(
    table: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kept.sqlite"

    def answer() -> None:
        one = Review.of(table, queue=10, answers=path)
        for item in one.items:
            one.store.add(Answer(item.row, item.turn, "ann", "drop", key=f"{item}"))
        told = b'{"key": "k", "row": 0, "turn": 1, "reviewer": "ann", "answer": "keep"}'
        for _ in range(600):  # until the server is there
            time.sleep(0.1)
            url = f"http://127.0.0.1:{one.store.fact('port')}/api/answer"
            request = urllib.request.Request(url, told, {"X-Token": str(one.store.fact("token"))})
            with contextlib.suppress(OSError, ValueError):
                urllib.request.urlopen(request).close()
                break
        one.store.close()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    out, decided = lookalike.review(table, queue=10, answers=path, port=0)
    thread.join()
    assert len(out) == 60 - len(decided.dropped()) and len(decided.dropped()) in (8, 9)
    assert "http://127.0.0.1:" in capsys.readouterr().err


def test_the_fingerprint_is_of_the_cells(table: pd.DataFrame) -> None:
    other = table.copy()
    other.loc[40, "text"] += "."
    names = table.rename(columns={"text": "texts"})
    assert len({fingerprint(one) for one in (table, other, names, table[:-1])}) == 4
    assert fingerprint(table) == fingerprint(table.astype({"category": "category"}))
    odd = pd.DataFrame({"x": [{"a": 1}, None, [1]], "y": ["\ud800", float("nan"), pd.NaT]})
    assert fingerprint(odd) == fingerprint(odd)


def test_the_file_is_closed_where_the_beginning_fails(table: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "a.review"
    Review.of(table, answers=path).store.close()
    with pytest.raises(DataError):
        Review.of(table[:5], answers=path)
    assert not path.with_name("a.review-wal").exists()
    Store(path).close()
