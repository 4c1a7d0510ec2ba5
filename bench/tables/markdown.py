"""The figures of `python -m bench.tables` as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.publish import mean

HOLDOUT = "real holdout"
OURS, PEER = "lookalike", "tabularargn"
TITLES = (
    "| set | method | fit s | rows/s | peak MB | shape % | trend % | trend % (SDMetrics) | C2ST AUC "
    "| C2ST AUC, test rows | MLE | copies % | closer % |",
    "|---" * 13 + "|",
)
RATIOS = (
    "| set | fit time / TabularARGN | C2ST gap / TabularARGN | shape / TabularARGN | trend / TabularARGN "
    "| MLE - TabularARGN | MLE / real | shape / holdout | trend / holdout |",
    "|---|---|---|---|---|---|---|---|---|",
)
NOTE = (
    "Means ± standard deviation over the seeds. shape, trend: mean error of columns and of pairs of "
    "columns, bin edges from the real table (SDMetrics cuts each table at its own; its default report "
    "also leaves out weakly related pairs, which is not done here). C2ST: gradient boosting, 5 folds, "
    "equal numbers of training and synthetic rows; then the same with real test rows, where rows learnt "
    "by heart do not help (in the row of the real holdout, one half of it from the other). MLE: XGBoost "
    "trained on the synthetic rows, AUC on the real test rows (beijing: RMSE); in the row of the real "
    "holdout, trained on the real training rows. copies: synthetic rows equal to a training row. closer: "
    "synthetic rows nearer to a training row than to a test row, weighted as if there were as many of "
    "both; fresh rows have 50. lookalike-refined: with --refine, whose fit learns, too, which of the drawn "
    "rows are kept. cart, copula, shuffled: one tree a column, a Gaussian copula, each column "
    "by itself (bench/tables/simple.py); what the first draws are values of real rows."
)
Runs = list[dict[str, Any]]


def tables(results: dict[str, Any], sets: Sequence[str], methods: Sequence[str], seeds: Sequence[int]) -> str:
    """The figures of every method, then those of lookalike against TabularARGN and the real holdout."""
    lines, ratios = list(TITLES), []
    for name in sets:
        found = {method: _collected(results, name, method, seeds) for method in [*methods, HOLDOUT]}
        for method, runs in found.items():
            failed = results["runs"].get(f"{name}/{method}/{seeds[0]}", {}).get("error")
            if failed:
                lines.append(f"| {name} | {method} | failed: {failed.splitlines()[-1]} |" + " |" * 10)
            if runs:
                lines.append(f"| {name} | {method} | " + " | ".join(_cells(runs)) + " |")
        average = {method: _average(runs) for method, runs in found.items() if runs}
        if {OURS, PEER, HOLDOUT} <= set(average):
            figures = _against(average[OURS], average[PEER], average[HOLDOUT])
            ratios.append(f"| {name} | " + " | ".join(f"{x:.3f}" for x in figures) + " |")
    parts = [NOTE, "", *lines]
    if ratios:
        title = "The same figures against the targets (`/ holdout`: on as many rows as the holdout has)."
        parts += ["", title, "", *RATIOS, *ratios]
    return "\n".join(parts)


def _collected(results: dict[str, Any], name: str, method: str, seeds: Sequence[int]) -> Runs:
    """The scored runs of a method on a set, one for each seed; figures and times together."""
    runs = [results["runs"].get(f"{name}/{method}/{seed}") for seed in seeds]
    return [r | r.pop("score") for r in map(dict, filter(None, runs)) if "score" in r]


def _cells(runs: Runs) -> list[str]:
    timed = "fit_s" in runs[0]
    return [
        mean([r["fit_s"] for r in runs], 0) if timed else "-",
        f"{np.mean([r['rows'] / r['sample_s'] for r in runs]):,.0f}" if timed else "-",
        f"{np.mean([r['rss_mb'] for r in runs]):,.0f}" if timed else "-",
        *(mean([100 * r[key] for r in runs], 2) for key in ("shape", "trend", "trend_sdmetrics")),
        _of_all(runs, "c2st", 3),
        _of_all(runs, "c2st_test", 3),
        _of_all(runs, "mle", 1 if runs[0]["mle_kind"] == "rmse" else 3),
        _of_all(runs, "copies", 2, 100),
        _of_all(runs, "closer", 1, 100),
    ]


def _of_all(runs: Runs, name: str, digits: int, scale: float = 1) -> str:
    """A dash where a run of an older bench lacks the figure."""
    return mean([scale * r[name] for r in runs], digits) if all(name in r for r in runs) else "-"


def _average(runs: Runs) -> dict[str, float]:
    """Every figure that is a number."""
    numbers = [key for key, value in runs[0].items() if isinstance(value, int | float)]
    return {key: float(np.mean([r[key] for r in runs])) for key in numbers if all(key in r for r in runs)}


def _against(ours: dict[str, float], peer: dict[str, float], real: dict[str, float]) -> list[float]:
    """The columns of RATIOS."""
    return [
        ours["fit_s"] / peer["fit_s"],
        (ours["c2st"] - 0.5) / (peer["c2st"] - 0.5),
        ours["shape"] / peer["shape"],
        ours["trend"] / peer["trend"],
        ours.get("mle", math.nan) - peer.get("mle", math.nan),
        ours.get("mle", math.nan) / real.get("mle", math.nan),
        ours["shape_matched"] / real["shape"],
        ours["trend_matched"] / real["trend"],
    ]
