"""What answers come to: the corrected table, its decisions, the error rate."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from lookalike.decisions import Decisions
from lookalike.errors import DataError
from lookalike.review.outcome import cell_of, tally
from lookalike.review.queue import Item
from lookalike.review.reviewing import Review
from tests.review.conftest import said


def test_people_overrule_checks_and_the_decisions_make_the_same_table(
    table: pd.DataFrame, decisions: Decisions, begun: Callable[..., Review]
) -> None:
    one = begun(table, decisions)
    suggested = one.cards.card(Item(10, 1, "random"))["suggested"]
    for answer in (
        said(0, "keep"),  # a check would drop it
        said(20, "drop"),
        said(10, "label", value=suggested),
        said(21, "edit", value={"text": "written anew"}),
        said(1, "skip"),  # as it was: dropped
    ):
        one.store.add(answer)
    out, decided = one.outcome()
    assert len(out) == 60 - 11 + 1 - 1
    assert table.text[0] in set(out.text) and table.text[1] not in set(out.text)
    assert table.text[20] not in set(out.text) and "written anew" in set(out.text)
    assert out.category[out.text == table.text[10]].tolist() == [suggested]
    assert list(out.columns) == list(table.columns)
    reread = Decisions.from_dict(decided.to_dict())
    pd.testing.assert_frame_equal(reread.apply(table), out)
    overruled = decided.table[(decided.table["row"] == 0) & (decided.table["check"] == "length")]
    assert (
        overruled["action"].tolist() == ["report"]
        and "overruled by review: drop" in overruled["reason"].iat[0]
    )


def test_reviewers_who_differ_leave_a_row_as_it_is_and_a_majority_counts(
    table: pd.DataFrame, begun: Callable[..., Review]
) -> None:
    one = begun(table, label="category")
    for name, answer in (("ann", "drop"), ("bob", "keep")):
        one.store.add(said(0, answer, name))
        one.store.add(said(1, "drop", name))
    out, decided = one.outcome()
    assert len(out) == 59 and table.text[0] in set(out.text)
    reasons = dict(zip(decided.table["row"], decided.table["reason"], strict=True))
    assert reasons[0] == "reviewers differ, so it stays as it is (ann: drop; bob: keep)"
    assert reasons[1] == "rejected by ann, bob"
    one.store.add(said(0, "drop", "cyd"))
    assert len(one.outcome()[0]) == 58


def test_the_same_label_in_two_ways_is_one_answer(table: pd.DataFrame, begun: Callable[..., Review]) -> None:
    one = begun(table, label="category")
    one.store.add(said(0, "keep", "ann"))
    one.store.add(said(0, "label", "bob", table.category[0]))
    out, decided = one.outcome()
    assert decided.table["action"].tolist() == ["report"] and len(out) == 60


def test_only_random_rows_estimate_the_error_rate(
    table: pd.DataFrame, decisions: Decisions, begun: Callable[..., Review]
) -> None:
    one = begun(table, decisions, queue=30)
    random = [item.row for item in one.items if item.part == "random" and item.turn == 1]
    for item in one.items:
        wrong = item.part == "uncertain" or item.row == random[0]
        one.store.add(said(item.row, "drop" if wrong else "keep", turn=item.turn))
    assert tally(one.items, one.store.state()) == (1, len(random))
    assert any(line.startswith("errors: ") and f"{len(random)} rows" in line for line in one.summary())


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        (pd.Series([1, 2]), "7", 7),
        (pd.Series([1.5]), "", None),
        (pd.Series([True]), "False", False),
        (pd.Series(pd.to_datetime(["2020-01-01"])), "2021-02-03", pd.Timestamp("2021-02-03")),
        (pd.Series(["a"]), "7", "7"),
    ],
)
def test_a_cell_keeps_the_dtype_of_its_column(column: pd.Series, text: str, value: object) -> None:
    assert cell_of(column, text) == value
    decided = Decisions.of(
        [{"row": 0, "check": "review", "column": "c", "action": "edit", "value": value}], len(column)
    )
    out = Decisions.from_dict(decided.to_dict()).apply(pd.DataFrame({"c": column}))
    assert out["c"].dtype == column.dtype
    assert out["c"].iat[0] == value or (value is None and pd.isna(out["c"].iat[0]))


@pytest.mark.parametrize(
    ("column", "text"),
    [(pd.Series([1]), "one"), (pd.Series([1]), ""), (pd.Series([True]), "maybe"), (pd.Series([1.0]), "x")],
)
def test_a_cell_that_the_column_cannot_hold_is_one_sentence(column: pd.Series, text: str) -> None:
    with pytest.raises(DataError, match=r"cannot stand in the column 'c': type a (int|bool|float)"):
        cell_of(column.rename("c"), text)
