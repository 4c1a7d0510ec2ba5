"""What a reviewer sees of a row: its cells, why it is here, what it repeats, and its nearest real row.

Everything is text by now; the page shows it as text and nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import is_column, listed, shown
from lookalike.decisions import Decisions
from lookalike.errors import DataError, OptionError
from lookalike.review.nearest import Nearest
from lookalike.review.queue import REPEATS, Item, whole
from lookalike.seed import child
from lookalike.table.cells import text_column, written

MOST_LABELS = 2000  # more values are no labels
TIE = "tie"
HITS = 50  # rows that are found at once

Cells = list[tuple[str, str | None]]


@dataclass
class Cards:
    """The rows of a table as they are shown.

    table: its index counts from 0. real: rows to set beside each. label: the column of labels; text: that of
    texts, None for the one with most words. pair: two columns of answers to be compared. seed: which of the
    two answers of a pair stands first.
    """

    table: pd.DataFrame
    real: pd.DataFrame | None = None
    decisions: Decisions | None = None
    label: Any = None
    text: Any = None
    pair: tuple[Any, Any] | None = None
    seed: int = 0
    labels: dict[str, Any] = field(init=False)  # as it is shown -> as it is in the table

    def __post_init__(self) -> None:
        if not len(self.table):
            raise DataError("there is nothing to review: the table has no rows.")
        named = [("label", self.label), ("text", self.text), *(("pair", one) for one in self.pair or ())]
        for what, name in named:
            if name is not None and not is_column(name, self.table.columns):
                columns = listed(self.table.columns)
                raise OptionError(f"the {what} {shown(name)} is not a column: choose one of {columns}.")
        if self.decisions is not None and self.decisions.rows != len(self.table):
            raise DataError(
                f"the decisions are on a table of {self.decisions.rows:,} rows and this one has "
                f"{len(self.table):,}: give the table that was curated, as it was before."
            )
        if self.label is None and self.decisions is not None:
            known = is_column(self.decisions.label, self.table.columns)
            self.label = self.decisions.label if known and self.pair is None else None
        self.labels = {} if self.label is None else self._labels()
        if self.text is None:
            self.text = text_column(self.table, {self.label, *(self.pair or ())})

    def _labels(self) -> dict[str, Any]:
        tables = [self.table, *([self.real] if self.real is not None else [])]
        cells = [one[self.label] for one in tables if is_column(self.label, one.columns)]
        found = {written(value): value for some in cells for value in some.dropna().unique().tolist()}
        if self.decisions is not None:
            values = self.decisions.table.loc[self.decisions.table["action"] == "relabel", "value"].tolist()
            found = {written(value): value for value in values if written(value) is not None} | found
        if len(found) > MOST_LABELS:
            raise OptionError(
                f"the column '{self.label}' has {len(found):,} different values, which are no labels: name "
                "another column as label, or none."
            )
        if not found:
            raise OptionError(f"the column '{self.label}' is empty: name another column as label, or none.")
        numeric = all(isinstance(value, int | float) for value in found.values())
        names = {str(name): value for name, value in found.items()}
        return dict(sorted(names.items(), key=lambda one: (one[1] if numeric else 0, one[0])))

    @cached_property
    def nearest(self) -> Nearest | None:
        """Finds the real row that is nearest to a row; None without a real table."""
        names = [name for name in self.table.columns if self.real is not None and name in self.real.columns]
        names = [name for name in names if name != self.label]
        if self.real is None or not names or not len(self.real):
            return None
        return Nearest(self.real[names], self.table[names], self.text if self.text in names else None)

    def texts(self) -> list[str] | None:
        """The texts of the column of texts, "" for a missing one; None where there is no such column."""
        return None if self.text is None else [written(cell) or "" for cell in self.table[self.text].tolist()]

    def label_of(self, row: int) -> str | None:
        """The label of a row as it is shown."""
        return None if self.label is None else written(self.table[self.label].iat[row])

    def card(self, item: Item) -> dict[str, Any]:
        """What the page shows of an item, as JSON values."""
        row = item.row
        hidden = {self.label, *(self.pair or ())}
        found = self.why(row)
        card: dict[str, Any] = {
            **{"row": row, "turn": item.turn, "part": item.part, "label": self.label_of(row)},
            **{"cells": self._cells(self.table, row, hidden), "why": found, **self._judged(row)},
            **{"twins": [*self._twins(row), *self._copied(row)], "real": None},
        }
        if self.pair is not None:
            names = self.blind(item)
            card["answers"] = [written(self.table[name].iat[row]) for name in names]
            shown_as = zip(("answer 1", "answer 2", TIE), (*map(str, names), TIE), strict=True)
            card["options"] = [{"name": name, "value": value} for name, value in shown_as]
        elif self.nearest is not None and self.real is not None:
            near, alike = self.nearest.find(row)
            title = f"nearest real row, {near + 1:,}: {alike:.0%} alike"
            card["real"] = {"title": title, "cells": self._cells(self.real, near, set())}
        return card

    def blind(self, item: Item) -> tuple[Any, Any]:
        """The two columns of a pair in the order in which their answers are shown, drawn for each item."""
        assert self.pair is not None
        first, second = self.pair
        swapped = child(self.seed, "review", "blind", item.row, item.turn).integers(2)
        return (second, first) if swapped else (first, second)

    def why(self, row: int) -> list[dict[str, Any]]:
        """The decisions on a row: check, score, limit, action, reason; those that would change it first."""
        return [
            {
                **{"check": one["check"], "action": one["action"], "reason": written(one["reason"])},
                **{"score": finite(one["score"]), "limit": finite(one["limit"])},
            }
            for one in sorted(self._of(row), key=lambda one: one["action"] == "report")
        ]

    def _judged(self, row: int) -> dict[str, Any]:
        """Of the decisions on the label: `suggested`, another label; `marked`, whether it is to be taken, not
        only looked at; `chance`, 0..1, that the label is right as it is.
        """
        told: dict[str, Any] = {"suggested": None, "marked": False, "chance": None}
        for one in self._of(row):
            about = one["action"] == "relabel" or (self.label is not None and one["column"] == self.label)
            if not about:
                continue
            value, score = written(one["value"]), finite(one["score"])
            if value in self.labels and value != self.label_of(row) and one["action"] != "weigh":
                told |= {"suggested": value, "marked": one["action"] == "relabel"}
            if score is not None and 0 <= score <= 1:
                told["chance"] = score
        return told

    def find(self, text: str) -> list[dict[str, Any]]:
        """The first rows that hold a text, in capitals or not."""
        hits = np.flatnonzero([text.casefold() in one.casefold() for one in self._lines])[:HITS]
        return [{"row": int(row), "text": self._lines[row][:200]} for row in hits]

    @cached_property
    def _lines(self) -> list[str]:
        names = self._ordered(set())
        columns = [[written(cell) or "" for cell in self.table[name].tolist()] for name in names]
        return [" · ".join(cells) for cells in zip(*columns, strict=True)]

    @cached_property
    def _decided(self) -> dict[int, list[dict[str, Any]]]:
        found: dict[int, list[dict[str, Any]]] = {}
        for one in [] if self.decisions is None else self.decisions.table.to_dict("records"):
            found.setdefault(int(one["row"]), []).append(one)
        return found

    def _of(self, row: int) -> list[dict[str, Any]]:
        return self._decided.get(row, [])

    def _twins(self, row: int) -> list[dict[str, Any]]:
        """The rows that a row repeats."""
        values = [whole(one["value"], len(self.table)) for one in self._of(row) if one["check"] in REPEATS]
        others = dict.fromkeys(value for value in values if value is not None and value != row)
        return [
            {"title": f"row {other + 1:,}, which it repeats", "cells": self._cells(self.table, other, set())}
            for other in others
        ]

    def _copied(self, row: int) -> list[dict[str, Any]]:
        """The real row that a row copies."""
        if self.real is None:
            return []
        values = [whole(one["value"], len(self.real)) for one in self._of(row) if one["check"] == "copy"]
        return [
            {
                "title": f"real row {other + 1:,}, which it copies",
                "cells": self._cells(self.real, other, set()),
            }
            for other in values
            if other is not None
        ]

    def _ordered(self, hidden: set[Any]) -> list[Any]:
        names = [name for name in self.table.columns if name not in hidden]
        return sorted(names, key=lambda name: name != self.text)  # the text first

    def _cells(self, table: pd.DataFrame, row: int, hidden: set[Any]) -> Cells:
        names = [name for name in self._ordered(hidden) if name in table.columns]
        return [(str(name), written(table[name].iat[row])) for name in names]


def finite(value: Any) -> float | None:
    """A number for JSON, None for what is none."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
