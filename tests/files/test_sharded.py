"""A folder or a pattern of files is one table; its shards are of one kind and alike."""

import gzip

import pandas as pd
import pytest

import lookalike
from lookalike.errors import DataError
from lookalike.files.reading import read_table, sample_rows
from lookalike.files.sharded import part, parts, shard_files
from lookalike.pipeline import read_real

TABLE = pd.DataFrame({"n": range(40), "name": [f"row {i}" for i in range(40)]})


def shards(folder, suffix, table=TABLE):
    folder.mkdir(exist_ok=True)
    for at in range(4):
        lookalike.write_table(
            table.iloc[at * 10 : at * 10 + 10].reset_index(drop=True), folder / f"{at}{suffix}"
        )
    return folder


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".csv.gz", ".jsonl", ".feather", ".tsv"])
def test_a_folder_of_any_kind_is_the_table_and_a_sample_of_it_is_uniform(suffix, tmp_path):
    folder = shards(tmp_path / "made", suffix)
    for name in (".hidden.csv", "_SUCCESS", "notes.txt", "plan.txt"):
        (folder / name).write_text("x")
    assert read_table(folder).equals(TABLE) and read_table(f"{folder}/*{suffix}").equals(TABLE)
    assert read_table(f"{folder}/[12]{suffix}")["n"].tolist() == list(range(10, 30))
    some, total = sample_rows(folder, 12, seed=3)
    assert total == 40 and len(some) == 12 and some["n"].is_unique
    assert (some["name"] == "row " + some["n"].astype(str)).all()
    assert len(sample_rows(folder, 100)[0]) == 40


def test_every_row_of_every_shard_is_drawn_alike(tmp_path):
    folder = shards(tmp_path / "made", ".parquet")
    drawn = pd.concat([sample_rows(folder, 10, seed)[0] for seed in range(200)])["n"].value_counts()
    assert len(drawn) == 40 and drawn.between(25, 80).all()  # 50 of each, with a spread of 6


def test_a_large_table_in_shards_is_learned_from_a_sample(tmp_path, capsys):
    folder = shards(tmp_path / "made", ".csv")
    assert len(read_real(folder)) == 40 and len(read_real(f"{folder}/*.csv")) == 40
    assert len(read_real(folder, comfortable=10)) == 40  # a sample of 500,000 rows
    assert "learning from 40 of its 40 rows" in capsys.readouterr().err


def test_names_of_parts_say_which_and_how_many():
    assert part(17, 1000) == "part-00017-of-01000.parquet"
    names = [part(0, 2), part(1, 2), part(1, 3), "part-x", f".{part(0, 2)}", "plan.json"]
    assert parts(names, 2) == {0, 1} and parts(names, 3) == {1}


def test_single_files_and_folders_of_texts_are_no_shards(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    assert shard_files(tmp_path) == [] and read_table(tmp_path)["code"].tolist() == ["x = 1\n"]
    (tmp_path / "odd[1].csv").write_text("a\n1\n")
    assert shard_files(tmp_path / "odd[1].csv") == [] and len(read_table(tmp_path / "odd[1].csv")) == 1


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("4.parquet", None, r"holds? .*\.csv and \.parquet|has \.csv and \.parquet files"),
        ("4.csv", "n\n1\n", r"0\.csv has the column 'name', which .*4\.csv lacks"),
        ("4.csv", "n,name,more\n1,a,b\n", r"4\.csv has the column 'more', which .*0\.csv lacks"),
        ("4.csv", "n,name\nx,a\n", r"column 'n' holds numbers in .*0\.csv and texts in .*4\.csv"),
        ("4.csv", "", r"4\.csv"),
    ],
)
def test_a_shard_that_does_not_fit_is_named(name, content, sentence, tmp_path):
    folder = shards(tmp_path / "made", ".csv")
    if content is None:
        lookalike.write_table(TABLE, folder / name)
    else:
        (folder / name).write_text(content)
    with pytest.raises(DataError, match=sentence):
        read_table(folder)


def test_a_half_written_shard_is_named(tmp_path):
    folder = shards(tmp_path / "made", ".parquet")
    whole = (folder / "2.parquet").read_bytes()
    (folder / "2.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"2\.parquet cannot be read"):
        read_table(folder)
    packed = shards(tmp_path / "packed", ".csv.gz")
    (packed / "1.csv.gz").write_bytes(gzip.compress(b"n,name\n1,a\n")[:-9])
    with pytest.raises(DataError, match=r"1\.csv\.gz is not a complete gzip file"):
        read_table(packed)


def test_a_pattern_that_nothing_matches_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match=r"no \.csv.* file matches .*\*\.csv"):
        read_table(f"{tmp_path}/*.csv")
