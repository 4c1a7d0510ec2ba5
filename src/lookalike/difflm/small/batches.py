"""Encoded records, in batches and parts of rows that have about the same length."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lookalike.difflm.small.base import Placed
from lookalike.difflm.training.config import TrainConfig

WINDOW = 20  # batches whose rows are sorted by length, so that rows of one batch are alike in it


@dataclass
class Encoded:
    """Records as the codec encodes them.

    tokens, cells: (rows, slots); lengths: (rows,) how many slots of each row are read and written; placed:
    where they fall in the trees of a base, None where there is none.
    """

    tokens: Tensor
    cells: Tensor
    lengths: Tensor
    placed: Placed | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    def of(self, rows: Tensor | slice) -> Encoded:
        """Those of these rows."""
        placed = None if self.placed is None else self.placed.of(rows)
        return Encoded(self.tokens[rows], self.cells[rows], self.lengths[rows], placed)

    def on(self, device: torch.device) -> tuple[Tensor, Tensor, Placed | None]:
        """Tokens, cells and where they fall, as the networks take them."""
        placed = None if self.placed is None else self.placed.on(device)
        return self.tokens.to(device).long(), self.cells.to(device).long(), placed

    def parts(self, most: int) -> list[Tensor]:
        """All rows in parts that fit the memory, as `length_parts`."""
        return length_parts(self.lengths, most)


def batch_size(rows: int, average_length: int, config: TrainConfig) -> int:
    """Rows of a batch: fewer where records are long, and where a table has few rows."""
    size = min(config.batch, max(32, config.slots_most // average_length), max(32, rows // 20))
    return min(size, rows)


def shuffled(rows: Tensor, lengths: Tensor, batch: int, generator: torch.Generator) -> Tensor:
    """Rows in random order, but those of a batch have about the same length.

    rows: (n,) indices into lengths, (rows,). Returns (n,), to be cut into batches.
    """
    rows = rows[torch.randperm(len(rows), generator=generator)]
    if lengths.min() == lengths.max():
        return rows
    windows = [window[lengths[window].argsort(stable=True)] for window in rows.split(WINDOW * batch)]
    batches = torch.cat(windows).split(batch)
    order = torch.randperm(len(batches), generator=generator).tolist()
    short = len(batches) - 1  # the only one that may be smaller stays last
    return torch.cat([batches[i] for i in order if i != short] + [batches[short]])


def length_parts(lengths: Tensor, most: int) -> list[Tensor]:
    """All rows in parts of about the same length, the longest first, of `most` slots (or one row) at most."""
    rows = torch.arange(len(lengths))[lengths.argsort(descending=True, stable=True)]
    parts = []
    while len(rows):
        n = max(1, most // int(lengths[rows[0]]))
        parts.append(rows[:n])
        rows = rows[n:]
    return parts
