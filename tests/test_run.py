"""A run is a folder that survives everything: by itself, and of `lookalike generate --llm` and `resume`."""

import json
import os
import signal
import sqlite3
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pytest

import lookalike
from lookalike.cli.main import main
from lookalike.errors import OptionError
from lookalike.run import Cost, Run, config, peak_memory
from tests import forks
from tests.forks import Forked

pytest.importorskip("aiohttp")
pytestmark = pytest.mark.usefixtures("few_trees")

HERE = Path(__file__).parent
WRITER = HERE / "prompting" / "writer.py"
DATA = HERE / "data" / "banking77.csv"
SECRET = "sk-never-to-be-seen-0123456789"
SHORT = ["-n", "30", "--demonstrations", "6", "--gen-size", "5", "--quiet"]


@pytest.fixture
def writing(serve: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *options: serve("--writer", f"{WRITER}:good", *options)


def command(url: str, out: Path, *more: object) -> list[str]:
    columns = ["--text", "text", "--label", "category"]
    return ["generate", str(DATA), "-o", str(out), "--llm", url, "--model", "m", *columns, *map(str, more)]


def test_a_run_is_a_folder_with_everything_that_led_to_the_table(
    writing: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served, out = writing(), tmp_path / "o.csv"
    assert main([*command(served.url, out, *SHORT, "--key", SECRET)]) == 0
    said, real, made = capsys.readouterr().out, lookalike.read_table(DATA), lookalike.read_table(out)
    assert len(made) == 30 and list(made.columns) == list(real.columns)
    assert set(made["category"]) == set(real["category"])
    folder = tmp_path / "o.csv.run"
    calls = served.stats()["calls"]
    assert f"{calls:,}, of which 0 were read back" in said and "estimate: at least" in said
    names = {path.name for path in folder.iterdir()}
    tables = {"accepted.jsonl", "rejected.jsonl", "provenance.jsonl"}
    assert names >= tables | {"config.toml", "ledger.sqlite", "report.html", "report.json", "summary.json"}
    provenance = lookalike.read_table(folder / "provenance.jsonl")
    assert len(provenance) == 30 and provenance["demonstration"].between(0, len(real) - 1).all()
    with sqlite3.connect(folder / "ledger.sqlite") as ledger:
        ways = [way for (way,) in ledger.execute("SELECT way FROM replies")]
    assert ways.count("settled") == 1 and len(ways) == calls + 1  # what "auto" decided is no call
    assert not any(SECRET.encode() in path.read_bytes() for path in folder.iterdir())
    assert tomllib.loads((folder / "config.toml").read_text())["gen-size"] == 5

    os.rename(out, tmp_path / "first.csv")  # the same again costs nothing, and gives the same
    assert main(["resume", str(folder), "--quiet"]) == 0
    assert served.stats()["calls"] == calls
    assert out.read_bytes() == (tmp_path / "first.csv").read_bytes()


@pytest.mark.usefixtures("short_report")
def test_a_killed_run_is_resumed_and_ends_as_if_it_had_not_been(
    writing: Callable[..., Any], tmp_path: Path
) -> None:
    served, other = writing("--latency", "0.1"), writing()
    out, rows = tmp_path / "killed.csv", ["-n", "90", "--concurrency", "4", "--gen-size", "5", "--quiet"]
    process = Forked(forks.command, command(served.url, out, *rows))
    while served.stats()["answered"] < 16:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    assert main(["resume", f"{out}.run", "--quiet"]) == 0
    stats = served.stats()
    assert stats["answered_again"] <= 4  # what was in flight, and nothing that was finished
    assert main(command(other.url, tmp_path / "whole.csv", *rows)) == 0
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert stats["calls"] - other.stats()["calls"] <= 4


def test_a_run_that_is_stopped_says_how_to_go_on(writing: Callable[..., Any], tmp_path: Path) -> None:
    served, out = writing("--latency", "0.2"), tmp_path / "o.csv"
    process = Forked(forks.command, command(served.url, out, "-n", "100", "--concurrency", "2"))
    while served.stats()["answered"] < 6:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)  # as Ctrl-C, which a background job would not hear
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130 and "Traceback" not in errors
    last = errors.splitlines()[-1]
    assert last == f"lookalike: stopped; the same command goes on from what is kept in {out}.run."
    assert (tmp_path / "o.csv.run" / "accepted.jsonl").exists() and not out.exists()


def test_a_dry_run_asks_nothing_and_leaves_nothing(
    writing: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served = writing()
    assert main([*command(served.url, tmp_path / "o.csv", *SHORT), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert served.stats()["calls"] == 0 and not list(tmp_path.iterdir())
    assert said.startswith(
        "estimate: at least 14 calls"
    )  # 8 descriptions, and a request for each of 10 classes
    assert said.count("--- prompt") == 3
    assert "Describe what it says" in said and "Write 3 new records" in said


@pytest.mark.usefixtures("short_report")
def test_a_budget_is_hard_and_what_it_bought_is_written(
    writing: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served, out = writing(), tmp_path / "o.csv"
    assert main([*command(served.url, out, *SHORT), "--max-calls", "9"]) == 4  # no class has all of its rows
    assert served.stats()["calls"] <= 9
    assert 0 < len(lookalike.read_table(out)) < 30
    assert "raise it (--max-calls)" in capsys.readouterr().err
    assert main([*command(served.url, out, *SHORT), "--max-calls", "50"]) == 0
    assert len(lookalike.read_table(out)) == 30 and served.stats()["answered_again"] == 0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--text", "nope"], "has no column 'nope'"),
        (["--where", "a=1"], "--where is for a table that is learned here"),
        (["--attributes", "a,a"], "attributes must be different names"),
        (["--max-cost", "1"], "--max-cost needs --price-in and --price-out"),
        (["--embedder", "word2vec"], "there is no embedder 'word2vec'"),
        (["--templates", "/nowhere"], "nowhere"),
        (["--target", "nope"], "'nope' is not a column"),
        (
            ["--holdout", str(HERE.parent / "examples" / "adult-test.csv.gz")],
            "the holdout and the real table differ in these columns",
        ),
        (["--gen-size", "0"], "whole number of at least 1"),
        (["--config", "/nowhere.toml"], "nowhere.toml does not exist"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    assert main([*command("http://127.0.0.1:9/v1", tmp_path / "o.csv", *SHORT), *more]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_dead_endpoint_and_a_wrong_key_are_one_sentence(
    serve: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served = serve("--key", "right", "--writer", f"{WRITER}:good")
    assert main([*command(served.url, tmp_path / "o.csv", *SHORT), "--key", SECRET]) == 2
    error = capsys.readouterr().err
    assert "key" in error and SECRET not in error and error.count("\n") == 1
    assert main(command(served.url.replace("/v1", "/v2"), tmp_path / "p.csv", *SHORT)) == 2
    assert "lookalike: " in capsys.readouterr().err


def test_options_that_belong_together_are_asked_for_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["generate", str(DATA), "-n", "5", "-o", str(tmp_path / "o.csv")]
    assert main([*base, "--text", "text"]) == 2
    assert "add --llm and --model" in capsys.readouterr().err
    assert main([*base, "--llm", "http://127.0.0.1:9/v1", "--model", "m"]) == 2
    assert "add  --text COL" in capsys.readouterr().err
    assert main([*base, "--text", "text", "--model", "m"]) == 2
    assert "no endpoint is named" in capsys.readouterr().err
    assert main(["resume", str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_run_never_takes_a_folder_of_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    url, out = "http://127.0.0.1:9/v1", tmp_path / "o.csv"
    assert main(command(url, out, *SHORT, "--run", tmp_path / "mine")) == 2
    assert "holds other files" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_prompts_are_shown_written_edited_and_used(
    writing: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prompts"]) == 0
    shown = capsys.readouterr().out
    assert all(f"--- {name}.j2 ---" in shown for name in ("system", "attributes", "records", "grid", "names"))
    folder = tmp_path / "mine"
    assert main(["prompts", "-o", str(folder)]) == 0
    assert main(["prompts", "-o", str(folder)]) == 2  # what was edited is not overwritten
    system = folder / "system.j2"
    system.write_text(system.read_text(encoding="utf-8") + "\nWrite like a pirate.\n", encoding="utf-8")
    capsys.readouterr()
    dry = ["--templates", str(folder), "--dry-run"]
    assert main([*command(writing().url, tmp_path / "o.csv", *SHORT), *dry]) == 0
    assert capsys.readouterr().out.count("Write like a pirate.") >= 1  # in what asks for records
    system.write_text("{{ nonsense }}", encoding="utf-8")
    assert main([*command("http://127.0.0.1:9/v1", tmp_path / "o.csv", *SHORT), *dry]) == 2
    assert "system.j2, line 1" in capsys.readouterr().err


def test_the_same_from_python(writing: Callable[..., Any]) -> None:
    from lookalike.llm import LLM

    real = pd.read_csv(DATA).assign(n=range(300))
    writer = lookalike.SynAlign(
        LLM("m", writing().url),
        text="text",
        label="category",
        demonstrations=6,
        gen_size=5,
        method="synalign",
        progress=False,
    )
    made = writer.fit(real[["text", "category"]]).sample(20)
    assert len(made) == 20 and len(writer.provenance) == 20
    assert json.loads(writer.provenance["attributes"][0]).keys() >= {"topic", "tone"}


@pytest.mark.usefixtures("short_report")
def test_what_a_run_took_is_told_and_kept(
    writing: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o.csv"
    prices = ["--price-in", "2", "--price-out", "1000000"]
    assert main([*command(writing().url, out, *SHORT), *prices]) == 0
    told = capsys.readouterr().out
    facts = json.loads((tmp_path / "o.csv.run" / "summary.json").read_text())
    assert facts["money"] == pytest.approx(facts["tokens_out"] + 2e-6 * facts["tokens_in"])
    assert f"money           {facts['money']:,.2f} so far" in told
    assert f"{facts['tokens_in']:,} in, {facts['tokens_out']:,} out" in told
    assert facts["rows"] == 30 and 0 < facts["seconds"] < 600
    most = facts["peak_memory"]
    assert (f"{most / 1e9:.1f} GB" if most >= 1e9 else f"{most / 1e6:.0f} MB") in told


def test_a_cost_in_words() -> None:
    assert str(Cost(5, 48.2, 412_000_000)) == "48 s in all, 412 MB of memory at most"
    whole = Cost(5, 3.0, 1_260_000_000, calls=1_200, known=0, tokens_in=10, tokens_out=2_000, money=1.5)
    words = "1,200 calls, 10 + 2,000 tokens, 1.50 at the prices given"
    assert str(whole) == f"3.0 s in all, 1.3 GB of memory at most, {words}"
    assert str(Cost(5, 3.0, None)) == "3.0 s in all"
    assert (peak_memory() or 50e6) > 20e6


def test_a_folder_that_a_mistake_leaves_empty_goes_and_one_with_something_stays(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    for left in ((), ("checkpoint/state.json",), ("accepted.jsonl",)):
        run = Run(folder, {"rows": 5, "real": "a.csv", "quiet": True, "key": "secret"})
        with pytest.raises(OptionError), run.begun(), run.begun():
            assert tomllib.loads(config(folder).read_text()) == {"rows": 5, "real": os.path.abspath("a.csv")}
            for name in left:
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text("{}")
            raise OptionError("a mistake.")
        assert folder.exists() == bool(left)


def test_a_second_run_of_one_output_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    one, other = (Run(tmp_path / "r", {"rows": rows}, temporary=True) for rows in (5, 6))
    with one.begun():
        with pytest.raises(OptionError, match="belongs to a command that is at work"), other.begun():
            pass
        assert tomllib.loads(config(tmp_path / "r").read_text()) == {"rows": 5}
        one.end(cast(Any, None), Cost(5, 1.0, None), cast(Any, None))
    assert not (tmp_path / "r").exists()
    with other.begun():
        assert tomllib.loads(config(tmp_path / "r").read_text()) == {"rows": 6}


def test_a_block_inside_of_a_run_leaves_its_end_to_the_outer_one(tmp_path: Path) -> None:
    run = Run(tmp_path / "r", {"rows": 5})
    with pytest.raises(OptionError, match="outer"), run.begun():
        with pytest.raises(OptionError, match="inner"), run.begun():
            raise OptionError("inner.")
        assert run.folder.is_dir()
        raise OptionError("outer.")
    assert not run.folder.exists()


def test_paths_of_the_options_are_absolute_and_names_of_the_hub_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    given = {"schema": "s.json", "holdout": None, "out": "-", "where": [], "lora": False, "seed": 0}
    for backbone, expected in (("model", str(tmp_path / "model")), ("owner/name", "owner/name")):
        run = Run(tmp_path / "r", given | {"backbone": backbone})
        with run.begun():
            written = tomllib.loads(config(run.folder).read_text())
        schema = str(tmp_path / "s.json")
        assert written == {"schema": schema, "out": "-", "seed": 0, "backbone": expected}


def everything(folder: Path) -> dict[str, bytes]:
    """What a run leaves, without the ledger, which only grows."""
    files = [path for path in folder.rglob("*") if path.is_file() and "ledger" not in path.name]
    return {str(path): path.read_bytes() for path in files}


@pytest.mark.usefixtures("short_report")
@pytest.mark.parametrize("writer", ["halves", "escaped_halves"])
def test_half_a_character_neither_hangs_nor_crashes_a_run(
    serve: Callable[..., Any], tmp_path: Path, writer: str
) -> None:
    served, out = serve("--writer", f"{WRITER}:{writer}"), tmp_path / "o.csv"
    assert main(command(served.url, out, *SHORT, "--max-calls", "400")) == 0
    made = lookalike.read_table(out)
    assert len(made) == 30 and made["text"].str.contains("\ufffd\ufffd").sum() >= 5
    os.rename(out, tmp_path / "first.csv")
    calls = served.stats()["calls"]
    assert main(["resume", f"{out}.run", "--quiet"]) == 0
    assert out.read_bytes() == (tmp_path / "first.csv").read_bytes() and served.stats()["calls"] == calls


@pytest.mark.usefixtures("short_report")
def test_nothing_good_is_overwritten_by_nothing(
    serve: Callable[..., Any], writing: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refusing, out, report = serve("--no", "messages"), tmp_path / "o.csv", tmp_path / "r.html"
    assert main(command(refusing.url, out, *SHORT, "--report", report)) == 2  # the first run of a folder
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "fails alike for every request" in error
    assert "'messages' is not supported" in error and refusing.stats()["calls"] <= 16
    assert not out.exists() and not report.exists()
    summary = json.loads((tmp_path / "o.csv.run" / "summary.json").read_text())
    assert "'messages' is not supported" in summary["said"]["rejected"] and summary["accepted"] == 0

    assert main(command(writing().url, out, *SHORT, "--report", report)) == 0
    before = everything(tmp_path)
    assert len(before) >= 9
    capsys.readouterr()
    assert main(command(refusing.url, out, *SHORT, "--report", report)) == 2
    assert "'messages' is not supported" in capsys.readouterr().err
    after = everything(tmp_path)
    (path,) = [path for path in after if str(path).endswith("summary.json")]
    told, good = json.loads(after.pop(path)), json.loads(before.pop(path))
    assert after == before  # the options, too, so that `resume` is of the good run
    assert "'messages' is not supported" in told["stopped"] and told["accepted"] == good["accepted"] == 30
    assert [one["rows"] for one in told["runs"]] == [0, 30, 0]  # each with its time and price


@pytest.mark.usefixtures("short_report")
def test_a_run_that_is_stopped_early_leaves_the_rows_of_the_one_before(
    writing: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, out = writing(), tmp_path / "o.csv"
    assert main(command(served.url, out, *SHORT)) == 0
    before = everything(tmp_path)

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lookalike.prompting.writing.Writer.write", stopped)
    assert main(command(served.url, out, *SHORT)) == 130
    after = everything(tmp_path)
    (path,) = [path for path in after if path.endswith("summary.json")]
    assert json.loads(after.pop(path))["accepted"] == json.loads(before.pop(path))["accepted"] == 30
    assert after == before


@pytest.mark.usefixtures("short_report")
def test_a_run_to_standard_output_is_resumed_there(
    writing: Callable[..., Any],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    pd.read_csv(DATA).to_csv("real.csv", index=False, sep="~")
    arguments = command(writing().url, Path("-"), *SHORT, "--sep", "~")
    arguments[1] = "real.csv"
    assert main(arguments) == 0
    first = capfd.readouterr()
    assert first.out.startswith("text~category\n") and first.out.count("\n") == 31
    assert "30 rows -> -" in first.err and "estimate: " in first.err
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["resume", str(tmp_path / "stdout.run"), "--quiet"]) == 0
    assert capfd.readouterr().out == first.out


@pytest.mark.usefixtures("short_report")
def test_a_table_without_some_classes_is_no_success_and_resume_raises_its_limit(
    writing: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o.csv"
    options = ("-n", "30", "--gen-size", "5", "--method", "few-shot", "--max-calls", "3")
    assert main(command(writing().url, out, *options)) == 4
    assert "nothing was written of " in capsys.readouterr().err
    summary = json.loads((tmp_path / "o.csv.run" / "summary.json").read_text())
    assert summary["classes_without_rows"] and summary["calls"] == 3
    assert main(["resume", str(tmp_path / "o.csv.run"), "--max-calls", "90", "--quiet"]) == 0
    summary = json.loads((tmp_path / "o.csv.run" / "summary.json").read_text())
    assert summary["classes_without_rows"] == [] and [one["rows"] for one in summary["runs"]][-1] == 30
