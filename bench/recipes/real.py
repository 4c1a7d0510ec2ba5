"""Each shipped recipe on a real language model: rows accepted, calls, losses and their reasons, ten rows.

    python -m bench.recipes.real --llm http://127.0.0.1:8000/v1 --model NAME --work FOLDER -n 50

Runs are kept in the folder --work, where the same command goes on after it was stopped; --seconds is the most
that one recipe may take: what is accepted by then counts; --told asks nothing, and tells what the folder
holds. The table and the rows are printed as Markdown.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.command import count, folder, parser
from bench.publish import publish
from lookalike.prompting.recipes import shipped

SHOWN, LETTERS = 10, 110  # rows for the eye, and letters of each cell


def main() -> None:
    one = parser("bench.recipes.real", __doc__)
    one.add_argument("--llm", required=True, help="the endpoint")
    one.add_argument("--model", required=True, help="the model's name there")
    one.add_argument("-n", "--rows", type=count, default=50)
    one.add_argument("--only", action="append", choices=list(shipped.about()), help="a recipe; repeatable")
    one.add_argument("--seconds", type=count, default=3600, help="for one recipe, at most")
    one.add_argument("--max-calls", type=count, help="for one recipe, at most")
    one.add_argument("--concurrency", type=count, default=4)
    one.add_argument("--told", action="store_true", help="ask nothing")
    one.add_argument("--work", type=folder, required=True, help="where the runs are kept")
    one.add_argument("--results", type=Path, help="put the table between the model's marks of this .md file")
    one.add_argument("--out", type=Path, help="write the figures to this .json file")
    args = one.parse_args()
    found = {}
    for name in args.only or shipped.about():
        if not args.told:
            run(name, args)
        found[name] = kept(name, args)
    text = markdown(found)
    print(text)
    if args.results:
        publish(text, args.results, f"bench.recipes.real {args.model}")
    if args.out:
        args.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def run(name: str, args: argparse.Namespace) -> None:
    """Runs a recipe, or goes on with it, for at most `args.seconds`."""
    (args.work / f"{name}.toml").write_text(shipped.source(name))
    options = ["--recipe", f"{name}.toml", "-n", args.rows, "-o", f"{name}.jsonl", "--llm", args.llm,
    "--model",
               args.model, "--concurrency", args.concurrency, "--timeout", 900, "--quiet"]  # fmt: skip
    options += ["--max-calls", args.max_calls] if args.max_calls else []
    process = subprocess.Popen(
        [sys.executable, "-m", "lookalike", "generate", *map(str, options)],
        cwd=args.work,
        stdout=subprocess.DEVNULL,
    )
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(args.seconds)
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.wait()


def kept(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """What the runs of a recipe made."""
    run = args.work / f"{name}.jsonl.run"
    summary = json.loads((run / "summary.json").read_text()) if (run / "summary.json").exists() else {}
    rows = (run / "accepted.jsonl").read_text().splitlines() if (run / "accepted.jsonl").exists() else []
    return {
        "model": args.model,
        "wanted": args.rows,
        "accepted": len(rows),
        "seconds": round(sum(one["seconds"] for one in summary.get("runs", []))),
        **{key: summary.get(key) for key in ("asked", "calls", "rejected", "again", "failures", "stopped")},
        "rows": [json.loads(row) for row in rows[:SHOWN]],
    }


def markdown(found: dict[str, Any]) -> str:
    """The figures as a table, and the rows below it."""
    lines = [
        "| recipe | accepted | begun | calls | s | lost at | ended early |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in found.items():
        lost = ", ".join(f"{many} `{why}`" for why, many in (one["rejected"] or {}).items()) or "-"
        lost = lost.replace("|", r"\|")
        lines.append(
            f"| {name} | {one['accepted']} of {one['wanted']} | {one['asked']} | {one['calls']} | "
            f"{one['seconds']} | {lost} | {one['stopped'] or '-'} |"
        )
    for name, one in found.items():
        lines += ["", f"{name}:", "", "```", *map(shown, differing(one["rows"])), "```"]
    return "\n".join(lines)


def differing(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without the columns that are the same in all of them."""
    return [
        {key: value for key, value in row.items() if len(rows) < 2 or any(value != one[key] for one in rows)}
        for row in rows
    ]


def shown(row: dict[str, Any]) -> str:
    """A row on one line; its cells shortened, a dialogue by turns."""
    cells = []
    for key, value in row.items():
        turns = [one["content"] for one in value] if isinstance(value, list) and key == "messages" else None
        text = " / ".join(turns) if turns else value if isinstance(value, str) else json.dumps(value)
        text, most = " ".join(text.split()), LETTERS * (4 if turns else 1)
        cells.append(f"{key}: {text[:most]}{'...' if len(text) > most else ''}")
    return " | ".join(cells)


if __name__ == "__main__":
    main()
