"""Random halves of real tables: how often would the report call one of them no sample of the other?

    python -m bench.tables.alike --data FOLDER [--rows 100,300,1000,5000] [--splits 100,100,60,12]

FOLDER holds <set>/train.csv.gz. Of each set so many rows are drawn for the real table, and as many others for
the holdout; the AUC is that of the report's detector. Both are of one distribution, so every warning is a
false alarm. The table has the spread of the AUC beside what the ranks of n and n equal scores have, and the
false alarms of the limit that was and of the present one. AUCs are in --out after every cell.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from bench import command
from bench.places import FIGURES, RESULTS
from bench.publish import machine, publish
from bench.tables.__main__ import TARGETS
from bench.tables.cells import Entry, kept, run_all
from bench.tables.columns import read
from lookalike.evaluate.chapters.detection import auc, boosted, features
from lookalike.evaluate.columns import read_columns
from lookalike.evaluate.rows import FULL

NAME = "bench.tables.alike"
BEFORE = 0.6  # the limit for any number of rows, in 0.3.0
COLUMNS = ("rows", "splits", "mean", "spread", "of ranks", "99%", "largest", "over .6", "over the limit")


def measured(name: str, rows: int, splits: int, args: argparse.Namespace) -> Entry:
    """The AUC of each split of one set."""
    from threadpoolctl import threadpool_limits

    whole = read(args.data / name / "train.csv.gz")
    found = []
    with threadpool_limits(1):
        for seed in range(splits):
            drawn = np.random.default_rng((seed, rows)).permutation(len(whole))[: 2 * rows]
            parts = {
                title: whole.iloc[some].reset_index(drop=True)
                for title, some in (("real", drawn[:rows]), ("holdout", drawn[rows:]))
            }
            columns = [one for one in read_columns(parts) if one.parts]
            data = features(columns, "holdout", rows, np.random.default_rng(seed))
            found.append(round(auc(boosted(data, FULL.folds, seed)[0], data.y), 4))
    return {"auc": found}


def table(runs: Entry, rows: list[int], splits: list[int], sets: list[str]) -> str:
    """Markdown: a line a number of rows, all sets together."""
    from lookalike.evaluate.verdict import alike

    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for n, s in zip(rows, splits, strict=True):
        found = np.concatenate([runs[f"{name}/{n}/{s}"]["auc"] for name in sets])
        shares = (found >= BEFORE, found >= alike(n))
        figures = [
            found.mean(),
            found.std(ddof=1),
            (1 / (6 * n)) ** 0.5,
            np.quantile(found, 0.99),
            found.max(),
        ]
        cells = [f"{n:,}", str(len(found)), *(f"{one:.3f}" for one in figures)]
        cells += [f"{over.mean():.1%}" for over in shares]
        cells[-1] += f" ({alike(n):.3f})"
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--data", type=command.folder, required=True)
    parser.add_argument("--sets", default=",".join(TARGETS))
    parser.add_argument("--rows", default="100,300,1000,5000")
    parser.add_argument("--splits", default="100,100,60,12", help="of each set, for each number of rows")
    parser.add_argument("--out", type=Path, default=FIGURES / "alike.json")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    sets = args.sets.split(",")
    rows, splits = ([int(n) for n in given.split(",")] for given in (args.rows, args.splits))
    command.chosen(parser, "set", sets, TARGETS)
    command.present(parser, [args.data / name / "train.csv.gz" for name in sets])
    results = kept(args.out)
    results |= {"machine": machine(1), "command": command.quoted(NAME, sys.argv[1:])}
    cells = {
        f"{name}/{n}/{s}": (name, n, s, args)
        for n, s in zip(rows, splits, strict=True)
        for name in sets
        if f"{name}/{n}/{s}" not in results["runs"]
    }
    for key, entry in run_all(results, args.out, cells, measured, 1):
        print(key, max(entry["auc"]), flush=True)
    text = f"{results['machine']}; `{results['command']}`.\n\n{table(results['runs'], rows, splits, sets)}"
    publish(text, args.results, NAME)
    print("\n" + text)


if __name__ == "__main__":
    main()
