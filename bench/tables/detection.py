"""Detection as the articles measure it: SDMetrics' metric with XGBoost at its defaults, on TabDiff's splits.

    python -m bench.tables.detection --data FOLDER [--sets adult,magic] [--methods lookalike,cart]

FOLDER holds <set>/whole.csv.gz of default, magic, shoppers and beijing: all rows in the order of the file
that UCI publishes, which is what the split depends on; and adult/train.csv.gz and adult/test.csv.gz, its
official parts. Where there is no whole.csv.gz, <set>/train.csv.gz and <set>/test.csv.gz are joined in its
place: the parts then have as many rows as TabDiff's, but not the same ones. Published figures are those of
TabPC's article (arXiv 2603.23016, the repository april-tools/tabpc, five tables of each); the AUC is
1 - score / 2. Figures are in --out after every cell; the table is printed and put between its marks of
bench/RESULTS.md.

The metric: columns of text one-hot, missing numbers the mean, three folds; of each the AUC, .5 at least, of
telling training rows from synthetic ones.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import command, places
from bench.publish import machine, mean, publish
from bench.tables.cells import Entry, kept, run_all
from bench.tables.columns import is_numeric, numbers, read, text
from bench.tables.peers import METHODS, environment, run

NAME = "bench.tables.detection"
CATEGORIES: dict[str, list[int]] = {  # places of the columns all of whose values TabDiff's training part has
    "adult": [],
    "default": [1, 2, 3, 5, 6, 7, 8, 9, 10],
    "magic": [],
    "shoppers": [10, 11, 12, 13, 14, 15, 16],
    "beijing": [0, 1, 2, 3, 8],
}
PUBLISHED = {  # the AUC of each set, in the order above
    "TabDiff": (0.580, 0.704, 0.613, 0.632, 0.614),
    "TabSyn": (0.603, 0.799, 0.620, 0.672, 0.737),
    "TabPC": (0.572, 0.869, 0.570, 0.553, 0.715),
    "STaSy": (0.829, 0.821, 0.739, 0.886, 0.817),
}
FIRST_SEED, LEARNED, FOLDS = 1234, 0.9, 3
NOTE = (
    "AUC of SDMetrics' detection with XGBoost at its defaults, on TabDiff's splits, against training rows: "
    ".5 cannot be told. TabDiff, TabSyn, TabPC and STaSy as published in TabPC's article (means of five "
    "tables), the others measured here, mean ± standard deviation over the seeds; last row: real test rows "
    "told from as many training rows. A method that repeats training rows gains here: copies and "
    "C2ST against test rows are in the table of `bench.tables`."
)
TEST = "test rows"


def split(whole: pd.DataFrame, categories: Sequence[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """TabDiff's training and test rows: shuffled by numpy's old generator, one seed after another until
    the training rows have all values of the categories.
    """
    order, learned, seed = np.arange(len(whole)), int(len(whole) * LEARNED), FIRST_SEED
    names = whole.columns[list(categories)]
    while True:
        np.random.RandomState(seed).shuffle(order)  # the order of the last trial is shuffled again
        train = whole.iloc[order[:learned]]
        if all(train[name].nunique() == whole[name].nunique() for name in names):
            return train.reset_index(drop=True), whole.iloc[order[learned:]].reset_index(drop=True)
        seed += 1


def parts(name: str, data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training and the test rows of a set, as TabDiff has them."""
    if name == "adult":
        return read(data / name / "train.csv.gz"), read(data / name / "test.csv.gz")
    if (data / name / "whole.csv.gz").exists():
        whole = read(data / name / "whole.csv.gz")
    else:
        both = [read(data / name / f"{part}.csv.gz") for part in ("train", "test")]
        whole = pd.concat(both, ignore_index=True)
    whole = whole.dropna().reset_index(drop=True) if name == "beijing" else whole
    return split(whole, CATEGORIES[name])


