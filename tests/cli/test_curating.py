"""`lookalike curate` on a table of 60 texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import lookalike
from lookalike.cli.main import main


@pytest.fixture
def tables(banking: pd.DataFrame, tmp_path: Path) -> tuple[Path, Path]:
    """Files of real and of synthetic rows; the synthetic rows 3, 4 and 5 are broken, a copy and a repeat."""
    mixed = banking.drop_duplicates("text").sample(120, random_state=0)
    real, synthetic = mixed.iloc[:60], mixed.iloc[60:].reset_index(drop=True)
    synthetic.loc[3, "text"] = "help me please" * 20
    synthetic.loc[4, "text"] = real.text.iloc[0]
    synthetic.loc[5] = synthetic.loc[6].to_numpy()
    real.to_csv(tmp_path / "real.csv", index=False)
    synthetic.to_json(tmp_path / "synthetic.jsonl", orient="records", lines=True)
    return tmp_path / "real.csv", tmp_path / "synthetic.jsonl"


def test_the_curated_table_its_decisions_and_the_dropped_rows(
    tables: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real, synthetic = map(str, tables)
    out, dropped = tmp_path / "out.jsonl", tmp_path / "dropped.csv"
    command = ["curate", synthetic, "-o", str(out), "--real", real, "--label", "category", "--quiet"]
    assert main([*command, "--rejected", str(dropped)]) == 0
    said = capsys.readouterr().out
    before, after = lookalike.read_table(synthetic), lookalike.read_table(out)
    decisions = lookalike.Decisions.load(f"{out}.decisions.json")
    pd.testing.assert_frame_equal(decisions.apply(before), after, check_dtype=False)
    assert {3, 4, 6} <= set(decisions.dropped())
    assert f"{len(after):,} of 60 rows are kept" in said
    rejected = pd.read_csv(dropped).set_index("text")
    assert len(rejected) + len(after) == 60
    assert rejected.check[before.text[4]] == "copy"
    assert rejected.check[before.text[3]] == "repetition"


def test_a_dry_run_writes_nothing(
    tables: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted(tmp_path.iterdir())
    assert main(["curate", str(tables[1]), "-o", str(tmp_path / "out.csv"), "--dry-run", "--quiet"]) == 0
    assert "rows are kept" in capsys.readouterr().out
    assert sorted(tmp_path.iterdir()) == files


def test_checks_are_chosen(tables: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    command = ["curate", str(tables[1]), "-o", str(out), "--quiet", "--only", "exact, repetition"]
    assert main([*command, "--without", "exact"]) == 0
    facts = json.loads(Path(f"{out}.decisions.json").read_text())
    assert {(one["row"], one["check"], one["action"]) for one in facts["decisions"]} == {
        (3, "repetition", "drop"),
        (6, "exact", "report"),
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--only", "nearly"], "there is no check 'nearly'"),
        (["--near", "7"], "the similarity of texts is a number from 0.05 to 1"),
        (["--label", "klass"], "the label 'klass' is not a column of the synthetic table"),
        (["--rejected", "no/where.csv"], "the folder no does not exist"),
    ],
)
def test_mistakes_are_one_sentence_and_write_nothing(
    options: list[str],
    said: str,
    tables: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out.csv"
    assert main(["curate", str(tables[1]), "-o", str(out), "--quiet", *options]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_two_outputs_have_two_names(
    tables: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out.jsonl")
    for other in (out, f"{out}.decisions.json"):
        assert main(["curate", str(tables[1]), "-o", out, "--rejected", other, "--quiet"]) == 2
        assert "is named for two outputs of this command" in capsys.readouterr().err
    assert main(["curate", str(tables[1]), "-o", out, "--label", "text", "--text", "text"]) == 2
    assert "named as text and as label" in capsys.readouterr().err
    page = ["review", str(tables[1]), "-o", out, "--label", "category", "--static", str(tmp_path / "p.txt")]
    assert main(page) == 2 and not (tmp_path / "p.txt").exists()
    assert "a name that ends in .html" in capsys.readouterr().err
    review = ["review", str(tables[1]), "-o", out, "--label", "category", "--static", out]
    assert main(review) == 2
    assert not Path(out).exists()


def test_labels_of_a_language_model_are_asked_for_once(
    serve: Callable[..., Any], banking: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve("--writer", f"{Path(__file__).parents[1] / 'curate' / 'labeller.py'}:right")
    rows = banking.drop_duplicates("text").groupby("category").head(12)[["text", "category"]]
    synthetic, out = tmp_path / "s.csv", tmp_path / "out.csv"
    wrong = rows.assign(category=rows.category.where(rows.index % 6 > 0, rows.category.iloc[0]))
    wrong.to_csv(synthetic, index=False)
    command = ["curate", str(synthetic), "-o", str(out), "--label", "category", "--only", "labels", "--quiet"]
    command += ["--method", "relabel", "--llm", server.url, "--model", "m", "--votes", "2"]
    assert main([*command, "--dry-run"]) == 0 and server.stats()["calls"] == 0
    assert "calls; none is made in a dry run" in capsys.readouterr().out
    assert main([*command, "--max-calls", "10"]) == 0  # the budget ends: what was answered counts
    few = server.stats()["calls"]
    assert few == 10 and "got none, and stay" in capsys.readouterr().out
    assert main(command) == 0
    first, calls = out.read_bytes(), server.stats()["calls"]
    assert main(command) == 0
    assert out.read_bytes() == first and server.stats()["calls"] == calls
    wrong_before = (wrong.category.to_numpy() != rows.category.to_numpy()).sum()
    assert (pd.read_csv(out).category.to_numpy() != rows.category.to_numpy()).sum() <= 0.5 * wrong_before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--votes", "3"], "add --llm and --model"),
        (["--llm", "http://127.0.0.1:1/v1", "--model", "m"], "add  --method relabel"),
        (["--method", "relabel", "--llm", "http://127.0.0.1:1/v1", "--model", "m"], "add  --label COL"),
    ],
)
def test_options_of_a_language_model_that_do_not_go_together(
    options: list[str],
    said: str,
    tables: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["curate", str(tables[1]), "-o", str(tmp_path / "out.csv"), "--quiet", *options]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--report", "r.html"], "--report needs the table in one file"),
        (["--label", "category", "--method", "relabel", "--llm", "http://127.0.0.1:9/v1", "--model", "m"],
         "--llm needs the table in one file"),
        (["--votes", "2"], "--votes is for labels by a language model"),
    ],
)  # fmt: skip
def test_what_needs_all_rows_is_not_left_out_of_shards_without_a_word(
    tables: tuple[Path, Path],
    tmp_path: Path,
    options: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shards = tmp_path / "made"
    shards.mkdir()
    for at in range(2):
        pd.read_json(tables[1], lines=True).to_parquet(shards / f"part-{at}.parquet")
    assert main(["curate", str(shards), "-o", f"{tmp_path / 'out'}/", *options]) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "out").exists()
