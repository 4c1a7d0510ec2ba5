"""Rows as points: what distances, neighbours, densities and kernels are measured on.

Every column spans about one unit: a number or date is its place among the real values (0 the smallest, 1
the largest; robust to outliers, unlike a scaled value), a category one corner of a simplex with edges of
length 1, a text a unit vector (TF-IDF reduced by SVD) times sqrt(1/2). A missing number lies in the middle,
one unit off. The squared distance of two rows is then about the number of columns in which they differ (Gower
1971, squared). Unique ids are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.embed import Embed, fit_tfidf
from lookalike.evaluate.columns import ComparedColumn
from lookalike.evaluate.section import Projection

Array = npt.NDArray[Any]

COMMON = 100  # categories of a column that have a corner of their own
TEXT_DIMS = 32
CHUNK = 1024  # rows whose distances are worked out at once
HALF = float(np.sqrt(0.5))


@dataclass(frozen=True)
class Axis:
    """How the values of a column become points; `of` takes it from the columns of all tables.

    numbers: the real ones, sorted; corners: category -> its corner, of `width` and two for others and for
    missing ones; embed: texts -> vectors. One of the three.
    """

    scale: float = 1.0
    numbers: Array | None = None
    corners: dict[Any, int] = field(default_factory=dict)
    width: int = 0
    embed: Embed | None = None

    @classmethod
    def of(cls, column: ComparedColumn, seed: int) -> Axis:
        if column.texts is not None:
            return cls(embed=_embed(column, TEXT_DIMS, seed))
        part = column.parts[0]
        if part.values is not None:
            real = part.values["real"]
            return cls(part.scale, np.sort(real[~np.isnan(real)]))
        assert part.labels is not None
        width = min(part.support, COMMON)
        place = np.minimum(part.by_frequency()[:-1], width)
        return cls(corners=dict(zip(part.labels.tolist(), place.tolist(), strict=True)), width=width)

    def __call__(self, column: ComparedColumn, table: str) -> Array:
        """(rows, dims) float32 of a table; the column may be read with other tables than those of `of`."""
        if self.embed is not None:
            gone = column.identity[table] < 0
            vectors = self.embed(_words(column, table))
            return np.concatenate([vectors * HALF, gone[:, None]], axis=1).astype(np.float32)
        part = column.parts[0]
        if self.numbers is None:
            assert part.labels is not None
            place = [self.corners.get(label, self.width) for label in part.labels.tolist()]
            corners = np.eye(self.width + 2, dtype=np.float32) * HALF
            return corners[np.array([*place, self.width + 1])[part.codes[table]]]
        assert part.values is not None
        values = part.values[table] * (part.scale / self.scale)
        gone = np.isnan(values)
        low, high = (np.searchsorted(self.numbers, values, side=side) for side in ("left", "right"))
        rank = (low + high) / 2 / max(len(self.numbers), 1)
        return np.stack([np.where(gone, 0.5, rank), gone], axis=1).astype(np.float32)


def points(columns: list[ComparedColumn], seed: int = 0) -> tuple[dict[str, Array], Array]:
    """(table -> (rows, dims) float32, (dims,) the number of the column that a dimension belongs to)."""
    parts: dict[str, list[Array]] = {table: [] for table in columns[0].identity}
    owner: list[int] = []
    for number, column in enumerate(columns):
        if column.is_made:
            continue
        axis = Axis.of(column, seed)
        for table, blocks in parts.items():
            blocks.append(axis(column, table))
        owner += [number] * parts["real"][-1].shape[1]
    return {table: np.concatenate(blocks, axis=1) for table, blocks in parts.items()}, np.array(owner)


def embedded(column: ComparedColumn, dims: int, seed: int) -> dict[str, Array]:
    """table -> (rows, at most dims) float32 unit vectors of a text column, zero where missing.

    TF-IDF reduced by SVD, fitted on as many texts of each table: texts that it was fitted on lie elsewhere
    than fresh ones, which would tell two real samples apart.
    """
    embed = _embed(column, dims, seed)
    return {table: embed(_words(column, table)) for table in column.identity}


def _embed(column: ComparedColumn, dims: int, seed: int) -> Embed:
    words = {table: _words(column, table) for table in column.identity}
    least = min(map(len, words.values()))
    rng = np.random.default_rng(seed)
    fitted = [some[i] for some in words.values() for i in rng.permutation(len(some))[:least]]
    return fit_tfidf(fitted, dims, seed)


def _words(column: ComparedColumn, table: str) -> list[str]:
    assert column.texts is not None
    labels = np.append(column.texts, "")
    return [str(text) for text in labels[column.identity[table]]]


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
