"""What stands around a table in a file: it is left out where that is clear, and said."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lookalike.errors import DataError
from lookalike.files.reading import read_table, sample_rows

RNG = np.random.default_rng(0)
ROWS = [
    f"{a},{b},{c},{d:.1f}"
    for a, b, c, d in zip(
        RNG.choice(["ann", "bob", "cy"], 40),
        RNG.choice(["x", "y"], 40),
        RNG.integers(10, 90, 40),
        RNG.normal(70, 9, 40),
        strict=True,
    )
]
NAMES = "name,kind,age,weight"
AGE = sum(int(row.split(",")[2]) for row in ROWS)
WEIGHT = sum(float(row.split(",")[3]) for row in ROWS)


def put(folder: Path, lines: list[str], end: str = "\n") -> Path:
    path = folder / "t.csv"
    path.write_text("\n".join(lines) + end)
    return path


def plain(folder: Path) -> pd.DataFrame:
    return read_table(put(folder, [NAMES, *ROWS]), progress=False)


LEFT_OUT = {
    "a title": (["Customers of 2020", NAMES, *ROWS], "1 line above its header"),
    "a title with blank fields": (["Sales,,,", ",,,", NAMES, *ROWS], "2 lines above its header"),
    "a title and a note": (
        ["Sales", "made on 2020-01-01, by Ann", "", NAMES, *ROWS],
        "3 lines above its header",
    ),
    "comments": (["# tool x", "# of 2020, from db", NAMES, *ROWS], "2 lines above its header"),
    "groups of columns": (["person,person,measures,measures", NAMES, *ROWS], "1 line above its header"),
    "groups with blanks": (["person,,measures,", NAMES, *ROWS], "1 line above its header"),
    "units": ([NAMES, ",,years,kg", *ROWS], "1 row below its header"),
    "a unit of one column": ([NAMES, ",,,kg", *ROWS], "1 row below its header"),
    "types": ([NAMES, "string,string,int,float", *ROWS], "1 row below its header"),
    "labels": ([NAMES, "Full name,Sort,Q1 - How old?,(kg)", *ROWS], "1 row below its header"),
    "labels and ids": ([NAMES, "Name,Sort,Age,Weight", "a,b,QID3,QID4", *ROWS], "2 rows below its header"),
    "dashes": ([NAMES, "----,----,---,------", *ROWS, "", "(40 rows affected)"], "row at its end"),
    "a total": ([NAMES, *ROWS, f"Total,,{AGE},{WEIGHT:.1f}"], "1 row at its end .*'Total'"),
    "a total in German": ([NAMES, *ROWS, "", f"Summe,,{AGE},{WEIGHT:.1f}"], "1 row at its end .*'Summe'"),
    "sums without a word": ([NAMES, *ROWS, f",,{AGE},{WEIGHT:.1f}"], "1 row at its end"),
    "a total and a mean": (
        [NAMES, *ROWS, f"Grand Total,,{AGE},{WEIGHT:.1f}", "Average,,45.2,70.1"],
        "2 rows at its end",
    ),
    "a source": ([NAMES, *ROWS, "Source: Bureau of Statistics"], "1 row at its end .*'Source: Bureau"),
    "a source with blank fields": (
        [NAMES, *ROWS, "Source: Bureau,,,"],
        "1 row at its end .*'Source: Bureau'",
    ),
    "a note": ([NAMES, *ROWS, '"Note: weights, as told, in kg"'], "1 row at its end"),
    "a star": ([NAMES, *ROWS, "", "* provisional figures"], "1 row at its end"),
    "how many rows": ([NAMES, *ROWS, "(1,234 rows affected)"], "1 row at its end .*rows affected"),
    "blank rows": ([NAMES, *ROWS, ",,,", ",,,"], "2 rows at its end"),
    "a comment among the rows": ([NAMES, *ROWS[:9], "# checked", *ROWS[9:]], "1 line of comments"),
    "the header again": ([NAMES, *ROWS[:20], NAMES, *ROWS[20:]], "its header again in 1 row"),
}


@pytest.mark.parametrize("what", LEFT_OUT)
def test_what_is_no_row_is_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    lines, said = LEFT_OUT[what]
    expected = plain(tmp_path)
    assert capsys.readouterr().err == ""
    found = read_table(put(tmp_path, lines), progress=False)
    pd.testing.assert_frame_equal(found, expected)
    err = capsys.readouterr().err
    assert pd.Series([err]).str.contains(f"left out .*{said}").all() and err.count("\n") == 1
    some, total = sample_rows(put(tmp_path, lines), 1000)
    assert total == len(expected)
    pd.testing.assert_frame_equal(some, expected)


KEPT = {
    "a missing mark in the first row": [NAMES, "ann,x,?,N/A", *ROWS],
    "a number with its unit in the first row": [NAMES, "ann,x,12,70.1 kg", *ROWS],
    "a limit in the first row": [NAMES, "ann,x,<18,>100", *ROWS],
    "a word that comes again": [NAMES, "ann,x,old,heavy", *ROWS, "bob,x,old,heavy"],
    "a class called total": [NAMES, *ROWS, "Total,x,12,70.1", *ROWS, "Total,y,13,71.1"],
    "a name alone": [NAMES, *ROWS, "Dora Miles,,,"],
    "a last row with gaps": [NAMES, *ROWS, "bob,,,70.1"],
    "a first column alone that comes again": [NAMES, *ROWS, "bob,,,"],
    "gaps everywhere": [
        NAMES,
        "cy,,,",
        ",x,,71.2",
        *ROWS,
        ",x,20,",
        "ann,,,70.5",
        "bob,y,,",
        "cy,,30,",
        ",,,",
    ],
}


@pytest.mark.parametrize("what", KEPT)
def test_what_may_be_a_row_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    lines = KEPT[what]
    assert len(read_table(put(tmp_path, lines), progress=False)) == len(lines) - 1
    assert "left out" not in capsys.readouterr().err


@pytest.mark.parametrize("last", ["bob", "bob,x", "bob,x,3", "ann smith,x,3", "bob,x,3,4,5"])
def test_a_row_that_was_cut_off_is_an_error(tmp_path: Path, last: str) -> None:
    with pytest.raises(DataError, match="fields in line 42 where its header has 4"):
        read_table(put(tmp_path, [NAMES, *ROWS, last], ""), progress=False)


def test_a_note_among_the_rows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 fields in line 12 where its header has 4"):
        read_table(put(tmp_path, [NAMES, *ROWS[:10], "Source: a book", *ROWS[10:]]), progress=False)


def test_the_line_of_an_error_counts_what_stands_above(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="3 fields in line 14 "):
        read_table(put(tmp_path, ["Sales", "", NAMES, *ROWS[:10], "a,b,3", *ROWS[10:]]), progress=False)


def test_one_cell_does_not_make_text_of_a_column_of_numbers(tmp_path: Path) -> None:
    rows = [f"{i},{i * 2.5}" for i in range(40)]
    for lines in (
        ["n,x", *rows, "Source: a book,"],
        ["n,x", "kg,cm", *rows],
        ["n,x", *rows, "Total:,1950.0"],
    ):
        table = read_table(put(tmp_path, lines), progress=False)
        assert table["n"].tolist() == list(range(40)) and table["x"].dtype == np.float64


def test_a_line_that_names_the_separator(tmp_path: Path) -> None:
    lines = ["sep=;", *(row.replace(",", ";") for row in [NAMES, *ROWS])]
    pd.testing.assert_frame_equal(read_table(put(tmp_path, lines), progress=False), plain(tmp_path))


def test_a_field_more_than_the_header_has(tmp_path: Path) -> None:
    expected = plain(tmp_path)
    after = read_table(put(tmp_path, [NAMES, *(f"{row}," for row in ROWS)]), progress=False)
    assert list(after.columns) == [*expected.columns, ""] and after[""].isna().all()
    before = read_table(put(tmp_path, [NAMES, *(f"{i},{row}" for i, row in enumerate(ROWS))]), progress=False)
    assert list(before.columns) == ["", *expected.columns] and before[""].tolist() == list(range(40))


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (ROWS, ROWS[0].split(",")[3]),
        ([row[row.index(",") + 3 :] for row in ROWS], ROWS[0].split(",")[3]),
        ([NAMES, *ROWS], None),
        (["city,0.25,0.75", *(f"c{i},{i}.5,{i}.7" for i in range(40))], None),
        (["2019,2020", *(f"{i}.5,{i}.7" for i in range(40))], None),
    ],
)
def test_a_table_without_names_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: list[str], value: str | None
) -> None:
    read_table(put(tmp_path, lines), progress=False)
    err = capsys.readouterr().err
    assert (f"seems to be a row, as '{value}' stands above numbers" in err) if value else err == ""
