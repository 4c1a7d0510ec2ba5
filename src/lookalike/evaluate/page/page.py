"""The report as one HTML page that needs nothing else; the geometry is worked out here."""

from __future__ import annotations

import json
from typing import Any

from lookalike.decisions import Decisions
from lookalike.evaluate.figures import FIGURES, GOOD, Graded, decimal, grade, grades, percent
from lookalike.evaluate.page import drawings
from lookalike.evaluate.page.environment import data_link, template
from lookalike.evaluate.page.judged import judged_figures
from lookalike.evaluate.results import Figures
from lookalike.evaluate.section import SECTIONS, Beside, ColumnDetail, Pair, Spectra
from lookalike.evaluate.shown import HIDDEN
from lookalike.evaluate.verdict import telling

SHOWN_PAIRS = 15
TELLING = 10
RULES = 30
SHAPE = next(figure for figure in FIGURES if figure.key == "shape_error")


def page(figures: Figures, decisions: Decisions | None = None) -> str:
    """The report as HTML. decisions: of what was curated before it was compared."""
    found, cards = figures.found, grades(figures)
    held = found.sizes["columns"]
    assert isinstance(held, dict)
    columns = [_column(figures, name, detail) for name, detail in found.columns.items()]
    columns.sort(key=lambda c: (not c["target"], -c["excess"]))
    return template("report.html.j2").render(
        figures=figures,
        verdict=figures.verdict,
        sizes={"pairs": None, "detection": None} | found.sizes,
        holdout_rows=held.get("holdout"),
        sections=[(name, rows) for name in SECTIONS if (rows := [r for r in cards if r.section == name])],
        marks=_marks(cards),
        beside=_beside(found.beside),
        curated=decisions,
        judged=None if found.judged is None else judged_figures(found.judged),
        models=found.models,
        scores=_scores(figures),
        attacks=_attacks(figures),
        identifying=_identifying(figures),
        rules=_rules(figures),
        verbatim=found.verbatim or [],
        telling=_telling(figures),
        columns=columns,
        pairs=_pairs(found.pairs[:SHOWN_PAIRS]),
        correlated=any(pair.real is not None for pair in found.pairs[:SHOWN_PAIRS]),
        holdout="half of real" if figures.split else "real holdout",
        yardstick="half of the real rows" if figures.split else "the holdout",
        hidden=HIDDEN,
        telltale=found.telltale if telling(figures) else None,
        spectra=_spectra(found.spectra),
        notes=[*found.warnings, *found.skipped.values()],
        canvas=drawings.CANVAS,
        roc=drawings.curve(found.roc),
        projection=drawings.scatter(found.projection),
        heat=drawings.heat(found.pair_map),
        dcr=None if found.attacks is None else drawings.distances(found.attacks.dcr),
        download=_download(figures),
    )


def _marks(cards: list[Graded]) -> list[tuple[str, str]]:
    """(section, the worst grade in it), for a reader without time."""
    order = ("poor", "fair", "good")
    found = [(name, {card.grade for card in cards if card.section == name}) for name in SECTIONS]
    return [(name, mark) for name, own in found if (mark := next((m for m in order if m in own), None))]


def _beside(found: Beside | None) -> dict[str, Any] | None:
    """The pairs of a synthetic row and its nearest real one: by column, the cells and whether they are
    equal."""
    if found is None:
        return None
    pairs = []
    if found.pairs is not None:
        each = zip(found.pairs.synthetic, found.pairs.real, found.pairs.equal, found.pairs.agree, strict=True)
        pairs = [
            {"cells": list(zip(found.columns, made, real, equal, strict=True)), "agree": agree}
            for made, real, equal, agree in each
        ]
    median = {table: f"{value:g}" for table, value in found.median.items()}
    return {"pairs": pairs, "median": median, "of": found.of, "rows": found.rows}


def _download(figures: Figures) -> str:
    """The figures as a data: link."""
    text = json.dumps({k: v for k, v in figures.to_dict().items() if k != "examples"}, ensure_ascii=False)
    return data_link(text)


def _scores(figures: Figures) -> list[tuple[str, ...]]:
    """Each family of models with its scores as text: trained on real, on synthetic and on both."""
    if figures.found.models is None:
        return []
    return [
        (family, *(decimal(scores[table]) for table in ("real", "synthetic", "mixed")))
        for family, scores in figures.found.models.models.items()
    ]


