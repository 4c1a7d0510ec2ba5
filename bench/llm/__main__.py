"""Calls per second and memory of `lookalike.llm`, and what a killed run pays for again.

    python -m bench.llm [--clients lookalike,aiohttp] [--cases plain,faults,kill] [--runs 3] [--out FILE]

Every case asks the local server of tests/llm/server.py (a process of its own, 100 ms before each answer),
with 256 calls at once and 10 s for each. Every run is a new process and, for those that keep a ledger, a
new ledger; seconds are of the whole process, imports included. Peers run in environments of their own, made
on first use: see peers.py.

plain   5,000 calls
faults  2,000 calls, of which 5% get 429, 2% get 500, 1% a malformed body and 0.5% no answer at all
kill    3,000 calls, 64 at once, killed at half and started again: the calls beyond 3,000
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import command
from bench.environments import variables
from bench.llm.peers import CLIENTS, environment
from bench.publish import machine
from bench.server import serve, stats

CASES = ("plain", "faults", "kill")
LATENCY = ("--latency", "0.1")
FAULTS = ("429-bare=0.05", "500=0.02", "truncated=0.01", "hang=0.005")
LONGEST = 100.0  # seconds after which a run counts as unfinished


def start(client: str, url: str, calls: int, at_once: int, folder: Path) -> subprocess.Popen[str]:
    """One run of a client, as a process; it prints {"replies": n, "peak_mb": m}."""
    alone = [environment(client), "-m", "bench.llm.peers", client, url, str(calls), str(at_once), folder]
    found = variables(peer=CLIENTS[client] is not None) | {"OPENAI_API_KEY": "none"}
    return subprocess.Popen(alone, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=found)


def once(client: str, calls: int, faults: tuple[str, ...] = ()) -> dict[str, Any]:
    """Seconds, peak MB, replies and what the server saw, of one run."""
    server, url = serve(*LATENCY, *(word for fault in faults for word in ("--fault", fault)))
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        process = start(client, url, calls, 256, Path(folder))
        try:
            out, errors = process.communicate(timeout=LONGEST)
            seconds = time.perf_counter() - begun
            found = json.loads(out.splitlines()[-1]) if process.returncode == 0 and out else {}
            if not found:
                print(errors[-2000:], file=sys.stderr)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            seconds, found = LONGEST, {"unfinished": True}
        seen = stats(url)
    server.kill()
    return {"seconds": round(seconds, 2), **found, "answered": seen["answered"], "calls": seen["calls"]}


def killed(client: str) -> dict[str, Any]:
    """Calls beyond 3,000, of a run that is killed at half and started again."""
    server, url = serve(*LATENCY)
    with tempfile.TemporaryDirectory() as folder:
        first = start(client, url, 3000, 64, Path(folder))
        while first.poll() is None and stats(url)["calls"] < 1500:
            time.sleep(0.02)
        first.kill()
        first.communicate()
        at_kill = stats(url)["calls"]
        second = start(client, url, 3000, 64, Path(folder))
        try:
            out, _ = second.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            second.kill()
            second.communicate()
            too_many = stats(url)["repeated"]
            server.kill()
            return {"unfinished": True, "too_many": too_many}
        too_many = stats(url)["repeated"]
    server.kill()
    return {"calls_at_kill": at_kill, "too_many": too_many, **json.loads(out.splitlines()[-1])}


def main() -> None:
    parser = command.parser("bench.llm", __doc__)
    parser.add_argument("--clients", default="lookalike,aiohttp", help=f"of {', '.join(CLIENTS)}")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    options = parser.parse_args()
    clients, cases = options.clients.split(","), options.cases.split(",")
    command.chosen(parser, "client", clients, CLIENTS)
    command.chosen(parser, "case", cases, CASES)
    figures: dict[str, Any] = {"machine": machine(), "runs": []}
    for case in cases:
        for turn in range(options.runs if case == "plain" else 1):
            for client in clients:  # in turns, so that a busy machine is busy for all
                if case == "plain":
                    found = once(client, 5000)
                elif case == "faults":
                    found = once(client, 2000, FAULTS)
                else:
                    found = killed(client)
                print(case, client, found, flush=True)
                figures["runs"].append({"case": case, "client": client, "turn": turn, **found})
    for client in clients:
        times = [
            one["seconds"]
            for one in figures["runs"]
            if (one["case"], one["client"]) == ("plain", client) and "replies" in one
        ]
        if times:
            print(f"{client}: median of 5,000 calls {statistics.median(times):.2f} s")
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
