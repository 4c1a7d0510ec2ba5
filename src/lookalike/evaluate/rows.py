"""Which rows of each table a metric sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.columns import ComparedColumn

Array = npt.NDArray[Any]

SMALL = 200  # rows below which chance rules every figure


@dataclass(frozen=True)
class Limits:
    """Rows of each table that the metrics see, at most; pair_cells: rows x pairs; folds: of the C2ST.

    matched: of each table, for what needs equally many rows.
    """

    matched: int = 100_000
    pair_cells: int = 200_000_000
    detection: int = 20_000
    points: int = 10_000
    models: int = 20_000
    texts: int = 10_000
    folds: int = 5


FULL = Limits()
QUICK = Limits(10_000, 20_000_000, 4_000, 2_000, 2_000, 2_000, folds=3)


def split(rows: Mapping[str, int], rng: np.random.Generator) -> dict[str, Array] | None:
    """Table -> row numbers, half of the real rows as a holdout; None with a holdout or with few rows.

    Honest for what compares distributions: two halves of the real table are two real samples. Not for what
    asks whether the synthesizer saw a row.
    """
    if "holdout" in rows or rows["real"] < 2 * SMALL:
        return None
    real = rng.permutation(rows["real"])
    half = len(real) // 2
    return {"real": real[half:], "synthetic": np.arange(rows["synthetic"]), "holdout": real[:half]}


def match(rows: Mapping[str, int], limits: Limits) -> tuple[dict[str, int], str | None]:
    """(how many rows of each table are compared, why no holdout is among them).

    Equal numbers but of the real table; a tiny holdout is left out.
    """
    compared = {table: min(n, limits.matched) for table, n in rows.items()}
    if "holdout" not in rows:
        return compared, "no real holdout was given, so nothing shows what another real sample would score."
    if rows["holdout"] < min(SMALL, rows["synthetic"]):
        del compared["holdout"]
        return compared, (
            f"the holdout has {rows['holdout']:,} rows: too few for a reference, except for shares of rows."
        )
    compared["synthetic"] = compared["holdout"] = min(compared["synthetic"], compared["holdout"])
    return compared, None


def draw(
    rows: Mapping[str, Array | int], wanted: Mapping[str, int], rng: np.random.Generator
) -> dict[str, Array]:
    """Row numbers: the wanted number of each wanted table's (a number n: of 0..n-1), in a random order."""
    return {table: rng.permutation(rows[table])[:n] for table, n in wanted.items()}


def sample(
    columns: list[ComparedColumn], wanted: Mapping[str, int], rng: np.random.Generator
) -> list[ComparedColumn]:
    """The wanted number of rows of each wanted table, in a random order."""
    drawn = draw(lengths(columns), wanted, rng)
    return [column.take(drawn) for column in columns]


def at_most(
    columns: list[ComparedColumn], most: Mapping[str, int], rng: np.random.Generator
) -> list[ComparedColumn]:
    """The columns with at most so many rows of each table, drawn where there are more."""
    rows = lengths(columns)
    if all(n <= most[table] for table, n in rows.items()):
        return columns
    return sample(columns, {table: most[table] for table in rows}, rng)


def first(columns: list[ComparedColumn], most: int) -> list[ComparedColumn]:
    """The columns with the first rows of each table, at most so many."""
    rows = {table: np.arange(min(n, most)) for table, n in lengths(columns).items()}
    return [column.take(rows) for column in columns]


def lengths(columns: list[ComparedColumn]) -> dict[str, int]:
    """Table -> how many rows these columns have of it."""
    return {table: len(codes) for table, codes in columns[0].identity.items()}


def whole_rows(
    rows: Mapping[str, int], apart: Mapping[str, Array] | None, held: bool, rng: np.random.Generator
) -> tuple[dict[str, Array], dict[str, Array] | None]:
    """(row numbers: all of the real and the synthetic table with those of the holdout; the rows of the real
    table and the holdout that give the reference, if these are others).

    held: whether there is a holdout that can be a reference. It has no more rows than the synthetic table:
    more rows differ less by chance, and cover more. apart: the real rows as two halves, where none was given.
    """
    whole = {table: np.arange(rows[table]) for table in ("real", "synthetic")}
    if not held:
        return whole, None
    holdout = rng.permutation(rows["holdout"]) if apart is None else apart["holdout"]
    whole["holdout"] = holdout[: rows["synthetic"]]
    if apart is None:
        return whole, None
    return whole, {"real": apart["real"], "holdout": whole["holdout"]}
