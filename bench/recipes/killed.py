"""A recipe of five columns, 1,000 accepted rows, on a server that fails, killed at half and gone on with.

    python -m bench.recipes.killed --out bench/results/recipes-killed.json

5% of the calls get 429, 2% get 500, one text in ten fails its check. After half of the calls the process gets
SIGKILL, and `lookalike resume` goes on. The ideal is every call that was needed once, without faults, with
all slots busy; "bare" is what this machine takes for that just before, by a client that only asks. Seconds
of work are from the first call of a process to its end; what it takes to start is told apart.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.command import count, parser
from bench.places import ROOT
from bench.server import serve, stats
from lookalike.llm import LLM, Request, ask_all, wait

ROWS, LATENCY, SLOTS, WRITTEN = 1000, 0.5, 32, 3
RECIPE = """
label = "label"
[columns.number]
sample = { low = 0, high = 1000000000 }
[columns.text]
prompt = "Write a short message about case {{ number }}."
check = ["refusal", "near"]
[columns.label]
prompt = "Which class has this message: {{ text }}"
values = ["question", "complaint", "praise"]
[columns.answer]
prompt = "Answer this {{ label }}: {{ text }}"
check = "refusal"
[columns.length]
function = "text | length"
"""


def main() -> None:
    one = parser("bench.recipes.killed", __doc__)
    one.add_argument("--out", type=Path, help="write the figures to this .json file")
    one.add_argument("--rows", type=count, default=ROWS)
    one.add_argument("--latency", type=float, default=LATENCY, help="seconds of a call")
    args = one.parse_args()
    found = measured(args.rows, args.latency)
    print(json.dumps(found, indent=1))
    if args.out:
        args.out.write_text(json.dumps(found, indent=1) + "\n")


def measured(rows: int, latency: float) -> dict[str, Any]:
    """The figures of a run that was killed once."""
    writer = ROOT / "bench" / "recipes" / "writer.py"
    plain = ("--writer", f"{writer}:write", "--latency", str(latency), "--slots", str(SLOTS))
    bare = _bare(plain, rows * WRITTEN)
    server, url = serve(
        *plain,
        *("--sampling", "--fault", "429=0.05", "--fault", "500=0.02", "--retry-after", "0.5"),
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "r.toml").write_text(RECIPE)
        command = [sys.executable, "-m", "lookalike"]
        options = ["--recipe", "r.toml", "-n", str(rows), "-o", "o.jsonl", "--llm", url, "--model", "m"]
        try:
            begun = time.monotonic()
            first = subprocess.Popen([*command, "generate", *options, "--quiet"], cwd=folder)
            first_call = _when(url, first, 1)
            _when(url, first, rows * WRITTEN // 2)
            work = time.monotonic() - first_call
            first.send_signal(signal.SIGKILL)
            first.wait()
            time.sleep(2 * latency)  # what is in flight is answered to nobody
            at_kill, kept_at_kill, killed = stats(url)["answered"], _kept(folder), time.monotonic()
            second = subprocess.Popen([*command, "resume", "o.jsonl.run", "--quiet"], cwd=folder)
            next_call = _when(url, second, at_kill + 1)
            assert second.wait() == 0
            ended = time.monotonic()
            work += ended - next_call
            counted = stats(url)
        finally:
            server.kill()
        made = _lines(folder / "o.jsonl")
        lost = _lines(folder / "o.jsonl.run" / "rejected.jsonl")
        summary = json.loads((folder / "o.jsonl.run" / "summary.json").read_text())
        kept = _kept(folder)
    ideal = rows * WRITTEN * latency / SLOTS
    return {
        "rows": len(made),
        "columns": len(made[0]),
        "different_texts": len({row["text"] for row in made}),
        "rejected_values": len(lost),
        "rejected_without_column_or_reason": sum(not one["column"] or not one["reason"] for one in lost),
        "replies_used": summary["replies"],
        "read_back": summary["known"],
        "kept_at_kill": kept_at_kill,
        "kept": kept,
        "answered_by_the_server": counted["answered"],
        "answered_but_in_flight_at_the_kill": at_kill - kept_at_kill,
        "asked_again_though_kept": counted["answered"] - kept - (at_kill - kept_at_kill),
        "faults": {name: counted["statuses"].get(name, 0) for name in ("429", "500")},
        "seconds_of_work": round(work, 1),
        "seconds_to_start": [round(first_call - begun, 1), round(next_call - killed, 1)],
        "ideal_seconds": round(ideal, 1),
        "bare_seconds": round(bare, 1),
        "ratio_to_ideal": round(work / ideal, 3),
        "ratio_to_bare": round(work / bare, 3),
        "load_of_the_machine": os.getloadavg()[0],
    }


def _when(url: str, process: subprocess.Popen[bytes], answered: int) -> float:
    """When the server had answered so many calls."""
    while stats(url)["answered"] < answered:
        assert process.poll() is None
        time.sleep(0.1)
    return time.monotonic()


def _bare(options: tuple[str, ...], calls: int) -> float:
    """Seconds that so many calls take which are only asked, on a server without faults."""
    server, url = serve(*options)
    try:
        llm = LLM("m", url, concurrency=SLOTS, progress=False)
        llm.throttle.limit = float(SLOTS)
        begun = time.monotonic()
        wait(ask_all(llm, [Request(f"Case {at}.") for at in range(calls)], progress=False))
        return time.monotonic() - begun
    finally:
        server.kill()


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _kept(folder: Path) -> int:
    with sqlite3.connect(folder / "o.jsonl.run" / "ledger.sqlite") as ledger:
        return int(ledger.execute("SELECT count(*) FROM replies").fetchone()[0])


if __name__ == "__main__":
    main()
