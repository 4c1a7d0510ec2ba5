"""lookalike's figures beside those of SDMetrics and of an XGBoost, on the same tables.

    python -m bench.tables.metrics_check --train TRAIN --test TEST --synthetic S --target COLUMN

Shapes and pairs are compared with SDMetrics' Column Shapes and Column Pair Trends (both thresholds 0, so that
no pair is left out), which run in bench/envs/sdv (made on first use, never a dependency of lookalike); pairs
with two numbers and pairs with a category apart, since SDMetrics cuts each table's numbers at edges of its
own range and lookalike both at those of the real table: below stands what cutting each at its own gives.
TSTR is compared with an XGBoost trained on as many rows. Prints a table of both figures and their difference.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import command
from bench.tables.columns import BadInput, is_number, numbers, read, text
from bench.tables.peers import environment
from bench.tables.score import check, mle, rarest, trends
from lookalike.evaluate import evaluate

Line = tuple[str, float, float]  # what is measured, by lookalike, by the other

SDMETRICS = """
import json, sys, pandas as pd, warnings
warnings.simplefilter("ignore")
from sdmetrics.reports.single_table import QualityReport
kinds = json.loads(sys.argv[3])
strings = {name: str for name, kind in kinds.items() if kind == "categorical"}
real, synthetic = (
    pd.read_csv(p, dtype=strings, keep_default_na=False, na_values=[""]) for p in sys.argv[1:3]
)
report = QualityReport()
report.real_correlation_threshold = 0
report.real_association_threshold = 0
report.generate(real, synthetic, {"columns": {n: {"sdtype": k} for n, k in kinds.items()}}, verbose=False)
shapes = report.get_details("Column Shapes").set_index("Column")["Score"].to_dict()
pairs = report.get_details("Column Pair Trends")
pairs = pairs[["Column 1", "Column 2", "Metric", "Score"]].values.tolist()
print(json.dumps({"shapes": shapes, "pairs": pairs}))
"""


def kinds_of(real: pd.DataFrame) -> dict[str, str]:
    """What SDMetrics calls the kind of every column."""
    return {name: "numerical" if is_number(real[name]) else "categorical" for name in real}


def sdmetrics(real: pd.DataFrame, synthetic: pd.DataFrame) -> dict[str, Any]:
    """{"shapes": column -> score, "pairs": rows of (first, second, metric, score)}."""
    kinds = kinds_of(real)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.csv" for name in ("real", "synthetic")]
        for table, path in zip((real, synthetic), paths, strict=True):
            columns = {
                name: numbers(table[name]) if kind == "numerical" else text(table[name])
                for name, kind in kinds.items()
            }
            table.assign(**columns).to_csv(path, index=False)
        asked = [environment("sdv"), "-c", SDMETRICS, *map(str, paths), json.dumps(kinds)]
        done = subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def fidelity(real: pd.DataFrame, test: pd.DataFrame, synthetic: pd.DataFrame) -> Iterator[Line]:
    """Shapes and pairs, lookalike's beside those of SDMetrics."""
    theirs = sdmetrics(real, synthetic)
    few = test.head(50)  # too few for a reference, so that all rows are compared
    ours = evaluate(real, synthetic, few, only=["fidelity"]).to_dict()
    for name, score in theirs["shapes"].items():
        yield f"shape of {name}", ours["columns"][str(name)]["shape_error"]["value"], 1 - score
    place = {name: i for i, name in enumerate(ours["pair_map"]["columns"])}
    cut_apart = trends(real, synthetic, own_edges=True)
    for kind in ("CorrelationSimilarity", "ContingencySimilarity"):
        own, other, apart = [], [], []
        for first, second, metric, score in theirs["pairs"]:
            error = ours["pair_map"]["errors"][place[first]][place[second]]
            if metric == kind and error is not None and not np.isnan(score):
                own.append(error)
                other.append(1 - score)
                apart.append(cut_apart[first, second])
        if own:
            yield f"pairs by {kind}", float(np.mean(own)), float(np.mean(other))
        if kind == "ContingencySimilarity" and own:
            yield "  each cut at its own range", float(np.mean(apart)), float(np.mean(other))


def utility(real: pd.DataFrame, test: pd.DataFrame, synthetic: pd.DataFrame, target: str) -> Iterator[Line]:
    """The score of lookalike's gradient boosting beside that of an XGBoost, on the real test rows."""
    models = evaluate(real, synthetic, test, target=target, only=["utility"]).to_dict()["models"]
    regression = is_number(real[target])
    positive = "" if regression else rarest(real[target])
    boosted = models["models"]["gradient boosting"]
    for name, table in (("real", real), ("synthetic", synthetic)):
        some = table.sample(models["train_rows"], random_state=1)
        score = mle(some, test, target, regression, positive)
        if regression:  # an RMSE
            score = 1 - score**2 / np.nanvar(numbers(test[target]))
        yield f"{models['score']}, trained on {name}", boosted[name], score


def main() -> None:
    parser = command.parser("bench.tables.metrics_check", __doc__)
    for name in ("train", "test", "synthetic"):
        parser.add_argument(f"--{name}", type=command.file, required=True)
    parser.add_argument("--target", required=True)
    args = parser.parse_args()
    try:
        real, test, synthetic = read(args.train), read(args.test), read(args.synthetic)
        check(real, test, synthetic, args.target)
    except BadInput as error:
        parser.error(str(error))
    rows = min(len(real), len(synthetic), 100_000)
    real, synthetic = (t.sample(rows, random_state=0).reset_index(drop=True) for t in (real, synthetic))
    print(f"{'':44}{'lookalike':>10}{'other':>10}{'difference':>12}")
    for name, own, other in [*fidelity(real, test, synthetic), *utility(real, test, synthetic, args.target)]:
        print(f"{name:44}{own:10.4f}{other:10.4f}{own - other:12.4f}")


if __name__ == "__main__":
    main()
