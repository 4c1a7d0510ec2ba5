"""The records that a training around a language model learns from, as tokens; which are held out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lookalike.codec.slot import Array
from lookalike.difflm.pretrained.plan import FEWEST_HELD
from lookalike.difflm.pretrained.tokens import Tokens
from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.rows import split

HELD, MOST_HELD = 50, 300  # a row in so many is held out, and so many rows at most


@dataclass
class Texts:
    """Records as tokens: as the language model writes them, and as the encoder reads them."""

    written: list[list[int]]
    read: list[list[int]]

    def of(self, rows: Array) -> Texts:
        """Those of these rows."""
        return Texts([self.written[row] for row in rows], [self.read[row] for row in rows])

    @property
    def size(self) -> int:
        """Tokens that are written."""
        return sum(map(len, self.written))


@dataclass(frozen=True)
class Examples:
    """The records to learn from: (rows, columns) cells, which `tokens` writes as a text in any order of the
    columns. read: the same records as tokens of the encoder.
    """

    tokens: Tokens
    cells: Array
    read: list[list[int]]

    def of(self, rows: Array, first: Array | None = None) -> Texts:
        """The records of these rows; first: (rows, columns) bool, the columns that come first, None: none."""
        first = np.zeros((len(rows), self.cells.shape[1]), dtype=bool) if first is None else first
        pairs = zip(rows, first, strict=True)
        written = [self.tokens.record(self.cells[row], _order(early)) for row, early in pairs]
        return Texts(written, [self.read[row] for row in rows])


def split_few(rows: int, config: TrainConfig, seed: int) -> tuple[Array, Array]:
    """Indices of training and validation rows: every held-out row is one that is not learned."""
    few = min(config.validation_rows, MOST_HELD, max(FEWEST_HELD, rows // HELD))
    return split(rows, replace(config, validation_rows=few), seed)


def usual_and_longest(length: Array, rows: Array) -> Array:
    """Some rows of a usual length, and the longest one at the end."""
    by_length = rows[np.argsort(length[rows], kind="stable")]
    return np.append(by_length[len(by_length) // 2 :][:4], by_length[-1])


def _order(first: Array) -> list[int]:
    """The columns `first`, then the others, both in the order of the table."""
    return [*np.flatnonzero(first).tolist(), *np.flatnonzero(~first).tolist()]
