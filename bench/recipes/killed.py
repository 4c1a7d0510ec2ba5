"""A recipe of five columns, 1,000 accepted rows, on a server that fails, killed at half and gone on with.

    python -m bench.recipes.killed --out bench/results/recipes-killed.json

5% of the calls get 429, 2% get 500, one text in ten fails its check. After half of the calls the process gets
SIGKILL, and `lookalike resume` goes on. The ideal is every call that was needed once, without faults, with
all slots busy.
"""

from __future__ import annotations

import json
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

ROWS, LATENCY, SLOTS, WRITTEN = 1000, 1.0, 32, 3
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
    args = one.parse_args()
    found = measured(args.rows)
    print(json.dumps(found, indent=1))
    if args.out:
        args.out.write_text(json.dumps(found, indent=1) + "\n")


def measured(rows: int) -> dict[str, Any]:
    """The figures of a run that was killed once."""
    writer = ROOT / "bench" / "recipes" / "writer.py"
    server, url = serve(
        *("--writer", f"{writer}:write", "--sampling", "--latency", str(LATENCY), "--slots", str(SLOTS)),
        *("--fault", "429=0.05", "--fault", "500=0.02", "--retry-after", "0.5"),
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "r.toml").write_text(RECIPE)
        command = [sys.executable, "-m", "lookalike"]
        options = ["--recipe", "r.toml", "-n", str(rows), "-o", "o.jsonl", "--llm", url, "--model", "m"]
        try:
            begun = time.monotonic()
            first = subprocess.Popen([*command, "generate", *options, "--quiet"], cwd=folder)
            while stats(url)["answered"] < rows * WRITTEN / 2:
                assert first.poll() is None
                time.sleep(0.1)
            first.send_signal(signal.SIGKILL)
            first.wait()
            time.sleep(2 * LATENCY)  # what is in flight is answered to nobody
            at_kill, kept_at_kill, killed = stats(url)["answered"], _kept(folder), time.monotonic()
            subprocess.run([*command, "resume", "o.jsonl.run", "--quiet"], cwd=folder, check=True)
            ended = time.monotonic()
            counted = stats(url)
        finally:
            server.kill()
        made = _lines(folder / "o.jsonl")
        lost = _lines(folder / "o.jsonl.run" / "rejected.jsonl")
        summary = json.loads((folder / "o.jsonl.run" / "summary.json").read_text())
        kept = _kept(folder)
    seconds = ended - begun - 2 * LATENCY
    ideal = rows * WRITTEN * LATENCY / SLOTS
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
        "seconds": round(seconds, 1),
        "ideal_seconds": round(ideal, 1),
        "ratio": round(seconds / ideal, 3),
        "seconds_after_the_kill": round(ended - killed, 1),
    }


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _kept(folder: Path) -> int:
    with sqlite3.connect(folder / "o.jsonl.run" / "ledger.sqlite") as ledger:
        return int(ledger.execute("SELECT count(*) FROM replies").fetchone()[0])


if __name__ == "__main__":
    main()
