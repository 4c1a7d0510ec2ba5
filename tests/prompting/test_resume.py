"""A run that was killed and started again makes the same table, and pays for nothing twice."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from tests.paths import ROOT
from tests.processes import environment

Writing = Callable[..., Any]
DATA = ROOT / "tests" / "data" / "banking77.csv"
IN_FLIGHT = 8
SCRIPT = f"""
import sys
import pandas as pd
from lookalike import SynAlign
from lookalike.llm import LLM
url, ledger, out = sys.argv[1:]
llm = LLM("m", url, ledger=ledger, concurrency={IN_FLIGHT})
model = SynAlign(llm, "text", "category", progress=False).fit(pd.read_csv({str(DATA)!r})[:90])
pd.concat([model.sample(300), model.provenance], axis=1).to_csv(out, index=False)
"""


def start(server: Any, ledger: Path, out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, server.url, str(ledger), str(out)],
        env=environment(),
    )


def test_a_run_that_was_killed_goes_on_to_the_same_table(writing: Writing, tmp_path: Path) -> None:
    options = ("half_mislabelled", "--latency", "0.05", "--fault", "500=0.05", "--once")
    server = writing(*options)
    assert start(server, tmp_path / "whole.sqlite", tmp_path / "whole.csv").wait(120) == 0
    whole = server.stats()
    server.stop()
    port = server.url.split(":")[2].removesuffix("/v1")
    again = writing(*options, "--port", port)  # keys in the ledger depend on the URL
    first = start(again, tmp_path / "l.sqlite", tmp_path / "killed.csv")
    end = time.monotonic() + 60
    while again.stats()["calls"] < whole["calls"] // 2 and time.monotonic() < end:
        time.sleep(0.01)
    first.kill()
    first.wait()
    assert again.stats()["calls"] < whole["calls"] and not (tmp_path / "killed.csv").exists()
    assert start(again, tmp_path / "l.sqlite", tmp_path / "resumed.csv").wait(120) == 0
    assert (tmp_path / "resumed.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    stats = again.stats()
    assert stats["answered_again"] <= IN_FLIGHT  # what was in flight when it was killed
    assert stats["answered"] - stats["answered_again"] == whole["answered"]
    assert len(pd.read_csv(tmp_path / "resumed.csv")) == 300
