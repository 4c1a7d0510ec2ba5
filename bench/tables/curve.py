"""The learning curve: what each method makes of 100, 200, 500 ... rows, judged by forests on real test rows.

    python -m bench.tables.curve --data FOLDER [--sets iris,adult] [--rows 100,200,500] [--seeds 0,1,2]
    python -m bench.tables.curve --data FOLDER --jobs 16 --methods lookalike,copula,cart,shuffled
    python -m bench.tables.curve --publish-only

FOLDER holds <set>/train.csv.gz and <set>/test.csv.gz of adult, magic, shoppers and beijing; iris, wine,
diabetes and breast_cancer come with scikit-learn, and 70% of their rows are learned. Rows are drawn by the
seed. tabularargn, tvae and gaussiancopula get environments of their own, made on first use. Each cell (set,
rows, method, seed) is a process of one thread; --jobs of them run side by side. Figures are in --out after
every cell, so that an interrupted benchmark goes on where it stopped; --again forgets those of the methods
that it names. The tables are printed and put between the marks of bench/RESULTS.md. --publish-only measures
nothing: it prints and puts there what --out holds of --methods, such as figures of another machine.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import command, places
from bench.publish import machine, publish
from bench.tables import forest
from bench.tables.cells import Entry, kept, run_all
from bench.tables.columns import read
from bench.tables.peers import METHODS, environment, run
from bench.tables.score import closer, copies

NAME = "bench.tables.curve"
SMALL = {"iris": "target", "wine": "target", "diabetes": "target", "breast_cancer": "target"}
LARGE = {"adult": "income", "magic": "class", "shoppers": "Revenue", "beijing": "pm2.5"}
TARGETS = SMALL | LARGE
REAL = "real rows"  # the method that hands out test rows, and learns from the training rows
DEFAULT = ("lookalike", "copula", "cart", "shuffled")
LEARNED = 0.7  # of the rows of a small set
NOTE = (
    "C2ST: AUC of a random forest that tells synthetic from real rows, 5 folds, equal numbers, at most 2,000 "
    "of each; utility: a forest learns as many synthetic rows as were learned, judged on real test rows: AUC "
    "of two classes, accuracy of more, R2 of a number. In the column of the real rows test rows stand for "
    "synthetic ones (against test rows: one half of them against the other), and the forest learns the "
    "training rows. closer: synthetic rows nearer to a training row than to a test row, weighted as if there "
    "were as many of both. Means over the seeds, which also draw the rows that are learned."
)
Wanted = Sequence[tuple[str, int, float]]  # figure, digits, scale
SHOWN: Sequence[tuple[str, Wanted, Sequence[str]]] = (
    ("C2ST against test rows / utility", [("c2st_test", 3, 1), ("utility", 3, 1)], [REAL]),
    (
        "C2ST against training rows / copies % / closer %",
        [("c2st", 3, 1), ("copies", 1, 100), ("closer", 0, 100)],
        [REAL],
    ),
    ("Seconds of fitting, one thread", [("fit_s", 1, 1)], []),
)
FIGURES = ("c2st", "c2st_test", "utility", "copies", "closer")


def parts(name: str, data: Path | None, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training and the test rows of a set, those of a small one drawn by the seed."""
    if name in LARGE:
        assert data is not None
        return read(data / name / "train.csv.gz"), read(data / name / "test.csv.gz")
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    table = bunch.frame
    if "target_names" in bunch:
        table = table.assign(target=np.asarray(bunch.target_names)[bunch.target])
    table = table.sample(frac=1, random_state=seed).reset_index(drop=True)
    learned = round(LEARNED * len(table))
    return table.iloc[:learned], table.iloc[learned:].reset_index(drop=True)


def measured(name: str, rows: int, method: str, seed: int, args: argparse.Namespace) -> Entry:
    """The figures of one method that learned so many rows, or {"error": ...}."""
    train, test = parts(name, args.data, seed)
    train = train.sample(rows, random_state=seed).reset_index(drop=True)
    if method == REAL:
        half = test.sample(frac=0.5, random_state=seed)
        rest = test.drop(half.index)
        return figures(train, test, test, rest, half, train, TARGETS[name], seed)
    place = args.work / f"{name}-{rows}-{method}-{seed}"
    learned, out = place.with_suffix(".train.csv.gz"), place.with_suffix(".csv.gz")
    args.work.mkdir(parents=True, exist_ok=True)
    train.to_csv(learned, index=False)
    made = max(rows, min(len(test), forest.MOST))
    options = args.options if method == "lookalike" else None
    entry = run(method, learned, out, seed, 1, made=made, options=options)
    learned.unlink()
    if "error" in entry:
        return entry
    table = read(out)[list(train.columns)]
    return entry | figures(train, test, table, test, table, table.head(rows), TARGETS[name], seed)


def figures(
    train: pd.DataFrame,
    test: pd.DataFrame,
    made: pd.DataFrame,
    other: pd.DataFrame,
    against: pd.DataFrame,
    taught: pd.DataFrame,
    target: str,
    seed: int,
) -> Entry:
    """FIGURES of the rows `made`: told from training rows and `against` from the real rows `other`; a forest
    learns from `taught`.
    """
    found = {
        "c2st": forest.c2st(train, made, seed),
        "c2st_test": forest.c2st(other, against, seed),
        "utility": forest.utility(taught, test, target, seed),
        "copies": copies(train, made),
        "closer": closer(train, other, against, seed),
    }
    return {name: round(value, 5) for name, value in found.items()}


