"""Decisions on rows: applied, undone, saved and read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from lookalike.decisions import Decisions
from lookalike.errors import DataError, OptionError

TABLE = pd.DataFrame({"text": list("abcdef"), "label": [0, 1, 0, 1, 0, 1]}, index=range(10, 16))


@pytest.fixture
def decisions() -> Decisions:
    def one(row: int, check: str, action: str, **facts: object) -> dict[str, object]:
        return {"row": row, "check": check, "action": action, "reason": f"it is {check}", **facts}

    found = [
        one(4, "labels", "relabel", value=1, column="label", score=0.9, limit=0.5),
        one(1, "length", "drop", column="text", score=3.0, limit=2.0),
        one(1, "near", "drop"),
        one(3, "near", "drop"),
        one(0, "weight", "weigh", value=0.25),
        one(5, "conflict", "report"),
    ]
    return Decisions.of(found, len(TABLE), "label")


def test_what_is_dropped_relabelled_and_weighed(decisions: Decisions) -> None:
    kept = decisions.apply(TABLE)
    assert kept.text.tolist() == ["a", "c", "e", "f"]
    assert kept.label.tolist() == [0, 0, 1, 1] and kept.label.dtype == TABLE.label.dtype
    assert kept.weight.tolist() == [0.25, 1, 1, 1]
    assert kept.index.tolist() == [0, 1, 2, 3]
    assert TABLE.label.tolist() == [0, 1, 0, 1, 0, 1]  # the table is left as it was


def test_cells_are_edited_and_columns_keep_their_dtype() -> None:
    table = pd.DataFrame(
        {
            "n": [1, 2],
            "x": [0.5, 1.5],
            "c": pd.Categorical(["a", "b"]),
            "d": pd.to_datetime(["2020-01-01"] * 2),
        }
    )
    new = {"n": 7, "x": None, "c": "z", "d": pd.Timestamp("2021-02-03 04:05")}
    found = [
        {"row": 1, "check": "review", "action": "edit", "column": name, "value": value, "reason": "by ann"}
        for name, value in new.items()
    ]
    decisions = Decisions.of(found, 2)
    for one in (decisions, Decisions.from_dict(decisions.to_dict())):
        out = one.apply(table)
        assert out.dtypes.drop("c").equals(table.dtypes.drop("c"))
        assert out.iloc[0].tolist() == table.iloc[0].tolist()
        assert (out.n[1], out.c[1], out.d[1]) == (7, "z", new["d"]) and pd.isna(out.x[1])
    with pytest.raises(DataError, match="no column 'n', which was edited: add it"):
        decisions.apply(table.drop(columns="n"))


def test_each_check_can_be_undone(decisions: Decisions) -> None:
    assert decisions.apply(TABLE, without={"near"}).text.tolist() == ["a", "c", "d", "e", "f"]
    assert decisions.apply(TABLE, without="length").text.tolist() == ["a", "c", "e", "f"]
    assert decisions.apply(TABLE, without=["near", "length"]).text.tolist() == list("abcdef")
    assert "weight" not in decisions.apply(TABLE, without={"weight"})
    assert decisions.apply(TABLE, without={"labels"}).label.tolist() == [0, 0, 0, 1]
    assert decisions.dropped(without={"near"}) == [1]
    with pytest.raises(OptionError, match="'nea' decided nothing here: those that did are conflict, labels"):
        decisions.apply(TABLE, without={"nea"})


def test_another_table_is_refused(decisions: Decisions) -> None:
    with pytest.raises(DataError, match="a table of 6 rows and this one has 5"):
        decisions.apply(TABLE.iloc[:5])
    with pytest.raises(DataError, match="no column 'label' of labels"):
        decisions.apply(TABLE[["text"]])


def test_dropped_rows_come_with_their_first_reason(decisions: Decisions) -> None:
    rejected = decisions.rejected(TABLE)
    assert rejected.to_dict("list") == {
        "text": ["b", "d"],
        "label": [1, 1],
        "check": ["length", "near"],
        "reason": ["it is length", "it is near"],
    }


def test_they_are_shown_by_check(decisions: Decisions) -> None:
    decisions.notes.append("nothing was relabelled")
    shown = repr(decisions)
    assert "4 of 6 rows are kept, 2 are dropped" in shown
    assert "row 2: it is near" in shown and "note: nothing was relabelled" in shown
    assert decisions.counts()["near"] == {"drop": 2}
    assert repr(Decisions.of([], 3)) == "3 of 3 rows are kept, 0 are dropped"
    html = decisions._repr_html_()
    assert shown.splitlines()[0] in html and html.count("<tr>") == 1 + len(decisions.counts())


def test_they_are_saved_and_read(decisions: Decisions, tmp_path: Path) -> None:
    decisions.notes.append("a note")
    path = tmp_path / "decisions.json"
    decisions.save(path)
    read = Decisions.load(path)
    pd.testing.assert_frame_equal(read.table, decisions.table, check_dtype=False)
    assert (read.rows, read.label, read.notes) == (6, "label", ["a note"])
    pd.testing.assert_frame_equal(read.apply(TABLE), decisions.apply(TABLE))
    empty = Decisions.of([], 2)
    empty.save(path)
    assert Decisions.load(path).apply(TABLE.iloc[:2]).text.tolist() == ["a", "b"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rows": 2, "decisions": [{"row": 2, "action": "drop"}]}'])
def test_a_file_of_something_else_is_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"x\.json' holds no decisions"):
        Decisions.load(path)
