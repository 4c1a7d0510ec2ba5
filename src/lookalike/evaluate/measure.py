"""Asks each chapter what it finds, and merges what they say into the figures of one report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime

import numpy as np

from lookalike import __version__
from lookalike.evaluate.chapters import (
    beside,
    copies,
    detection,
    diversity,
    duplicates,
    fidelity,
    identifying,
    judge,
    manifold,
    pairs,
    patterned,
    privacy,
    rules,
    structured,
    texts,
    utility,
)
from lookalike.evaluate.results import Figures, TableFacts
from lookalike.evaluate.rows import SMALL, lengths
from lookalike.evaluate.section import Section
from lookalike.evaluate.verdict import strange_detector, strange_holdout, verdict
from lookalike.evaluate.view import View
from lookalike.progress import bar

SHOWN_ROWS = 8
OFTEN = 0.5  # share of the real rows that have a twin, from which copies say little
LEAK = 0.02  # share of the holdout in the real table, above that of twins, from which it is called a leak

# What each is called while it is measured, the section that it belongs to (None: it asks `View.only` itself)
# and the chapter. Their order decides which random numbers of a seed each one draws.
CHAPTERS: tuple[tuple[str, str | None, Callable[[View], Section]], ...] = (
    ("the judge", None, judge.measure),  # first: an endpoint that does not answer is found before the rest
    ("column shapes", "fidelity", fidelity.measure),
    ("column pairs", "fidelity", pairs.measure),
    ("the detector", "fidelity", detection.measure),
    ("neighbours", None, manifold.measure),
    ("near-duplicates", "diversity", duplicates.measure),
    ("attacks", "privacy", privacy.measure),
    ("values of few rows", "privacy", identifying.measure),
    ("diversity", "diversity", diversity.measure),
    ("texts", None, texts.measure),
    ("code and tools", "fidelity", structured.measure),
    ("patterns", "fidelity", patterned.measure),
    ("models", "utility", utility.measure),
    ("copies", "privacy", copies.measure),
    ("rules between columns", "fidelity", rules.measure),
    ("rows side by side", None, beside.measure),
)


def measured(view: View, names: Mapping[str, str], progress: bool) -> Figures:
    """The figures of the sections that the view asks for. names: what the tables are called."""
    began = time.perf_counter()
    columns = len({one.name if one.member is None else one.member.column for one in view.columns})
    figures = Figures(
        tables={t: TableFacts(names.get(t, t), n, columns) for t, n in view.rows.items()},
        version=__version__,
        date=datetime.now().astimezone().isoformat(timespec="seconds"),
        seed=view.seed,
        target=view.target,
        show_real=view.show_real,
        kinds={str(column.name): column.kind for column in view.columns},
        split=view.apart is not None,
        first=view.show(np.arange(min(SHOWN_ROWS, view.rows["synthetic"]))),
        found=_given(view),
    )
    chapters = [chapter for chapter in CHAPTERS if chapter[1] is None or chapter[1] in view.only]
    with bar(len(chapters), "measuring", unit="metrics", progress=progress) as line:
        line.set_postfix_str(chapters[0][0] if chapters else "")
        for number, (_, _, chapter) in enumerate(chapters, 1):
            figures.found.add(chapter(view))
            line.set_postfix_str(chapters[number][0] if number < len(chapters) else "")  # what comes next
            line.update(1)
    figures.found.warnings += [*strange_detector(figures), *strange_holdout(figures)]
    figures.verdict = verdict(figures)
    figures.seconds = round(time.perf_counter() - began, 1)
    return figures


def _given(view: View) -> Section:
    """What is to be said of the tables and of the rows that are compared, before anything is measured."""
    section = Section(
        warnings=_warnings(view), sizes={"matched": view.compared, "columns": lengths(view.whole)}
    )
    if view.apart is not None:
        section.skipped["reference"] = (
            f"no holdout was given: {len(view.apart['holdout']):,} of the real rows were split off as the "
            "reference of fidelity and diversity; the synthesizer saw them, so utility and attacks could not "
            "be judged."
        )
    elif view.no_reference is not None:
        section.skipped["reference"] = view.no_reference
    if ids := [str(column.name) for column in view.columns if column.is_made]:
        section.skipped["ids"] = (
            f"ids, keys and pseudonyms have no distribution to compare: {', '.join(ids)}."
        )
    return section


def _warnings(view: View) -> list[str]:
    found = [note for column in view.columns for note in column.notes][:10]
    kept = [column for column in view.columns if not column.is_made]
    twins = copies.twins(kept) if kept else {}
    natural = float(twins["real"].mean()) if kept else 0.0  # what a fresh row would be, about
    if natural > OFTEN:
        found.append(
            f"{natural:.0%} of the real rows equal another real row in every column but ids, so copies say "
            "little; drop repeated rows if the real table should have none."
        )
    if min(view.rows["real"], view.rows["synthetic"]) < SMALL:
        found.append(f"with fewer than {SMALL} rows in a table, chance rules every figure.")
    if "holdout" in twins:
        shared = float(twins["holdout"].mean())
        if shared > natural + max(LEAK, 3 * np.sqrt(shared / view.rows["holdout"])):
            found.append(
                f"{shared:.1%} of the holdout rows are in the real table, too (chance would explain "
                f"{natural:.1%}): a leak between the two, which makes the holdout's figures meaningless."
            )
        known = max(natural, shared, float(twins["synthetic"].mean()))
        made_of = float(copies.twins(kept, of="holdout")["synthetic"].mean())
        if made_of > known + max(LEAK, 3 * np.sqrt(made_of / view.rows["synthetic"])):
            found.append(
                f"{made_of:.1%} of the synthetic rows are in the holdout (chance would explain {known:.1%}): "
                "they were made of it, or one file was given twice, so the holdout cannot judge them."
            )
    return found
