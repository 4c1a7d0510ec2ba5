"""The slot: one position of a record, as the model sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
LOSES = 0.005  # of the training rows, whose token is never emitted: from then on a slot loses values


@dataclass
class Slot:
    """One position of a record: a token and, for numbers, the position (cell) inside the token's bin.

    counts: (tokens, cells) training rows per token and cell; 0 = does not exist, never emit it. Tokens
        without cells have everything in cell 0.
    rank: (tokens, cells) in [0, 1], mid-rank of the cell among the column's values that are not missing; nan
        where there is none. None for slots without an order.
    value: (tokens, cells) centre of the cell, standardised and clipped to [-5, 5]; nan as in `rank`.
    number: (tokens, cells) the number in the middle of the cell, nan for none; None where others are not
        counted alike.
    banned: tokens that are read but never emitted (values rarer than the privacy threshold).
    ends: tokens after which the column's remaining slots are empty (token -1).
    vocabulary: slots with the same name share one vocabulary (the slots of a text).
    span: the slot is one of a *span*, the sub-words of a text: as many of them are in use as the
        text needs, and all of them but the first share their `counts`.
    """

    column: str
    part: str
    counts: Array
    rank: Array | None = None
    value: Array | None = None
    number: Array | None = None
    banned: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    vocabulary: str = ""
    span: bool = False

    @property
    def tokens(self) -> int:
        """Size of the slot's vocabulary."""
        return int(self.counts.shape[0])

    @property
    def cells(self) -> int:
        """Most cells that a token of the slot has."""
        return int(self.counts.shape[1])

    @property
    def lost(self) -> float:
        """The share of the training rows whose token is read but never emitted, 0..1."""
        return float(self.counts[list(self.banned)].sum() / max(1.0, self.counts.sum()))


def plain_slot(column: str, part: str, counts: Array, **more: Any) -> Slot:
    """A slot of tokens without cells or order; `counts` has one entry per token."""
    name = f"{column}/{part}" if part else column
    return Slot(column, part, np.asarray(counts, dtype=np.float64)[:, None], vocabulary=name, **more)
