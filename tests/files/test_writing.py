"""Tables into files and back: exact values, never half a file."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lookalike.errors import DataError
from lookalike.files import writing
from lookalike.files.reading import read_table, sample_rows
from lookalike.files.suffixes import SUFFIXES
from lookalike.files.writing import ChunkWriter, write_table


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


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
def test_every_character_comes_back(tmp_path: Path, suffix: str) -> None:
    odd = [chr(code) for code in (*range(32), 0x7F, 0x85, 0x2028, 0x2029, 0xFEFF, 0xFFFE)]
    real = pd.DataFrame({"a": [f"x{one}y" for one in odd] + odd, "b": [*odd, *odd]})
    write_table(real, tmp_path / f"t{suffix}")
    back = read_table(tmp_path / f"t{suffix}")
    assert back.to_dict("list") == real.to_dict("list")
    assert sample_rows(tmp_path / f"t{suffix}", 999)[0].to_dict("list") == real.to_dict("list")


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

    monkeypatch.setattr(writing.tempfile, "mkstemp", on_a_full_disk)
    with pytest.raises(DataError, match=r"t\..* cannot be written, the disk is full"):
        write_table(table(rows), tmp_path / f"t{suffix}")
    assert list(tmp_path.iterdir()) == []
