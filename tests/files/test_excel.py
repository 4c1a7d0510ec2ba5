"""Excel's files: what goes in comes out, and one sentence where it cannot."""

import datetime
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lookalike.errors import DataError, MissingDependency
from lookalike.files import excel
from lookalike.files.reading import read_table, sample_rows
from lookalike.files.writing import check_target, write_table

openpyxl = pytest.importorskip("openpyxl")


def sheet(path: Path, rows: list[list[Any]], more: bool = False) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if more:
        book.create_sheet("second").append(["not", "this"])
    book.save(path)
    return path


def test_the_first_sheet_is_the_table(tmp_path: Path) -> None:
    day = datetime.datetime(2024, 5, 1, 12, 30)
    rows: list[list[Any]] = [
        ["n", "x", None, "when", "ok"],
        [1, 2.5, "é", day, True],
        [],
        [2, None, "N/A", day, False],
        [3, 1.25, "z", None, True],
        [],
    ]
    path = sheet(tmp_path / "t.xlsx", rows, more=True)
    table = read_table(path)
    assert list(table.columns) == ["n", "x", "", "when", "ok"] and len(table) == 3
    assert table["n"].tolist() == [1, 2, 3] and table["n"].dtype == "int64"
    assert table["x"].isna().tolist() == [False, True, False] and table["x"].dtype == "float64"
    assert table[""].tolist() == ["é", "N/A", "z"] and table["ok"].dtype == bool
    assert table["when"].dt.hour.tolist()[:2] == [12, 12] and table["when"].isna()[2]
    assert read_table(path, missing={"N/A"})[""].isna().tolist() == [False, True, False]
    sample, total = sample_rows(path, 2, seed=1)
    assert total == 3 and len(sample) == 2


@pytest.mark.parametrize(
    ("above", "below", "end", "said"),
    [
        ([["Customers"], []], [], [], "1 line above its header"),
        ([], [[None, "years", "kg"]], [], "1 row below its header"),
        ([], [], [["Total", 1225, 2500.0]], "1 row at its end ('Total')"),
        ([], [], [[], ["Source: a book"]], "1 row at its end ('Source: a book')"),
    ],
)
def test_what_stands_around_a_table_is_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], above: Any, below: Any, end: Any, said: str
) -> None:
    rows = [[f"p{i % 3}", i, i * 2.5] for i in range(50)]
    plain = read_table(sheet(tmp_path / "a.xlsx", [["name", "age", "weight"], *rows]))
    assert "left out" not in capsys.readouterr().err
    path = sheet(tmp_path / "b.xlsx", [*above, ["name", "age", "weight"], *below, *rows, *end])
    pd.testing.assert_frame_equal(read_table(path), plain)
    assert f"b.xlsx: left out {said}\n" in capsys.readouterr().err


def test_what_excel_has_no_value_for_is_written_as_text(tmp_path: Path) -> None:
    real = pd.DataFrame(
        {
            "zone": pd.date_range("2024-01-01 12:00", periods=2, tz="Europe/Berlin"),
            "long": [258367910815691639, 5],
            "inf": [np.inf, 1.5],
            "formula": ["=1+1", "=HYPERLINK(x)"],
            "cells": pd.Series([[1, 2], {"a": None}], dtype=object),
            "day": [datetime.date(2024, 1, 1), None],
        }
    )
    write_table(real, tmp_path / "t.xlsx")
    back = read_table(tmp_path / "t.xlsx")
    assert back["zone"].tolist() == ["2024-01-01 12:00:00+01:00", "2024-01-02 12:00:00+01:00"]
    assert back["long"].tolist() == ["258367910815691639", "5"] and back["inf"].tolist() == ["inf", 1.5]
    assert back["formula"].tolist() == ["=1+1", "=HYPERLINK(x)"]
    assert back["cells"].tolist() == ["[1,2]", '{"a":null}']
    assert pd.Timestamp(back["day"][0]) == pd.Timestamp("2024-01-01")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "is empty"),
        ([["a", "b"]], "no rows"),
        ([["a", "a"], [1, 2]], "two columns named 'a'"),
        ([["a", "b"], [1, 2], [1, 2, 3]], "3 cells in row 3 where its header has 2"),
    ],
)
def test_sheets_that_are_no_table(tmp_path: Path, rows: list[list[Any]], said: str) -> None:
    path = sheet(tmp_path / "t.xlsx", rows)
    with pytest.raises(DataError, match=said):
        read_table(path)


def test_files_that_are_no_sheet(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as other:
        other.writestr("x", "y")
    with pytest.raises(DataError, match=r"t\.xlsx is not a readable Excel file"):
        read_table(tmp_path / "t.xlsx")


@pytest.mark.parametrize(
    ("text", "said"),
    [("bell \x07", r"the character '\\x07' in column 'a', row 1"), ("x" * 40_000, "40,000 char")],
)
def test_what_a_sheet_cannot_hold_is_said_before_any_work(tmp_path: Path, text: str, said: str) -> None:
    table = pd.DataFrame({"a": ["fine", text]})
    with pytest.raises(DataError, match=said):
        check_target(tmp_path / "t.xlsx", table)
    with pytest.raises(DataError, match=said):
        write_table(table, tmp_path / "t.xlsx")
    assert not list(tmp_path.iterdir())


def test_a_sheet_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "MOST_ROWS", 3)
    write_table(pd.DataFrame({"a": [1, 2]}), tmp_path / "t.xlsx")
    with pytest.raises(DataError, match="3 rows, a sheet holds 2"):
        write_table(pd.DataFrame({"a": [1, 2, 3]}), tmp_path / "t.xlsx")
    assert len(read_table(tmp_path / "t.xlsx")) == 2


def test_without_openpyxl_the_command_to_type_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sheet(tmp_path / "t.xlsx", [["a"], [1]])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    for act in (lambda: read_table(path), lambda: check_target(path, pd.DataFrame({"a": [1]}))):
        with pytest.raises(MissingDependency, match=r"pip install '\.\[excel\]'"):
            act()


def test_how_cells_are_shown_is_kept(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    own = book.active
    own.append(["share", "when", "clock", "code", "several", "plain"])
    for at in range(4):
        own.append([at / 8, datetime.datetime(2024, 5, 1 + at), datetime.time(9, at), at, at, at])
        forms = ["0.0%", "dd/mm/yyyy", "h:mm", "00000", "0" if at else "0.00"]
        for column, form in enumerate(forms, 1):
            own.cell(at + 2, column).number_format = form
    book.save(tmp_path / "t.xlsx")
    table = read_table(tmp_path / "t.xlsx")
    assert table["clock"].tolist() == ["09:00:00", "09:01:00", "09:02:00", "09:03:00"]
    write_table(table, tmp_path / "out.xlsx")
    there = openpyxl.load_workbook(tmp_path / "out.xlsx").active
    assert [cell.number_format for cell in there[3]] == [
        *("0.0%", "dd/mm/yyyy", "h:mm", "00000", "General", "General")
    ]
    assert [cell.value for cell in there[3]][:4] == [
        *(0.125, datetime.datetime(2024, 5, 2), datetime.time(9, 1), 1)
    ]
    assert read_table(tmp_path / "out.xlsx").equals(table)
