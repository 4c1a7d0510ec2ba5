"""Speed beside other work: training and sampling alone, beside busy processes, and two fits at once.

    python -m bench.tables.busy TABLE [--seconds 10] [--backbone DIR]

Each figure is of a process of its own: the steps a second of a training that has so many seconds, then the
rows a second of sampling. "torch's own" is what torch does when nobody interferes: all cores, and long waits.
A busy process is a loop of Python. For two fits at once the time of both is that of the slower one.
--backbone: a folder with a small pretrained (or random) model; then its training is measured, too, on 300
rows. The table is printed and put between its marks of bench/RESULTS.md. Run it on a machine that is quiet.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import torch

from bench import command
from bench.environments import variables
from bench.places import RESULTS
from bench.publish import machine, publish
from lookalike import DiffLM, read_table

NAME = "bench.tables.busy"
WAYS: dict[str, tuple[list[str], dict[str, str]]] = {
    "torch's own": ([], {"GOMP_SPINCOUNT": "INFINITY"}),
    "one thread": (["--threads", "1"], {}),
    "chosen": ([], {}),
}
OCCASIONS = (  # title, busy processes, fits at once
    ("nothing", 0, 1),
    ("1 busy process", 1, 1),
    ("2 busy processes", 2, 1),
    ("the same fit (each)", 0, 2),
)
LOOP = [sys.executable, "-c", "while True: pass"]


def measure(table: Path, seconds: float, threads: int | None, all_cores: bool, backbone: str | None) -> dict:
    """Steps and rows a second in this process."""
    real = read_table(table)
    if backbone is not None:
        real = real.head(300)
    asked = torch.get_num_threads() if all_cores else threads
    model = DiffLM(max_time=seconds, threads=asked, backbone=backbone, progress=False).fit(real)
    steps = next(one for one in model.history if "planned" in one)
    rows = 64 if backbone else 16_384
    model.sample(8, seed=1)
    start = time.perf_counter()
    model.sample(rows, seed=1)
    return {"steps_s": steps["steps"] / steps["seconds"], "rows_s": rows / (time.perf_counter() - start)}


def run(args: argparse.Namespace, way: str, at_once: int = 1) -> dict[str, float]:
    """The figures of one way; of several at once their mean."""
    options, environment = WAYS[way]
    one = [sys.executable, "-m", NAME, str(args.table), "--one", "--seconds", str(args.seconds), *options]
    one += ["--all-cores"] if way == "torch's own" else []
    one += ["--backbone", args.backbone] if args.backbone else []
    running = [
        subprocess.Popen(one, env=variables() | environment, stdout=subprocess.PIPE, text=True)
        for _ in range(at_once)
    ]
    found: list[dict[str, Any]] = [json.loads(process.communicate()[0]) for process in running]
    return {name: sum(figures[name] for figures in found) / at_once for name in found[0]}


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many loops of Python run meanwhile."""
    running = [subprocess.Popen(LOOP) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def rows(args: argparse.Namespace) -> Iterator[str]:
    """The rows of the table as Markdown, each as soon as it is known."""
    for title, others, at_once in OCCASIONS:
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        with busy(others):
            for _ in range(args.repeats):  # the ways take turns, so that a change of the machine meets all
                for way in WAYS:
                    found[way].append(run(args, way, at_once))
        for way, figures in found.items():
            steps, sampled = (median(one[name] for one in figures) for name in ("steps_s", "rows_s"))
            yield f"| {title} | {way} | {steps:.1f} | {sampled:,.0f} |"


def main() -> None:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("table", type=command.file)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--repeats", type=int, default=3, help="of every figure; the median counts")
    parser.add_argument("--backbone")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--one", action="store_true", help="measure this process and print JSON")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--all-cores", action="store_true")
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.table, args.seconds, args.threads, args.all_cores, args.backbone)))
        return
    lines = ["| what else runs | threads | steps/s | rows/s |", "|---|---|---|---|"]
    for line in rows(args):
        lines.append(line)
        print(line, flush=True)
    what = "around a pretrained model" if args.backbone else "of the small model"
    text = "\n".join([f"{machine()}; {args.table.parent.name}, training {what}.", "", *lines])
    publish(text, args.results, f"{NAME} --backbone" if args.backbone else NAME)
    print("\n" + text)


if __name__ == "__main__":
    main()
