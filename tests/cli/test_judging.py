"""`lookalike judge`: with the review of its pairs, after a kill, dry, and with wrong options."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lookalike.cli.main import main
from tests import forks
from tests.forks import Forked
from tests.paths import DATA

JUDGES = Path(__file__).parents[1] / "evaluate" / "judging" / "judges.py"
Serve = Callable[..., Any]

pytest.importorskip("aiohttp")


@pytest.fixture
def command(
    halves: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Half of the rows of `made.csv` have lost every second word."""
    monkeypatch.setenv("JUDGE_KNOWS", str(DATA / "banking77.csv"))
    real, made = halves
    made = made.copy()
    made.iloc[::2, 0] = [" ".join(text.split()[::2]) for text in made.text[::2]]
    for name, table in (("real", real), ("made", made)):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    files = [str(tmp_path / f"{name}.csv") for name in ("made", "real")]
    out = ["--model", "judge", "-o", str(tmp_path / "j.html"), "--quiet", "--concurrency", "4"]
    return ["judge", files[0], "--real", files[1], "--pairs", "40", "--ratings", "5", *out]


def test_what_people_say_of_the_pairs_comes_back(
    command: list[str], serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve("--writer", f"{JUDGES}:knows")
    command = [*command, "--llm", server.url, "--json", str(tmp_path / "j.json")]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert re.search(r"estimate: 110 calls, .*off by 15 points", said) and "controls: 100%" in said
    pairs, slice_ = tmp_path / "j.html.pairs.jsonl", tmp_path / "slice.jsonl"
    rows = [json.loads(line) for line in pairs.read_text().splitlines()]
    assert list(rows[0]) == ["pair", "real", "synthetic"] and len(rows) == 40
    some = [json.loads(line) for line in (tmp_path / "j.html.slice.jsonl").read_text().splitlines()]
    assert len(some) == 40 and {one["pair"] for one in some} == {one["pair"] for one in rows}
    assert f"{tmp_path}/j.html.slice.jsonl -o SLICE.jsonl --pair real synthetic --queue 44" in said
    told = "".join(
        json.dumps({"row": row, "turn": 1, "reviewer": "ann", "answer": "label", "value": value}) + "\n"
        for row, value in ((row, ("real", "tie")[row % 2]) for row in range(24))
    )
    (tmp_path / "answers.jsonl").write_text(told)
    asked = ["--pair", "real", "synthetic", "--queue", "30", "--import", str(tmp_path / "answers.jsonl")]
    assert main(["review", str(pairs), "-o", str(slice_), *asked]) == 0
    calls, found = server.stats()["calls"], []
    for human in (slice_, f"{slice_}.answers.jsonl"):  # what review writes, either file
        assert main([*command, "--human", str(human)]) == 0
        found.append(json.loads((tmp_path / "j.json").read_text()))
        assert found[-1]["answered"] == found[-1]["tables"]["made"]["answers"] == 24
        assert found[-1]["tables"]["made"]["people"]["value"] < 0.5
    assert found[0]["tables"] == found[1]["tables"] and server.stats()["calls"] == calls
    verdicts = (tmp_path / "j.html.verdicts.jsonl").read_text().splitlines()
    assert len(verdicts) == 100 and {"pair", "preferred", "reason"} <= set(json.loads(verdicts[0]))


def test_after_a_kill_nothing_that_was_kept_is_asked_again(
    command: list[str], serve: Serve, tmp_path: Path
) -> None:
    server = serve("--writer", f"{JUDGES}:knows", "--latency", "0.05")
    command = [*command, "--llm", server.url]
    killed = Forked(forks.command, command)
    while server.stats()["answered"] < 40:
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    assert not (tmp_path / "j.html").exists()
    assert main(command) == 0
    stats = server.stats()
    assert stats["answered"] - stats["answered_again"] == 110
    assert stats["answered_again"] <= 4  # what was in flight
    assert (tmp_path / "j.html").exists()


def test_a_dry_run_shows_the_prompts_and_asks_nothing(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "made.csv.run").mkdir()
    (tmp_path / "made.csv.run" / "config.toml").write_text('model = "judge"\n')
    assert main([*command, "--llm", "http://127.0.0.1:9/v1", "--label", "category", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "Record A:" in said and "Rate it" in said and "category = " in said
    assert "'judge' judges what it wrote itself (made)" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made.csv", "made.csv.run", "real.csv"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--label", "none"], "'none' is not a column of the table 'real'"),
        (["-o", "j.csv"], r"j\.csv: the report of a judge is written as \.html"),
        (["--pairs", "0"], "--pairs 0: write a whole number"),
        (["--human", "none.jsonl"], "none.jsonl does not exist"),
        (["--criteria", "none.toml"], "none.toml does not exist"),
        (["--max-cost", "1"], "needs --price-in and --price-out"),
    ],
)
def test_wrong_options_are_one_sentence(
    command: list[str], more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--llm", "http://127.0.0.1:9/v1", *more]) == 2
    assert re.search(said, capsys.readouterr().err)


def test_tables_of_one_name_keep_their_paths_apart(command: list[str], tmp_path: Path) -> None:
    assert main([command[0], command[1], *command[1:], "--llm", "http://127.0.0.1:9/v1", "--dry-run"]) == 2
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "made.csv"
    other.write_text(Path(command[1]).read_text())
    assert main(["judge", str(other), *command[1:], "--llm", "http://127.0.0.1:9/v1", "--dry-run"]) == 0
