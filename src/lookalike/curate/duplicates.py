"""Rows that repeat others: whole rows, texts that nearly say the same, texts that mean the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.arguments import brief
from lookalike.curate.checks import Decision, Rows
from lookalike.table.column import Column
from lookalike.texts.inside import canonical
from lookalike.texts.near import leaders

Array = npt.NDArray[Any]

MEANT = 0.9  # cosine of two embeddings, from which texts mean the same
BLOCK = 2048  # texts that are compared at once
MOSTLY = 0.5  # share of near-duplicates among the real texts, above which they are of a template
ASKED = 5000  # real texts that are looked at for that


def exact(rows: Rows, order: Array) -> Iterator[Decision]:
    """Rows that equal an earlier one in every column but ids, beyond the share of them in the real table.

    Real tables of few columns have equal rows, too; as many are left, those that come first.
    """
    table = equal_by(rows.schema.columns, rows.synthetic.iloc[order])
    if not table.shape[1] or not len(order):
        return
    own = _codes(table)
    again = pd.Series(own).duplicated().to_numpy()
    usual = 0.0
    if rows.real is not None and len(rows.real):
        usual = float(pd.Series(_codes(equal_by(rows.schema.columns, rows.real))).duplicated().mean())
    spare = int(np.floor(usual * len(order)))
    first = dict(zip(own[::-1].tolist(), order[::-1].tolist(), strict=True))
    share = float(again.mean()) if len(again) else 0.0
    for at in np.flatnonzero(again)[spare:]:
        leader = first[own[at]]
        yield {
            **{"row": int(order[at]), "check": "exact", "column": None, "score": share, "limit": usual},
            **{"action": "drop", "value": leader, "reason": f"it equals row {leader + 1:,}"},
        }


def equal_by(columns: Sequence[Column], table: pd.DataFrame) -> pd.DataFrame:
    """The columns by which rows equal one another, all but those made afresh; JSON by its values."""
    return pd.DataFrame(
        {
            column.name: table[column.name].map(canonical) if column.kind == "json" else table[column.name]
            for column in columns
            if not column.is_made and column.name in table.columns
        },
        index=table.index,
    )


def _codes(table: pd.DataFrame) -> Array:
    """(rows,) a number for each row; equal rows have equal ones."""
    found = np.zeros(len(table), dtype=np.int64)
    for _, column in table.items():
        codes = pd.factorize(column.map(repr) if column.dtype == object else column)[0] + 1
        found = pd.factorize(found * (int(codes.max(initial=0)) + 1) + codes)[0]
    return found


def near(
    rows: Rows, order: Array, alike: float, words: bool | None = None, notes: list[str] | None = None
) -> Iterator[Decision]:
    """Texts that nearly repeat one that is kept (`texts/near.py`); of JSON, the texts that it holds. Near
    texts of another label are reported, not dropped: one of the two labels is wrong, or the difference is
    what the label says. Columns of a template are left out (`of_template`).

    words: as of `texts.near.leaders`. notes: gets a sentence for each column that is left out.
    """
    for column in rows.texts:
        if (left := of_template(rows, column, alike, words)) is not None:
            if notes is not None:
                notes.append(left)
            continue
        at, texts = rows.compared(column)
        places = np.array(at, dtype=np.int64)
        rank = np.full(len(rows.synthetic), len(order))
        rank[order] = np.arange(len(order))
        some = np.flatnonzero(rank[places] < len(order))
        chosen = [texts[one] for one in some]
        turn = np.argsort(rank[places[some]], kind="stable")
        followed, similar = leaders(chosen, alike, turn, words=words)
        yield from _repeats(rows, column, "near", places[some], followed, similar, alike, "nearly repeats")


def of_template(rows: Rows, column: Any, alike: float, words: bool | None = None) -> str | None:
    """A sentence on a column that "near" leaves out, since most of the real texts nearly repeat each other,
    such as queries that differ in a number; None where it is looked at, and without real rows.
    """
    texts = rows.compared_real(column)[:ASKED]
    if not texts:
        return None
    usual = float((leaders(texts, alike, np.arange(len(texts)), words=words)[0] >= 0).mean())
    if usual <= MOSTLY:
        return None
    return f"'near' was left out for '{column}': {usual:.0%} of its real texts nearly repeat each other"


def semantic(rows: Rows, order: Array, embed: Callable[[Any], Array]) -> Iterator[Decision]:
    """Texts whose embedding is near that of one that is kept: a cosine of at least .9."""
    for column in rows.texts:
        at, texts = rows.compared(column)
        where = {row: place for place, row in enumerate(at)}
        turn = [where[row] for row in order.tolist() if row in where]
        if not turn:
            continue
        points = embed([texts[place] for place in turn])
        followed, similar = _near_points(np.asarray(points, dtype=np.float32))
        places = np.array([at[place] for place in turn], dtype=np.int64)
        yield from _repeats(rows, column, "semantic", places, followed, similar, MEANT, "means the same as")


def _near_points(points: Array) -> tuple[Array, Array]:
    """As `texts.near.leaders`, of points of length 1 in their order: exact, block by block."""
    followed, similar = np.full(len(points), -1, dtype=np.int64), np.zeros(len(points))
    kept = np.empty(0, dtype=np.int64)
    for start in range(0, len(points), BLOCK):
        block = points[start : start + BLOCK]
        best, score = np.full(len(block), -1, dtype=np.int64), np.full(len(block), -1.0)
        for first in range(0, len(kept), BLOCK):
            cosine = block @ points[kept[first : first + BLOCK]].T
            top, at = cosine.max(1), cosine.argmax(1)
            better = top > score
            best[better], score[better] = kept[first + at[better]], top[better]
        inside = block @ block.T
        fresh: list[int] = []
        for row in range(len(block)):
            if score[row] < MEANT and fresh:
                at = int(inside[row, fresh].argmax())
                if inside[row, fresh[at]] >= MEANT:
                    best[row], score[row] = start + fresh[at], inside[row, fresh[at]]
            if score[row] >= MEANT:
                followed[start + row], similar[start + row] = best[row], score[row]
            else:
                fresh.append(row)
        kept = np.append(kept, start + np.array(fresh, dtype=np.int64))
    return followed, similar


def _repeats(
    rows: Rows,
    column: Any,
    check: str,
    places: Array,
    followed: Array,
    similar: Array,
    limit: float,
    how: str,
) -> Iterator[Decision]:
    labels = None if rows.label is None else _labels(rows.synthetic[rows.label])
    for at in np.flatnonzero(followed >= 0):
        row, leader = int(places[at]), int(places[followed[at]])
        same = labels is None or labels[row] == labels[leader]
        reason = f"its text {how} that of row {leader + 1:,}"
        if not same:
            assert labels is not None
            reason += f", which {_has(labels[leader])}, and this row {_has(labels[row])}"
        yield {
            **{"row": row, "check": check if same else "conflict", "column": column, "score": similar[at]},
            **{"limit": limit, "action": "drop" if same else "report", "value": leader, "reason": reason},
        }


def _labels(column: pd.Series) -> list[str | None]:
    """The label of each row as a string; None where it has none."""
    return [None if pd.isna(cell) else str(cell) for cell in column.astype(object).tolist()]


def _has(label: str | None) -> str:
    return "has no label" if label is None else f"is labelled '{brief(label)}'"