def _attacks(figures: Figures) -> list[tuple[str, str]]:
    """What each attack found, as text."""
    found = figures.found.attacks
    if found is None:
        return []
    names = {
        "nearest": "membership by the nearest synthetic row",
        "density_ratio": "membership by density ratio",
    }
    return [(names[name], f"AUC {decimal(value)}") for name, value in found.attacks.items()] + [
        (f"'{name}' read off the nearest synthetic row", f"{100 * gain:+.1f} points")
        for name, gain in found.secrets.items()
    ]


def _rules(figures: Figures) -> list[dict[str, str]]:
    """The rules between columns, those that synthetic rows break most first."""
    return [
        {
            "words": one.words,
            "real": percent(one.real),
            "synthetic": percent(one.synthetic),
            "holdout": percent(one.holdout),
        }
        for one in figures.found.rules[:RULES]
    ]


def _identifying(figures: Figures) -> list[dict[str, str]]:
    """The columns and pairs that show what few real rows have, as text."""
    return [
        {
            "names": " and ".join(f"'{name}'" for name in one.names),
            "value": percent(one.value),
            "reference": percent(one.reference),
            "excused": percent(one.excused),
        }
        for listed in figures.found.identifying.values()
        for one in listed
    ]


def _spectra(found: Spectra | None) -> dict[str, Any] | None:
    """The spectra of the texts, as text."""
    if found is None:
        return None
    tables = [table for table in ("real", "synthetic", "holdout") if table in found.lengths]
    return {
        "column": found.column,
        "tables": tables,
        "lengths": [[f"{found.lengths[t][k]:,.0f}" for t in tables] for k in range(11)],
        "ngrams": [(n, [[percent(x) for x in by[t]] for t in tables]) for n, by in found.ngrams.items()],
        "tokens": [(token, percent(real), percent(made)) for token, real, made in found.tokens],
    }


def _telling(figures: Figures) -> list[dict[str, Any]]:
    """The columns that give the synthetic rows away: name, AUC lost, and width of the bar in percent."""
    listed = telling(figures)[:TELLING]
    return [
        {
            "name": one.column,
            "lost": decimal(one.importance),
            "width": 100 * one.importance / listed[0].importance,
        }
        for one in listed
    ]


def _pairs(pairs: list[Pair]) -> list[dict[str, Any]]:
    """Pairs with their numbers as text, and the width of the bar in percent."""
    most = max((pair.error for pair in pairs), default=0.0)
    return [
        {
            "first": pair.first,
            "second": pair.second,
            "target": pair.target,
            "compared_by": pair.compared_by,
            "error": percent(pair.error),
            "width": 100 * pair.error / most if most else 0,
            "reference": None if pair.reference is None else percent(pair.reference),
            "real": None if pair.real is None else f"{pair.real:+.2f}",
            "synthetic": None if pair.synthetic is None else f"{pair.synthetic:+.2f}",
        }
        for pair in pairs
    ]


def _column(figures: Figures, name: str, detail: ColumnDetail) -> dict[str, Any]:
    """A column as its card shows it."""
    kind, importance = figures.kinds[name], figures.importance.get(name, 0.0)
    error, missing, strange = detail.shape_error, detail.missing, detail.strange["synthetic"]
    facts = []
    if any(missing.values()):
        facts.append(f"missing {percent(missing['real'])} real, {percent(missing['synthetic'])} synthetic")
    if strange:
        facts.append(f"{'unseen' if kind == 'category' else 'out of range'} {percent(strange)}")
    if importance >= 0.005:
        facts.append(f"gives away {decimal(importance)}")
    drawn = detail.histogram
    return {
        "name": name,
        "kind": "text, drawn by its length" if kind == "text" else kind,
        "id": kind == "id",
        "target": name == figures.target,
        "error": None if error.value is None else percent(error.value),
        "reference": None if error.reference is None else percent(error.reference),
        "grade": grade(SHAPE, error),
        "good": grade(SHAPE, error) in (GOOD, None),
        "excess": (error.value or 0.0) - (error.reference or 0.0),
        "facts": facts,
        "chart": None
        if drawn is None
        else drawings.bars(drawn)
        if drawn.bins
        else drawings.categories(drawn),
    }
