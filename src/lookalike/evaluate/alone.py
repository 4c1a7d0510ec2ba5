"""A synthetic table looked at alone, where there is no real one: what can be said, and what cannot be
measured.

Texts: words (median), distinct (share of different texts), near-duplicates (share of rows that nearly repeat
an earlier one, `texts/near.py`), distinct-2 (different pairs of words / all pairs, Li et al. 2016). Values:
the shares of the most frequent. None of these tells whether the table is like real data.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lookalike import __version__
from lookalike.arguments import brief, shown
from lookalike.arguments import path as path_of
from lookalike.atomic import replace_text
from lookalike.decisions import Decisions
from lookalike.defaults import NEAR
from lookalike.errors import OptionError, file_errors
from lookalike.texts.near import leaders
from lookalike.texts.words import words_of

FEW = 50  # different values, or half of the rows: above that a column is one of texts, however short they are
SHORT = 3  # words of the values of a column that is none of texts
SHOWN = 8  # values of a column
LACKS = (
    "fidelity (shapes, pairs, detection): how like real rows these are",
    "utility: whether a model that is trained on them works on real rows",
    "privacy: whether they are too close to real rows",
)
HEADLINE = "There is no real table, so this says what the rows are like, not whether they are like real ones."


class Alone:
    """What can be said of a table without a real one. `print` shows it; `save` writes a .html page or .json
    figures.

    columns: name -> figures. warnings: sentences. lacks: what is not measured. decisions: of what was
    curated, as of a `Report`; else None.
    """

    def __init__(self, rows: int, columns: dict[str, dict[str, Any]]) -> None:
        self.rows, self.columns = rows, columns
        self.warnings: list[str] = []
        self.decisions: Decisions | None = None
        self.date = datetime.now().astimezone().isoformat(timespec="seconds")

    def warn(self, text: str) -> None:
        """Adds a sentence to the warnings."""
        self.warnings.append(text)

    def to_dict(self) -> dict[str, Any]:
        """Every figure, as JSON values."""
        return {
            "about": {"lookalike": __version__, "date": self.date, "rows": self.rows},
            "headline": HEADLINE,
            "not_measured": list(LACKS),
            "columns": self.columns,
            "warnings": self.warnings,
        }

    def save(self, path: str | Path) -> None:
        """Writes the page (.html) or the figures (.json). Raises OptionError for another suffix."""
        path = path_of("path", path)
        if path.suffix == ".html":
            from lookalike.evaluate.page.alone import page

            text = page(self.to_dict(), {name: self.said(name) for name in self.columns})
        elif path.suffix == ".json":
            text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False)
        else:
            raise OptionError(f"a report is written to a .html or .json file, and '{path.name}' is neither.")
        with file_errors(path, "written"):
            replace_text(path, text)

    def failures(self, wanted: str) -> list[str]:
        """Raises OptionError: no figure that could be demanded is measured without a real table."""
        raise OptionError(f"{shown(wanted)} cannot be judged without a real table: give one.")

    def __repr__(self) -> str:
        lines = [f"{self.rows:,} rows of {len(self.columns)} columns", HEADLINE, ""]
        lines += [f"{name:<24} {self.said(name)}" for name in self.columns]
        lines += ["", *(f"not measured: {one}" for one in LACKS), *(f"note: {one}" for one in self.warnings)]
        return "\n".join(lines)

    def said(self, name: str) -> str:
        """The figures of a column in a line."""
        one = self.columns[name]
        if one["kind"] == "text":
            return (
                f"{one['words']:g} words (median), {one['distinct']:.0%} different, "
                f"{one['near']:.0%} near-duplicates, distinct-2 {one['distinct_2']:.2f}"
            )
        if one["kind"] == "number":
            return f"{one['low']:g} to {one['high']:g}, mean {one['mean']:.3g}"
        return ", ".join(f"{value} {share:.0%}" for value, share in one["values"].items())


def alone(table: pd.DataFrame) -> Alone:
    """What a synthetic table looks like by itself."""
    found = Alone(len(table), {str(name): _column(table[name]) for name in table.columns})
    for name, one in found.columns.items():
        if one["missing"]:
            found.warn(f"{one['missing']:.0%} of '{name}' are missing.")
        if one["kind"] == "text" and one["near"] > 0.1:
            found.warn(f"{one['near']:.0%} of '{name}' nearly repeat an earlier row.")
    return found


def _column(series: pd.Series) -> dict[str, Any]:
    filled = series.dropna()
    facts: dict[str, Any] = {"kind": "value", "missing": float(series.isna().mean()) if len(series) else 0.0}
    numeric = pd.api.types.is_numeric_dtype(filled) and not pd.api.types.is_bool_dtype(filled)
    if numeric and len(filled) and filled.nunique() > SHOWN:
        return facts | {
            "kind": "number",
            "low": float(filled.min()),
            "high": float(filled.max()),
            "mean": float(filled.mean()),
        }
    texts = [_written(one) for one in filled]
    words = [len(words_of(text)) for text in texts]
    if len(set(texts)) > SHOWN and (np.median(words) > SHORT or len(set(texts)) > max(FEW, len(texts) // 2)):
        return facts | _texts(texts)
    counts = Counter(texts).most_common(SHOWN)
    return facts | {"values": {brief(value): count / max(len(texts), 1) for value, count in counts}}


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _texts(texts: list[str]) -> dict[str, Any]:
    words = [words_of(text) for text in texts]
    pairs = [pair for one in words for pair in pairwise(one)]
    followed, _ = leaders(texts, NEAR)
    return {
        "kind": "text",
        "words": float(np.median([len(one) for one in words])),
        "distinct": len(set(texts)) / len(texts),
        "near": float((followed >= 0).mean()),
        "distinct_2": len(set(pairs)) / max(len(pairs), 1),
    }
