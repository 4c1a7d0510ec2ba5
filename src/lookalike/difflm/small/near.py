"""What rows near a time hold, as means of stretches of rows: more of the input that a time is (`axis.py`).

What wanders by the hour, as the weather does, is told by the rows around it, and knots learn it only
coarsely. The times are dealt into *stretches* of `ROWS` rows or more, and of each the mean is kept, of
numbers as normal scores and of choices as shares; at a time lies what lies between the means of the two
stretches around it. No row is kept by itself, no row is part of two stretches, and a row that is learned is
taken out of the mean of its own, so that it is not told what it holds.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lookalike.codec import Slot
from lookalike.difflm.small.numbers import scores
from lookalike.sampling import in_groups

ROWS = 10  # of a stretch, at least; of 5 the drawn rows of Beijing come too near to the learned ones
MOST = 65_536  # stretches
CHOICES = 12  # tokens of what is no number, at most
TOLD = 64  # values of a stretch, at most
STEPS = 32  # of a normal score or a share: means are kept so coarse that rows do not follow from them
FARTHEST = 3.0  # normal score


class Near(nn.Module):
    """(stretches, size) means, with one stretch of nothing before and one after.

    slots: of a record; axis: those of the time; count: stretches, at most.
    """

    def __init__(self, slots: list[Slot], axis: tuple[int, ...], count: int):
        super().__init__()
        self.slots: list[int] = []
        self.values: list[Tensor] = []  # of each, (tokens x cells + 1, values), the last where it is empty
        self.size = 0
        for index, slot in enumerate(slots):
            if slot.rank is not None:
                score = scores(np.nan_to_num(slot.rank, nan=0.5)).clip(-FARTHEST, FARTHEST)
                own = torch.from_numpy(score).float().reshape(-1, 1)
            else:
                own = torch.eye(slot.tokens)
            most = min(TOLD - self.size, 1 if slot.rank is not None else CHOICES)
            if index not in axis and not slot.span and own.shape[1] <= most:
                self.slots.append(index)
                self.values.append(F.pad(own, (0, 0, 0, 1)))
                self.size += own.shape[1]
        self.cells = [slots[index].cells for index in self.slots]
        self.ends: Tensor  # (stretches,) the time at which each ends, ascending
        self.middle: Tensor  # (stretches,) the mean time of its rows
        self.rows: Tensor  # (stretches, 1)
        self.means: Tensor
        ends = torch.full((count + 2,), torch.inf, dtype=torch.float64)
        ends[0] = -torch.inf
        self.register_buffer("ends", ends)
        self.register_buffer("middle", ends.clone())
        self.register_buffer("rows", torch.zeros(count + 2, 1))
        self.register_buffer("means", torch.zeros(count + 2, self.size))

    def held(self, tokens: Tensor, cells: Tensor) -> Tensor:
        """(rows, slots) -> (rows, size) what rows hold."""
        parts = []
        for slot, values, width in zip(self.slots, self.values, self.cells, strict=True):
            at = torch.where(tokens[:, slot] < 0, len(values) - 1, tokens[:, slot] * width + cells[:, slot])
            parts.append(F.embedding(at, values.to(at.device)))
        return torch.cat(parts, 1)

    def lay(self, place: Tensor, tokens: Tensor, cells: Tensor) -> None:
        """Learn the means. place: (rows,) times, of which those that are equal are of one stretch."""
        times, which, counts = np.unique(place.cpu().numpy(), return_inverse=True, return_counts=True)
        most = max(ROWS, -(-len(place) // (len(self.ends) - 2)))
        first = in_groups(counts, most)  # of each stretch the first time
        own = torch.from_numpy(np.searchsorted(first, which, side="right")).to(place.device)
        count = len(first)
        self.rows.zero_().index_add_(0, own, torch.ones_like(place, dtype=torch.float32)[:, None])
        sums = torch.zeros_like(self.means).index_add_(0, own, self.held(tokens, cells))
        self.means.copy_((sums / self.rows.clamp(min=1) * STEPS).round() / STEPS)
        middle = torch.zeros_like(self.middle).index_add_(0, own, place)[1 : count + 1]
        self.middle[1 : count + 1] = middle / self.rows[1 : count + 1, 0]
        later = np.array(first[1:], dtype=np.int64)
        self.ends[1:count] = torch.from_numpy((times[later] + times[later - 1]) / 2)

    def forward(self, place: Tensor, own: Tensor | None) -> Tensor:
        """(rows,) times -> (rows, size). own: as `held`, of rows that were learned from; None for others."""
        at = torch.searchsorted(self.ends, place, right=True)
        mean, rows = self.means[at], self.rows[at]
        if own is not None:
            mean = (mean * rows - own) / (rows - 1).clamp(min=1)
        from_middle = place - self.middle[at]
        beside = at + torch.where(from_middle < 0, -1, 1)
        share = (from_middle / (self.middle[beside] - self.middle[at])).clamp(0, 1).float()
        return torch.lerp(mean, self.means[beside], share.unsqueeze(1))
