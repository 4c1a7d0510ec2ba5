"""The report as one HTML page that needs nothing else; the geometry is worked out here."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from lookalike.evaluate.figures import FIGURES, GOOD, decimal, grade, grades, percent
from lookalike.evaluate.measure import SECTIONS
from lookalike.evaluate.page import drawings
from lookalike.evaluate.shown import HIDDEN
from lookalike.evaluate.verdict import telling

SHOWN_PAIRS = 15
TELLING = 10
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
    cards = grades(figures)
    details = figures["columns"].items() if figures["fidelity"] else ()
    columns = [_column(name, detail, figures["target"]) for name, detail in details]
    columns.sort(key=lambda c: (not c["target"], -c["excess"]))
    return environment.get_template("report.html.j2").render(
        verdict=figures["verdict"],
        about=figures["about"],
        show_real=figures["show_real"],
        rows=figures["tables"]["rows"],
        width=figures["tables"]["columns"],
        sizes={"pairs": None, "detection": None}
        | figures["sizes"]
        | {"columns": {"holdout": None} | figures["sizes"]["columns"]},
        sections=[(name, rows) for name in SECTIONS if (rows := [r for r in cards if r["section"] == name])],
        models=_models(figures),
        attacks=_attacks(figures),
        identifying=_identifying(figures),
        verbatim=figures["texts"].get("verbatim", []),
        telling=_telling(figures),
        columns=columns,
        pairs=_pairs(figures["pairs"][:SHOWN_PAIRS]),
        correlated=any(pair["real"] is not None for pair in figures["pairs"][:SHOWN_PAIRS]),
        held=figures["tables"]["split"] or figures["tables"]["rows"]["holdout"] is not None,
        holdout="half of real" if figures["tables"]["split"] else "real holdout",
        examples=figures["examples"]["first"],
        hidden=HIDDEN,
        telltale=figures["examples"].get("telltale") if telling(figures) else None,
        spectra=_spectra(figures["texts"]),
        notes=[*figures["warnings"], *figures["skipped"].values()],
        seed=figures["seed"],
        canvas=drawings.CANVAS,
        roc=drawings.curve(figures["roc"]),
        projection=drawings.scatter(figures["projection"]),
        heat=drawings.heat(figures["pair_map"]),
        dcr=drawings.distances(figures["attacks"].get("dcr")),
        download=_download(figures),
    )


def _download(figures: dict[str, Any]) -> str:
    """The figures as a data: link."""
    text = json.dumps({k: v for k, v in figures.items() if k != "examples"}, ensure_ascii=False)
    return "data:application/json;base64," + base64.b64encode(text.encode()).decode()


def _models(figures: dict[str, Any]) -> dict[str, Any] | None:
    """The scores of each family of models, as text."""
    found = figures["models"]
    if not found:
        return None
    rows = [
        (family, *(_score(scores[table]) for table in ("real", "synthetic", "mixed")))
        for family, scores in found["models"].items()
    ]
    return found | {"rows": rows, "target": figures["target"]}


def _score(value: float | None) -> str:
    return "-" if value is None else decimal(value)


def _attacks(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """What each attack found, as text."""
    found = figures["attacks"]
    if not found:
        return []
    names = {
        "nearest": "membership by the nearest synthetic row",
        "density_ratio": "membership by density ratio",
    }
    return [(names[name], f"AUC {decimal(value)}") for name, value in found["attacks"].items()] + [
        (f"'{name}' read off the nearest synthetic row", f"{100 * gain:+.1f} points")
        for name, gain in found["secrets"].items()
    ]


def _identifying(figures: dict[str, Any]) -> list[dict[str, str]]:
    """The columns and pairs that show what few real rows have, as text."""
    return [
        {"names": " and ".join(f"'{name}'" for name in one["names"])}
        | {key: "-" if one[key] is None else percent(one[key]) for key in ("value", "reference", "excused")}
        for listed in figures["identifying"].values()
        for one in listed
    ]


def _spectra(found: dict[str, Any]) -> dict[str, Any] | None:
    """The spectra of `texts.measure`, as text."""
    if "lengths" not in found:
        return None
    tables = [table for table in ("real", "synthetic", "holdout") if table in found["lengths"]]
    return {
        "column": found["column"],
        "tables": tables,
        "lengths": [[f"{found['lengths'][t][k]:,.0f}" for t in tables] for k in range(11)],
        "ngrams": [(n, [[percent(x) for x in by[t]] for t in tables]) for n, by in found["ngrams"].items()],
        "tokens": [(token, percent(real), percent(made)) for token, real, made in found["tokens"]],
    }


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


def _pairs(pairs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    most = max((pair["error"] for pair in pairs), default=0.0)
    return [
        pair
        | {
            "error": percent(pair["error"]),
            "width": 100 * pair["error"] / most if most else 0,
            "reference": None if pair["reference"] is None else percent(pair["reference"]),
            "real": None if pair["real"] is None else f"{pair['real']:+.2f}",
            "synthetic": None if pair["synthetic"] is None else f"{pair['synthetic']:+.2f}",
        }
        for pair in pairs
    ]


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
    draw = drawings.bars if histogram.get("bins") else drawings.categories
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
