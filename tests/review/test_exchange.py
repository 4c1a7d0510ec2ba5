"""Answers out and in: our own files, Argilla's and Label Studio's exports, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lookalike.errors import DataError
from lookalike.review.exchange import Read, read, write
from lookalike.review.reviewing import Review
from tests.review.conftest import said


def told(found: Read) -> list[tuple[Any, ...]]:
    return [(one.row, one.reviewer, one.answer, one.value) for one in found.answers]


def load(path: Path, one: Review) -> Read:
    return read(path, one.cards, one.store.fact("table"))


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_our_own_files_come_back_as_they_were_and_add_nothing_twice(
    suffix: str, table: pd.DataFrame, begun: Callable[..., Review], tmp_path: Path
) -> None:
    one = begun(table, label="category")
    label = table.category[5]
    for answer in (
        said(0, "keep"),
        said(1, "drop", 'bob, "b"'),
        said(2, "label", value=label),
        said(3, "edit", value={"text": 'a "new"\ntext, é\u2028'}),
        said(4, "skip"),
    ):
        one.store.add(answer)
    file = tmp_path / f"answers.{suffix}"
    state, own = one.store.state(), one.store.fact("table")
    assert write(file, state, one.items, own) == 5
    again = begun(table, label="category", answers=tmp_path / "other.review")
    found = load(file, again)
    assert [again.store.add(answer) for answer in found.answers] == [True] * 5
    assert [again.store.add(answer) for answer in load(file, again).answers] == [False] * 5
    assert [a._replace(number=0) for a in told_answers(again)] == [
        a._replace(number=0) for a in told_answers(one)
    ]
    parts = (
        {line["part"] for line in map(json.loads, file.read_text().split("\n")[:-1])}
        if suffix == "jsonl"
        else None
    )
    assert parts is None or parts <= {"random", "uncertain", "found"}


def told_answers(one: Review) -> list[Any]:
    return [answer for some in one.store.state().standing.values() for answer in some]


def test_argilla_of_both_versions(table: pd.DataFrame, begun: Callable[..., Review], tmp_path: Path) -> None:
    one = begun(table, label="category")
    labels = sorted(table.category.unique())
    new = next(label for label in labels if label != table.category[1])
    records = [
        {  # 2.x: responses by question; found by its row
            "id": "r0",
            "fields": {"text": "changed there"},
            "metadata": {"row": 0},
            "responses": {"label": [{"value": table.category[0], "user_id": "u1"}]},
        },
        {  # found by its text, under another name
            "id": "r1",
            "fields": {"review": table.text[1]},
            "metadata": {},
            "responses": {"label": [{"value": new, "user_id": "u1"}, {"value": new, "user_id": "u2"}]},
        },
        {  # 1.x: responses by user, one of them discarded, one a draft
            "id": "r2",
            "fields": {"text": table.text[2]},
            "responses": [
                {"user_id": "u1", "status": "submitted", "values": {"label": {"value": [labels[0]]}}},
                {"user_id": "u2", "status": "discarded", "values": None},
                {"user_id": "u3", "status": "draft", "values": {"label": {"value": labels[1]}}},
            ],
        },
        {
            "id": "r3",
            "fields": {"text": "nowhere"},
            "responses": {"label": [{"value": new, "user_id": "u1"}]},
        },
        {
            "id": "r4",
            "fields": {"text": table.text[4]},
            "responses": {"label": [{"value": "unheard", "user_id": "u1"}]},
        },
    ]
    file = tmp_path / "argilla.json"
    file.write_text(json.dumps(records))
    found = load(file, one)
    third = ("keep", None) if table.category[2] == labels[0] else ("label", labels[0])
    assert told(found) == [
        (0, "u1", "keep", None),
        (1, "u1", "label", new),
        (1, "u2", "label", new),
        (2, "u1", *third),
        (2, "u2", "skip", None),
    ]
    assert [note.split(".json ")[1] for note in found.notes] == [
        "are on rows that the table does not have and were left out",
        "cannot be used ('unheard' is none of the labels) and were left out",
    ]


def test_label_studio_whole_and_short(
    table: pd.DataFrame, begun: Callable[..., Review], tmp_path: Path
) -> None:
    one = begun(table, label="category")
    new = next(label for label in sorted(table.category.unique()) if label != table.category[0])
    choice = {"type": "choices", "value": {"choices": [new]}, "from_name": "label", "to_name": "text"}
    tasks = [
        {
            "id": 1,
            "data": {"text": table.text[0]},
            "annotations": [
                {
                    "id": 11,
                    "completed_by": {"id": 3, "email": "ann@mail.test"},
                    "result": [choice],
                    "lead_time": 2.5,
                    "created_at": "2026-01-02T03:04:05Z",
                },
                {"id": 12, "completed_by": 4, "result": [choice], "was_cancelled": True},
            ],
        }
    ]
    file = tmp_path / "studio.json"
    file.write_text(json.dumps(tasks))
    found = load(file, one)
    assert told(found) == [(0, "ann@mail.test", "label", new), (0, "4", "skip", None)]
    assert (found.answers[0].seconds, found.answers[0].time) == (2.5, 1767323045.0)
    short = {"id": 1, "text": table.text[0], "category": new, "annotator": 3, "lead_time": 1.0}
    file.write_text(json.dumps([short]))
    assert told(load(file, one)) == [(0, "3", "label", new)]


def test_equal_rows_are_taken_in_their_order(
    table: pd.DataFrame, begun: Callable[..., Review], tmp_path: Path
) -> None:
    rows = table.assign(text="the same text in all the rows")
    one = begun(rows, label="category")
    new = sorted(table.category.unique())[0]
    file = tmp_path / "a.json"
    records = [{"id": n, "fields": {"text": rows.text[0]}} for n in range(3)]
    file.write_text(
        json.dumps([r | {"responses": {"label": [{"value": new, "user_id": "u"}]}} for r in records])
    )
    assert [one[0] for one in told(load(file, one))] == [0, 1, 2]


def test_what_is_refused(table: pd.DataFrame, begun: Callable[..., Review], tmp_path: Path) -> None:
    one = begun(table, label="category")
    right = {"row": 0, "turn": 1, "reviewer": "ann", "answer": "keep"}
    cases: list[tuple[str, str, str]] = [
        ("a.json", "{", "is not valid JSON"),
        ("a.jsonl", f'{json.dumps(right)}\n{{"row": 1, "tu', "a.jsonl, line 2, is not valid JSON"),
        ("b.json", "[]", "holds no answers of reviewers: give"),
        ("c.json", '{"rows": 3, "decisions": []}', "holds decisions, not answers: name it with --decisions"),
        ("d.jsonl", json.dumps(right | {"table": "other"}), "holds answers on another table"),
        ("e.jsonl", json.dumps(right | {"row": 99}), "that can be used: 1 are on rows that the table"),
        ("f.csv", "row,answer\nx,keep\n", "holds no answers of reviewers"),
    ]
    for name, text, sentence in cases:
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match=sentence):
            load(tmp_path / name, one)
    with pytest.raises(DataError, match="does not exist"):
        load(tmp_path / "nothing.json", one)
