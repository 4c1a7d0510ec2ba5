"""Calls per second and memory of `lookalike.llm`, and what a killed run pays for again.

    python bench/llm.py [--clients lookalike,aiohttp] [--cases plain,faults,kill] [--runs 3] [--out FILE]

Every case asks the local server of tests/llm/server.py (a process of its own, 100 ms before each answer),
with 256 calls at once and 10 s for each. Every run is a new process and, for those that keep a ledger, a
new ledger; seconds are of the whole process, imports included. Peers run in environments of their own, made
on first use: see llm_peers.py.

plain   5,000 calls
faults  2,000 calls, of which 5% get 429, 2% get 500, 1% a malformed body and 0.5% no answer at all
kill    3,000 calls, 64 at once, killed at half and started again: the calls beyond 3,000
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from llm_peers import environment

HERE = Path(__file__).resolve().parent
SERVER = HERE.parent / "tests" / "llm" / "server.py"
FAULTS = ("429-bare=0.05", "500=0.02", "truncated=0.01", "hang=0.005")
LONGEST = 100.0  # seconds after which a run counts as unfinished


def serve(*options: str) -> tuple[subprocess.Popen[str], str]:
    """A running server and its base URL."""
    server = subprocess.Popen(
        [sys.executable, SERVER, "--latency", "0.1", *options], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    return server, server.stdout.readline().strip()


def stats(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/stats") as answer:
        return json.load(answer)


def start(client: str, url: str, calls: int, at_once: int, folder: Path) -> subprocess.Popen[str]:
    """One run of a client, as a process; it prints {"replies": n, "peak_mb": m}."""
    command = [environment(client), HERE / "llm_peers.py", client, url, str(calls), str(at_once), folder]
    variables = {**os.environ, "OPENAI_API_KEY": "none", "PYTHONPATH": str(HERE.parent / "src")}
    if client not in ("lookalike", "aiohttp"):
        del variables["PYTHONPATH"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables)


def once(client: str, calls: int, faults: tuple[str, ...] = ()) -> dict[str, Any]:
    """Seconds, peak MB, replies and what the server saw, of one run."""
    server, url = serve(*(word for fault in faults for word in ("--fault", fault)))
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
    server, url = serve()
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clients", default="lookalike,aiohttp")
    parser.add_argument("--cases", default="plain,faults,kill")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    options = parser.parse_args()
    figures: dict[str, Any] = {"machine": f"{platform.processor()}, {os.cpu_count()} cores", "runs": []}
    for case in options.cases.split(","):
        for turn in range(options.runs if case == "plain" else 1):
            for client in options.clients.split(","):  # in turns, so that a busy machine is busy for all
                if case == "plain":
                    found = once(client, 5000)
                elif case == "faults":
                    found = once(client, 2000, FAULTS)
                else:
                    found = killed(client)
                print(case, client, found, flush=True)
                figures["runs"].append({"case": case, "client": client, "turn": turn, **found})
    for client in options.clients.split(","):
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
