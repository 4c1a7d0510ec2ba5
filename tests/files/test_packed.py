# ruff: noqa: RUF001 - letters of other alphabets are what this is about
"""Packed files and encodings: read, or one sentence; never broken letters without a word."""

import bz2
import gzip
import io
import lzma
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from lookalike.errors import DataError
from lookalike.files.reading import read_table, sample_rows
from lookalike.files.writing import write_table

GERMAN = "name,ort\nMüller,Köln\nGroß,Düsseldorf\nÖzil,Gelsenkirchen\n"


def texts(table: pd.DataFrame) -> list[str]:
    return table.iloc[:, 0].tolist()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.json", "t.txt"])
def test_unicode_is_read_by_its_mark(
    tmp_path: Path, name: str, encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = {"t.csv": "a\né😀\nx\n", "t.txt": "é😀\nx\n", "t.json": '[{"a": "é😀"},\n {"a": "x"}]'}
    text = lines.get(name, '{"a": "é😀"}\n{"a": "x"}\n')
    mark = "\ufeff" if encoding[-3:] in ("-le", "-be") else ""
    (tmp_path / name).write_bytes((mark + text).encode(encoding))
    assert texts(read_table(tmp_path / name)) == ["é😀", "x"]
    assert sample_rows(tmp_path / name, 1)[1] == 2
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "text",
    [
        GERMAN,
        "a\ncafé\nil a mangé à la crème brûlée\n",
        "a\n12 €\nit’s “fine” – really\n",
        "a;b\n8,03;für\n",
        "a\nEl niño comió\n",
    ],
)
def test_western_letters_are_told_and_said(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w.csv").write_bytes(text.encode("cp1252"))
    (tmp_path / "u.csv").write_bytes(text.encode())
    expected = read_table(tmp_path / "u.csv")
    capsys.readouterr()
    pd.testing.assert_frame_equal(read_table(tmp_path / "w.csv"), expected)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "as Windows-1252 (cp1252)" in said
    pd.testing.assert_frame_equal(sample_rows(tmp_path / "w.csv", 99)[0], expected)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("a\nПривет, мир\nи ещё\n", "cp1251"),
        ("a\nПривет, мир\n", "koi8-r"),
        ("a\n東京へようこそ\n", "shift-jis"),
        ("a\nテスト\n", "shift-jis"),
        ("a\n中国人民\n", "gbk"),
        ("a\nŁódź gęś żółć\n", "cp1250"),
        ("a\ncafé élève\n", "mac-roman"),
        ("a\nschön grün Köln\n", "cp850"),
        ("a\nΚαλημέρα\n", "cp1253"),
        ("a\né\n", "latin-1"),  # a letter alone tells nothing
    ],
)
def test_other_encodings_are_refused_until_they_are_named(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(encoding))
    with pytest.raises(
        DataError, match=r"not UTF-8: the byte 0x.* save the file as UTF-8, or name its encoding"
    ):
        read_table(path, sep=",")
    back = read_table(path, encoding=encoding, sep="\t")
    assert texts(back) == text.split("\n")[1:-1]


