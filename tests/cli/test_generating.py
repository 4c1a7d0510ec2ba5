"""`lookalike generate` and `resume` with a model that is learned here: the run is a folder."""

import json
import signal
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.cli.generating import _curated
from lookalike.cli.main import main
from lookalike.cli.parser import parse
from tests.cli.test_verbs import OFTEN, started, wait_for

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame({"x": RNG.normal(size=200).round(2), "kind": RNG.choice(list("abc"), 200)})
pytestmark = pytest.mark.usefixtures("few_trees", "quick_fits", "few_candidates")

QUICK = """
import dataclasses, functools, lookalike
init = lookalike.DiffLM.__init__
@functools.wraps(init)
def quick(self, **given):
    init(self, **given)
    self.train_config = dataclasses.replace(
        self.train_config, steps=(120, 120), epochs_limits=(0.0, 1e9), batch=64,
        denoiser_steps=20, denoiser_batch=64
    )
lookalike.DiffLM.__init__ = quick
"""  # few steps, always as many: no time limit, which would make two trainings differ


@pytest.fixture
def real(tmp_path: Path) -> Path:
    TABLE.to_csv(tmp_path / "real.csv", index=False)
    return tmp_path / "real.csv"


def command(real: Path, out: Path, *more: object) -> list[str]:
    return ["generate", str(real), "-n", "150", "-o", str(out), "--threads", "1", *map(str, more)]


@pytest.mark.usefixtures("short_report")
def test_a_killed_generate_is_resumed_and_ends_as_if_it_had_not_been(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, out = tmp_path / "whole.csv", tmp_path / "o.csv"
    monkeypatch.setattr(lookalike.DiffLM, "__init__", lookalike.DiffLM.__init__)  # which QUICK changes
    exec(QUICK, {})
    assert main(command(real, whole, "--seed", 3, "--quiet")) == 0
    killed = started(*command(real, out, "--seed", 3), before=f"{QUICK}\n{OFTEN}")
    state = tmp_path / "o.csv.run" / "checkpoint" / "state.json"
    wait_for(state.exists, killed)
    killed.kill()
    killed.communicate()
    assert 0 < json.loads(state.read_text())["step"] < 120 and not out.exists()
    monkeypatch.chdir(tmp_path.parent)  # wherever it is resumed
    capsys.readouterr()
    assert main(["resume", str(state.parent.parent)]) == 0
    told = capsys.readouterr()
    assert "going on from the checkpoint" in told.err
    assert f"150 rows -> {out}" in told.out
    assert out.read_bytes() == whole.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"real.csv", "o.csv", "whole.csv"}


