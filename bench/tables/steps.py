"""Steps in fidelity: variants of the model beside the present one, judged on a split of the training rows.

    python -m bench.tables.steps --data FOLDER [--sets default] [--variants before,present] [--jobs 16]

FOLDER holds <set>/train.csv.gz. A variant learns 85% of those rows; the others choose, and no test row is
read. A variant is a name of `VARIANTS`: what it changes of `VAEConfig` and `TrainConfig`. Each is sampled
twice: as it draws, and refined (`lookalike/difflm/refining.py`). Figures are those of `bench.tables.score`,
with the rate and the bound of the training, and the seconds of a fit of one thread; those named in --gpu are
fitted on the GPU. `seen` says what tells the drawn rows: by how much the AUC of a detector falls when a
column of held rows is dealt anew, and the AUC of two columns alone. They are in --out after every cell; the
table is printed and put between its marks of bench/RESULTS.md.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import command
from bench.places import FIGURES, RESULTS
from bench.publish import machine, mean, publish
from bench.tables.__main__ import TARGETS
from bench.tables.cells import Entry, kept, run_all
from bench.tables.columns import design, is_number, read
from bench.tables.score import c2st, closer, copies, mle, rarest

NAME = "bench.tables.steps"
HELD = 0.15  # of the training rows, which choose
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "before": {"train": {"axis": False}},
    "present": {},
    "near and trees": {"train": {"based_rows": 10**9}},
    "time": {"train": {"near": False}},
    "fine time": {"vae": {"knots": 4096}},
    "trees": {"train": {"based_rows": 10**9, "axis": False}},
    "trees and time": {"train": {"based_rows": 10**9, "near": False}},
    "wide": {"vae": {"width": 96, "heads": 3}},
    "long": {"train": {"steps": (4000, 4000), "epochs": 44.0, "epochs_limits": (3.0, 44.0)}},
}
COLUMNS = (
    "set", "variant", "rows", "fit s", "sample s", "bound", "rate",
    "C2ST train", "C2ST held", "MLE", "closer %", "copies %",
)  # fmt: skip
FIGURES_SHOWN = (  # key, decimals, factor
    ("fit_s", 0, 1), ("sample_s", 1, 1), ("bound", 2, 1), ("rate", 2, 1),
    ("c2st", 3, 1), ("c2st_test", 3, 1), ("mle", 3, 1), ("closer", 1, 100), ("copies", 2, 100),
)  # fmt: skip


def measured(name: str, variant: str, seed: int, args: argparse.Namespace) -> Entry:
    """The figures of one fit."""
    from lookalike import DiffLM

    whole = read(args.data / name / "train.csv.gz")
    whole = whole.sample(args.rows, random_state=0).reset_index(drop=True) if args.rows else whole
    away = np.random.default_rng(99).random(len(whole)) < HELD
    real, held = whole[~away].reset_index(drop=True), whole[away].reset_index(drop=True)
    device = "cuda" if variant in args.gpu.split(",") else "cpu"
    model = DiffLM(seed=seed, progress=False, threads=1, refine=True, max_time=args.max_time, device=device)
    changes = VARIANTS[variant]
    model.vae_config = replace(model.vae_config, **changes.get("vae", {}))
    model.train_config = replace(model.train_config, **changes.get("train", {}))
    begun = time.perf_counter()
    model.fit(real)
    entry: Entry = {"fit_s": round(time.perf_counter() - begun, 1)}
    bounds = [one for one in model.history if "bound" in one]
    if bounds:
        best = min(bounds, key=lambda one: one["bound"])
        entry |= {
            "bound": round(best["bound"], 3),
            "rate": round(best["rate"], 2),
            "step": bounds[-1]["step"],
        }
    entry["ended"] = [one["ended"] for one in model.history if "ended" in one]
    entry["axis"] = [model.fitted.codec.slots[s].column for s in model.settings.vae.axis]
    selector = model.fitted.selector
    entry["strength"] = None if selector is None else round(selector.strength, 3)
    for how in ("drawn", "refined"):
        begun = time.perf_counter()
        made = model.sample(len(real), seed=seed, refine=how == "refined")
        seconds = round(time.perf_counter() - begun, 2)
        entry[how] = {"sample_s": seconds} | judged(real, held, made, name, seed)
        if how == "drawn" and args.seen:
            entry["seen"] = seen(real, made)
    return entry


def judged(real: pd.DataFrame, held: pd.DataFrame, made: pd.DataFrame, name: str, seed: int) -> Entry:
    target = TARGETS[name]
    regression = is_number(real[target])
    positive = "" if regression else rarest(real[target])
    return {
        "c2st": round(c2st(real, made, seed), 4),
        "c2st_test": round(c2st(held, made, seed), 4),
        "mle": round(mle(made, held, target, regression, positive, seed), 4),
        "closer": round(closer(real, held, made, seed), 4),
        "copies": round(copies(real, made), 5),
    }


def seen(real: pd.DataFrame, made: pd.DataFrame, most: int = 8) -> Entry:
    """What tells real rows from made ones: falls of the AUC by column, and AUCs of pairs of those columns."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(0)
    x = pd.concat(design(real, made), ignore_index=True)
    y = np.repeat([0, 1], [len(real), len(made)])
    learn = rng.random(len(x)) < 0.6
    options: dict[str, Any] = {"categorical_features": "from_dtype", "random_state": 0}

    def auc(columns: list[Any]) -> tuple[Any, float]:
        model = HistGradientBoostingClassifier(**options).fit(x.loc[learn, columns], y[learn])
        return model, float(roc_auc_score(y[~learn], model.predict_proba(x.loc[~learn, columns])[:, 1]))

    with threadpool_limits(1):
        model, whole = auc(list(x))
        falls = {}
        for column in x:
            other = x[~learn].copy()
            other[column] = other[column].sample(frac=1, random_state=1).to_numpy()
            falls[column] = whole - float(roc_auc_score(y[~learn], model.predict_proba(other)[:, 1]))
        top = sorted(falls, key=lambda column: -falls[column])[:most]
        pairs = {f"{a} x {b}": auc([a, b])[1] for a, b in itertools.combinations(top, 2)}
    ordered = sorted(pairs.items(), key=lambda item: -item[1])[:12]
    return {
        "auc": round(whole, 4),
        "falls": {str(column): round(falls[column], 4) for column in top},
        "pairs": {key: round(value, 4) for key, value in ordered},
    }