def test_bytes_that_are_broken_in_utf_8_are_not_read_as_something_else(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("a\nMüller\nKöln\n".encode() + b"K\xf6ln\n")
    with pytest.raises(DataError, match=r"the byte 0xf6 at position 17 \(line 4\)"):
        read_table(path)


def test_an_encoding_is_for_files_that_are_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_bytes("a\nПривет\n".encode("cp1251"))
    (tmp_path / "made.csv").write_bytes("a\nПривет\n".encode())  # what write_table writes
    for name in ("real.csv", "made.csv"):
        assert texts(read_table(tmp_path / name, encoding="cp1251")) == ["Привет"]
    (tmp_path / "seven.csv").write_bytes("a\n東京\n".encode("iso-2022-jp"))  # nothing beyond ASCII
    assert texts(read_table(tmp_path / "seven.csv", encoding="iso-2022-jp")) == ["東京"]
    with pytest.raises(DataError, match=r"is not ascii .*name its encoding"):
        read_table(tmp_path / "real.csv", encoding="ascii")


def test_a_folder_in_a_named_encoding(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a.txt").write_bytes("é".encode("latin-1"))
    assert texts(read_table(tmp_path / "f", encoding="latin-1")) == ["é"]


PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("packed", [".gz", ".bz2", ".xz", ".zst", ".zip"])
@pytest.mark.parametrize("kind", [".csv", ".tsv", ".jsonl", ".json", ".txt"])
def test_packed_files(tmp_path: Path, kind: str, packed: str) -> None:
    real = pd.DataFrame({"text": ["é", "x,y", "z"]})
    for name in ("one", "two"):
        write_table(real, tmp_path / f"{name}{kind}{packed}")
    back = read_table(tmp_path / f"one{kind}{packed}")
    pd.testing.assert_frame_equal(back, real)
    assert sample_rows(tmp_path / f"one{kind}{packed}", 1)[1] == 3
    one, two = ((tmp_path / f"{name}{kind}{packed}").read_bytes() for name in ("one", "two"))
    assert one == two or packed == ".zip"  # of which the name is inside
    if packed in PACK:
        write_table(real, tmp_path / f"plain{kind}")
        (tmp_path / f"other{kind}{packed}").write_bytes(
            PACK[packed]((tmp_path / f"plain{kind}").read_bytes())
        )
        pd.testing.assert_frame_equal(read_table(tmp_path / f"other{kind}{packed}"), real)


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def test_a_zip_of_one_table_whatever_its_name(tmp_path: Path) -> None:
    path = zipped(tmp_path / "d.zip", {"in/t.tsv": b"a\tb\n1\t2\n", "in/": b"", "__MACOSX/in/._t.tsv": b"?"})
    assert read_table(path).to_dict("list") == {"a": [1], "b": [2]}
    buffer = io.BytesIO()
    pd.DataFrame({"a": [1, 2]}).to_parquet(buffer)
    path = zipped(tmp_path / "p.zip", {"t.parquet": buffer.getvalue()})
    assert read_table(path)["a"].tolist() == [1, 2] and sample_rows(path, 1)[1] == 2


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("two.zip", {"a.csv": b"a\n1\n", "b.csv": b"a\n1\n"}, "holds 2 files: pack the one"),
        ("none.zip", {}, "holds 0 files"),
        ("odd.zip", {"a.doc": b"x"}, "no suffix of a table"),
        ("no.csv.zip", b"nothing", "not a complete zip file"),
        ("no.csv.bz2", b"nothing", "cannot be read"),
        ("no.csv.xz", b"nothing", "not a complete xz file"),
        ("no.csv.zst", b"nothing", "cannot be read"),
        ("cut.csv.bz2", bz2.compress(b"a\n" + b"1\n" * 999)[:30], "not a complete bzip2 file"),
        ("cut.csv.xz", lzma.compress(b"a\n" + b"1\n" * 999)[:50], "not a complete xz file"),
        ("no.parquet.gz", b"", "no suffix of a table: name it such as table.csv.gz"),
    ],
)
def test_packed_files_that_are_none(tmp_path: Path, name: str, content: object, said: str) -> None:
    path = tmp_path / name
    if isinstance(content, dict):
        zipped(path, content)
    else:
        assert isinstance(content, bytes)
        path.write_bytes(content)
    with pytest.raises(DataError, match=said) as error:
        read_table(path)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from lookalike.files import packed as textfiles

    textfiles._standard_input.cache_clear()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a;b\n1;2,5\n")))
    assert read_table("-").to_dict("list") == {"a": [1], "b": [2.5]}
    assert capsys.readouterr().err == "standard input: read with ';' between columns and decimal commas\n"
    textfiles._standard_input.cache_clear()
