"""Tables in and out of files: exact values, and one clear sentence for whatever is wrong with a file."""

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lookalike.errors import DataError
from lookalike.files import tables as io
from lookalike.files.tables import SUFFIXES, ChunkWriter, read_table, sample_rows, write_table


def table(rows: int = 1000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "whole": rng.integers(-(2**60), 2**60, rows),
            "real": rng.normal(size=rows) * 10.0 ** rng.integers(-9, 9, rows),
            "holes": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(size=rows)),
            "word": rng.choice(["NA", "?", "null", 'a,"b"', "two\nlines", "ç😀"], rows),
            "sometimes": np.where(rng.random(rows) < 0.5, "yes", None),
            "flag": rng.random(rows) < 0.5,
        }
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_table_survives_a_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    real = table()
    excel = suffix == ".xlsx"
    if excel:  # whose numbers are shorter
        real["whole"] //= 2**12
    write_table(real, path)
    back = read_table(path)
    pd.testing.assert_frame_equal(back, real, check_dtype=False, check_exact=not excel, rtol=1e-15)
    assert back.dtypes.astype(str).tolist()[:3] == ["int64", "float64", "float64"]
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]  # no temporary file is left


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pieces_make_the_same_file_as_the_whole(tmp_path: Path, suffix: str) -> None:
    real = table()
    with ChunkWriter(tmp_path / f"pieces{suffix}") as writer:
        for start in range(0, len(real), 300):
            writer.write(real.iloc[start : start + 300])
    write_table(real, tmp_path / f"whole{suffix}")
    pieces, whole = (read_table(tmp_path / f"{name}{suffix}") for name in ("pieces", "whole"))
    pd.testing.assert_frame_equal(pieces, whole)
    if "csv" in suffix or "jsonl" in suffix:
        assert (tmp_path / f"pieces{suffix}").read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_binary_files_keep_dtypes(tmp_path: Path, suffix: str) -> None:
    real = pd.DataFrame(
        {
            "null": pd.array([1, None, 3], dtype="Int64"),
            "zone": pd.date_range("2020", periods=3, tz="Europe/Berlin"),
            "ordered": pd.Categorical(["lo", "hi", "lo"], categories=["lo", "mid", "hi"], ordered=True),
            "small": np.array([1, 2, 3], dtype="int8"),
        }
    )
    write_table(real, tmp_path / f"t{suffix}")
    pd.testing.assert_frame_equal(read_table(tmp_path / f"t{suffix}"), real)


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_a_first_piece_of_missing_values_takes_strings_later(tmp_path: Path, suffix: str) -> None:
    with ChunkWriter(tmp_path / f"t{suffix}") as writer:
        writer.write(pd.DataFrame({"a": pd.Series([None, None], dtype=object)}))
        writer.write(pd.DataFrame({"a": pd.Series(["x", None], dtype=object)}))
    assert read_table(tmp_path / f"t{suffix}")["a"].tolist()[2] == "x"


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
    "twice.csv": (b"a,b,a\n1,2,3\n", "two columns named 'a'"),
    "short.csv": (b"a,b,c\n1,2,3\n4,5\n6,7,8\n", "2 fields in line 3"),
    "long.csv": (b"a,b\n1,2\n1,2,3\n", "3 fields in line 3"),
    "longer.csv": (b"a,b\n1,2,3\n1,2,3\n", "3 fields in line 2"),
    "quote.csv": (b'a,b\n1,"2\n', "not a readable CSV"),
    "latin.csv": ("a,b\n1,é\n".encode("latin-1"), r"not UTF-8: the byte 0xe9 at position 6 \(line 2\)"),
    "plain.csv.gz": (b"a,b\n1,2\n", "not a complete gzip"),
    "cut.csv.gz": (gzip.compress(b"a,b\n" + b"1,2\n" * 9999)[:60], "not a complete gzip"),
    "latin.csv.gz": (gzip.compress("a\né\n".encode("latin-1")), "not UTF-8"),
    "no.parquet": (b"nothing of the kind", "cannot be read"),
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


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)
    with pytest.raises(DataError, match=r"the folder .* does not exist"):
        write_table(table(3), tmp_path / "none" / "t.csv")
    with pytest.raises(DataError, match="no suffix"):
        write_table(table(3), tmp_path / "t.doc")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        write_table(table(3), tmp_path / "d.csv")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_interrupted_write_leaves_the_old_file_alone(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), ChunkWriter(path) as writer:
        writer.write(table())
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize("rows", [3, 20_000])  # seen when closing, and while writing
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_reported_and_leaves_nothing(
    tmp_path: Path, suffix: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_a_full_disk(prefix: str, suffix: str, dir: Path) -> tuple[int, str]:
        path = dir / f"{prefix}{suffix}"
        path.symlink_to("/dev/full")
        return os.open(os.devnull, os.O_RDONLY), str(path)

    monkeypatch.setattr(io.tempfile, "mkstemp", on_a_full_disk)
    with pytest.raises(DataError, match=r"t\..* cannot be written, the disk is full"):
        write_table(table(rows), tmp_path / f"t{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_sample_is_uniform_and_knows_the_total(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(io, "_CHUNK", 700)
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
    monkeypatch.setattr(io, "_CHUNK", 10)
    (tmp_path / "t.csv").write_text("a\n" + "1\n" * 20 + "?\n" + "2\n" * 20)
    assert sample_rows(tmp_path / "t.csv", 41)[0]["a"].map(type).nunique() == 1
    assert sample_rows(tmp_path / "t.csv", 41, missing={"?"})[0]["a"].dtype == "float64"


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
def test_every_character_comes_back(tmp_path: Path, suffix: str) -> None:
    odd = [chr(code) for code in (*range(32), 0x7F, 0x85, 0x2028, 0x2029, 0xFEFF, 0xFFFE)]
    real = pd.DataFrame({"a": [f"x{one}y" for one in odd] + odd, "b": [*odd, *odd]})
    write_table(real, tmp_path / f"t{suffix}")
    back = read_table(tmp_path / f"t{suffix}")
    assert back.to_dict("list") == real.to_dict("list")
    assert sample_rows(tmp_path / f"t{suffix}", 999)[0].to_dict("list") == real.to_dict("list")
