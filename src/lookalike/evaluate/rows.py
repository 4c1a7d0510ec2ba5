"""Which rows of each table a metric sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.columns import Column

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


def split(rows: dict[str, int], rng: np.random.Generator) -> dict[str, Array] | None:
    """Table -> row numbers, half of the real rows as a holdout; None with a holdout or with few rows.

    Honest for what compares distributions: two halves of the real table are two real samples. Not for what
    asks whether the synthesizer saw a row.
    """
    if "holdout" in rows or rows["real"] < 2 * SMALL:
        return None
    real = rng.permutation(rows["real"])
    half = len(real) // 2
    return {"real": real[half:], "synthetic": np.arange(rows["synthetic"]), "holdout": real[:half]}


def match(rows: dict[str, int], limits: Limits, skipped: dict[str, str]) -> dict[str, int]:
    """How many rows of each table are compared: equal numbers but of the real one; no tiny holdout."""
    compared = {table: min(n, limits.matched) for table, n in rows.items()}
    if "holdout" not in rows:
        skipped["reference"] = (
            "no real holdout was given, so nothing shows what another real sample would score."
        )
    elif rows["holdout"] >= min(SMALL, rows["synthetic"]):
        compared["synthetic"] = compared["holdout"] = min(compared["synthetic"], compared["holdout"])
    else:
        del compared["holdout"]
        skipped["reference"] = (
            f"the holdout has {rows['holdout']:,} rows: too few for a reference, except for shares of rows."
        )
    return compared


def draw(
    rows: Mapping[str, Array | int], wanted: dict[str, int], rng: np.random.Generator
) -> dict[str, Array]:
    """Row numbers: the wanted number of each wanted table's (a number n: of 0..n-1), in a random order."""
    return {table: rng.permutation(rows[table])[:n] for table, n in wanted.items()}


def sample(columns: list[Column], wanted: dict[str, int], rng: np.random.Generator) -> list[Column]:
    """The wanted number of rows of each wanted table, in a random order."""
    drawn = draw({t: len(codes) for t, codes in columns[0].identity.items()}, wanted, rng)
    return [column.take(drawn) for column in columns]


def at_most(columns: list[Column], most: dict[str, int], rng: np.random.Generator) -> list[Column]:
    """The columns with at most so many rows of each table, drawn where there are more."""
    if all(len(codes) <= most[table] for table, codes in columns[0].identity.items()):
        return columns
    return sample(columns, {table: most[table] for table in columns[0].identity}, rng)


def whole_rows(
    columns: list[Column], apart: dict[str, Array] | None, held: bool, rng: np.random.Generator
) -> tuple[list[Column], list[Column] | None]:
    """(all rows of the real and the synthetic table with those of the holdout, the columns whose real and
    holdout rows give the reference if these are others).

    held: whether there is a holdout that can be a reference. It has no more rows than the synthetic table:
    more rows differ less by chance, and cover more. apart: the real rows as two halves, where none was given.
    """
    rows = {table: np.arange(len(codes)) for table, codes in columns[0].identity.items()}
    if not held:
        return [column.take({t: rows[t] for t in ("real", "synthetic")}) for column in columns], None
    holdout = rng.permutation(rows["holdout"]) if apart is None else apart["holdout"]
    rows["holdout"] = holdout[: len(rows["synthetic"])]
    whole = [column.take(rows) for column in columns]
    if apart is None:
        return whole, None
    halves = {"real": apart["real"], "holdout": rows["holdout"]}
    return whole, [column.take(halves) for column in columns]
