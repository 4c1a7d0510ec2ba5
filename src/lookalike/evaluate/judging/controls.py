"""Planted pairs of which everybody knows the better row: a real one, and a real one that was spoilt.

A judge that gets fewer than nine in ten of these right cannot judge anything finer. Texts are spoilt by a
shuffle of their words, or by being set against a label that is not theirs; rows of numbers and categories by
moving every cell to another column; where these columns hold such values, too, by writing every cell three
times.
"""

from __future__ import annotations

import numpy as np

from lookalike.evaluate.judging.pairs import REAL, Pair, Rows
from lookalike.seed import child

SHARE = 0.05  # of the pairs
FEWEST = 10  # however few the pairs are: fewer would say nothing
LEAST_RIGHT = 0.9  # of the verdicts, below which the judge is unusable
WORDS = 6  # of a text, from which a shuffle of them shows
STRANGE = 1 / 3  # of the cells that were moved, which their new columns never hold, at least
TRIES = 20  # shuffles, until one is another text


def planted(rows: Rows, pairs: int, seed: int) -> list[Pair]:
    """The controls beside so many pairs. Their items are below 0: they are no rows of the comparison."""
    rng = child(seed, "judge", "controls")
    wanted = max(FEWEST, round(SHARE * pairs))
    order = rng.permutation(rows.count(REAL)).tolist()
    found: list[Pair] = []
    for at in range(2 * TRIES * wanted):
        if len(found) == wanted:
            break
        row = order[at % len(order)]
        one = _labelled(rows, row, rng) if at % 2 and rows.text is not None else None
        one = one or _spoilt(rows, row, rng, at >= TRIES * wanted)
        if one is not None and one[0] != rows.text_of(REAL, row):
            texts, given = (rows.text_of(REAL, row), one[0]), rows.condition(rows.given[REAL][row])
            found.append(Pair(-1 - at, REAL, REAL, texts, given, one[1]))
    return found


def _labelled(rows: Rows, row: int, rng: np.random.Generator) -> tuple[str, str] | None:
    """A real row of another label, which is none of the pair's; None where there is no label."""
    if rows.label is None:
        return None
    others = [at for at, given in enumerate(rows.given[REAL]) if given != rows.given[REAL][row]]
    return (rows.text_of(REAL, int(rng.choice(others))), "label") if others else None


def _spoilt(rows: Rows, row: int, rng: np.random.Generator, any_way: bool) -> tuple[str, str] | None:
    """A row that was damaged, and how; None for a row that cannot be. any_way: short texts, too."""
    cells = rows.cells(REAL, row)
    if rows.text is not None:
        at = rows.columns.index(rows.text)
        words = (cells[at] or "").split()
        for _ in range(TRIES if len(words) >= WORDS else 0):
            mixed = [words[place] for place in rng.permutation(len(words))]
            if mixed != words:
                cells[at] = " ".join(mixed)
                return rows.said(cells), "shuffled"
        if not any_way:
            return None
    by = int(rng.integers(1, max(2, len(cells))))
    moved = cells[by:] + cells[:by]
    strange = [cell not in known for cell, known in zip(moved, rows.known, strict=True)]
    if sum(strange) >= STRANGE * len(cells) and moved != cells:
        return rows.said(moved), "moved"
    stammered = [cell if cell is None else 3 * cell for cell in cells]
    return (rows.said(stammered), "stammered") if stammered != cells else None