def detection(real: pd.DataFrame, made: pd.DataFrame, seed: int = 0) -> float:
    """The AUC of telling the tables apart, as the articles have it: .5 to 1."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold
    from sklearn.preprocessing import OneHotEncoder
    from xgboost import XGBClassifier

    columns = []
    for name in real.columns:
        if is_numeric(real[name]):
            fill = float(np.nanmean(numbers(real[name])))
            columns.append([np.nan_to_num(numbers(t[name]), nan=fill)[:, None] for t in (real, made)])
        else:
            values = [
                text(t[name]).astype(object).where(t[name].notna(), "").to_numpy()[:, None]
                for t in (real, made)
            ]
            encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(values[0])
            columns.append([encoder.transform(value) for value in values])
    x = np.concatenate([np.concatenate(side, 1) for side in zip(*columns, strict=True)])
    y = np.repeat([1, 0], [len(real), len(made)])
    scores = []
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(x, y):
        model = XGBClassifier(eval_metric="logloss", random_state=0, n_jobs=1).fit(x[train], y[train])
        scores.append(max(0.5, roc_auc_score(y[test], model.predict_proba(x[test])[:, 1])))
    return float(np.mean(scores))


def measured(name: str, method: str, seed: int, args: argparse.Namespace) -> Entry:
    """{"auc": ...} of one method, with the seconds that it took, or {"error": ...}."""
    train, test = parts(name, args.data)
    if method == TEST:
        return {"auc": round(detection(train.sample(len(test), random_state=seed), test, seed), 5)}
    place = args.work / f"{name}-{method}-{seed}"
    learned, out = place.with_suffix(".train.csv.gz"), place.with_suffix(".csv.gz")
    args.work.mkdir(parents=True, exist_ok=True)
    train.to_csv(learned, index=False)
    entry = run(method, learned, out, seed, args.threads)
    learned.unlink()
    return (
        entry
        if "error" in entry
        else entry | {"auc": round(detection(train, read(out)[list(train)], seed), 5)}
    )


def table(runs: Entry, sets: Sequence[str], methods: Sequence[str], seeds: Sequence[int]) -> str:
    """Markdown: the published methods, then those measured here."""
    lines = [NOTE, "", f"| AUC | {' | '.join(sets)} |", "|---" * (1 + len(sets)) + "|"]
    for method, published in PUBLISHED.items():
        found = dict(zip(CATEGORIES, published, strict=True))
        lines.append(f"| {method}, published | " + " | ".join(f"{found[name]:.3f}" for name in sets) + " |")
    for method in [*methods, TEST]:
        cells = []
        for name in sets:
            own = [runs.get(f"{name}/{method}/{seed}", {}) for seed in seeds]
            if any("error" in entry for entry in own):
                cells.append("failed")
            else:
                values = [entry["auc"] for entry in own if entry]
                cells.append(mean(values, 3) if values else "-")
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def options() -> argparse.ArgumentParser:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--data", type=command.folder, required=True)
    parser.add_argument("--sets", default=",".join(CATEGORIES))
    parser.add_argument("--methods", default="lookalike,cart")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--jobs", type=command.count, default=1, help="cells that are run side by side")
    parser.add_argument("--threads", type=command.count, help="of each cell; default: the cores / JOBS")
    parser.add_argument("--again", default="", help="methods whose earlier figures are forgotten")
    parser.add_argument("--out", type=Path, default=places.FIGURES / "detection.json")
    parser.add_argument("--results", type=Path, default=places.RESULTS)
    parser.add_argument("--work", type=Path, default=places.WORK / "detection", help="of the tables")
    return parser


def main() -> None:
    parser = options()
    args = parser.parse_args()
    sets, methods = args.sets.split(","), args.methods.split(",")
    seeds, again = [int(seed) for seed in args.seeds.split(",")], set(filter(None, args.again.split(",")))
    command.chosen(parser, "set", sets, CATEGORIES)
    command.chosen(parser, "method", [*methods, *again], METHODS)
    joined = [name for name in sets if not (args.data / name / "whole.csv.gz").exists()]
    needed = {name: ("train", "test") if name in joined else ("whole",) for name in sets}
    command.present(parser, [args.data / n / f"{part}.csv.gz" for n in sets for part in needed[n]])
    for method in methods:  # before anything is timed
        environment(METHODS[method])
    args.threads = args.threads or max(1, (os.cpu_count() or 1) // args.jobs)
    results = kept(args.out)
    results |= {"machine": machine(args.threads), "command": command.quoted(NAME, sys.argv[1:])}
    cells: dict[str, tuple[Any, ...]] = {}
    for method, name, seed in itertools.product([*methods, TEST], sets, seeds):
        key = f"{name}/{method}/{seed}"
        if "auc" not in results["runs"].get(key, {}) or method in again:
            cells[key] = (name, method, seed, args)
    for key, entry in run_all(results, args.out, cells, measured, args.jobs):
        print(key, entry, flush=True)
    text_ = f"{results['machine']}; `{results['command']}`.\n\n"
    if joined := [name for name in joined if name != "adult"]:
        text_ += f"Other rows than TabDiff's in the parts, which are as large: {', '.join(joined)}.\n\n"
    text_ += table(results["runs"], sets, methods, seeds)
    publish(text_, args.results, NAME)
    print("\n" + text_)


if __name__ == "__main__":
    main()
