"""Reading a file and writing it again changes no byte: small files of every sort that people have."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lookalike.files.reading import read_table, sample_rows
from lookalike.files.writing import ChunkWriter, write_table

FILES = {
    "whole numbers beside gaps": "id,age\n258367910815691639,\n,28\n767750855927547427,81\n",
    "18 digits": "id\n258367910815691639\n258367910815691641\n",
    "20 digits": "id\n18446744073709551615\n1\n",
    "more digits": "id,x\n184467440737095516151844,1\n5,2\n",
    "leading zeros": "zip,n\n00501,1\n02134,2\n",
    "an isbn": "isbn\n0887978969\n0156027321\n",
    "words for booleans": "a,b,c,d\nTRUE,true,t,True\nFALSE,false,f,False\n",
    "booleans with gaps": "a,b\nTrue,1\n,2\nFalse,3\n",
    "decimals kept": "a,b,c\n12.50,1.1,5.1\n3.10,1.10,3\n0.00,1.2,1.25\n",
    "full precision": "h\n5.233333333333333\n2.3666666666666667\n1.0\n",
    "minus zero": "a,b\n-0.0,-0\n1.5,2\n",
    "exponents": "a,b,c,d\n2E6,6.213e-12,1e-08,1e5\n3E6,2.160e-08,2.5,3\n",
    "small and large": "a,b,c\n0.00001,1000000000000000,1e+16\n0.5,2.5,0.5\n",
    "signs": "a,b\n+5,+1.5\n-3,-2.5\n",
    "money": 'price,eur,pct,kg\n"$1,234.50","1.234,50",12.5%,70.1 kg\n$535.56,"535,56",22.2%,62.5 kg\n',
    "thousands": 'n\n"1,234"\n"12,000"\n950\n',
    "exceptions": 'a,b,c,d\n1.5, ,?,N/A\n2.5,29.85,0.59,3\n,1889.50,-,null\n',
    "not numbers": "a,b,c\nnan,inf,NaN\n1.5,2.5,3\n",
    "infinite": "a\ninf\n2.5\n-inf\n",
    "dates": 'a,b,c\n2024-06-19 01:59:00,"21 Sep, 15",20141013\n2024-04-22 12:24:00,"22 Apr, 20",20191119\n',
    "decimal commas": "id;preis;menge\n0;8,03;1\n1;1087,60;\n",
    "short decimal commas": "id;preis\n0;8,03\n1;-7,5\n2;3\n",
    "decimal commas and thousands": "a;b\n1.234,50;x\n12,00;y\n",
    "a comma in a name": 'id;"Preis, EUR";Menge\n1;2,50;3\n2;13,75;4\n',
    "bars": "a|b\n1|x,y\n2|z\n",
    "tabs": "a\tb\n1\tx, y\n2\tz\n",
    "an index without a name": ",x\n0,1.67\n1,-0.25\n",
    "odd names": '"a\nb",c\', lead,1,Größe €,,select\n1,y,2,3,L,4,null\n2,z,3,4,S,5,None\n',
    "blanks after commas": "age, workclass, hours\n78, Private, 57\n70, ?, 15\n",
    "two columns of one name": "a,b,a\n1,x,2\n3,y,4\n",
    "no names": ",,\n1,x,2\n3,y,4\n",
    "empty and nothing": 'a,b\n"",x\n,y\nz,\n',
    "empty cells in quotes": 'a,b\n"",1\nx,2\n',
    "words for nothing": "a,b\nNA,1\nnull,2\n,3\nNone,4\n",
    "quotes around all": '"a","b","c"\n"1","x","2.50"\n"2","","3.10"\n',
    "quotes around strings": '"a","b"\n1,"x"\n2,"y"\n',
    "quotes around strings, not around names": 'a,b\n1,"x"\n2,"y ""z"""\n',
    "other line ends": "a,b\r\n1,x\r\n2,y\r\n",
    "line ends of old": "a,b\r1,x\r2,y\r",
    "no last line end": "a,b\n1,x\n2,y",
    "line ends in cells": 'a,b\r\n1,"x\ny"\r\n2,"z\r\nw"\r\n',
    "a mark at the start": "\ufeffa,b\n1,é\n2,y\n",
    "one column": "text\nOne, two\nThree\n",
    "one column with quotes": 'text\n"One, two"\n"a ""b"""\n',
    "one column with gaps": 'n\n1\n""\n3\n',
    "one column of sentences": "text\nHello, you; there\nWell, yes, no\nFine; so\n",
    "nothing in a column": "a,b,c\n1,,x\n2,,y\n",
    "one row": "a,b\n1.50,x\n",
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_comes_back_byte_for_byte(tmp_path: Path, name: str) -> None:
    there, back, pieces = (tmp_path / f"{one}.csv" for one in ("there", "back", "pieces"))
    there.write_bytes(FILES[name].encode())
    table = read_table(there)
    write_table(table, back)
    assert back.read_bytes().decode() == FILES[name]
    sample, _ = sample_rows(there, 99)
    with ChunkWriter(pieces) as writer:
        for start in range(len(sample)):
            writer.write(sample.iloc[start : start + 1])
    assert pieces.read_bytes().decode() == FILES[name]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("cp1252", "name,x\nBjörk,1\nRenée,2\n"), ("utf-16", "name,x\n東京,1\n大阪,2\n"),
     ("utf-8-sig", "a\né\nb\n")],
)  # fmt: skip
def test_the_encoding_comes_back(tmp_path: Path, encoding: str, text: str) -> None:
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    table = read_table(tmp_path / "t.csv")
    with ChunkWriter(tmp_path / "back.csv") as writer:
        writer.write(table.iloc[:1])
        writer.write(table.iloc[1:])
    assert (tmp_path / "back.csv").read_bytes() == text.encode(encoding)


