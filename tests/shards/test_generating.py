"""Rows of a language model in shards: those of one run, each call paid once, whatever happens."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.cli.main import main
from lookalike.errors import DataError, EndpointError, OptionError
from lookalike.llm import LLM, Budget, Ledger
from lookalike.llm.ledger import counted
from lookalike.prompting import SynAlign
from lookalike.shards.generating import generate_shards
from tests import forks
from tests.forks import Forked
from tests.processes import environment

pytest.importorskip("aiohttp")
pytestmark = pytest.mark.usefixtures("few_trees")
WRITER = Path(__file__).parents[1] / "prompting" / "writer.py"


@pytest.fixture
def writing(serve: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *options: serve("--writer", f"{WRITER}:good", *options)


def align(url: str, **options: Any) -> SynAlign:
    of_llm = {name: options.pop(name) for name in ("budget", "patience") if name in options}
    llm = LLM("m", url, concurrency=4, progress=False, **of_llm)
    return SynAlign(llm, "text", demonstrations=12, gen_size=5, progress=False, **options)


def ones(texts: list[str]) -> np.ndarray:
    return np.ones((len(texts), 3))


def rows(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    return sorted(table.itertuples(index=False, name=None))


def parts(out: Path) -> list[str]:
    return sorted(path.name for path in out.glob("*.parquet"))


@pytest.mark.parametrize(
    ("method", "seed", "n"), [("auto", 2, 30), ("synalign", 0, 60), ("attributes", 0, 60)]
)
def test_the_rows_and_calls_are_those_without_shards(writing, halves, tmp_path, method, seed, n):
    real, (served, other) = halves[0][["text"]], (writing(), writing())
    once = align(other.url, method=method, seed=seed)
    whole = once.fit(real).sample(n)
    assert not len(once.rejected)  # what is rejected is asked for again, which a shard does by itself
    out = tmp_path / "made"
    options = {"shards": 3, "progress": False}
    made = generate_shards(real, n, align(served.url, method=method, seed=seed), out, **options)
    assert parts(out) == [f"part-0000{i}-of-00003.parquet" for i in range(3)]
    assert rows(lookalike.read_table(out)) == rows(whole) and made.rows == n
    assert served.stats()["calls"] == other.stats()["calls"] and served.stats()["repeated"] == 0
    calls = served.stats()["calls"]
    for folder in sorted(out.glob("*.run")):  # each shard says where its rows came from
        own = lookalike.read_table(folder / "provenance.jsonl")
        table = lookalike.read_table(folder.with_suffix(".parquet"))
        assert len(own) == len(table) and lookalike.read_table(folder / "accepted.jsonl").equals(table)
        ledger = Ledger(folder / "ledger.sqlite")
        paid = ledger.totals(f"m at {served.url}").calls
        assert json.loads((folder / "summary.json").read_text())["calls"] == paid > 0
        assert all(ledger.get(bytes.fromhex(key)) is not None for key in own["key"])
        ledger.close()
    (out / parts(out)[1]).unlink()  # written again from its ledger
    again = generate_shards(real, n, align(served.url, method=method, seed=seed), out, **options)
    assert [one.shard for one in again.done] == [1] and again.there == 2
    assert rows(lookalike.read_table(out)) == rows(whole) and served.stats()["calls"] == calls


def command(url: str, real: Path, out: Path, *more: str) -> list[str]:
    return [
        *("generate", str(real), "-n", "60", "-o", str(out), "--llm", url, "--model", "m", "--text", "text"),
        *("--gen-size", "5", "--demonstrations", "12", "--concurrency", "3"),
        *("--shards", "3", "--quiet", *more),
    ]


def test_after_a_kill_no_call_is_repeated_and_the_rows_are_the_same(writing, halves, tmp_path):
    halves[0][["text"]].to_csv(tmp_path / "real.csv", index=False)
    served, other = writing("--latency", "0.1"), writing()
    out = tmp_path / "made"
    process = Forked(forks.command, command(served.url, tmp_path / "real.csv", out))
    while served.stats()["answered"] < 14:  # 8 descriptions and 4 calls a shard: in the second of three
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    first = (out / parts(out)[0]).read_bytes()
    assert len(parts(out)) == 1
    assert main(["resume", str(out), "--quiet"]) == 0
    stats = served.stats()
    assert stats["answered_again"] <= 3  # what was in flight
    whole = align(other.url)
    generate_shards(
        pd.read_csv(tmp_path / "real.csv"), 60, whole, tmp_path / "whole", shards=3, progress=False
    )
    assert parts(out) == parts(tmp_path / "whole") and (out / parts(out)[0]).read_bytes() == first
    for name in parts(out):
        assert lookalike.read_table(out / name).equals(lookalike.read_table(tmp_path / "whole" / name))
    assert (out / "_report.html").exists()


def test_one_budget_counts_all_ledgers(writing, halves, tmp_path, capsys):
    served, out = writing(), tmp_path / "made"
    halves[0][["text"]].to_csv(tmp_path / "real.csv", index=False)
    asked = command(served.url, tmp_path / "real.csv", out, "--method", "synalign")
    assert main([*asked, "--max-calls", "13"]) == 4
    assert "2 shards are missing: the budget" in capsys.readouterr().err
    assert len(parts(out)) == 1 and served.stats()["calls"] <= 13
    before = served.stats()["calls"]
    assert main([*asked, "--max-calls", "13"]) == 4  # what was paid before counts
    assert served.stats()["calls"] <= 13 and served.stats()["calls"] >= before
    assert main(["resume", str(out), "--max-calls", "100", "--quiet"]) == 0
    assert len(parts(out)) == 3 and served.stats()["answered_again"] == 0


@pytest.mark.usefixtures("forked_workers")
def test_several_writers_have_one_budget_and_write_what_one_would(writing, halves, tmp_path, capsys):
    served, other, out = writing(), writing(), tmp_path / "made"
    halves[0][["text"]].to_csv(tmp_path / "real.csv", index=False)
    asked = command(served.url, tmp_path / "real.csv", out, "--workers", "2", "--method", "synalign")
    assert main([*asked, "--max-calls", "13"]) == 4
    assert "shards are missing: the budget" in capsys.readouterr().err
    assert 6 <= served.stats()["calls"] <= 13 and served.stats()["most_in_flight"] <= 3
    assert main(["resume", str(out), "--max-calls", "100", "--quiet"]) == 0
    assert served.stats()["answered_again"] == 0 and (out / "_report.html").exists()
    real = pd.read_csv(tmp_path / "real.csv")
    for shard in (2, 0, 1):  # each by itself, as tasks of an array
        made = generate_shards(
            real,
            60,
            align(other.url, method="synalign"),
            tmp_path / "alone",
            shards=3,
            shard=shard,
            progress=False,
        )
        assert [one.shard for one in made.done] == [shard] and made.there == 0
    assert parts(out) == parts(tmp_path / "alone")
    for name in parts(out):
        assert (out / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    fewer = other.stats()["calls"] - served.stats()["calls"]
    assert 0 <= fewer < 8  # the small budget paid for fewer descriptions; what they decided stands


def test_ctrl_c_counts_at_once_what_the_writers_were_at(writing, halves, tmp_path):
    halves[0][["text"]].to_csv(tmp_path / "real.csv", index=False)
    served, out = writing("--latency", "0.5"), tmp_path / "made"
    asked = command(served.url, tmp_path / "real.csv", out, "--workers", "2", "--max-calls", "100")
    process = subprocess.Popen(
        [sys.executable, "-m", "lookalike", *asked],
        env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while served.stats()["calls"] < 10:  # 8 descriptions by this process, then the first calls of the writers
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)  # as Ctrl-C, which a job in the background would be told to ignore
    said, calls = process.communicate()[1], served.stats()["calls"]
    assert f"{calls} calls so far, " in said and "goes on from what is kept" in said
    assert process.returncode == 130 and "Traceback" not in said and "Fatal" not in said
    ledgers = [*out.glob("*.run/ledger.sqlite"), out / "_ledger.sqlite"]
    assert sum(counted(one, f"m at {served.url}").calls for one in ledgers) == calls
    budget = sqlite3.connect(out / "_budget.sqlite")
    assert budget.execute("SELECT total(calls) FROM spent").fetchone() == (calls,)
    assert budget.execute("SELECT total(calls) FROM held").fetchone() == (0,)


def test_another_job_is_refused_and_changes_nothing(writing, halves, tmp_path):
    served, out = writing(), tmp_path / "made"
    generate_shards(halves[0][["text"]], 30, align(served.url), out, shards=2, progress=False)
    calls, config = served.stats()["calls"], (out / "plan.json").read_bytes()
    for other, n in (
        (align(served.url, seed=1), 30),
        (align(served.url), 31),
        (align(served.url, grow="even"), 30),
    ):
        with pytest.raises(DataError, match="holds the shards of another plan"):
            generate_shards(halves[0][["text"]], n, other, out, shards=2, progress=False)
    assert served.stats()["calls"] == calls and (out / "plan.json").read_bytes() == config


def test_what_does_not_go_with_shards_is_a_sentence(halves, tmp_path, capsys):
    none = "http://127.0.0.1:9/v1"
    for match, own, options in (
        ("looks at all rows", align(none, grow="coverage"), {"shards": 2}),
        ("7 shards cannot share 6 demonstrations", align(none), {"shards": 7}),
        ("give a SynAlign", object(), {"shards": 2}),
        ("one of 0 to 1", align(none), {"shards": 2, "shard": 2}),
        ("5 workers cannot share 4 calls at once", align(none), {"shards": 6, "workers": 5}),
        ("every worker loads the embedder by its name", align(none, embed=ones), {"shards": 2, "workers": 2}),
        ("by its name: give a name", align(none, embed=ones), {"shards": 2, "engine": "ray"}),
        ("give the engine ray://auto", align(none), {"shards": 2, "engine": "ray://h:1"}),
        ("engine 'spark' is not known", align(none), {"shards": 2, "engine": "spark"}),
    ):
        with pytest.raises(OptionError, match=match):
            generate_shards(halves[0][["text"]], 30, own, tmp_path / "made", progress=False, **options)
        assert not list(tmp_path.glob("made/*.parquet"))
    halves[0][["text"]].to_csv(tmp_path / "real.csv", index=False)
    for more, match in (
        (["--curate"], "--curate and --shards do not go together"),
        (["--run", "x"], "--run and --shards"),
        (["--shard", "1", "--workers", "2"], "--shard is written by one process"),
        (["-o", str(tmp_path / "x.csv")], "shards go into a folder"),
    ):
        assert main([*command(none, tmp_path / "real.csv", tmp_path / "o"), *more]) == 2
        assert match in capsys.readouterr().err
    assert main(["generate", str(tmp_path / "real.csv"), "-n", "9", "-o", "o.csv", "--engine", "ray"]) == 2
    assert "--engine is for work in shards" in capsys.readouterr().err
    assert main(["generate", str(tmp_path / "real.csv"), "-n", "9", "-o", "o/", "--shards", "3"]) == 2
    assert "add --llm and --model" in capsys.readouterr().err


def test_an_endpoint_that_is_gone_leaves_what_was_made(writing, halves, tmp_path):
    served, out = writing(), tmp_path / "made"
    options = {"shards": 3, "progress": False}
    generate_shards(
        halves[0][["text"]],
        60,
        align(served.url, method="synalign", budget=Budget(max_calls=13)),
        out,
        **options,
    )
    served.stop()
    with pytest.raises(EndpointError):
        generate_shards(
            halves[0][["text"]], 60, align(served.url, method="synalign", patience=0.2), out, **options
        )
    assert len(parts(out)) == 1
