"""The classes that the head of a slot tells apart: its tokens, but for the bins of a number that is spread
out, which are one class, "anywhere else".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lookalike.codec.slot import Array, Slot
from lookalike.difflm.categorical import IMPOSSIBLE

SMOOTHING = 0.1  # rows that every class is given before the real ones are counted
ALIKE, SMALL = 1.6, 8  # a group's largest head has so many times the classes of its smallest, or so many


@dataclass(frozen=True)
class Classes:
    """The classes of one slot.

    of: (tokens,) the class of a token. token: (classes,) the token of a class, 0 for "anywhere else". other:
    the class "anywhere else", -1 where there is none. mass: (classes,) real rows that hold each.
    """

    of: Tensor
    token: Tensor
    other: int
    mass: Array

    @classmethod
    def among(cls, slot: Slot, plain: Array) -> Classes:
        """plain: (tokens,) bool, those that are a class of their own."""
        count = int(plain.sum())
        other = -1 if plain.all() else count
        of = np.where(plain, np.cumsum(plain) - 1, other)
        tokens = np.flatnonzero(plain)
        token = torch.from_numpy(np.append(tokens, 0) if other >= 0 else tokens)
        mass = np.bincount(of, weights=slot.counts.sum(1), minlength=count + (other >= 0))
        return cls(torch.from_numpy(of), token, other, mass)

    def __len__(self) -> int:
        return len(self.mass)


def grouped(sizes: Sequence[int]) -> list[list[int]]:
    """The slots in groups with about as many classes, so that the heads of a group are computed at once."""
    groups: list[list[int]] = []
    for slot in sorted(range(len(sizes)), key=lambda i: sizes[i]):
        if not groups or sizes[slot] > max(SMALL, ALIKE * sizes[groups[-1][0]]):
            groups.append([])
        groups[-1].append(slot)
    return groups


def start(group: Sequence[Classes], slots: Sequence[Slot]) -> tuple[Tensor, Tensor]:
    """(slots, 1, classes) twice: the logits of the real shares, which the heads start from, and what is added
    so that no class is drawn that no real row holds or that the slot bans.
    """
    bias = torch.full((len(group), 1, max(map(len, group))), IMPOSSIBLE)
    emit = bias.clone()
    for place, (own, slot) in enumerate(zip(group, slots, strict=True)):
        mass = torch.from_numpy(own.mass)
        share = (mass + SMOOTHING) / (mass.sum() + SMOOTHING * len(mass))
        bias[place, 0, : len(own)] = share.log().float()
        gone = mass == 0
        gone[[int(own.of[token]) for token in slot.banned]] = True
        if gone.all():  # nothing could be emitted: better a banned value than none
            gone[:] = False
        emit[place, 0, : len(own)] = torch.where(gone, IMPOSSIBLE, 0.0)
    return bias, emit
