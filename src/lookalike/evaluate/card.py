"""A report as the data card of a synthetic table: Markdown with the front matter that dataset hubs read.

It holds what the report's page says in words and figures, and no cell of any table. Names of columns and
files are escaped, so that none of them is read as Markdown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from lookalike.evaluate.figures import grades
from lookalike.evaluate.results import Figures

SIZES = {10**3: "n<1K", 10**4: "1K<n<10K", 10**5: "10K<n<100K", 10**6: "100K<n<1M", 10**7: "1M<n<10M"}
LARGER = "n>10M"
MARKS = re.compile(r"([\\`*_{}\[\]<>#|~])")


def card(figures: Figures) -> str:
    """The card: front matter, the table, the verdict, the figures, the columns, how it was measured."""
    made = figures.tables["synthetic"]
    parts = [
        _front(made.rows, figures.tables["real"].name),
        f"# Synthetic rows like {_plain(figures.tables['real'].name)}",
        f"{made.rows:,} rows of {made.columns} columns. No row of them was observed: they were made to be "
        "distributed like a real table.",
        "## How alike they are",
        _plain(figures.verdict.headline),
        *(f"- {_plain(sentence)}" for sentence in figures.verdict.sentences),
        _measured(figures),
        "## Columns",
        _lines(("column", "compared as"), [(name, kind) for name, kind in figures.kinds.items()]),
        "## What to be careful about",
        *(f"- {_plain(text)}" for text in [*figures.found.warnings, *figures.found.skipped.values()]),
        "- Figures of privacy say what simple attacks found. They are no proof.",
        "## How it was measured",
        _tables(figures) + f" Measured by lookalike {figures.version} on {figures.date[:10]}, seed "
        f"{figures.seed}: `lookalike.evaluate(real, synthetic)`.",
    ]
    return re.sub(r"(\n- .*)\n\n(?=- )", r"\1\n", "\n\n".join(part for part in parts if part)) + "\n"


def _front(rows: int, name: str) -> str:
    """YAML; JSON's strings are YAML's, too."""
    size = next((title for most, title in SIZES.items() if rows < most), LARGER)
    lines = [
        f"pretty_name: {json.dumps(f'Synthetic rows like {name}', ensure_ascii=False)}",
        f"size_categories:\n- {size}",
        "tags:\n- synthetic\n- tabular\n- lookalike",
    ]
    return "\n".join(["---", *lines, "---"])


def _measured(figures: Figures) -> str:
    """The figures that the report prints, a line each."""
    title = "half of real" if figures.split else "real holdout"
    head = ("", "synthetic", title, "95% interval", "grade")
    rows = [
        (row.title, row.value, row.reference if figures.held else "", row.interval, row.grade or "")
        for row in grades(figures)
    ]
    return _lines(head, rows)


def _tables(figures: Figures) -> str:
    named = [f"{one.rows:,} {title} rows" for title, one in figures.tables.items()]
    return f"Compared: {', '.join(named)}."


def _lines(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of Markdown."""
    cells = [head, ["---"] * len(head), *([_plain(str(cell)) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _plain(text: str) -> str:
    return MARKS.sub(r"\\\1", " ".join(text.split()))
