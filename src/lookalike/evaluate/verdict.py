"""What the figures mean: a grade for each, and a verdict in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

GOOD, FAIR, POOR = "good", "fair", "poor"
TOLD = 0.52  # AUC from which a ranking of columns is more than noise
FEW = 50  # rows of a table below which there is no verdict


@dataclass(frozen=True)
class Figure:
    """How a figure is shown and judged.

    slack: (good, fair), how far it may be above the largest of the holdout's figure, what chance does and
    `perfect`;
    factor: the same as a multiple of that, whichever allows more.
    """

    section: str
    key: str
    title: str
    show: Callable[[float], str]
    perfect: float
    slack: tuple[float, float]
    factor: tuple[float, float]
    meaning: str


def percent(value: float) -> str:
    """A share of 0..1 in percent, with as many digits as it is worth."""
    if value in (0, 1):
        return f"{100 * value:.0f}%"
    return f"{100 * value:.2f}%" if value < 0.1 else f"{100 * value:.1f}%"


def decimal(value: float) -> str:
    """A figure such as an AUC."""
    return f"{value:.3f}"


FIGURES = (
    Figure("fidelity", "c2st_auc", "C2ST AUC, gradient boosting", decimal, 0.5, (0.05, 0.15), (1, 1),
           "AUC of a strong classifier that looks for the synthetic rows; 0.5 is a coin flip, 1 finds all."),
    Figure("fidelity", "c2st_auc_linear", "C2ST AUC, logistic", decimal, 0.5, (0.05, 0.15), (1, 1),
           "The same by a simple classifier: what it finds is wrong with single columns."),
    Figure("fidelity", "shape_error", "column shape error", percent, 0.0, (0.01, 0.04), (1.5, 3),
           "Mean distance between the real and the synthetic distribution of a column."),
    Figure("fidelity", "pair_error", "column pair error", percent, 0.0, (0.02, 0.06), (1.5, 3),
           "Mean distance between the real and the synthetic relation of two columns."),
    Figure("fidelity", "missing_error", "missing rate error", percent, 0.0, (0.01, 0.05), (1.5, 3),
           "Mean difference between the real and the synthetic share of missing values."),
    Figure("fidelity", "unseen", "rows with unseen category", percent, 0.0, (0.005, 0.05), (1, 2),
           "Rows with a category that no real training row has."),
    Figure("fidelity", "out_of_range", "rows out of range", percent, 0.0, (0.005, 0.05), (1, 2),
           "Rows with a number or date beyond the smallest or largest of the real training rows."),
    Figure("privacy", "exact_copies", "exact copies", percent, 0.0, (0.001, 0.01), (1.25, 2),
           "Rows that equal a real training row in every column; real tables have twins, too."),
)  # fmt: skip


def grade(figure: Figure, entry: dict[str, Any]) -> str | None:
    """good, fair or poor; None where the figure is missing or only a holdout could tell."""
    value, reference = entry["value"], entry["reference"]
    if value is None:
        return None
    if figure.key == "exact_copies" and reference is None and value > figure.slack[0]:
        return None  # a table of few columns has many honest twins
    base = max(figure.perfect, reference or 0.0, entry.get("chance", 0.0))
    allowed = [
        max(base + slack, base * factor) for slack, factor in zip(figure.slack, figure.factor, strict=True)
    ]
    return GOOD if value <= allowed[0] else FAIR if value <= allowed[1] else POOR


def grades(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Every figure that was measured, as text, with its grade and meaning."""
    rows = []
    for figure in FIGURES:
        entry = figures[figure.section][figure.key]
        if entry["value"] is None:
            continue
        show = figure.show
        rows.append(
            {
                "key": figure.key,
                "title": figure.title,
                "value": show(entry["value"]),
                "reference": "-" if entry["reference"] is None else show(entry["reference"]),
                "interval": ""
                if entry["low"] == entry["high"]
                else f"{show(entry['low'])} to {show(entry['high'])}",
                "grade": grade(figure, entry),
                "meaning": figure.meaning,
            }
        )
    return rows


def telling(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """The columns that give the synthetic rows away, worst first; none if the detector is near chance."""
    if (figures["fidelity"]["c2st_auc"]["value"] or 0.5) < TOLD:
        return []
    return [g for g in figures["giveaways"] if g["importance"] >= 0.0005]


def verdict(figures: dict[str, Any]) -> dict[str, Any]:
    """{"grade", "headline": one sentence, "sentences": the rest}."""
    auc, copies = figures["fidelity"]["c2st_auc"], figures["privacy"]["exact_copies"]
    marks = {row["key"]: row["grade"] for row in grades(figures)}
    if min(figures["tables"]["rows"][table] for table in ("real", "synthetic")) < FEW:
        return {"grade": None, "headline": "There are too few rows to tell.", "sentences": [_copied(copies)]}
    worst = next((mark for mark in (POOR, FAIR) if mark in (marks.get(k) for k in _DECIDE)), GOOD)
    headline = {
        GOOD: "The synthetic rows can hardly be told from real ones.",
        FAIR: "The synthetic rows are close to real ones, with differences that a classifier finds.",
        POOR: "The synthetic rows are clearly different from real ones.",
    }[worst]
    if marks.get("exact_copies") == POOR:
        worst, headline = POOR, "Too many synthetic rows are copies of real ones."
    return {
        "grade": worst,
        "headline": headline,
        "sentences": [*_seen(figures, auc), *_errors(figures), _copied(copies)],
    }


_DECIDE = ("c2st_auc", "shape_error", "pair_error")


def _seen(figures: dict[str, Any], auc: dict[str, Any]) -> list[str]:
    if auc["value"] is None:
        return []
    text = "Shown one real and one synthetic row, a strong classifier picks out the synthetic one "
    text += f"{auc['value']:.1%} of the time (a coin flip: 50%"
    text += (
        ")." if auc["reference"] is None else f"; real holdout rows in its place: {auc['reference']:.1%})."
    )
    if names := [g["column"] for g in telling(figures) if g["importance"] >= 0.005][:3]:
        text += f" What gives the synthetic rows away most: {', '.join(names)}."
    return [text]


def _errors(figures: dict[str, Any]) -> list[str]:
    parts = []
    for key, name in (("shape_error", "columns"), ("pair_error", "pairs of columns")):
        entry = figures["fidelity"][key]
        if entry["value"] is not None:
            real = f" (by chance alone: {percent(entry['chance'])})"
            if entry["reference"] is not None:
                real = f" (the real holdout: {percent(entry['reference'])})"
            parts.append(f"{name} by {percent(entry['value'])}{real}")
    return [f"The distributions differ: {', '.join(parts)}."] if parts else []


def _copied(copies: dict[str, Any]) -> str:
    value, reference = copies["value"], copies["reference"]
    if value is None:
        return "Copies of real rows could not be counted."
    if not value:
        return "No synthetic row is a copy of a real one."
    text = f"{percent(value)} of the synthetic rows equal a real training row"
    if reference is None:
        return text + "; only a real holdout could tell whether that is more than chance."
    if grade(FIGURES[-1], copies) == GOOD:
        return text + f", no more than real rows do by chance ({percent(reference)} of the holdout)."
    return text + f", against {percent(reference)} of the holdout: a sign of memorising."
