"""The report as one HTML page that needs nothing else; the geometry is worked out here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .verdict import FIGURES, GOOD, decimal, grade, grades, percent, telling

WIDTH, HEIGHT = 320, 132  # of a histogram, in SVG units
ROW = 17, 30  # height of a category: least and most
NAME, SHARES = 122, 82  # widths left and right of a category's bars
SHOWN_PAIRS = 15
TELLING = 10
LETTERS = 18  # of a category's name
SHAPE = next(figure for figure in FIGURES if figure.key == "shape_error")


def page(figures: dict[str, Any]) -> str:
    """The HTML of the figures of `Report.to_dict`."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    here = Path(__file__).parent / "templates"
    environment = Environment(
        loader=FileSystemLoader(here),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    columns = [_column(name, detail, figures["target"]) for name, detail in figures["columns"].items()]
    columns.sort(key=lambda c: (not c["target"], -c["excess"]))
    return environment.get_template("report.html.j2").render(
        verdict=figures["verdict"],
        rows=figures["tables"]["rows"],
        width=figures["tables"]["columns"],
        sizes=figures["sizes"] | {"columns": {"holdout": None} | figures["sizes"]["columns"]},
        cards=grades(figures),
        telling=_telling(figures),
        columns=columns,
        pairs=[_pair(pair, figures["pairs"][0]["error"]) for pair in figures["pairs"][:SHOWN_PAIRS]],
        correlated=any(pair["real"] is not None for pair in figures["pairs"][:SHOWN_PAIRS]),
        held=figures["tables"]["rows"]["holdout"] is not None,
        examples=figures["examples"],
        notes=[*figures["warnings"], *figures["skipped"].values()],
        seed=figures["seed"],
        canvas={"width": WIDTH, "height": HEIGHT, "name": NAME, "shares": SHARES},
    )


def _telling(figures: dict[str, Any]) -> list[dict[str, Any]]:
    shown = telling(figures)[:TELLING]
    return [
        {
            "name": g["column"],
            "lost": decimal(g["importance"]),
            "width": 100 * g["importance"] / shown[0]["importance"],
        }
        for g in shown
    ]


def _pair(pair: dict[str, Any], most: float) -> dict[str, Any]:
    return pair | {
        "error": percent(pair["error"]),
        "width": 100 * pair["error"] / most if most else 0,
        "reference": None if pair["reference"] is None else percent(pair["reference"]),
        "real": None if pair["real"] is None else f"{pair['real']:+.2f}",
        "synthetic": None if pair["synthetic"] is None else f"{pair['synthetic']:+.2f}",
    }


def _column(name: str, detail: dict[str, Any], target: str | None) -> dict[str, Any]:
    error, missing = detail["shape_error"], detail["missing"]
    facts = []
    if any(missing.values()):
        facts.append(f"missing {percent(missing['real'])} real, {percent(missing['synthetic'])} synthetic")
    if detail["strange"]["synthetic"]:
        word = "unseen" if detail["kind"] == "category" else "out of range"
        facts.append(f"{word} {percent(detail['strange']['synthetic'])}")
    if detail["importance"] >= 0.005:
        facts.append(f"gives away {decimal(detail['importance'])}")
    histogram = detail["histogram"]
    draw = _bars if histogram.get("bins") else _list
    return {
        "name": name,
        "kind": "text, drawn by its length" if detail["kind"] == "text" else detail["kind"],
        "id": detail["kind"] == "id",
        "target": name == target,
        "error": None if error["value"] is None else percent(error["value"]),
        "reference": None if error["reference"] is None else percent(error["reference"]),
        "grade": grade(SHAPE, error),
        "good": grade(SHAPE, error) in (GOOD, None),
        "excess": (error["value"] or 0.0) - (error["reference"] or 0.0),
        "facts": facts,
        "chart": draw(histogram) if histogram else None,
    }


def _bars(histogram: dict[str, Any]) -> dict[str, Any]:
    """Bins side by side: wide bars for the real table, narrow ones inside them for the synthetic one."""
    bins = len(histogram["real"])
    top = max(*histogram["real"], *histogram["synthetic"], 1e-9)
    step = WIDTH / bins

    def path(shares: list[float], width: float) -> str:
        out = []
        for i, share in enumerate(shares):
            if height := round((HEIGHT - 4) * share / top, 1):
                left = round((i + 0.5 - width / 2) * step, 1)
                out.append(f"M{left:g} {HEIGHT}v{-height:g}h{round(width * step, 1):g}v{height:g}z")
        return "".join(out)

    labels = histogram["labels"]
    return {
        "bins": True,
        "real": path(histogram["real"], 0.92),
        "synthetic": path(histogram["synthetic"], 0.4),
        "low": labels[0],
        "middle": labels[len(labels) // 2],
        "high": labels[-1],
        "top": percent(top),
    }


def _list(histogram: dict[str, Any]) -> dict[str, Any]:
    """Categories under each other: a thick bar for the real share, a thin one inside for the synthetic."""
    space = WIDTH - NAME - SHARES
    top = max(*histogram["real"], *histogram["synthetic"], 1e-9)
    rows = []
    for label, real, synthetic in zip(
        histogram["labels"], histogram["real"], histogram["synthetic"], strict=True
    ):
        rows.append(
            {
                "label": label if len(label) <= LETTERS else label[: LETTERS - 1] + "…",
                "whole": label,
                "real": round(space * real / top, 1),
                "synthetic": round(space * synthetic / top, 1),
                "shares": f"{100 * real:.1f} / {100 * synthetic:.1f}",
            }
        )
    row = min(max(HEIGHT / len(rows), ROW[0]), ROW[1])
    return {"bins": False, "rows": rows, "row": row, "height": round(len(rows) * row)}
