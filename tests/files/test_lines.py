"""Nested cells, files of texts and folders of files: in, out again, and one sentence where it cannot be."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lookalike.errors import DataError
from lookalike.files.reading import read_table, sample_rows
from lookalike.files.suffixes import SUFFIXES
from lookalike.files.writing import check_target, write_table
from lookalike.pipeline import read_real
from lookalike.table.inferring import infer

CELLS: list[Any] = [{"a": [1, 2.5, "é"], "b": None}, [], "N/A", None, {"a": []}, [{"x": "two\nlines"}]]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nested_cells_survive_a_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    write_table(pd.DataFrame({"n": range(6), "x": CELLS}), path)
    back = read_table(path)["x"]
    nested = back.tolist() if "json" in suffix else [json.loads(v) if isinstance(v, str) else v for v in back]
    assert [None if isinstance(v, float) else v for v in nested] == CELLS


def test_nested_cells_are_written_alike_in_all_pieces(tmp_path: Path) -> None:
    from lookalike.files.writing import ChunkWriter

    with ChunkWriter(tmp_path / "t.csv") as writer:
        for start in range(0, 6, 2):
            writer.write(pd.DataFrame({"x": CELLS}).iloc[start : start + 2])
    write_table(pd.DataFrame({"x": CELLS}), tmp_path / "whole.csv")
    assert (tmp_path / "t.csv").read_text() == (tmp_path / "whole.csv").read_text()


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_lists_of_parquet_are_lists(tmp_path: Path, suffix: str) -> None:
    real = pd.DataFrame({"x": [[{"a": [1, 2]}], [], [{"a": [3]}]]})
    (real.to_parquet if suffix == ".parquet" else real.to_feather)(tmp_path / f"t{suffix}")
    for back in (read_table(tmp_path / f"t{suffix}"), sample_rows(tmp_path / f"t{suffix}", 3)[0]):
        assert back["x"].tolist() == real["x"].tolist()
        assert infer(back)["x"].kind == "json"


def test_numpy_inside_a_cell_is_written(tmp_path: Path) -> None:
    write_table(pd.DataFrame({"x": [{"a": np.int64(1), "b": np.array([1, 2])}]}), tmp_path / "t.jsonl")
    assert (tmp_path / "t.jsonl").read_text() == '{"x": {"a": 1, "b": [1, 2]}}\n'


def test_declared_values_are_missing_among_nested_cells(tmp_path: Path) -> None:
    write_table(pd.DataFrame({"x": CELLS}), tmp_path / "t.jsonl")
    back = read_table(tmp_path / "t.jsonl", missing={"N/A"})
    assert back["x"].isna().tolist() == [False, False, True, True, False, False]


def test_a_text_per_line(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes("\ufeffone é\r\n\n  two\rhalves \n   \nthree".encode())
    assert read_table(path).to_dict("list") == {"text": ["one é", "  two\rhalves ", "three"]}
    sample, total = sample_rows(path, 2, seed=1)
    assert total == 3 and len(sample) == 2 and set(sample["text"]) < {"one é", "  two\rhalves ", "three"}
    write_table(read_table(path), path)
    assert path.read_bytes() == "one é\n  two\rhalves \nthree\n".encode()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"a": ["x"], "b": ["y"]}, r"columns 'a', 'b'"),
        ({"a": ["x", "y\nz"]}, "line breaks in row 1"),
        ({"a": ["x", None]}, "missing values"),
    ],
)
def test_what_is_no_text_per_line_is_refused_before_and_after_work(
    tmp_path: Path, table: dict[str, Any], said: str
) -> None:
    for write in (write_table, lambda frame, path: check_target(path, frame)):
        with pytest.raises(DataError, match=rf"t\.txt would hold one text per line.*{said}"):
            write(pd.DataFrame(table), tmp_path / "t.txt")
    assert list(tmp_path.iterdir()) == []
    check_target(tmp_path / "t.csv", pd.DataFrame(table))


def folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("suffix", "column", "contents"),
    [
        (".py", "code", ["def f():\r\n\treturn 1\r\n", "x = 'é'\n"]),
        (".sql", "code", ["SELECT 1", "SELECT 2;\n"]),
        (".txt", "text", ["two\nlines\n", "one"]),
    ],
)
def test_a_folder_has_a_row_per_file(tmp_path: Path, suffix: str, column: str, contents: list[str]) -> None:
    files = {f"b{suffix}": contents[1].encode(), f"a/z{suffix}": contents[0].encode(), f"c{suffix}": b""}
    path = folder(tmp_path / "src", files | {"README.md": b"no", f".hidden/x{suffix}": b"no"})
    assert read_table(path).to_dict("list") == {column: contents}
    assert read_real(path).equals(read_table(path))
    sample, total = sample_rows(path, 1, seed=0)
    assert total == 2 and sample[column].tolist()[0] in contents


def test_a_folder_of_json_has_nested_cells(tmp_path: Path) -> None:
    path = folder(tmp_path / "j", {"a.json": b'{"a": [1]}\n', "b.json": b"[]", "c.json": b"3"})
    assert read_table(path)["json"].tolist() == [{"a": [1]}, [], 3]
    assert infer(read_table(path))["json"].kind == "json"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, r"folder without \.py, \.sql"),
        ({"a.md": b"x"}, r"folder without \.py, \.sql"),
        ({"a.py": b""}, r"folder of empty \.py files"),
        ({"a.py": b"x", "b.sql": b"y"}, r"folder of \.py and \.sql files: put one kind"),
        ({"a.py": b"x", "b.py": "\né".encode("latin-1")}, r"b\.py is not UTF-8: the byte 0xe9 .*line 2"),
        (
            {"a.json": b"{}", "b.json": b'{"a": }'},
            r"b\.json is not valid JSON \(Expecting value.*\): repair it",
        ),
    ],
)
def test_a_folder_that_is_none_is_refused(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    path = folder(tmp_path / "f", files)
    path.mkdir(exist_ok=True)
    with pytest.raises(DataError, match=said) as error:
        read_table(path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"a": 1, "b": "x"}, {"b": null, "c": [1]}]', {"a": [1, None], "b": ["x", None], "c": [None, [1]]}),
        ('\ufeff \n[\n {"a": 1},\n {"a": 2}\n]\n', {"a": [1, 2]}),
        ('{"a": 1}\n{"a": 2}\n', {"a": [1, 2]}),  # JSON lines by another name
        ('{"a": 1}', {"a": [1]}),
        ('[{"a": "half \\ud83d \\u0000 \\ud83d\\ude00"}]', {"a": ["half \ufffd \x00 😀"]}),
        ('{"a": "half \\ud83d"}', {"a": ["half \ufffd"]}),
    ],
)
def test_an_array_of_objects(tmp_path: Path, text: str, expected: dict[str, list[Any]]) -> None:
    path = tmp_path / "t.json"
    path.write_text(text, encoding="utf-8")
    for back in (read_table(path), sample_rows(path, 9)[0]):
        found = {name: back[name].astype(object).where(back[name].notna(), None).tolist() for name in back}
        assert found == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("[]", "no rows"),
        ("[1]", "no JSON object as its entry 1"),
        ('[{"a": 1}, [2]]', "no JSON object as its entry 2"),
        ('[{"a": 1}', "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ("3", "one JSON value, not a table"),
        ('{\n"a": [1, 2]\n}', "one JSON value, not a table: write an array of objects"),
        ('{"a": 1}\nno\n', "no JSON object in line 2"),
    ],
)
def test_json_that_is_no_table(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(text)
    for read in (read_table, lambda p: sample_rows(p, 1)):
        with pytest.raises(DataError, match=said) as error:
            read(path)
        assert "\n" not in str(error.value)


def test_half_characters_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": "x\\ud83d"}\n{"a": "\\u00e9 \\ud83d\\ude00"}\n')
    assert read_table(path)["a"].tolist() == ["x\ufffd", "é 😀"]
    assert "half characters (surrogates) in 1 rows are replaced" in capsys.readouterr().err


def test_an_array_is_written_piece_by_piece(tmp_path: Path) -> None:
    from lookalike.files.writing import ChunkWriter

    with ChunkWriter(tmp_path / "t.json") as writer:
        for cell in ("x", {"b": None}, 3):
            writer.write(pd.DataFrame({"a": pd.Series([cell], dtype=object)}))
    assert json.loads((tmp_path / "t.json").read_text()) == [{"a": "x"}, {"a": {"b": None}}, {"a": 3}]
    write_table(pd.DataFrame({"a": []}), tmp_path / "none.json")
    assert json.loads((tmp_path / "none.json").read_text()) == []
