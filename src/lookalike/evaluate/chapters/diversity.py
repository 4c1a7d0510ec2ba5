"""Does the synthetic table say as many different things as a real one?"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.chapters.fidelity import bootstrap, entry, row_keys, share
from lookalike.evaluate.columns import Column
from lookalike.evaluate.space import nearest

Array = npt.NDArray[Any]

SEEN = 5  # rows from which a joint cell belongs to the real table: rarer ones are chance
CELL_PAIRS = 100  # pairs of columns whose joint cells are counted
CLOSE = 0.01  # share of the real rows that have a neighbour as close as what counts as a near-duplicate
BOOTSTRAPS = 20


def unique_rows(columns: list[Column]) -> dict[str, Any]:
    """Share of the rows that are the first of their kind, all columns but unique ids taken together."""
    kept = [column for column in columns if column.kind != "id"]
    if not kept:
        return entry(float("nan"))

    def firsts(table: str) -> Array:
        keys = row_keys([c.identity[table] for c in kept])
        flags = np.zeros(len(keys), dtype=bool)
        flags[np.unique(keys, return_index=True)[1]] = True
        return flags

    return share(firsts("synthetic"), firsts("holdout") if "holdout" in columns[0].identity else None)


def near_duplicates(points: dict[str, Array], rng: np.random.Generator) -> dict[str, Any]:
    """Share of the rows with another row of their own table closer than 1% of the real rows have one.

    Equal numbers of rows of each table, since more rows lie closer together; 1% is therefore what real rows
    score.
    """
    rows = min(len(p) for p in points.values())
    gap = {
        table: nearest(some, some, itself=True)[0][:, 0]
        for table, some in ((t, p[rng.permutation(len(p))[:rows]]) for t, p in points.items())
    }
    limit = np.quantile(gap["real"], CLOSE)
    close = {table: distances <= limit for table, distances in gap.items()}
    return share(close["synthetic"], close.get("holdout"), float(close["real"].mean()))


def coverage(columns: list[Column], rng: np.random.Generator) -> dict[str, dict[str, Any]]:
    """`category_coverage` and `cell_coverage`: the share that occurs, over all columns (pairs) together.

    Of the categories, those of all real rows count: what is withheld for being rare is missing, too. Of the
    joint cells of two categorical columns those count that at least five real rows have.
    """
    kept = [c for c in columns if c.kind == "category"]
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
        out[name] = _covered(codes, seen, rng) if codes["real"] else entry(float("nan"))
    return out


def _covered(codes: dict[str, list[Array]], seen: int, rng: np.random.Generator) -> dict[str, Any]:
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
