"""What was decided on a table, as one HTML page that needs nothing else: check by check, with examples beside
kept neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike import __version__, markup
from lookalike.curate.checks import Rows
from lookalike.curate.points import points
from lookalike.decisions import Decisions
from lookalike.seed import child
from lookalike.table.inferring import infer
from lookalike.table.schema import Schema

Array = npt.NDArray[Any]

EXAMPLES = 6  # of a check
NEIGHBOURS = 4000  # kept rows among which the nearest is looked for
CELLS, LETTERS = 8, 400  # of a row that is shown
MEANING = {  # check -> what it looks for
    "missing": "Empty cells of columns in which no real cell is empty.",
    "length": "Texts that are shorter or longer than real ones.",
    "repetition": "Texts that repeat pieces of themselves.",
    "symbols": "Texts with a larger or smaller share of punctuation and symbols than real ones.",
    "encoding": "Texts with damaged characters.",
    "language": "Texts in a language that no real text has.",
    "refusal": "Texts in which a model refuses to write, or speaks of itself.",
    "meta": "Texts that speak of themselves, of their label or of the task.",
    "parses": "Code and JSON that does not parse.",
    "range": "Numbers and dates beyond what real ones allow.",
    "unknown": "Categories that no real row has.",
    "rules": "Rows that break a rule between columns that all real rows keep.",
    "copy": "Texts that copy a real one.",
    "exact": "Rows that equal an earlier one.",
    "near": "Texts that nearly repeat one that is kept.",
    "conflict": "Texts that nearly repeat a text with another label. Either one label is wrong, or the few words that differ decide.",  # noqa: E501
    "semantic": "Texts that mean the same as one that is kept.",
    "labels": "Labels that are probably wrong.",
    "outlier": "Rows that are far from all others.",
}
DONE = {
    "drop": "dropped",
    "relabel": "relabelled",
    "edit": "edited",
    "weigh": "weighed",
    "report": "only reported",
}
REPEATS = ("exact", "near", "semantic", "conflict")  # checks whose value is the row that is repeated


def page(table: pd.DataFrame, decisions: Decisions, schema: Schema | None = None, seed: int = 0) -> str:
    """The page of the decisions on a table. schema: of the table; None is inferred. seed: of the examples and
    of the kept rows among which neighbours are looked for.
    """
    table = table.reset_index(drop=True)
    counts = decisions.counts()
    chosen = {check: _examples(decisions, check, seed) for check in counts}
    nearest = _nearest(table, decisions, [row for rows in chosen.values() for row in rows], schema, seed)
    kept = decisions.rows - len(decisions.dropped())
    template = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
    notes = "".join(f"<li>{escape(note)}</li>" for note in decisions.notes)
    return template.substitute(
        palette=markup.palette(),
        headline=f"{kept:,} of {decisions.rows:,} rows are kept",
        about=f"{decisions.rows:,} rows of {len(table.columns):,} columns · "
        f"{datetime.now().astimezone():%Y-%m-%d %H:%M} · lookalike {__version__}",
        sums=_sums(counts, decisions.rows) if counts else '<p class="card">No check found anything.</p>',
        notes=f'<div class="card"><ul>{notes}</ul></div>' if notes else "",
        sections="\n".join(
            _section(table, decisions, check, rows, nearest) for check, rows in chosen.items()
        ),
    )


def _sums(counts: dict[str, dict[str, int]], rows: int) -> str:
    """A line a check: how many rows, as a bar of all rows, and what was done with them."""
    lines = []
    for check, actions in counts.items():
        many = max(actions.values())
        done = ", ".join(f"{count:,} {DONE[action]}" for action, count in actions.items())
        other = "" if "drop" in actions else " other"
        width = f"{100 * many / max(rows, 1):.2f}%"
        lines.append(
            f'<a href="#{escape(check)}">{escape(check)}</a><div><div class="bar{other}" '
            f'style="width:{width}"></div></div><span class="soft">{escape(done)}</span>'
        )
    return f'<div class="card sums">{"".join(lines)}</div>'


def _examples(decisions: Decisions, check: str, seed: int) -> list[int]:
    """Rows of a check, drawn from all of them, ascending."""
    rows = decisions.table.loc[decisions.table["check"] == check, "row"].unique()
    return np.sort(child(seed, "page", check).permutation(rows)[:EXAMPLES]).tolist()


def _nearest(
    table: pd.DataFrame, decisions: Decisions, rows: Sequence[int], schema: Schema | None, seed: int
) -> dict[int, int]:
    """row -> the kept row that is most like it, of a sample of them."""
    left = np.array(decisions.left(), dtype=np.int64)
    kept = np.sort(child(seed, "page").permutation(left)[:NEIGHBOURS])
    asked = np.array(sorted(set(rows)), dtype=np.int64)
    if not len(kept) or not len(asked):
        return {}
    some = table.iloc[np.concatenate([asked, kept])].reset_index(drop=True)
    schema = infer(some) if schema is None else schema
    texts = [column.name for column in schema.columns if column.is_textual]
    where, _ = points(Rows(some, None, schema, texts), None, seed)
    if not where.shape[1]:
        return {}
    found: dict[int, int] = {}
    own, others = where[: len(asked)], where[len(asked) :]
    for row, point in zip(asked.tolist(), own, strict=True):
        order = np.argsort(((others - point) ** 2).sum(1), kind="stable")[:2]
        at = next((int(kept[one]) for one in order if int(kept[one]) != row), None)
        if at is not None:
            found[row] = at
    return found


def _section(
    table: pd.DataFrame, decisions: Decisions, check: str, rows: Sequence[int], nearest: dict[int, int]
) -> str:
    own = decisions.table[decisions.table["check"] == check]
    count = int(own["row"].nunique())
    shown = "all of them" if count <= len(rows) else f"{len(rows)} of them, drawn at random"
    cards = [_card(table, own[own["row"] == row].iloc[0], nearest) for row in rows]
    return (
        f'<section id="{escape(check)}"><h2>{escape(check)}: {count:,} row{"s" * (count > 1)}</h2>'
        f'<p class="soft">{escape(MEANING.get(check, ""))} Here are {shown}.</p>{"".join(cards)}</section>'
    )


def _card(table: pd.DataFrame, decision: Any, nearest: dict[int, int]) -> str:
    """One row with its decision, beside the row that it repeats or the kept one that is most like it."""
    row = int(decision["row"])
    title, other = "the kept row that is most like it", nearest.get(row)
    if decision["check"] in REPEATS and pd.notna(decision["value"]):
        title, other = "the row that it repeats", int(decision["value"])
    done = DONE[decision["action"]]
    if decision["action"] in ("relabel", "edit"):
        done += f" to '{decision['value']}'"
    if decision["action"] == "weigh":
        done += f" at {float(decision['value']):.2f}"
    left = _side(table, row, f"row {row + 1:,}, {done}", "")
    right = "" if other is None else _side(table, other, f"row {other + 1:,}, {title}", " kept")
    reason = escape(str(decision["reason"]))
    return f'<div class="card"><p class="why">{reason}</p><div class="pair">{left}{right}</div></div>'


def _side(table: pd.DataFrame, row: int, title: str, kind: str) -> str:
    cells = "".join(
        f"<dt>{escape(str(name))}</dt><dd>{escape(_shown(table[name].iloc[row]))}</dd>"
        for name in table.columns[:CELLS]
    )
    more = len(table.columns) - CELLS
    if more > 0:
        cells += f"<dt></dt><dd class='soft'>and {more:,} more columns</dd>"
    return f'<div class="side{kind}"><div class="soft">{escape(title)}</div><dl>{cells}</dl></div>'


def _shown(cell: Any) -> str:
    if cell is None or (not isinstance(cell, list | dict) and pd.isna(cell)):
        return "(missing)"
    text = str(cell)
    return text if len(text) <= LETTERS else f"{text[:LETTERS]}... ({len(text):,} letters)"