def sizes(name: str, asked: Sequence[int], data: Path | None) -> list[int]:
    """How many rows of a set are learned: those asked for that it has; of a small set all."""
    whole = len(parts(name, data, 0)[0])
    fit = [rows for rows in asked if rows <= whole]
    return [whole] if name in SMALL or not fit else fit


def tables(runs: Entry, sizes_of: dict[str, list[int]], methods: Sequence[str], seeds: Sequence[int]) -> str:
    """Markdown: for every set and number of rows the methods side by side."""
    lines = [NOTE]
    for title, wanted, others in SHOWN:
        columns = [*methods, *(name for name in others if any(f"/{name}/" in key for key in runs))]
        lines += ["", f"**{title}**", ""]
        lines += [f"| set | rows | {' | '.join(columns)} |", "|---" * (2 + len(columns)) + "|"]
        for name, rows in [(one, rows) for one, own in sizes_of.items() for rows in own]:
            keys = [[f"{name}/{rows}/{method}/{seed}" for seed in seeds] for method in columns]
            cells = [_cell([runs[key] for key in own if key in runs], wanted) for own in keys]
            lines.append(f"| {name} | {rows:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(found: list[Entry], wanted: Wanted) -> str:
    """The means of a cell of the table."""
    if any("error" in entry for entry in found):
        return "failed"
    if not found:
        return "-"
    return " / ".join(
        f"{scale * np.mean([e[key] for e in found]):.{digits}f}" for key, digits, scale in wanted
    )


def options() -> argparse.ArgumentParser:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--data", type=command.folder, help="needed for the large sets")
    parser.add_argument("--sets", default=",".join(TARGETS))
    parser.add_argument("--rows", default="100,200,500,1000,2000,5000,10000,30000")
    parser.add_argument("--methods", default=",".join(DEFAULT))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--jobs", type=command.count, default=os.cpu_count(), help="cells side by side")
    parser.add_argument("--options", type=json.loads, default={}, help="of DiffLM, as JSON")
    parser.add_argument("--again", default="", help="methods whose earlier figures are forgotten")
    parser.add_argument("--out", type=Path, default=places.FIGURES / "curve.json")
    parser.add_argument("--results", type=Path, default=places.RESULTS)
    parser.add_argument(
        "--work", type=Path, default=places.WORK / "curve", help="folder of the synthetic tables"
    )
    parser.add_argument("--publish-only", action="store_true", help="measure nothing, publish --out")
    return parser


def main() -> None:
    parser = options()
    args = parser.parse_args()
    sets, methods = args.sets.split(","), args.methods.split(",")
    rows, seeds = ([int(each) for each in words.split(",")] for words in (args.rows, args.seeds))
    again = set(filter(None, args.again.split(",")))
    command.chosen(parser, "set", sets, TARGETS)
    command.chosen(parser, "method", [*methods, *again], [*METHODS, REAL])
    if args.publish_only:
        print("\n" + published(kept(args.out), methods, args.results))
        return
    large = [name for name in sets if name in LARGE]
    if large and args.data is None:
        parser.error(f"--data is needed for {', '.join(large)}: a folder of tables")
    command.present(parser, [args.data / n / f"{part}.csv.gz" for n in large for part in ("train", "test")])
    for method in methods:  # before anything is timed
        environment(METHODS.get(method))
    sizes_of = {name: sizes(name, rows, args.data) for name in sets}
    results = kept(args.out)
    results["machine"] = machine(1)
    results["command"] = command.quoted(NAME, sys.argv[1:])
    cells: dict[str, tuple[Any, ...]] = {}
    order = [(name, n) for name in sets for n in sizes_of[name]]
    # what takes longest first, so that no core waits for it at the end
    for method, (name, n), seed in itertools.product(
        dict.fromkeys([*methods, REAL]), sorted(order, key=lambda one: -one[1]), seeds
    ):
        key = f"{name}/{n}/{method}/{seed}"
        known = results["runs"].get(key, {"error": "none"})
        if "error" in known or method in again:
            cells[key] = (name, n, method, seed, args)
    for key, entry in run_all(results, args.out, cells, measured, args.jobs):
        print(key, {k: entry[k] for k in ("fit_s", *FIGURES, "error") if k in entry}, flush=True)
    text = tables(results["runs"], sizes_of, methods, seeds)
    text = f"{results['machine']}, {args.jobs} processes at once; `{results['command']}`.\n\n{text}"
    publish(text, args.results, NAME)
    print("\n" + text)


def published(results: Entry, methods: Sequence[str], path: Path) -> str:
    """The text of figures that are there, all sets, rows and seeds of the methods, put into the file."""
    keys = [key.split("/") for key in results["runs"]]
    sizes_of = {n: sorted({int(rows) for name, rows, *_ in keys if name == n}) for n in TARGETS}
    methods = [name for name in methods if name in {method for _, _, method, _ in keys}]
    seeds = sorted({int(seed) for *_, seed in keys})
    text = tables(results["runs"], {n: own for n, own in sizes_of.items() if own}, methods, seeds)
    text = "\n\n".join([f"{results['machine']}; `{results['command']}`.", results.get("note", ""), text])
    publish(text.replace("\n\n\n\n", "\n\n"), path, NAME)
    return text


if __name__ == "__main__":
    main()
