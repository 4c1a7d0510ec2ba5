"""lookalike beside its peers: every method fits the same tables, one after the other, and one scorer judges.

    python -m bench.tables --data FOLDER [--sets adult,magic] [--methods lookalike,tabularargn] [--seeds 0,1]

FOLDER holds <set>/train.csv.gz and <set>/test.csv.gz. Each peer gets an environment of its own under
bench/envs, made on first use; lookalike runs in the environment that runs this command (which needs xgboost
for the scorer). Synthetic tables go to bench/work, and figures to --out after every run, so that an
interrupted benchmark goes on where it stopped. The tables are printed and put between the marks of
bench/RESULTS.md; what stands outside the marks is left alone. `--again` forgets what is known of the methods
that it names.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd

from bench import command
from bench.places import FIGURES, RESULTS, WORK
from bench.publish import machine, publish
from bench.tables.markdown import HOLDOUT, tables
from bench.tables.peers import METHODS, environment, run
from bench.tables.score import BadInput, read, score

NAME = "bench.tables"
TARGETS = {
    "adult": "income",
    "default": "default.payment.next.month",
    "magic": "class",
    "shoppers": "Revenue",
    "beijing": "pm2.5",
}
PRINTED = ("fit_s", "sample_s", "rss_mb", "shape", "trend", "c2st", "mle", "copies", "error")


def measured(
    name: str, method: str, seed: int, real: pd.DataFrame, held: pd.DataFrame, args: argparse.Namespace
) -> dict[str, Any]:
    """The figures of one method on one set, or {"error": ...}; of HOLDOUT those of the held rows."""
    entry: dict[str, Any] = {"when": time.strftime("%Y-%m-%d %H:%M")}
    if method == HOLDOUT:
        return entry | {"score": score(real, held, held, TARGETS[name], seed, trained_on=real)}
    train, out = args.data / name / "train.csv.gz", WORK / f"{name}-{method}-{seed}.csv.gz"
    entry |= run(method, train, out, seed, args.threads, args.rows)
    if "error" not in entry:
        try:
            entry["score"] = score(real, held, read(out), TARGETS[name], seed)
        except BadInput as error:
            entry["error"] = str(error)
    return entry


def options() -> argparse.ArgumentParser:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--data", type=command.folder, required=True)
    parser.add_argument("--sets", default=",".join(TARGETS))
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--out", type=Path, default=FIGURES / "tables.json")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
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
    results: dict[str, Any] = {"runs": {}}
    if args.out.exists():
        results = json.loads(args.out.read_text())
    results["machine"] = machine(args.threads)
    results["command"] = command.quoted(NAME, sys.argv[1:])
    for name in sets:
        real, held = (read(args.data / name / f"{part}.csv.gz") for part in ("train", "test"))
        real = real.sample(args.rows, random_state=0) if args.rows else real
        for seed in seeds:
            for method in dict.fromkeys([*methods, HOLDOUT]):
                key = f"{name}/{method}/{seed}"
                if "score" in results["runs"].get(key, {}) and method not in again:
                    continue
                entry = measured(name, method, seed, real, held, args)
                results["runs"][key] = entry
                args.out.write_text(json.dumps(results, indent=1))
                shown = entry.get("score", {}) | entry
                print(key, {k: shown[k] for k in PRINTED if k in shown}, flush=True)
    text = tables(results, sets, methods, seeds)
    text = f"{results['machine']}; `{results['command']}`.\n\n{text}"
    publish(text, args.results, NAME)
    print("\n" + text)


if __name__ == "__main__":
    main()
