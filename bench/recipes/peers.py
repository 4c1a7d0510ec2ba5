"""Two recipes by lookalike, distilabel and DataDesigner on one simulated server: lines to write, seconds,
memory, rows lost.

    python -m bench.recipes.peers --rows 200 --out bench/results/recipes-peers.json

classify: a class, a tone and a text; qa: a topic, a question, its answer and a judge's score. 32 slots, .2 s
a call, 5% of the calls get 429 (Retry-After .5 s), 2% get 500. Each client runs in an environment of its own;
seconds and memory are of its whole process with its children, the start included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.command import count, parser
from bench.environments import make
from bench.places import ROOT
from bench.server import serve, stats

SAME = ROOT / "bench" / "recipes" / "same"
RECIPES = {"classify": ("label", "tone", "text"), "qa": ("topic", "question", "answer", "score")}
PEERS = {
    "distilabel": ["distilabel[openai]==1.5.3", "requests"],  # it forgets to ask for requests
    "datadesigner": ["data-designer==0.9.7"],
}
CLIENTS = ("lookalike", *PEERS)
LIMIT = 600.0  # seconds


def main() -> None:
    one = parser("bench.recipes.peers", __doc__)
    one.add_argument("--rows", type=count, default=200)
    one.add_argument("--only", action="append", choices=CLIENTS, help="a client; repeatable")
    one.add_argument("--python", action="append", default=[], metavar="CLIENT=PYTHON",
                     help="of an environment that is there; repeatable")  # fmt: skip
    one.add_argument("--out", type=Path, help="write the figures to this .json file")
    args = one.parse_args()
    pythons = dict(given.split("=", 1) for given in args.python)
    found: dict[str, Any] = {}
    for client in args.only or CLIENTS:
        python = Path(sys.executable)
        if client in PEERS:
            python = Path(pythons[client]) if client in pythons else make(client, PEERS[client])
        found[client] = {recipe: measured(client, recipe, python, args.rows) for recipe in RECIPES}
        print(client, json.dumps(found[client]), flush=True)
    if args.out:
        args.out.write_text(json.dumps(found, indent=1) + "\n")


def measured(client: str, recipe: str, python: Path, rows: int) -> dict[str, Any]:
    """One run of a client."""
    writer = ROOT / "bench" / "recipes" / "qa_writer.py"
    server, url = serve(
        *("--writer", f"{writer}:write", "--latency", "0.2", "--slots", "32", "--sampling"),
        *("--fault", "429=0.05", "--fault", "500=0.02", "--retry-after", "0.5"),
    )
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "o.jsonl"
        if client == "lookalike":
            source = SAME / f"{recipe}.toml"
            command = [python, "-m", "lookalike", "generate", "--recipe", source, "-n", rows, "-o", out]
            command += ["--llm", url, "--model", "m", "--quiet"]
        else:
            source = SAME / f"{recipe}_{client}.py"
            command = [python, source, url, rows, out]
        log = Path(name) / "log"
        variables = {**os.environ, "NEMO_TELEMETRY_ENABLED": "false", "HF_HUB_OFFLINE": "1"}
        try:
            begun = time.monotonic()
            with log.open("wb") as said:
                process = subprocess.Popen(
                    [str(one) for one in command], cwd=name, stdout=said, stderr=said, env=variables
                )
                memory, calling = _watched(process, begun, url)
            seconds = time.monotonic() - begun
            counted = stats(url)
        finally:
            server.kill()
        table = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
        names = RECIPES[recipe] if client != "lookalike" else (*RECIPES[recipe][:3],)
        whole = [row for row in table if all(row.get(one) is not None for one in names)]
        lines = [one for one in source.read_text().splitlines() if one.strip() and not one.startswith('"""')]
        return {
            "lines": len(lines),
            "seconds": round(seconds, 1),
            "seconds_of_calls": round(calling, 1),
            "cpu_seconds": round(_cpu(), 1),
            "memory_mb": round(memory),
            "rows_lost": rows - len(whole),
            "calls_answered": counted["answered"],
            "exit": process.returncode,
            **({} if whole else {"said": log.read_text(errors="replace")[-500:]}),
        }


_spent = [0.0]


def _cpu() -> float:
    """CPU seconds of children that ended since it was last asked."""
    times = os.times()
    total = times.children_user + times.children_system
    since, _spent[0] = total - _spent[0], total
    return since


def _watched(process: subprocess.Popen[bytes], begun: float, url: str) -> tuple[float, float]:
    """Waits for a process; the most MB that it and its children had together (proportional set size), and the
    seconds from the first answer of the server to the last.
    """
    most, first, last, answered = 0.0, begun, begun, 0
    while process.poll() is None:
        if time.monotonic() - begun > LIMIT:
            process.kill()
        most = max(most, sum(_size(one) for one in _family(process.pid)))
        now = stats(url)["answered"]
        if now > answered:
            first, last, answered = (time.monotonic() if not answered else first), time.monotonic(), now
        time.sleep(0.2)
    return most, last - first


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid, *(other for one in children for other in _family(int(one)))]


def _size(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


if __name__ == "__main__":
    main()
