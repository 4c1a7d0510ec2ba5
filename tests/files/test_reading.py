"""Tables out of files: what is missing, samples, and one clear sentence for whatever is wrong with a file."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from lookalike.errors import DataError
from lookalike.files import reading
from lookalike.files.reading import read_table, sample_rows
from lookalike.files.suffixes import SUFFIXES
from lookalike.files.writing import ChunkWriter, write_table


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_declared_values_are_missing(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    write_table(pd.DataFrame({"job": ["?", "cook", "?"], "age": [1, -9, 3]}), path)
    assert read_table(path).isna().to_numpy().sum() == 0
    back = read_table(path, missing={"?", "-9"})
    assert back.isna().to_numpy().tolist() == [[True, False], [False, True], [True, False]]
    assert back["age"].dropna().tolist() == [1, 3]


def test_only_empty_cells_of_a_csv_are_missing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\nNA,1\n,2\nnan,\n")
    back = read_table(tmp_path / "t.csv")
    assert back["a"].isna().tolist() == [False, True, False]
    assert back["b"].isna().tolist() == [False, False, True]


def test_a_cell_may_be_of_a_megabyte(tmp_path: Path) -> None:
    wide = "é" * 2**20
    write_table(pd.DataFrame({"a": [wide, "x"], "b": [None, "y"]}), tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv")["a"].tolist() == [wide, "x"]
    assert sample_rows(tmp_path / "t.csv", 2)[0]["a"].tolist() == [wide, "x"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_are_seen(tmp_path: Path, separator: str) -> None:
    (tmp_path / "t.csv").write_text(f"\ufeffa{separator}b\n1{separator}2\n", encoding="utf-8")
    assert read_table(tmp_path / "t.csv").to_dict("list") == {"a": [1], "b": [2]}


BAD = {
    "empty.csv": (b"", "is empty"),
    "blank.csv": (b"\n\n", "is empty"),
    "header.csv": (b"a,b\n", "no rows"),
    "short.csv": (b"a,b,c\n1,2,3\n4,5\n6,7,8\n", "2 fields in line 3"),
    "long.csv": (b"a,b\n1,2\n1,2,3\n", "3 fields in line 3"),
    "longer.csv": (b"a,b\n1,2,3\n1,2,3\n", "3 fields in line 2"),
    "quote.csv": (b'a,b\n1,"2\n', "not a readable CSV"),
    "latin.csv": ("a,b\n1,é\n".encode("latin-1"), r"not UTF-8: the byte 0xe9 at position 6 \(line 2\)"),
    "plain.csv.gz": (b"a,b\n1,2\n", "not a complete gzip"),
    "cut.csv.gz": (gzip.compress(b"a,b\n" + b"1,2\n" * 9999)[:60], "not a complete gzip"),
    "latin.csv.gz": (gzip.compress("a\né\n".encode("latin-1")), "not UTF-8"),
    "no.parquet": (b"nothing of the kind", "cannot be read .*: check that it is complete"),
    "no.feather": (b"nothing of the kind", "cannot be read"),
    "empty.jsonl": (b"", "is empty"),
    "no.jsonl": (b'{"a": 1}\nno\n', "no JSON object in line 2"),
    "list.jsonl": (b"[1]\n", "no JSON object in line 1"),
    "cut.jsonl": (b'{"a": 1}\n{"a": [1}\n', "no JSON object in line 2"),
    "deep.jsonl": (b'{"a": ' + b"[" * 100_000, "no JSON object in line 1"),
    "empty.txt": (b"", "is empty"),
    "blank.txt": (b"\n \r\n", "is empty"),
    "latin.txt": ("a\né\n".encode("latin-1"), r"not UTF-8: the byte 0xe9 at position 2 \(line 2\)"),
    "table.xls": (b"", "no suffix of a table"),
    "table.xlsx": (b"", "not a complete Excel file"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_give_one_sentence(tmp_path: Path, name: str) -> None:
    content, said = BAD[name]
    path = tmp_path / name
    path.write_bytes(content)
    for read in (read_table, lambda p: sample_rows(p, 1)):
        with pytest.raises(DataError, match=said) as error:
            read(path)
        message = str(error.value)
        assert str(path) in message and "\n" not in message and message.endswith(".")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_sample_is_uniform_and_knows_the_total(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_CHUNK", 700)
    path = tmp_path / f"t{suffix}"
    with ChunkWriter(path) as writer:
        for start in range(0, 5000, 500):
            writer.write(
                pd.DataFrame({"i": range(start, start + 500), "text": "é\nx", "hole": [1.5, None] * 250})
            )
    sample, total = sample_rows(path, 1000, seed=3)
    assert total == 5000 and len(sample) == 1000
    assert sample["i"].is_monotonic_increasing and sample["i"].is_unique
    assert abs(sample["i"].mean() - 2499.5) < 4 * 1443 / 1000**0.5  # four standard errors
    assert 400 < sample["hole"].isna().sum() < 600
    assert set(sample["text"]) == {"é\nx"}
    same, _ = sample_rows(path, 1000, seed=3)
    pd.testing.assert_frame_equal(sample, same)
    everything, total = sample_rows(path, 9000, seed=3)
    pd.testing.assert_frame_equal(everything, read_table(path))
    assert total == 5000


def test_a_sample_of_a_csv_has_one_dtype_per_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_CHUNK", 10)
    (tmp_path / "t.csv").write_text("a\n" + "1\n" * 20 + "?\n" + "2\n" * 20)
    assert sample_rows(tmp_path / "t.csv", 41)[0]["a"].map(type).nunique() == 1
    assert sample_rows(tmp_path / "t.csv", 41, missing={"?"})[0]["a"].dtype == "Int64"