def table(runs: Entry, sets: Sequence[str], variants: Sequence[str], seeds: Sequence[int]) -> str:
    """Markdown: means over the seeds."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for name, variant, how in itertools.product(sets, variants, ("drawn", "refined")):
        own = [runs[key] for seed in seeds if (key := f"{name}/{variant}/{seed}") in runs]
        if not own:
            continue
        drawn = [{**one, **one[how]} for one in own]
        cells = [name, variant, how]
        for key, digits, scale in FIGURES_SHOWN:
            values = [scale * one[key] for one in drawn if key in one]
            digits = 1 if key == "mle" and values[0] > 1 else digits
            cells.append(mean(values, digits) if values else "-")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--data", type=command.folder, required=True)
    parser.add_argument("--sets", default="default,beijing")
    parser.add_argument("--variants", default="before,present")
    parser.add_argument("--cells", help="SET/VARIANT,... in the order that they are begun, instead of all")
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--rows", type=command.count, help="of the training rows, drawn at random")
    parser.add_argument(
        "--jobs", type=command.count, default=1, help="cells side by side, of one thread each"
    )
    parser.add_argument("--max-time", help="of each fit")
    parser.add_argument("--gpu", default="", help="variants that are fitted on the GPU")
    parser.add_argument("--seen", action="store_true", help="say what tells the drawn rows")
    parser.add_argument("--out", type=Path, default=FIGURES / "steps.json")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    sets, variants = args.sets.split(","), args.variants.split(",")
    seeds = [int(seed) for seed in args.seeds.split(",")]
    pairs = [tuple(cell.split("/")) for cell in args.cells.split(",")] if args.cells else []
    if pairs:
        sets, variants = (list(dict.fromkeys(part)) for part in zip(*pairs, strict=True))
    command.chosen(parser, "set", sets, TARGETS)
    command.chosen(parser, "variant", variants, VARIANTS)
    command.present(parser, [args.data / name / "train.csv.gz" for name in sets])
    results = kept(args.out)
    results |= {"machine": machine(1), "command": command.quoted(NAME, sys.argv[1:])}
    cells = {
        f"{name}/{variant}/{seed}": (name, variant, seed, args)
        for (name, variant), seed in itertools.product(pairs or itertools.product(sets, variants), seeds)
        if f"{name}/{variant}/{seed}" not in results["runs"]
    }
    for key, entry in run_all(results, args.out, cells, measured, args.jobs):
        print(key, entry, flush=True)
    text = f"{results['machine']}; `{results['command']}`.\n\n" + table(
        results["runs"], sets, variants, seeds
    )
    publish(text, args.results, NAME)
    print("\n" + text)


if __name__ == "__main__":
    main()
