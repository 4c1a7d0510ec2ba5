"""The geometry of the report's drawings, in SVG units."""

from __future__ import annotations

from typing import Any

from lookalike.evaluate.figures import percent
from lookalike.evaluate.section import Curve, Distances, Histogram, PairMap, Projection

WIDTH, HEIGHT = 320, 132  # of a histogram
ROW = 17, 30  # height of a category: least and most
NAME, SHARES = 122, 82  # widths left and right of a category's bars
LETTERS = 18  # of a name, as wide as they are
MOST_LETTERS = 32  # of a name that is set closer; a longer one loses its middle
SIDE = 320  # of a square drawing
LABEL = 110  # of a column's name beside the heat map
CANVAS = {"width": WIDTH, "height": HEIGHT, "name": NAME, "shares": SHARES, "side": SIDE, "label": LABEL}


def bars(histogram: Histogram) -> dict[str, Any]:
    """Bins side by side: wide bars for the real table, narrow ones inside them for the synthetic one."""
    bins = len(histogram.shares["real"])
    top = max(*histogram.shares["real"], *histogram.shares["synthetic"], 1e-9)
    step = WIDTH / bins

    def path(shares: list[float], width: float) -> str:
        out = []
        for i, share in enumerate(shares):
            if height := round((HEIGHT - 4) * share / top, 1):
                left = round((i + 0.5 - width / 2) * step, 1)
                out.append(f"M{left:g} {HEIGHT}v{-height:g}h{round(width * step, 1):g}v{height:g}z")
        return "".join(out)

    labels = histogram.labels
    return {
        "bins": True,
        "real": path(histogram.shares["real"], 0.92),
        "synthetic": path(histogram.shares["synthetic"], 0.4),
        "low": labels[0],
        "middle": labels[len(labels) // 2],
        "high": labels[-1],
        "top": percent(top),
    }


def categories(histogram: Histogram) -> dict[str, Any]:
    """Categories under each other: a thick bar for the real share, a thin one inside for the synthetic."""
    space = WIDTH - NAME - SHARES
    top = max(*histogram.shares["real"], *histogram.shares["synthetic"], 1e-9)
    rows = []
    for label, real, synthetic in zip(
        histogram.labels, histogram.shares["real"], histogram.shares["synthetic"], strict=True
    ):
        rows.append(
            {
                **_name(label, NAME - 6),
                "real": round(space * real / top, 1),
                "synthetic": round(space * synthetic / top, 1),
                "shares": f"{100 * real:.1f} / {100 * synthetic:.1f}",
            }
        )
    row = min(max(HEIGHT / len(rows), ROW[0]), ROW[1])
    return {"bins": False, "rows": rows, "row": row, "height": round(len(rows) * row)}


def _name(text: str, room: float) -> dict[str, Any]:
    """A name as it is drawn. squeezed: the width that its letters are set to, None where they fit."""
    half = MOST_LETTERS // 2
    label = text if len(text) <= MOST_LETTERS else f"{text[: half - 1]}…{text[-half:]}"
    return {"label": label, "whole": text, "squeezed": room if len(label) > LETTERS else None}


def curve(roc: Curve | None) -> str | None:
    """The ROC curve as a path."""
    if roc is None:
        return None
    points = zip(roc.false, roc.true, strict=True)
    return "M" + "L".join(f"{x * SIDE:.1f} {(1 - y) * SIDE:.1f}" for x, y in points)


def scatter(projection: Projection | None) -> dict[str, str] | None:
    """The points of each table as one path of dots, and the share of the variance that they show."""
    if projection is None:
        return None

    def dots(points: list[list[float]]) -> str:
        return "".join(f"M{(x + 1.2) / 2.4 * SIDE:.1f} {(1.2 - y) / 2.4 * SIDE:.1f}h0" for x, y in points)

    return {
        "real": dots(projection.real),
        "synthetic": dots(projection.synthetic),
        "share": percent(projection.share),
    }


def heat(pair_map: PairMap | None) -> dict[str, Any] | None:
    """The pair errors as squares, the stronger the worse; the scale ends at 10%."""
    if pair_map is None or len(pair_map.columns) < 3:
        return None
    names, errors = pair_map.columns, pair_map.errors
    cell = max(9.0, min(26.0, 520 / len(names)))
    squares = [
        {
            "x": round(LABEL + j * cell, 1),
            "y": round(i * cell, 1),
            "strength": round(min(error / 0.1, 1.0), 2),
            "title": f"{names[i]} and {names[j]}: {percent(error)}",
        }
        for i, row in enumerate(errors)
        for j, error in enumerate(row)
        if error is not None and j < i
    ]
    labels = [{"y": round((i + 0.5) * cell, 1), **_name(name, LABEL - 6)} for i, name in enumerate(names)]
    size = len(names) * cell
    return {"cell": round(cell - 1, 1), "squares": squares, "labels": labels, "size": size}


def distances(dcr: Distances | None) -> dict[str, Any] | None:
    """Distances to the closest training row (wide bars) and to the closest holdout row (narrow ones)."""
    if dcr is None:
        return None
    edges = [f"{edge:.2f}" for edge in dcr.edges]
    return bars(Histogram(True, edges, {"real": dcr.real, "synthetic": dcr.holdout}))
