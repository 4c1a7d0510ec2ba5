"""lookalike beside its peers: every method fits the same tables, and one scorer judges.

    python -m bench.tables --data FOLDER [--sets adult,magic] [--methods lookalike,tabularargn] [--seeds 0,1]
    python -m bench.tables --data FOLDER --jobs 16 --methods lookalike,cart,copula,shuffled

FOLDER holds <set>/train.csv.gz and <set>/test.csv.gz. tabularargn, gaussiancopula and tvae get an environment
of their own under bench/envs, made on first use; the others run in the environment that runs this command.
The scorer wants xgboost: without it the utility is left out, and added when the command is run again where
there is one. Cells run one after the other, so that times can be compared; with --jobs side by side, each in
processes of one thread. Synthetic tables go to --work (bench/work), and figures to --out after every cell, so
that an interrupted benchmark goes on where it stopped. The tables are printed and put between the marks of
bench/RESULTS.md; what stands outside the marks is left alone. `--again` forgets what is known of the methods
that it names.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import command
from bench.places import FIGURES, RESULTS, WORK
from bench.publish import machine, publish
from bench.tables.cells import Entry, kept, run_all
from bench.tables.columns import BadInput, read
from bench.tables.markdown import HOLDOUT, tables
from bench.tables.peers import METHODS, environment, run
from bench.tables.score import PARTS, known, score

NAME = "bench.tables"
TARGETS = {
    "adult": "income",
    "default": "default.payment.next.month",
    "magic": "class",
    "shoppers": "Revenue",
    "beijing": "pm2.5",
}
PRINTED = ("fit_s", "sample_s", "rss_mb", *PARTS, "error")


def measured(name: str, method: str, seed: int, known: Entry, args: argparse.Namespace) -> Entry:
    """The figures of one method on one set, or {"error": ...}; of HOLDOUT those of the held rows.

    known: the entry of an earlier run, whose synthetic table is scored again where it is still there.
    """
    real, held = (read(args.data / name / f"{part}.csv.gz") for part in ("train", "test"))
    real = real.sample(args.rows, random_state=0) if args.rows else real
    entry: Entry = {"when": time.strftime("%Y-%m-%d %H:%M")}
    if method == HOLDOUT:
        return entry | {"score": score(real, held, held, TARGETS[name], seed, trained_on=real)}
    train, out = args.data / name / "train.csv.gz", args.work / f"{name}-{method}-{seed}.csv.gz"
    if known:
        entry = known
    else:
        entry |= run(method, train, out, seed, args.threads, args.rows)
    if "error" not in entry:
        try:
            entry["score"] = score(real, held, read(out), TARGETS[name], seed)
        except BadInput as error:
            entry["error"] = str(error)
        else:
            entry["table"] = digest(out)
    return entry


def digest(path: Path) -> str:
    """Names what a file holds; "" where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else ""


def missing(
    runs: Entry,
    sets: Sequence[str],
    methods: Sequence[str],
    seeds: Sequence[int],
    again: set[str],
    args: argparse.Namespace,
) -> dict[str, tuple[Any, ...]]:
    """The cells that are to be run, as arguments of `measured`: the slow methods of all sets first."""
    cells = {}
    for method, name, seed in itertools.product(dict.fromkeys([*methods, HOLDOUT]), sets, seeds):
        key = f"{name}/{method}/{seed}"
        entry, out = runs.get(key, {}), args.work / f"{name}-{method}-{seed}.csv.gz"
        scored = set(entry.get("score", ())) if method not in again else set()
        if scored >= known():
            continue
        there = method == HOLDOUT or (bool(entry.get("table")) and entry["table"] == digest(out))
        if scored and not there:  # of an older bench: its table is gone
            continue
        cells[key] = (name, method, seed, entry if scored and method != HOLDOUT else {}, args)
    return cells


def options() -> argparse.ArgumentParser:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--data", type=command.folder, required=True)
    parser.add_argument("--sets", default=",".join(TARGETS))
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--out", type=Path, default=FIGURES / "tables.json")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--work", type=Path, default=WORK, help="the folder of the synthetic tables")
    parser.add_argument("--jobs", type=command.count, default=1, help="cells that are run side by side")
    parser.add_argument("--threads", type=command.count, help="of each cell; default: the cores / JOBS")
    parser.add_argument(
        "--rows", type=int, help="train on ROWS rows drawn at random (a trial of the benchmark itself)"
    )
    parser.add_argument("--again", default="", help="methods whose earlier figures are forgotten")
    parser.add_argument("--envs-only", action="store_true", help="make the environments and stop")
    return parser


def main() -> None:
    parser = options()
    args = parser.parse_args()
    sets, methods = args.sets.split(","), args.methods.split(",")
    seeds = [int(seed) for seed in args.seeds.split(",")]
    again = set(filter(None, args.again.split(",")))
    command.chosen(parser, "set", sets, TARGETS)
    command.chosen(parser, "method", [*methods, *again], [*METHODS, HOLDOUT])
    command.present(parser, [args.data / n / f"{part}.csv.gz" for n in sets for part in ("train", "test")])
    for method in methods:  # before anything is timed
        environment(METHODS.get(method))
    if args.envs_only:
        return
    args.threads = args.threads or max(1, (os.cpu_count() or 1) // args.jobs)
    results = kept(args.out)
    results["machine"] = machine(args.threads)
    results["command"] = command.quoted(NAME, sys.argv[1:])
    cells = missing(results["runs"], sets, methods, seeds, again, args)
    for key, entry in run_all(results, args.out, cells, measured, args.jobs):
        shown = entry.get("score", {}) | entry
        print(key, {k: shown[k] for k in PRINTED if k in shown}, flush=True)
    text = tables(results, sets, methods, seeds)
    text = f"{results['machine']}; `{results['command']}`.\n\n{text}"
    publish(text, args.results, NAME)
    print("\n" + text)


if __name__ == "__main__":
    main()
