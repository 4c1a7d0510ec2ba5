"""Does the synthetic table say as many different things as a real one?"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.chapters.fidelity import bootstrap
from lookalike.evaluate.columns import ComparedColumn
from lookalike.evaluate.rows import draw, lengths
from lookalike.evaluate.section import Entry, Section, entry, share
from lookalike.evaluate.view import View

Array = npt.NDArray[Any]

SEEN = 5  # rows from which a joint cell belongs to the real table: rarer ones are chance
CELL_PAIRS = 100  # pairs of columns whose joint cells are counted
BOOTSTRAPS = 20


def measure(view: View) -> Section:
    """The entries `unique_rows`, `category_coverage` and `cell_coverage`."""
    rows = view.matched
    if view.apart is not None:  # how often rows repeat needs no other rows than the real ones
        all_rows = lengths(view.columns)
        least = min(*all_rows.values(), view.limits.matched)
        drawn = draw(all_rows, {"real": least, "synthetic": least}, view.rng)
        rows = [column.take(drawn | {"holdout": drawn["real"]}) for column in view.columns]
    found = {"unique_rows": unique_rows(rows), **coverage(view.whole, view.rng)}
    return Section({"diversity": found}, sizes={"repeats": lengths(rows)["synthetic"]})


def unique_rows(columns: list[ComparedColumn]) -> Entry:
    """Share of the rows that are the first of their kind, all columns but unique ids taken together."""
    kept = [column for column in columns if not column.is_made]
    if not kept:
        return Entry()

    def firsts(table: str) -> Array:
        keys = _row_keys([c.identity[table] for c in kept])
        flags = np.zeros(len(keys), dtype=bool)
        flags[np.unique(keys, return_index=True)[1]] = True
        return flags

    return share(firsts("synthetic"), firsts("holdout") if "holdout" in columns[0].identity else None)


def coverage(columns: list[ComparedColumn], rng: np.random.Generator) -> dict[str, Entry]:
    """`category_coverage` and `cell_coverage`: the share that occurs, over all columns (pairs) together.

    Of the categories, those of all real rows count: what is withheld for being rare is missing, too. Of the
    joint cells of two categorical columns those count that at least five real rows have.
    """
    kept = [c for c in columns if c.is_categorical]
    pairs = list(combinations(range(len(kept)), 2))
    pairs = [pairs[i] for i in rng.permutation(len(pairs))[:CELL_PAIRS]]
    cells = {table: [c.parts[0].codes[table] for c in kept] for table in columns[0].identity}

    def crossed(table: str) -> list[Array]:
        codes = cells[table]
        return [
            np.where((codes[i] < 0) | (codes[j] < 0), -1, codes[i] * kept[j].parts[0].support + codes[j])
            for i, j in pairs
        ]

    out = {}
    for name, of, seen in (
        ("category_coverage", cells.__getitem__, 1),
        ("cell_coverage", crossed, SEEN),
    ):
        codes = {table: of(table) for table in cells}
        out[name] = _covered(codes, seen, rng) if codes["real"] else Entry()
    return out


def _covered(codes: dict[str, list[Array]], seen: int, rng: np.random.Generator) -> Entry:
    """The share of the codes of at least `seen` real rows that occurs, over all columns together: a mean over
    the columns would hide that one of many lost its rare values.
    """
    wanted = []
    for real in codes["real"]:
        values, number = np.unique(real[real >= 0], return_counts=True)
        wanted.append(values[number >= seen])
    total = sum(map(len, wanted))

    def found(table: str, rows: Array | None = None) -> float:
        hits = sum(
            int(np.isin(want, own if rows is None else own[rows]).sum())
            for want, own in zip(wanted, codes[table], strict=True)
        )
        return hits / total if total else float("nan")

    rows = len(codes["synthetic"][0])
    draws = [found("synthetic", np.flatnonzero(bootstrap(rows, rng))) for _ in range(BOOTSTRAPS)]
    held = found("holdout") if "holdout" in codes else None
    return entry(found("synthetic"), held, float(np.std(draws, ddof=1)))


def _row_keys(codes: list[Array]) -> Array:
    """A 64-bit fingerprint of each row (two different rows share one with a chance of 5e-20)."""
    key = np.full(len(codes[0]), 0x9E3779B97F4A7C15, dtype=np.uint64)
    for column in codes:  # splitmix64 over the columns
        key = (key ^ column.astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        key ^= key >> np.uint64(31)
    return key