@pytest.mark.usefixtures("short_report")
def test_a_run_that_is_named_stays_with_what_it_took(
    real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "kept"
    assert main(command(real, tmp_path / "o.csv", "--max-time", "0.3s", "--run", folder, "--quiet")) == 0
    names = {"config.toml", "summary.json", "report.html", "report.json"}
    assert {path.name for path in folder.iterdir()} == names
    facts = json.loads((folder / "summary.json").read_text())
    assert facts["rows"] == 150 and facts["seconds"] > 0.3 and facts["peak_memory"] > 50e6
    assert "cut short by the time limit" in facts["shortfall"] and facts["calls"] is None
    told = capsys.readouterr().out
    assert "rows            150\n" in told and "time   " in told and "memory   " in told
    (tmp_path / "o.csv").unlink()
    assert main(["resume", str(folder), "--quiet"]) == 0  # nothing is left to go on from: from the start
    assert len(pd.read_csv(tmp_path / "o.csv")) == 150


@pytest.mark.usefixtures("short_report")
def test_the_run_of_a_language_model_survives_a_model_that_is_learned_here(
    real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both go to o.csv and so have o.csv.run."""
    folder = tmp_path / "o.csv.run"
    folder.mkdir()
    (folder / "config.toml").write_text('llm = "http://127.0.0.1:9/v1"\n')
    with sqlite3.connect(folder / "ledger.sqlite") as ledger:
        ledger.execute("CREATE TABLE replies (body)")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert main(command(real, tmp_path / "o.csv", "--max-time", "0.5s", "--quiet")) == 2
    assert "holds the run of a language model: go on with it by  lookalike resume" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    other = ["--max-time", "0.5s", "--quiet", "--run", tmp_path / "r"]
    assert main(command(real, tmp_path / "o.csv", *other)) == 0
    same = ["--max-time", "0.5s", "--quiet", "--run", tmp_path / "p.csv"]
    assert main(command(real, tmp_path / "p.csv", *same)) == 2 and not (tmp_path / "p.csv").exists()
    assert "is both the table and the run" in capsys.readouterr().err


def test_a_folder_of_something_else_is_not_taken_and_not_removed(
    real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "o.csv.run"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    assert main(command(real, tmp_path / "o.csv", "--max-time", "0.5s")) == 2
    assert "holds other files: choose a new or an empty folder with --run" in capsys.readouterr().err
    assert (folder / "letter.txt").read_text() == "dear"


@pytest.mark.usefixtures("short_report")
def test_a_mistake_leaves_the_options_of_the_run_before(real: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    assert main(command(real, tmp_path / "o.csv", "--max-time", "0.5s", "--run", folder, "--quiet")) == 0
    options = (folder / "config.toml").read_text()
    wrong = command(real, tmp_path / "o.csv", "--where", "planet=Mars", "--run", folder, "--quiet")
    assert main(wrong) == 2
    assert (folder / "config.toml").read_text() == options
    assert lookalike.read_table(tmp_path / "o.csv").shape == (150, 2)


@pytest.mark.usefixtures("short_report")
def test_another_table_into_the_same_output_loses_no_training(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lookalike.DiffLM, "__init__", lookalike.DiffLM.__init__)  # which QUICK changes
    exec(QUICK, {})
    out, other, whole = tmp_path / "o.csv", tmp_path / "other.csv", tmp_path / "whole.csv"
    TABLE.iloc[::-1].to_csv(other, index=False)
    assert main(command(real, whole, "--quiet")) == 0
    killed = started(*command(real, out), before=f"{QUICK}\n{OFTEN}")
    state = tmp_path / "o.csv.run" / "checkpoint" / "state.json"
    wait_for(state.exists, killed)
    assert main(command(other, out, "--quiet")) == 2  # while the first is at work
    assert "belongs to a command that is at work" in capsys.readouterr().err
    killed.kill()
    killed.communicate()
    step = json.loads(state.read_text())["step"]
    assert main(command(other, out)) == 0
    (kept,) = state.parent.parent.glob("checkpoint-*")
    assert f"what was trained is kept in {kept}" in capsys.readouterr().err
    assert json.loads((kept / "state.json").read_text())["step"] == step > 0
    assert main(["resume", str(kept.parent), "--quiet"]) == 0
    assert not kept.parent.exists() and out.read_bytes() == whole.read_bytes()


@pytest.mark.usefixtures("short_report")
def test_ctrl_c_once_writes_the_table_and_keeps_what_the_same_command_goes_on_from(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, folder = tmp_path / "o.csv", tmp_path / "o.csv.run"
    slow = QUICK.replace("120", "100_000")
    process = started(*command(real, out), before=f"{slow}\n{OFTEN}")
    wait_for((folder / "checkpoint" / "state.json").exists, process)
    process.send_signal(signal.SIGINT)
    told, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert "cut short by Ctrl-C" in told and len(pd.read_csv(out)) == 150
    said = f"the same command goes on with the training, from what is kept in {folder}"
    assert said in errors.splitlines()
    assert {path.name for path in folder.iterdir()} == {"config.toml", "checkpoint"}
    monkeypatch.setattr(lookalike.DiffLM, "__init__", lookalike.DiffLM.__init__)
    exec(QUICK.replace("120", "60"), {})
    assert main(["resume", str(folder), "--quiet"]) == 0  # by another plan: the state of the first one stays
    assert {path.name.partition("-")[0] for path in folder.iterdir()} == {"config.toml", "checkpoint"}
    assert not (folder / "checkpoint").exists() and len(pd.read_csv(out)) == 150


def test_the_plan_of_a_language_model_grows_as_asked(
    real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    TABLE.assign(text=[f"a text of number {at}" for at in range(200)]).to_csv(real, index=False)
    words = ["--text", "text", "--label", "kind", "--grow", "errors", "--dry-run", "--quiet"]
    asking = ["--llm", "http://127.0.0.1:9/v1", "--model", "m", *words]
    assert main(command(real, tmp_path / "o.csv")[:6] + asking) == 0
    assert "estimate: at least" in capsys.readouterr().out
    alone = command(real, tmp_path / "o.csv", "--grow", "errors")
    assert main(alone) == 2 and "--grow is for a language model" in capsys.readouterr().err
    assert main([*command(real, tmp_path / "o.csv")[:6], *asking, "--method", "few-shot"]) == 2
    assert "choose one of auto, synalign, steered, nearest" in capsys.readouterr().err


def test_curate_without_names_is_the_usual_checks_which_need_no_label() -> None:
    given = ["generate", "real.csv", "-n", "5", "-o", "out.csv"]
    assert _curated(parse([*given, "--curate"])) is True
    assert _curated(parse([*given, "--curate", "near,exact"])) == ["near", "exact"]
    assert _curated(parse(given)) is False
