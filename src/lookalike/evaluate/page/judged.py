"""What a judge said, as text: a page of its own, and a section of the report."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from lookalike.evaluate.judging.words import headline, interval, number, percents, worth
from lookalike.evaluate.page.environment import data_link, template
from lookalike.evaluate.results import plain
from lookalike.evaluate.section import Entry, JudgedTable, Judgement


def judged_page(found: Judgement, date: str, version: str, seed: int) -> str:
    """The page as HTML. date: when it was judged, as ISO text."""
    text = json.dumps(plain(asdict(found)), ensure_ascii=False)
    return template("judge_page.html.j2").render(
        judged=judged_figures(found), date=date, version=version, seed=seed, download=data_link(text)
    )


def judged_figures(found: Judgement) -> dict[str, Any]:
    """The figures as the template shows them."""
    criteria = list(found.real)
    real = {
        **{"name": "real rows", "preferred": "", "width": None, "elo": "1000", "pairs": "", "people": ""},
        "scores": [number(found.real[name], 2) for name in criteria],
    }
    return {
        **{"model": found.model, "question": found.question, "usable": found.usable, "criteria": criteria},
        **{"verdict": headline(found), "notes": found.notes, "worth": worth(found)},
        "rows": [real, *(_row(name, one, criteria) for name, one in found.tables.items())],
    }


def _row(name: str, one: JudgedTable, criteria: list[str]) -> dict[str, Any]:
    by = ""
    if one.people is not None and one.alone is not None:
        low, high = one.alone
        by = f"by {one.answers:,} answers and the judge; by the answers alone {low:.0%} to {high:.0%}"
    return {
        **{"name": name, "preferred": percents(one.preferred), "elo": interval(one.elo), "by": by},
        "width": None if one.preferred.value is None else 100 * one.preferred.value,
        **{"pairs": f"{one.pairs:,}", "people": "" if one.people is None else percents(one.people)},
        "scores": [number(one.scores.get(criterion, Entry()), 2) for criterion in criteria],
    }
