"""What rows near a time hold, as means of stretches of rows: more of the input that a time is (`axis.py`).

What wanders by the hour, as the weather does, is told by the rows around it, and knots learn it only
coarsely. The times are dealt into two *halves* in turn, and those of each into *stretches* of `ROWS` rows or
more, of which the mean is kept, of numbers as normal scores and of choices as shares. A row is told the means
of the half that its time is not in: what lies between those of the two stretches around it. So no row is kept
by itself, none is part of two stretches, and a row that is learned is told as little of what it holds as one
that is drawn.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import ndtri
from torch import Tensor, nn

from lookalike.codec import Slot
from lookalike.sampling import in_groups

ROWS = 3  # of a stretch, at least
MANY = 20  # rows of one time, from which on they are in both halves in turn: few of them tell little of each
MOST = 32_768  # stretches of a half
LARGER = 0.6  # of the rows: of a half of more the stretches are longer
CHOICES = 12  # tokens of what is no number, at most
TOLD = 64  # values of a stretch, at most
STEPS = 32  # of a normal score or a share: means are kept so coarse that rows do not follow from them
FARTHEST = 3.0  # normal score


class Near(nn.Module):
    """(2, stretches, size) means of two halves, with one stretch of nothing before and one after.

    slots: of a record; axis: those of the time; count: stretches of a half, at most.
    """

    def __init__(self, slots: list[Slot], axis: tuple[int, ...], count: int):
        super().__init__()
        self.slots: list[int] = []
        self.values: list[Tensor] = []  # of each, (tokens x cells + 1, values), the last where it is empty
        self.size = 0
        for index, slot in enumerate(slots):
            if slot.rank is not None:
                score = ndtri(np.nan_to_num(slot.rank, nan=0.5)).clip(-FARTHEST, FARTHEST)
                own = torch.from_numpy(score).float().reshape(-1, 1)
            else:
                own = torch.eye(slot.tokens)
            most = min(TOLD - self.size, 1 if slot.rank is not None else CHOICES)
            if index not in axis and not slot.span and own.shape[1] <= most:
                self.slots.append(index)
                self.values.append(F.pad(own, (0, 0, 0, 1)))
                self.size += own.shape[1]
        self.cells = [slots[index].cells for index in self.slots]
        self.gap: Tensor  # between two times, mostly
        self.ends: Tensor  # (2, stretches) the time at which each ends, ascending
        self.middle: Tensor  # (2, stretches) the mean time of its rows
        self.means: Tensor
        ends = torch.full((2, count + 2), torch.inf, dtype=torch.float64)
        ends[:, 0] = -torch.inf
        self.register_buffer("gap", torch.ones((), dtype=torch.float64))
        self.register_buffer("ends", ends)
        self.register_buffer("middle", ends.clone())
        self.register_buffer("means", torch.zeros(2, count + 2, self.size))

    def held(self, tokens: Tensor, cells: Tensor) -> Tensor:
        """(rows, slots) -> (rows, size) what rows hold."""
        parts = []
        for slot, values, width in zip(self.slots, self.values, self.cells, strict=True):
            at = torch.where(tokens[:, slot] < 0, len(values) - 1, tokens[:, slot] * width + cells[:, slot])
            parts.append(F.embedding(at, values.to(at.device)))
        return torch.cat(parts, 1)

    def half(self, place: Tensor) -> Tensor:
        """(rows,) times -> (rows,) 0 or 1, the half that they are in: of times that are as far apart as most
        are, each other one."""
        return (place / self.gap).floor().long() % 2

    def lay(self, place: Tensor, tokens: Tensor, cells: Tensor) -> None:
        """Learn the means. place: (rows,) times, of which those that are equal are of one half."""
        times, which, counts = np.unique(place.cpu().numpy(), return_inverse=True, return_counts=True)
        if len(times) > 1:
            self.gap.fill_(np.quantile(np.diff(times), 0.5, method="lower"))
        turn = np.empty_like(which)
        turn[which.argsort(kind="stable")] = np.arange(len(which))
        turn *= counts[which] >= MANY
        half = (self.half(place) + torch.from_numpy(turn).to(place.device)) % 2
        held = self.held(tokens, cells)
        for own in range(2):
            self._lay(own, place[half == own], held[half == own])

    def _lay(self, half: int, place: Tensor, held: Tensor) -> None:
        """Learn the means of a half. place: (rows,) of which those that are equal are of one stretch."""
        times, which, counts = np.unique(place.cpu().numpy(), return_inverse=True, return_counts=True)
        most = max(ROWS, -(-len(place) // (self.ends.shape[1] - 2)))
        first = in_groups(counts, most)  # of each stretch the first time
        own = torch.from_numpy(np.searchsorted(first, which, side="right")).to(place.device)
        rows = own.bincount(minlength=self.ends.shape[1]).clamp(min=1)
        sums = torch.zeros_like(self.means[half]).index_add_(0, own, held)
        self.means[half] = (sums / rows.unsqueeze(1) * STEPS).round() / STEPS
        middle = torch.zeros_like(self.middle[half]).index_add_(0, own, place) / rows
        stop = max(1, len(first)) + 1
        self.middle[half, 1:stop] = middle[1:stop]
        later = np.array(first[1:], dtype=np.int64)
        self.ends[half, 1 : stop - 1] = torch.from_numpy((times[later] + times[later - 1]) / 2)

    def forward(self, place: Tensor) -> Tensor:
        """(rows,) times -> (rows, size) what the half tells that they are not in."""
        half = 1 - self.half(place)
        at = torch.searchsorted(self.ends, place.expand(2, -1).contiguous(), right=True)
        at = at.gather(0, half.unsqueeze(0))[0] + half * self.ends.shape[1]
        middle, means = self.middle.flatten(), self.means.flatten(0, 1)
        from_middle = place - middle[at]
        beside = at + torch.where(from_middle < 0, -1, 1)
        share = (from_middle / (middle[beside] - middle[at])).clamp(0, 1).float()
        return torch.lerp(means[at], means[beside], share.unsqueeze(1))


def stretches(rows: int) -> int:
    """How many stretches a half of so many rows of a table has, at most."""
    return min(MOST, int(LARGER * rows) // ROWS)
