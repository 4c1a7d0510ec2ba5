"""What stands between the columns and how numbers are written: told from the file, said, and kept."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lookalike.errors import DataError, OptionError
from lookalike.files import reading
from lookalike.files.reading import read_table, sample_rows
from lookalike.files.writing import ChunkWriter, write_table
from lookalike.pipeline import read_real
from lookalike.table.inferring import infer
from lookalike.table.schema import Schema

EUROPE = "id;preis;menge;name\n0;8,03;1;Öl\n1;87,60;;Öl, kalt\n2;1087,60;3;\n"


def put(folder: Path, text: str, name: str = "t.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def columns(table: pd.DataFrame) -> dict[str, list[Any]]:
    return {name: table[name].astype(object).where(table[name].notna(), None).tolist() for name in table}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,x;y\n2,z\n", {"a": [1, 2], "b": ["x;y", "z"]}),  # a comma file with semicolons inside texts
        ("a,b;c\n1,x\n2,y\n", {"a": [1, 2], "b;c": ["x", "y"]}),
        ("a;b\n1;x,y\n2;z\n", {"a": [1, 2], "b": ["x,y", "z"]}),
        ("Preis, netto;b\n1,5;x\n2,5;y\n", {"Preis, netto": [1.5, 2.5], "b": ["x", "y"]}),
        ("a\tb\n1\tx,y;z\n", {"a": [1], "b": ["x,y;z"]}),
        ("a|b|c\n1|x,y|2\n", {"a": [1], "b": ["x,y"], "c": [2]}),
        ("text\nHello; how are you?\nFine; thanks\n", {"text": ["Hello; how are you?", "Fine; thanks"]}),
        ("text\nOne, two\nThree\nFour, five; six, seven\n",
         {"text": ["One, two", "Three", "Four, five; six, seven"]}),
        ('text\n"One, two"\n"a ""b"", c"\n', {"text": ["One, two", 'a "b", c']}),
        ("frage; antwort\nwie?\nso.\n", {"frage; antwort": ["wie?", "so."]}),
        # line ends in quotes, blank lines
        ('a;b\n"x;1\ny";2\n\n\n"z";3\n', {"a": ["x;1\ny", "z"], "b": [2, 3]}),
        ("a;b\r\n1;2\r\n", {"a": [1], "b": [2]}),
        (",x\n0,1\n1,2\n", {"": [0, 1], "x": [1, 2]}),  # a header without a name, as of an index
        ("\ufeffa;b\n1;2\n", {"a": [1], "b": [2]}),
    ],
)  # fmt: skip
def test_separators(tmp_path: Path, text: str, expected: dict[str, list[Any]]) -> None:
    path = put(tmp_path, text)
    assert columns(read_table(path)) == expected
    sample, total = sample_rows(path, 99)
    assert columns(sample) == expected and total == len(sample)


@pytest.mark.parametrize(
    ("header", "cells", "expected"),
    [
        ("x;y", ["8,03;a", "-87,6;b", "5;c"], [8.03, -87.6, 5]),
        ("x;y", ["1.087,60;a", "5,00;b", ";c"], [1087.6, 5, None]),
        ("x;y", ["1.234;0,5", "12.000;1,5"], [1234, 12000]),  # the other column tells
        ("x;y", ["1,234;0,5", "12,000;1,5"], [1.234, 12]),
        ("x;y", ["1,234;0.5", "12,000;1.5"], [1234, 12000]),
        ("x;y", ["1,234.50;a", "12.50;b"], [1234.5, 12.5]),
        ("x;y", ["1,234.50;a", "12.5;b"], ["1,234.50", "12.5"]),  # no one way of writing
        ("x;y", ["1.234.567;a", "950;b"], [1234567, 950]),
        ("x;y", ["1.234;a", "12.000;b"], [1.234, 12]),  # as everywhere else
        ("x;y", ["1.5;a", "12.25;b"], [1.5, 12.25]),
        ("x;y", ["1,234;a", "12,000;b"], ["1,234", "12,000"]),  # not to be told
        ("x;y", ["8,03;a", "n/a;b"], ["8,03", "n/a"]),
        ("x;y", ["8,03;0.5", "1,5;12.25"], [8.03, 1.5]),  # each column in its own way
        ("x;y", ["12.05.2024;0,5", "13.05.2024;1,5"], ["12.05.2024", "13.05.2024"]),
        ("x\ty", ["8,03\ta", "1,5\tb"], [8.03, 1.5]),
        ("x,y", ['"8,03",a', '"1,5",b'], ["8,03", "1,5"]),
        ("x;y", ["1.6e+27;a", "230000.0;b", "3.5e-09;c"], [1.6e27, 230000.0, 3.5e-9]),  # as Python writes
        ("x;y", ["258367910815691639;a", "5;b"], [258367910815691639, 5]),
        ("x;y", ["18446744073709551615;a", "5;b"], [18446744073709551615, 5]),
        ("x;y", ["258367910815691639;a", ";b"], [258367910815691639, None]),  # 2**53 and more beside a gap
    ],
)
def test_numbers(tmp_path: Path, header: str, cells: list[str], expected: list[Any]) -> None:
    path = put(tmp_path, "\n".join([header, *cells, ""]))
    for table in (read_table(path), sample_rows(path, 99)[0]):
        assert columns(table)["x"] == expected
        assert [type(one) for one in columns(table)["x"]] == [
            type(one) for one in columns(read_table(path))["x"]
        ]


def test_numbers_that_are_told_and_turn_out_otherwise_later_are_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lookalike.files.delimited.LOOKED_AT", 40)
    path = put(tmp_path, "x;y;z\n" + "1,5;2;1.000\n" * 20 + "n/a;2;1.5\n")
    table = read_table(path)
    assert columns(table)["x"] == ["1,5"] * 20 + ["n/a"] and columns(table)["y"] == [2] * 21
    assert columns(table)["z"] == ["1.000"] * 20 + ["1.5"]  # no one way of writing


def test_what_was_guessed_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path, EUROPE)
    read_table(path)
    assert capsys.readouterr().err == f"{path}: read with ';' between columns and decimal commas\n"
    read_table(path, sep=";", decimal=",")
    read_table(put(tmp_path, "a,b\n1,2.5\n", "plain.csv"))
    read_table(put(tmp_path, "a\tb\n1\t2\n", "t.tsv"))
    assert capsys.readouterr().err == ""
    read_table(put(tmp_path, "text\na, b\nc\n", "one.csv"))
    assert capsys.readouterr().err.endswith("one.csv: read with no other column\n")
    read_table(put(tmp_path, "x;y\n1,234;a\n", "doubt.csv"))
    said = capsys.readouterr().err
    assert "column 'x' may stand before decimals or thousands" in said and "--decimal" in said


@pytest.mark.parametrize(
    ("decimal", "expected"), [(",", [1.234, 12.0]), (".", [1234, 12000]), (None, ["1,234", "12,000"])]
)
def test_decimal_says_it_where_it_cannot_be_told(
    tmp_path: Path, decimal: str | None, expected: list[Any]
) -> None:
    path = put(tmp_path, "x;y\n1,234;a\n12,000;b\n")
    assert columns(read_table(path, decimal=decimal))["x"] == expected
    assert columns(read_real(path, decimal=decimal))["x"] == expected


def test_options(tmp_path: Path) -> None:
    path = put(tmp_path, "a~b\n1~2,5\n")
    assert columns(read_table(path, sep="~", decimal=",")) == {"a": [1], "b": [2.5]}
    assert columns(read_table(put(tmp_path, 'a,b\n1,"2,5"\n'), decimal=",")) == {"a": [1], "b": [2.5]}
    assert columns(read_table(put(tmp_path, "a\tb\n1\t2\n"), sep="tab")) == {"a": [1], "b": [2]}
    assert columns(read_table(put(tmp_path, "a;b\n1;2\n"), sep=",")) == {"a;b": ["1;2"]}
    for wrong in (
        {"sep": "ab"},
        {"sep": ""},
        {"sep": '"'},
        {"decimal": "'"},
        {"encoding": "utf-9"},
        {"encoding": "hex"},
    ):
        with pytest.raises(OptionError):
            read_table(path, **wrong)


@pytest.mark.parametrize(
    "text",
    [
        EUROPE,
        "a;b\n1.234,50;x\n12,00;y\n",
        "a;b\n1.234;0,5\n12.000;12,25\n",
        "a,b,c\n1.50,,1\n12.00,7,2\n",  # places, and whole numbers beside a gap
        "a,b\n258367910815691639,\n,x\n",
        "a|b\n1|x\n",
        ",x\n0,1.5\n1,2.25\n",
        "a;b;c\n8,03;0.5;x\n1,5;12.25;y\n",
        "a,b\n-0.0,1\n1.5,2\n",
    ],
)
def test_a_table_is_written_as_it_was_read(tmp_path: Path, text: str) -> None:
    path = put(tmp_path, text)
    table = read_table(path)
    write_table(table, tmp_path / "back.csv")
    assert (tmp_path / "back.csv").read_text(encoding="utf-8") == text
    sample, _ = sample_rows(path, 99)
    with ChunkWriter(tmp_path / "pieces.csv") as writer:
        for start in range(len(sample)):
            writer.write(sample.iloc[start : start + 1])
    assert (tmp_path / "pieces.csv").read_text(encoding="utf-8") == text


def test_numbers_that_come_again_are_written_as_each_is(tmp_path: Path) -> None:
    """Each different one is written once: 0 and -0 are, and a missing one is none."""
    table = pd.DataFrame({"x": [0.0, -0.0, np.nan, 1.5, 0.0, -0.0, 1e22], "y": [3, -3, 3, 0, 3, 7, 7]})
    write_table(table.iloc[::-1], tmp_path / "t.csv")
    lines = "x,y\n1e+22,7\n-0.0,7\n0.0,3\n1.5,0\n,3\n-0.0,-3\n0.0,3\n"
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == lines


def test_the_layout_of_a_file_is_that_of_its_synthetic_table(tmp_path: Path) -> None:
    schema = infer(read_table(put(tmp_path, EUROPE)))
    layout = Schema.from_dict(json.loads(json.dumps(schema.to_dict()))).layout
    made = pd.DataFrame({"id": [7], "preis": [9.5], "menge": [np.nan], "name": ["x;y"]})
    write_table(made, tmp_path / "made.csv", layout)
    assert (tmp_path / "made.csv").read_text() == 'id;preis;menge;name\n7;9,50;;"x;y"\n'
    write_table(made, tmp_path / "made.tsv", layout)
    assert (tmp_path / "made.tsv").read_text() == "id\tpreis\tmenge\tname\n7\t9,50\t\tx;y\n"
    write_table(made.assign(preis=[9.125]), tmp_path / "more.csv", layout)  # more places than the real ones
    assert (tmp_path / "more.csv").read_text() == 'id;preis;menge;name\n7;9,125;;"x;y"\n'
    write_table(made, tmp_path / "made.parquet", layout)
    assert read_table(tmp_path / "made.parquet")["preis"].tolist() == [9.5]
    assert infer(pd.DataFrame({"a": [1, 2]})).to_dict().keys() == {"format", "rows", "missing", "columns"}


def test_a_table_of_tabs_becomes_one_of_commas_and_back(tmp_path: Path) -> None:
    table = read_table(put(tmp_path, "a\tb\n1,50\tx,y\n2,25\tz\n", "t.tsv"))
    write_table(table, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == 'a,b\n1.50,"x,y"\n2.25,z\n'
    write_table(table, tmp_path / "u.tab")
    assert (tmp_path / "u.tab").read_bytes() == (tmp_path / "t.tsv").read_bytes()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a;b\n1;2\n3;4;5\n", r"3 fields in line 3 where its header has 2: .*a value with ';' needs quotes"),
        ("a\tb\n1\t2\n3\n", r"1 fields in line 3 where its header has 2: .*a tab needs quotes"),
        ("a\n1,2\n3,4\n", r"2 fields in line 2 where its header has 1"),
        ("a;b\n", "no rows"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = put(tmp_path, text)
    for read in (read_table, lambda p: sample_rows(p, 1)):
        with pytest.raises(DataError, match=said):
            read(path)


@pytest.mark.parametrize(
    "text", [",,\n" + "a,b,3\n" * 20, ",x,\n" + "a,b,3\n" * 20, "text\n" + "a, b\nc\n" * 10]
)
def test_columns_without_a_name_are_no_title(tmp_path: Path, text: str) -> None:
    assert len(read_table(put(tmp_path, text))) == 20


def test_a_sample_of_many_rows_has_the_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_CHUNK", 10)
    path = put(tmp_path, "n;x\n" + "".join(f"{i};{i},50\n" for i in range(100)))
    sample, total = sample_rows(path, 20, seed=1)
    assert total == 100 and len(sample) == 20 and (sample["x"] - sample["n"] == 0.5).all()
    write_table(sample, tmp_path / "s.csv")
    lines = path.read_text().splitlines()
    assert [line for line in lines if line in set((tmp_path / "s.csv").read_text().splitlines())] == (
        tmp_path / "s.csv"
    ).read_text().splitlines()
