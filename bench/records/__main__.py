"""Records of every kind: texts, code, queries, tool specifications and mixed tables, learned and judged.

    python -m bench.records --data FOLDER [--sets banking77,...] [--seeds 0,1,2] [--max-time 90s]
    python -m bench.records --data FOLDER --ablation   injection x rate x prior, on one table and one text set
    python -m bench.records --data FOLDER --speed      tokens a second beside a plain transformers loop

FOLDER holds the folders text, code, tools, mixed and tabular (see sets.py). Every (set, seed) runs in
a process of its own, and its figures go to --out when it is done: an interrupted benchmark goes on where it
stopped, and a set that failed is tried again. The tables, and 20 rows of every set, go between the marks of
bench/RESULTS.md. --max-time: of every fit (a set has one or two of them). --backbone: a pretrained model by
its path; its figures stand beside the others. --again: sets whose earlier figures are forgotten. --jobs: as
many processes at once, each with its share of the processors; two of one thread learn 1.4 times as much as
one of two threads, as these models are small.

What every figure means stands in figures.py and latents.py. "No latent" is the same
language model at rate 0, so that the latent says nothing: a plain language model of the same architecture,
trained as long. "n-gram" is ngram.py.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from bench import command
from bench.environments import variables
from bench.places import FIGURES, RESULTS
from bench.publish import machine, publish
from bench.records.ablation import RATES, TABLE, TEXT, VARIANTS, ablate
from bench.records.families import Trial, one
from bench.records.markdown import records
from bench.records.sets import SETS, load
from bench.records.speed import speed

NAME = "bench.records"
TIME = "90s"


def alone(key: str, trial: Trial) -> dict[str, Any]:
    """What `worker` gives, from a process of its own; {"error": the last lines} where it fails."""
    asked = [sys.executable, "-m", NAME, "--one", key, "--data", str(trial.data)]
    asked += ["--max-time", trial.max_time, "--threads", str(trial.threads), "--rows", str(trial.rows)]
    asked += ["--backbone", trial.backbone] if trial.backbone else []
    done = subprocess.run(asked, capture_output=True, text=True, env=variables(trial.threads))
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        return {"error": "\n".join(done.stderr.strip().splitlines()[-5:]), "max_time": trial.max_time}
    return json.loads(lines[-1])


def worker(key: str, trial: Trial) -> dict[str, Any]:
    """The figures of one key: see `keys_of`."""
    kind, *names = key.split(":")
    if kind == "ablation":
        name, variant, rate, seed = names
        return ablate(trial.data, name, variant, float(rate), int(seed), trial.options, trial.rows)
    if kind == "speed":
        return speed(*load(trial.data, "sms_spam"), int(names[0]), trial.rows)
    return one(names[0], int(names[1]), trial)


def keys_of(args: argparse.Namespace, sets: Sequence[str], seeds: Sequence[int]) -> list[str]:
    """What is measured, each in a process: "records:SET:SEED", "speed:SEED" or
    "ablation:SET:INJECTION:RATE:SEED"."""
    if args.ablation:
        return [
            f"ablation:{name}:{variant}:{rate:g}:{seed}"
            for seed in seeds
            for name in sets
            for variant in VARIANTS
            for rate in RATES[name]
            if rate or variant == VARIANTS[0]  # without a latent all are one
        ]
    if args.speed:
        return [f"speed:{seed}" for seed in seeds]
    return [f"records:{name}:{seed}" for seed in seeds for name in sets]


def options() -> argparse.ArgumentParser:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--data", type=command.folder, required=True)
    parser.add_argument("--sets", default="", help=f"of {', '.join(SETS)} (default: all)")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--max-time", default=TIME, help=f"of every fit (default {TIME})")
    parser.add_argument("--backbone", default="", help="path of a pretrained model")
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--speed", action="store_true", help="alone on the machine")
    parser.add_argument("--again", default="", help="sets whose earlier figures are forgotten")
    parser.add_argument("--report-only", action="store_true")
    parser.add_argument("--rows", type=int, default=0, help="of train and test, to try the benchmark itself")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once (default 1)")
    parser.add_argument("--out", type=Path, default=FIGURES / "records.json")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    return parser


def missing(
    parser: argparse.ArgumentParser, args: argparse.Namespace, keys: Sequence[str], runs: dict[str, Any]
) -> list[str]:
    """The keys that are to be measured; a run with another time limit ends the command with a sentence."""
    again, todo = set(filter(None, args.again.split(","))), []
    for key in keys:
        old = runs.get(key)
        if not old or "error" in old or again & set(key.split(":")):
            todo.append(key)
        elif old.get("max_time", args.max_time) != args.max_time and not args.speed:
            parser.error(f"{args.out.name} has {key} at --max-time {old['max_time']}: name it in --again")
    return todo


def main() -> None:
    parser = options()
    args = parser.parse_args()
    threads = args.threads or max(1, (os.cpu_count() or 1) // args.jobs)
    trial = Trial(args.data, args.max_time, args.backbone, args.rows, threads)
    if args.one:
        print(json.dumps(worker(args.one, trial)))
        return
    choices = (TABLE, TEXT) if args.ablation else tuple(SETS)
    sets = args.sets.split(",") if args.sets else list(choices)
    command.chosen(parser, "set", [*sets, *filter(None, args.again.split(","))], choices)
    seeds = [int(seed) for seed in args.seeds.split(",")]
    results = json.loads(args.out.read_text()) if args.out.exists() else {"runs": {}}
    known = Path(args.backbone).name if args.backbone else "built in"
    runs = results["runs"].setdefault(known, {})
    todo = [] if args.report_only else missing(parser, args, keys_of(args, sets, seeds), runs)
    where = f"{machine(threads)} each, {args.jobs} process(es) at once"
    pool = ThreadPoolExecutor(args.jobs)
    futures = {pool.submit(alone, key, trial): key for key in todo}
    try:
        for future in as_completed(futures):
            key, found = futures[future], future.result() | {"machine": where}
            runs[key] = found
            args.out.write_text(json.dumps(results, indent=1))
            told = {k: v for k, v in found.items() if k != "samples"}
            print(key, json.dumps(told), flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
    text = f"`python -m {NAME} --data FOLDER`.\n\n" + records(results)
    publish(text, args.results, NAME)
    print("\n" + text)


if __name__ == "__main__":
    main()
