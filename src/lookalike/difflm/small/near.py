"""What the rows beside a time hold, as one more input of the slots that are written after it.

Knots (`axis.py`) have to learn what each time holds. What wanders by the hour, as the weather does, is told
far better by the rows around it. The times are dealt into *stretches* of `ROWS` rows or more, and of each the
means are kept, of numbers as a normal score and of choices as shares, in steps of 1 / `STEPS`: no row is kept
by itself. A row is told of the stretches before and after its own, whether it is learned or drawn, so that
what the network comes to trust is what it meets, and no row is told what it holds: of the nearest, of what
lies between these two where the row is, of the one beyond, of several, and how far they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lookalike.codec.slot import Array
from lookalike.difflm.small.fields import Fields

ROWS = 5  # of a stretch, at least: as many as hold a value that is told to others
WIDE = 4  # stretches that a mean is over
PLACES = 65_536  # stretches, at most
STEPS = 16  # in which means are kept, of a normal score or a share: between -3 and 3
FARTHEST = 8.0  # log of how far a time beside is
TINY = 1e-9


class Near(nn.Module):
    """What is told of a time: of the rows around it, not of its own.

    told: fixed slots, by their numbers, whose values are; fixed: the place of each fixed slot in a record.
    edges: (stretches + 1,) where they begin and end, in the middle between two times; beside: (stretches,
    values) int8.
    """

    def __init__(self, fields: Fields, told: list[int], fixed: list[int]):
        super().__init__()
        self.told, self.fixed = told, fixed
        self.widths = [1 if slot in fields.numbers else fields.token_counts[slot] for slot in told]
        self.size = 7 * sum(self.widths) + 2  # of what `forward` gives
        self.edges: Tensor
        self.beside: Tensor
        self.one: Tensor
        self.mean: Tensor
        none = torch.tensor([0.0, 1.0], dtype=torch.float64)
        self.take({"edges": none, "beside": torch.zeros(1, sum(self.widths), dtype=torch.int8)})

    def take(self, arrays: Mapping[str, Tensor]) -> None:
        """What `arrays` gave. Before the first stretch and after the last lies 0, the middle of a score."""
        device = self.edges.device if hasattr(self, "edges") else arrays["edges"].device
        own = {name: value.to(device) for name, value in arrays.items()}
        values = own["beside"].float() / STEPS
        one = F.pad(values, (0, 0, WIDE, WIDE))
        own |= {"one": one, "mean": F.avg_pool1d(one.T[None], WIDE, 1)[0].T.contiguous()}
        for name, value in own.items():
            self.register_buffer(name, value, persistent=False)

    def arrays(self) -> dict[str, Tensor]:
        """What is saved."""
        return {"edges": self.edges, "beside": self.beside}

    @torch.no_grad()
    def lay(self, fields: Fields, place: Tensor, tokens: Tensor, cells: Tensor) -> None:
        """Learn what the rows hold. place: (rows,) their times; tokens, cells: (rows, slots of a record)."""
        places, which, counts = np.unique(place.cpu().numpy(), return_inverse=True, return_counts=True)
        ends = _ends(counts, max(ROWS, -(-len(place) // PLACES)))
        stretch, count = np.searchsorted(ends, which, side="right") - 1, len(ends) - 1
        columns = []
        for slot in self.told:
            at = self.fixed[slot]
            columns += _values(fields, slot, tokens[:, at].long().cpu(), cells[:, at].long().cpu())
        rows = np.bincount(stretch, minlength=count)
        means = [np.bincount(stretch, weights=column, minlength=count) / rows for column in columns]
        beside = np.clip(np.round(np.stack(means, 1) * STEPS), -127, 127).astype(np.int8)
        inner = (places[ends[1:-1] - 1] + places[ends[1:-1]]) / 2
        edges = np.concatenate([places[:1] - 0.5, inner, places[-1:] + 0.5])
        self.take({"edges": torch.from_numpy(edges), "beside": torch.from_numpy(beside)})

    def forward(self, place: Tensor) -> Tensor:
        """(rows,) times -> (rows, size): what lies before and after each, and how far from it."""
        last = len(self.edges) - 2
        own = (torch.searchsorted(self.edges, place, right=True) - 1).clamp(0, last)
        apart = torch.stack([place - self.edges[own], self.edges[own + 1] - place], 1)
        far = apart.clamp(min=0.5).log().clamp(max=FARTHEST).float() / 2
        middle = (self.edges[1:] + self.edges[:-1]) / 2
        left, right = middle[(own - 1).clamp(min=0)], middle[(own + 1).clamp(max=last)]
        share = ((place - left) / (right - left).clamp(min=TINY)).clamp(0, 1).float().unsqueeze(1)
        b, a = own - 1 + WIDE, own + 1 + WIDE  # as `one` has them; `mean` names a stretch by its first
        one, other = self.one[b], self.one[a]
        between = one + share * (other - one)
        beyond = [self.one[b - 1], self.mean[b - WIDE + 1], self.one[a + 1], self.mean[a]]
        return torch.cat([one, other, between, *beyond, far], 1)


def _ends(counts: Array, least: int) -> Array:
    """Where stretches of times begin and end, of which each has `least` rows; counts: rows of each time."""
    ends, held = [0], 0
    for at, rows in enumerate(counts.tolist()):
        held += rows
        if held >= least:
            ends.append(at + 1)
            held = 0
    if held and len(ends) > 1:  # too few are left for one more
        ends.pop()
    return np.array(ends if ends[-1] == len(counts) else [*ends, len(counts)])


def _values(fields: Fields, slot: int, tokens: Tensor, cells: Tensor) -> list[Array]:
    """Of a slot, (rows,) each: the normal score of a number, or whether each of its tokens is there."""
    if slot not in fields.numbers:
        return [(tokens == token).numpy() for token in range(fields.token_counts[slot])]
    start = int(fields.number_start[fields.numbers.index(slot)])
    score = fields.features[:, 3].cpu()[(tokens.clamp(min=0) + start) * fields.cells + cells] * 2
    return [torch.where(tokens < 0, 0.0, score).numpy()]
