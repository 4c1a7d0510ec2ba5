"""Rows as points: what distances, neighbours, densities and kernels are measured on.

Every column spans about one unit: a number or date is its place among the real values (0 the smallest, 1
the largest; robust to outliers, unlike a scaled value), a category one corner of a simplex with edges of
length 1, a text a unit vector (TF-IDF reduced by SVD) times sqrt(1/2). A missing number lies in the middle,
one unit off. The squared distance of two rows is then about the number of columns in which they differ (Gower
1971, squared). Unique ids are left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.embed import fit_tfidf
from lookalike.evaluate.columns import ComparedColumn
from lookalike.evaluate.section import Projection

Array = npt.NDArray[Any]

COMMON = 100  # categories of a column that have a corner of their own
TEXT_DIMS = 32
CHUNK = 1024  # rows whose distances are worked out at once
HALF = float(np.sqrt(0.5))


def points(columns: list[ComparedColumn], seed: int = 0) -> tuple[dict[str, Array], Array]:
    """(table -> (rows, dims) float32, (dims,) the number of the column that a dimension belongs to)."""
    parts: dict[str, list[Array]] = {table: [] for table in columns[0].identity}
    owner: list[int] = []
    for number, column in enumerate(columns):
        if column.kind == "id":
            continue
        made = _text(column, seed) if column.texts is not None else _plain(column)
        for table, block in made.items():
            parts[table].append(block)
        owner += [number] * made["real"].shape[1]
    return {table: np.concatenate(blocks, axis=1) for table, blocks in parts.items()}, np.array(owner)


def _plain(column: ComparedColumn) -> dict[str, Array]:
    part = column.parts[0]
    if part.values is None:
        width = min(part.support, COMMON) + 1
        place = np.minimum(part.by_frequency(), width - 1)
        place[-1] = width
        corners = np.eye(width + 1, dtype=np.float32) * HALF
        return {table: corners[place[codes]] for table, codes in part.codes.items()}
    sorted_real = np.sort(part.values["real"][~np.isnan(part.values["real"])])
    out = {}
    for table, values in part.values.items():
        gone = np.isnan(values)
        low, high = (np.searchsorted(sorted_real, values, side=side) for side in ("left", "right"))
        rank = (low + high) / 2 / max(len(sorted_real), 1)
        out[table] = np.stack([np.where(gone, 0.5, rank), gone], axis=1).astype(np.float32)
    return out


def embedded(column: ComparedColumn, dims: int, seed: int) -> dict[str, Array]:
    """table -> (rows, at most dims) float32 unit vectors of a text column, zero where missing.

    TF-IDF reduced by SVD, fitted on as many texts of each table: texts that it was fitted on lie elsewhere
    than fresh ones, which would tell two real samples apart.
    """
    assert column.texts is not None
    labels = np.append(column.texts, "")
    words = {table: [str(text) for text in labels[codes]] for table, codes in column.identity.items()}
    least = min(map(len, words.values()))
    rng = np.random.default_rng(seed)
    fitted = [some[i] for some in words.values() for i in rng.permutation(len(some))[:least]]
    embed = fit_tfidf(fitted, dims, seed)
    return {table: embed(texts) for table, texts in words.items()}


def _text(column: ComparedColumn, seed: int) -> dict[str, Array]:
    return {
        table: np.concatenate([vectors * HALF, (column.identity[table] < 0)[:, None]], axis=1).astype(
            np.float32
        )
        for table, vectors in embedded(column, TEXT_DIMS, seed).items()
    }


def nearest(query: Array, reference: Array, k: int = 1, itself: bool = False) -> tuple[Array, Array]:
    """(distances, row numbers), each (rows of query, k), of the k nearest rows of the reference.

    itself: query and reference are the same rows, and a row is no neighbour of its own.
    """
    k = min(k, len(reference) - itself)
    distances, found = np.empty((len(query), k)), np.empty((len(query), k), dtype=np.int64)
    size = (reference**2).sum(1)
    for start in range(0, len(query), CHUNK):
        part = query[start : start + CHUNK]
        squared = size - 2 * part @ reference.T  # but for the constant of a row
        if itself:
            squared[np.arange(len(part)), np.arange(start, start + len(part))] = np.inf
        near = np.argpartition(squared, k - 1, axis=1)[:, :k]
        exact = np.sqrt(((part[:, None].astype(np.float64) - reference[near]) ** 2).sum(-1))
        order = np.argsort(exact, axis=1, kind="stable")
        distances[start : start + CHUNK] = np.take_along_axis(exact, order, 1)
        found[start : start + CHUNK] = np.take_along_axis(near, order, 1)
    return distances, found


def projection(points: dict[str, Array], rows: int) -> Projection:
    """The first rows of each table on the two directions in which the real rows vary most (PCA).

    points: table -> (rows, dims). Scaled to about -1..1.
    """
    centre = points["real"].mean(0)
    _, strength, directions = np.linalg.svd(points["real"][:2000] - centre, full_matrices=False)
    plane = directions[:2]
    flat = {t: (points[t][:rows] - centre) @ plane.T for t in ("real", "synthetic")}
    size = max(float(np.abs(flat["real"]).max()), 1e-9)
    total = float((strength**2).sum())
    shown = {t: np.clip(p / size, -1.2, 1.2).round(3).tolist() for t, p in flat.items()}
    share = float((strength[:2] ** 2).sum()) / total if total else 1.0
    return Projection(shown["real"], shown["synthetic"], share)
