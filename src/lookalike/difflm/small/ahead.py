"""What the language model reads of a value, looked up: a slot holds few values, and many rows hold each."""

from __future__ import annotations

import torch
from torch import Tensor

from lookalike.difflm.small.heads import Heads
from lookalike.difflm.small.stepping import Known, Stepper, centred
from lookalike.difflm.small.vae import VAE

ROWS = 2  # for each value of a slot, at least: else to look up would cost more than to compute


class Ahead:
    """The vectors of all values that a slot may hold, and what the first block reads of them.

    A vector is that of a value and of the slot that comes next. It is the same in all rows, where neither the
    latent is added to it nor what a base says; what the time says is still to be added (`timed`). rows: that
    are written in all; step: the language model, as it is now.
    """

    def __init__(self, vae: VAE, rows: int):
        self.vae, self.rows = vae, rows
        fixed = not vae.span_slots and vae.base is None
        self.same = fixed and vae.config.injection != "input_embed"
        self.step = Stepper(vae.backbone)
        self.heads = Heads(vae.fields)
        self.known: dict[tuple[int, int], tuple[Tensor, Tensor, Tensor, Tensor]] = {}
        self.tell: Tensor | None = None if vae.axis is None else centred(vae.axis.tell)

    def read(self, field: int, following: int, tokens: Tensor, cells: Tensor) -> Known | None:
        """The centred vectors of what rows hold in a fixed slot, and what the first block reads of them.

        following: the slot that comes next; tokens, cells: (rows,). None where it is not worth a table.
        """
        fields = self.vae.fields
        if not self.same or ROWS * fields.choices(field) > self.rows:
            return None
        if (field, following) not in self.known:
            after = self.vae.next(torch.tensor([following], device=tokens.device))
            vectors = centred(fields.every(field) + after)
            query, key, value = (
                part.to(vectors.dtype).contiguous() for part in self.step.read(vectors).chunk(3, 1)
            )
            self.known[field, following] = vectors, query, key, value
        return Known(*self.known[field, following], fields.choice(field, tokens, cells))

    def timed(self, vectors: Tensor, time: Tensor, field: int) -> Tensor:
        """Centred vectors, (rows, width), with what a time tells the fixed slot that comes next; time: as
        `Axis.embed` gives it.
        """
        assert self.tell is not None
        return torch.addmm(vectors, time, self.tell[field])
