"""Values of slots drawn from what the language model says of them, when nothing is learned or asked for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from lookalike.difflm.categorical import IMPOSSIBLE, pick
from lookalike.difflm.small.fields import Fields
from lookalike.difflm.small.numbers import scale_of

COLUMNS = 16  # of a product, or a multiple: of fewer ones each takes longer


@dataclass(frozen=True)
class _Head:
    """What a slot's vectors are multiplied with: its classes, and where it is a number its mixture.

    weight: (width, classes + 3 x logistics, filled up); bias: (1, the same), with what may be drawn at all.
    size: how many classes; other: the class "anywhere else", -1 without one; tokens: (classes,) the token of
    each, None where it has the same number; edges, flat: of the cells of "anywhere else".
    """

    weight: Tensor
    bias: Tensor
    size: int
    other: int
    tokens: Tensor | None
    edges: Tensor | None
    flat: Tensor | None


class Heads:
    """`Fields.draw` without conditions and without a base, with the weights as they are now."""

    def __init__(self, fields: Fields):
        self.fields = fields
        self.known: dict[int, _Head] = {}

    def draw(
        self, slot: int, hidden: Tensor, generator: torch.Generator, anchored: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """(rows, width) -> tokens and cells of a slot, (rows,) each; None where all cells are 0.

        anchored: as `Fields.anchored` gives it.
        """
        head = self._of(slot)
        said = torch.addmm(head.bias, hidden, head.weight)
        choice = pick(said if head.other < 0 else said[:, : head.size], generator)
        tokens = choice if head.tokens is None else head.tokens.index_select(0, choice)
        if head.edges is None or head.flat is None:
            return tokens, None
        inside = (choice == head.other).nonzero()[:, 0]
        cells = torch.zeros_like(tokens)
        if len(inside):
            mixture = said[inside, head.size :]
            if anchored is not None:
                mixture[:, : anchored.shape[1]] += anchored[inside]
            found = head.flat.index_select(0, self._placed(head, mixture, generator))
            tokens[inside], cells[inside] = found[:, 0], found[:, 1]
        return tokens, cells

    def options(self, slot: int, hidden: Tensor) -> Tensor | None:
        """(rows, width) -> (rows, tokens) logits of a slot that is one of a few tokens; None for others."""
        head = self._of(slot)
        if head.other >= 0 or head.tokens is not None or self.fields.cell_counts[slot] > 1:
            return None
        return torch.addmm(head.bias, hidden, head.weight)[:, : head.size]

    def _of(self, slot: int) -> _Head:
        if slot not in self.known:
            self.known[slot] = self._head(slot)
        return self.known[slot]

    def _placed(self, head: _Head, mixture: Tensor, generator: torch.Generator) -> Tensor:
        """(rows, 3 x logistics, filled up) -> (rows,) a cell of "anywhere else" of each."""
        assert head.edges is not None
        k = self.fields.mixtures
        component = pick(mixture[:, :k], generator)[:, None]
        mean = mixture[:, k : 2 * k].gather(1, component)[:, 0]
        scale = scale_of(mixture[:, 2 * k : 3 * k].gather(1, component)[:, 0])
        uniform = torch.rand(len(mixture), generator=generator, device=mixture.device)
        score = mean + scale * torch.logit(uniform, 1e-7)
        return torch.searchsorted(head.edges, score).clamp_(max=len(head.edges) - 1)

    def _head(self, slot: int) -> _Head:
        fields, size = self.fields, len(self.fields.token_of[slot])
        weight, bias = fields.head(slot)
        device, other = weight.device, fields.other[slot]
        edges = flat = None
        if other >= 0:
            n = fields.numbers.index(slot)
            weight = torch.cat([weight, fields.mixture[n]], 1)
            bias = torch.cat([bias, fields.mixture_bias[n]], 1)
            edges, flat = fields.bounds[n].to(device), fields.flat[n].to(device)
        more = -weight.shape[1] % COLUMNS
        tokens: Tensor | None = fields.token_of[slot].to(device)
        if torch.equal(fields.token_of[slot], torch.arange(size)):
            tokens = None
        return _Head(
            F.pad(weight, (0, more)),
            F.pad(bias, (0, more), value=IMPOSSIBLE),
            size,
            other,
            tokens,
            edges,
            flat,
        )
