"""Slots that say nothing in some rows, as others tell: a gap of a row that breaks the order has none.

In training such a slot is empty there, and what comes after it is learned so. In drawing it has to be left
empty in the same rows: else what is drawn after it would go with a value that no real row of its kind has.
Which values of the slots that tell it hide it is seen in the rows that are learned.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lookalike.codec.kinds.text import MISSING
from lookalike.codec.slot import Array, Slot

MOST = 2**62  # codes of what slots hold together


@dataclass(frozen=True)
class Hidden:
    """Where a column is empty.

    slots: those that tell it, one a column; sorts: of each, (tokens + 1,) the sort of each token, that of an
    empty slot first; codes: (n,) the sorts that hide the column, of all slots as one number, ascending.
    """

    slots: list[int]
    sorts: list[Tensor]
    codes: Tensor

    def of(self, tokens: Tensor) -> Tensor:
        """(rows,) bool: where the column is empty; tokens: (rows, slots of a record)."""
        return torch.isin(_codes(self.slots, self.sorts, tokens), self.codes)

    def arrays(self) -> dict[str, Tensor]:
        """What is saved: name -> array."""
        found = {f"sorts{i}": own for i, own in enumerate(self.sorts)}
        return found | {"slots": torch.tensor(self.slots), "codes": self.codes}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Tensor], device: torch.device) -> Hidden:
        """What `arrays` gave."""
        slots = arrays["slots"].tolist()
        own = [arrays[f"sorts{i}"].to(device) for i in range(len(slots))]
        return cls(slots, own, arrays["codes"].to(device))


def hidden_in(
    tokens: Tensor,
    slots: Sequence[Slot],
    columns: Sequence[Sequence[int]],
    hiders: Mapping[int, Sequence[int]],
) -> dict[int, Hidden]:
    """column -> where it is empty, for those that other columns tell it of.

    tokens: (rows, slots) of the rows that are learned; hiders: column -> the columns that may tell it, those
    that tell most first.
    """
    found = {}
    for column, telling in hiders.items():
        first = columns[column][0]
        gone = tokens[:, first] < 0
        own = [columns[one][0] for one in telling]
        own = [slot for slot in own if slots[first].span or not slots[slot].span]
        if gone.any() and (best := _told(tokens, gone, slots, own)) is not None:
            found[column] = best
    return found


def _told(tokens: Tensor, gone: Tensor, slots: Sequence[Slot], telling: Sequence[int]) -> Hidden | None:
    """By as few slots as tell it of every row, else by all of them; numbers tell it by whether they are any,
    and where that is not enough, by their tokens.
    """
    best: Hidden | None = None
    for whole in (False, True):
        used: list[int] = []
        sorts: list[Tensor] = []
        for slot in telling:
            own = _sorts(slots[slot], whole)
            if math.prod(int(one.max()) + 1 for one in [*sorts, own]) > MOST:
                break
            used, sorts = [*used, slot], [*sorts, own]
            codes, member = _codes(used, sorts, tokens).unique(return_inverse=True)
            share = torch.zeros(len(codes)).index_add(0, member, gone.float()) / member.bincount()
            if (share == 1).any():
                best = Hidden(used, sorts, codes[share == 1])
            if bool(((share == 0) | (share == 1)).all()):
                return best
    return best


def _sorts(slot: Slot, whole: bool) -> Tensor:
    if slot.span:
        return torch.arange(slot.tokens + 1).clamp(max=MISSING + 2)
    every = np.arange(slot.tokens + 1)
    if slot.rank is not None and not whole:  # those of no rank are no numbers
        number: Array = np.asarray(~np.isnan(slot.rank).all(1))
        every[1:] = np.where(number, 1, 1 + np.cumsum(~number))
    return torch.from_numpy(every)


def _codes(slots: Sequence[int], sorts: Sequence[Tensor], tokens: Tensor) -> Tensor:
    code = torch.zeros(len(tokens), dtype=torch.long, device=tokens.device)
    for slot, own in zip(slots, sorts, strict=True):
        code = code * (int(own.max()) + 1) + own[tokens[:, slot].long() + 1]
    return code


def behind(arranged: Sequence[int], hidden: Mapping[int, Hidden], column_of: Sequence[int]) -> list[int]:
    """The columns in this order, but those that are hidden behind those that tell where.

    column_of: of each slot.
    """
    done: dict[int, None] = {}

    def visit(column: int, above: tuple[int, ...] = ()) -> None:
        if column in hidden and column not in (*done, *above):
            for slot in hidden[column].slots:
                visit(column_of[slot], (*above, column))
        done[column] = None

    for column in arranged:
        visit(column)
    return list(done)


def told_in(
    order: Sequence[int],
    hidden: Mapping[int, Hidden],
    columns: Sequence[Sequence[int]],
    but: Container[int],
) -> dict[int, Hidden]:
    """First slot of a column -> where it is empty, for those that are written after what tells it.

    order: of the slots; but: slots of columns that are to say something.
    """
    place = {slot: at for at, slot in enumerate(order)}
    found = {}
    for column, own in hidden.items():
        at = place.get(columns[column][0], 0)
        told = all(place.get(slot, len(order)) < at for slot in own.slots)
        if told and not any(slot in but for slot in columns[column]):
            found[columns[column][0]] = own
    return found
