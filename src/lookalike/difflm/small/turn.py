"""A stretch of slots that a draft writes, and where its rows are in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lookalike.difflm.small.hiding import Hidden
from lookalike.difflm.small.transformer import Cache
from lookalike.difflm.small.vae import VAE


@dataclass(frozen=True)
class Turn:
    """A stretch of slots that is written: order[start:stop]. rescored: whether `Draft.log_prob` is kept;
    cache: of the language model; added: the latent, where it is added to all inputs; known, timed: the fixed
    slots that the base, and the axis, say all of; hidden: first slot of a column -> where it says nothing.
    """

    order: list[int]
    start: int
    stop: int
    rescored: bool
    cache: Cache
    added: Tensor | float
    known: set[int]
    timed: set[int]
    hidden: dict[int, Hidden]

    def empty(self, vae: VAE, slot: int, tokens: Tensor) -> Tensor | None:
        """(rows,) True where a fixed slot is left empty; None for nowhere. tokens: (rows, slots)."""
        return self.hidden[slot].of(tokens) if slot in self.hidden else _ended(vae, slot, tokens)

    def past_hidden(self, vae: VAE, at: Tensor, tokens: Tensor, here: Tensor) -> Tensor:
        """(rows,) the place of each in the order, of `at` or behind texts that say nothing.

        tokens: (rows of the draft, slots); here: (rows,) those of the draft.
        """
        if not self.hidden or not vae.span_slots:
            return at
        for place in range(self.start, self.stop):
            slot = self.order[place]
            if slot in self.hidden and int(vae.in_span[slot]) == 0 and bool((there := at == place).any()):
                behind = min(place + len(vae.columns[int(vae.column_of[slot])]), self.stop)
                at = torch.where(there & self.hidden[slot].of(tokens[here]), behind, at)
        return at


def groups(vae: VAE, slots: Tensor, done: Tensor) -> list[tuple[int, Any]]:
    """The rows that are at the same fixed slot or in the same span, as (field, index of rows)."""
    if not vae.span_slots:  # all rows, without a copy of what is indexed by them
        return [(int(vae.field_of[slots[0]]), slice(None))]
    fields = vae.field_of[slots]
    fields = fields.masked_fill(done, -1)
    return [(f, (fields == f).nonzero()[:, 0]) for f in fields.unique().tolist() if f >= 0]


def after_each(vae: VAE, order: list[int], stop: int) -> Tensor:
    """For every place in the order, the place at which the next column begins; `stop` at most."""
    columns = vae.column_of[torch.tensor(order, device=vae.place.device)].tolist()
    after, following = [0] * len(order), len(order)
    for i in range(len(order) - 1, -1, -1):
        if i + 1 < len(order) and columns[i + 1] != columns[i]:
            following = i + 1
        after[i] = min(following, stop)
    return torch.tensor(after)


def _ended(vae: VAE, slot: int, tokens: Tensor) -> Tensor | None:
    """(rows,) True where an earlier slot of the same column has ended it."""
    column = vae.columns[int(vae.column_of[slot])]
    place = column.index(slot)
    if place == 0:
        return None
    before = tokens[:, column[place - 1]]
    ended = before < 0
    for token in vae.ends[column[place - 1]]:
        ended = ended | (before == token)
    return ended
