"""A table in shards is curated as the same table in one."""

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.cli.main import main
from lookalike.errors import DataError, OptionError
from lookalike.files.place import Place
from lookalike.shards import repeating
from lookalike.shards.looking import decided, looked

CHECKS = ["missing", "length", "refusal", "language", "unknown", "copy", "exact", "near"]


@pytest.fixture(scope="module")
def made(banking, tmp_path_factory):
    """(real texts, 600 synthetic ones of which many repeat others, the folder of their 3 shards)."""
    rng, rows = np.random.default_rng(0), []
    real, base = banking.iloc[:100].reset_index(drop=True), banking.iloc[100:160]
    for _ in range(600):
        text, label = base.iloc[rng.integers(len(base))]
        words = text.split()
        for _ in range(rng.integers(0, 4)):
            words[rng.integers(len(words))] = rng.choice(["card", "money", "please", "bank"])
        rows.append((" ".join(words), label if rng.random() < 0.9 else base["category"].iloc[0]))
    table = pd.DataFrame(rows, columns=["text", "category"])
    table.loc[5, "text"] = "As an AI language model I cannot do that"
    table.loc[7, "text"] = None
    folder = tmp_path_factory.mktemp("curated") / "made"
    folder.mkdir()
    for at in range(3):
        lookalike.write_table(
            table.iloc[at * 200 : at * 200 + 200].reset_index(drop=True), folder / f"{at}.csv"
        )
    return real, lookalike.read_table(folder), folder


@pytest.mark.parametrize(
    "options",
    [{"label": "category"}, {"without": ["exact"]}, {"real": None}],
    ids=["label", "without", "no real"],
)
def test_shards_are_curated_as_the_whole(made, options, tmp_path):
    real, table, folder = made
    given = {"real": real} | options
    kept, decisions = lookalike.curate(table, only=CHECKS, progress=False, **given)
    found = lookalike.curate_shards(folder, tmp_path / "out", only=CHECKS, workers=1, progress=False, **given)
    assert lookalike.read_table(tmp_path / "out").equals(kept) and len(kept) < 500
    assert found.counts == decisions.counts() and found.kept == len(kept)
    own = [lookalike.Decisions.load(tmp_path / "out" / decided(shard)).table for shard in range(3)]
    rows = pd.concat([one.assign(row=one["row"] + 200 * at) for at, one in enumerate(own)], ignore_index=True)
    columns = ["row", "check", "action"]
    assert sorted(rows[columns].values.tolist()) == sorted(decisions.table[columns].values.tolist())


def test_texts_of_a_template_are_no_near_duplicates(tmp_path):
    queries = [f"SELECT name FROM users WHERE city = 'Rome' AND age > {at}" for at in range(60)]
    real = pd.DataFrame({"query": queries, "n": range(60)})
    (tmp_path / "made").mkdir()
    lookalike.write_table(real.iloc[:30], tmp_path / "made" / "0.csv")
    found = lookalike.curate_shards(tmp_path / "made", None, real, only=["near"], workers=1, progress=False)
    kept, decisions = lookalike.curate(real.iloc[:30], real, only=["near"], progress=False)
    assert found.kept == len(kept) == 30 and found.notes == decisions.notes != []


def test_hashes_in_pieces_decide_the_same_and_what_a_pass_leaves_is_checked(made, tmp_path, monkeypatch):
    real, table, folder = made
    kept, _ = lookalike.curate(table, real, only=["exact", "near"], progress=False)
    monkeypatch.setattr(repeating, "TOGETHER", 100)
    options = {"only": ["exact", "near"], "workers": 1, "progress": False}
    lookalike.curate_shards(folder, tmp_path / "out", real, **options)
    assert lookalike.read_table(tmp_path / "out").equals(kept) and len(kept) < 500
    assert not list((tmp_path / "out").glob("_*.npz"))
    (tmp_path / "out" / "part-00001-of-00003.parquet").unlink()
    (tmp_path / "out" / looked(0)).write_bytes(b"half")
    with pytest.raises(DataError, match=r"_looked-00000\.npz is damaged: remove it"):
        lookalike.curate_shards(folder, tmp_path / "out", real, **options)


def test_what_was_done_is_not_done_again(made, tmp_path, monkeypatch):
    real, _, folder = made
    out = tmp_path / "out"
    first = lookalike.curate_shards(folder, out, real, only=CHECKS, workers=1, progress=False)
    before = (out / "part-00001-of-00003.parquet").read_bytes()
    assert not (out / looked(0)).exists()
    (out / "part-00001-of-00003.parquet").unlink()
    again = lookalike.curate_shards(folder, out, real, only=CHECKS, workers=2, progress=False)
    assert (out / "part-00001-of-00003.parquet").read_bytes() == before and again.counts == first.counts
    with pytest.raises(DataError, match="another plan"):
        lookalike.curate_shards(folder, out, real, only=["exact"], progress=False)
    assert "plan.json" in Place(out).names()


def test_the_command_line_says_what_would_be_dropped_and_writes_a_folder(made, tmp_path, capsys):
    _, _, folder = made
    options = ["--only", "refusal,exact", "--quiet", "--workers", "1"]
    assert main(["curate", str(folder), "-o", f"{tmp_path}/out/", "--dry-run", *options]) == 0
    told = capsys.readouterr().out
    assert "nothing was written" in told and not (tmp_path / "out").exists()
    assert main(["curate", str(folder), "-o", f"{tmp_path}/out/", *options]) == 0
    assert capsys.readouterr().out.splitlines()[0] == told.splitlines()[0]
    assert main(["curate", str(folder), "-o", f"{tmp_path}/out.csv", *options]) == 2
    assert main(["curate", str(folder), "-o", f"{tmp_path}/out/", "--rejected", "x.csv", *options]) == 2
    (tmp_path / "empty").mkdir()
    assert main(["curate", f"{tmp_path}/empty", "-o", f"{tmp_path}/out/", *options]) == 2
    assert "empty is an empty folder: name that of the table's files" in capsys.readouterr().err


def test_checks_of_the_whole_table_are_refused(made):
    with pytest.raises(OptionError, match="'semantic' needs the table as a whole"):
        lookalike.curate_shards(made[2], None, only=["semantic"])


def test_a_shard_may_be_empty(made, tmp_path):
    real, table, _ = made
    (tmp_path / "made").mkdir()
    for at, rows in enumerate((table.iloc[:40], table.iloc[:0], table.iloc[40:80])):
        lookalike.write_table(rows.reset_index(drop=True), tmp_path / "made" / f"{at}.parquet")
    lookalike.write_table(table.iloc[:80], tmp_path / "whole.parquet")
    options = {"only": ["exact"], "workers": 1, "progress": False}
    found = lookalike.curate_shards(tmp_path / "made", tmp_path / "a", real, **options)
    whole = lookalike.curate_shards(tmp_path / "whole.parquet", tmp_path / "b", real, **options)
    assert found.kept == whole.kept < 80