def test_a_character_that_an_encoding_lacks_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_bytes("name\nBjörk und so\nRenée hier\n".encode("cp1252"))
    table = read_table(tmp_path / "t.csv")
    write_table(pd.DataFrame({"name": ["Ж", "é"]}), tmp_path / "back.csv", table.attrs["layout"])
    assert (tmp_path / "back.csv").read_bytes() == "name\n?\né\n".encode("cp1252")
    assert "cp1252 has no character 'Ж'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("cells", "expected", "dtype"),
    [
        (["28", "", "5"], [28, None, 5], "Int64"),
        (["28", "5"], [28, 5], "int64"),
        (["1.5", "3"], [1.5, 3.0], "float64"),
        (["1.5", "3.0"], [1.5, 3.0], "float64"),
        (["1.50", "3.00"], [1.5, 3.0], "float64"),
        (["1.50", "3.0"], ["1.50", "3.0"], "str"),
        (["3", "3.0", "1.5"], ["3", "3.0", "1.5"], "str"),
        (["007", "12"], ["007", "12"], "str"),
        (["1e5", "2"], ["1e5", "2"], "str"),
        (["0.00001", "2.5"], ["0.00001", "2.5"], "str"),  # Python writes 1e-05
        (["1e-05", "2.5"], [1e-05, 2.5], "float64"),
        (["0.1000000000000000055", "2.5"], ["0.1000000000000000055", "2.5"], "str"),
        (["123456789012345678.25", "1.50"], ["123456789012345678.25", "1.50"], "str"),
        (["True", "False"], [True, False], "bool"),
        (["True", "False", ""], [True, False, None], "boolean"),
        (["True", "no"], ["True", "no"], "str"),
    ],
)
def test_a_column_is_numbers_only_where_each_cell_comes_back(
    tmp_path: Path, cells: list[str], expected: list[Any], dtype: str
) -> None:
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{cell},a\n" for cell in cells))
    column = read_table(tmp_path / "t.csv")["x"]
    assert column.astype(object).where(column.notna(), None).tolist() == expected
    assert str(column.dtype) in ((dtype,) if dtype != "str" else ("str", "object"))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('id;"Preis, EUR";Menge\n1;2,5;3\n2;3,5;4\n', ["id", "Preis, EUR", "Menge"]),
        ('"a, b";c\n1,5;2\n', ["a, b", "c"]),
        ('a|b\n"x|y"|1,5\nz|2,5\n', ["a", "b"]),
        ("a|b\n1|2\n3|4\n", ["a", "b"]),
        ('a,b\n"x;y;z",1\n"u;v;w",2\n', ["a", "b"]),
        ("a;b,c;d\n1;2,5;3\n", ["a", "b,c", "d"]),
        ("a,b\n1,x|y\n2,z|w\n", ["a", "b"]),
        ('k\t"v\tw"\n1\t"2\t3"\n', ["k", "v\tw"]),
    ],
)
def test_the_separator_is_what_gives_every_row_its_fields(
    tmp_path: Path, text: str, names: list[str]
) -> None:
    (tmp_path / "t.csv").write_text(text)
    assert list(read_table(tmp_path / "t.csv").columns) == names


def test_a_second_column_of_a_name_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("a,b,a,a.1\n1,2,3,4\n")
    assert list(read_table(tmp_path / "t.csv").columns) == ["a", "b", "a.2", "a.1"]
    assert "two columns named 'a'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        '{"id": 128050753655350895, "age": 43, "ok": true, "zip": "09527", "f": 12.5}\n'
        '{"id": null, "age": null, "ok": null, "zip": "", "f": 1e-08}\n',
        '{"a": 1}\n{"a": 2, "b": "x"}\n{"a": 3, "b": ""}\n',  # absent
        '{"a": 1, "b": null}\n{"a": 2}\n{"b": 5}\n{"a": 3, "b": 7}\n',  # null here, absent there
        '{"a": 1, "c": 2}\n{"a": 1, "b": 4, "c": 2}\n',  # the order of the keys
        '{"a": 1.5, "b": 1}\n{"a": 3, "b": 2.0}\n',
        '{"a":1,"b":[1,2]}\n{"a":2,"b":[]}\n',
        '{"a": 18446744073709551617}\n{"a": null}\n',
        '{"a": {"x": 1}, "b": "é"}\n{"a": null, "b": "NA"}\n',
    ],
)
def test_lines_of_json_come_back(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.jsonl").write_text(text)
    table = read_table(tmp_path / "t.jsonl")
    with ChunkWriter(tmp_path / "back.jsonl", table.attrs.get("layout", {})) as writer:
        writer.write(table)
    assert (tmp_path / "back.jsonl").read_text() == text


def test_made_rows_have_as_many_absent_values(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"a": 1, "b": null}\n{"a": 2}\n{"a": 3}\n{"a": 4, "b": 5}\n')
    layout = read_table(tmp_path / "t.jsonl").attrs["layout"]
    write_table(pd.DataFrame({"a": range(30), "b": [None] * 30}), tmp_path / "made.jsonl", layout)
    lines = (tmp_path / "made.jsonl").read_text().splitlines()
    assert sum('"b"' not in line for line in lines) == 20 and sum('"b": null' in line for line in lines) == 10
