"""The slots of a record as vectors: embeddings in, probabilities out.

A plain slot (category, boolean, piece of a text) has one learned vector per token and a softmax over its
tokens. A number slot is smooth instead, because a softmax over bins has no notion of order and learns the
training rows by heart (on Magic: 63.3 nats on held-out rows against 61.6 for what is done here):

- in: fixed features of the value (its normal score, its rank, Fourier features of the rank, its standardised
  value) through a matrix of the slot's own, plus a free vector for spikes;
- out: a softmax over *classes* (one per spike, such as 0 or missing, and one for "anywhere else"), then for
  "anywhere else" a mixture of logistics over the normal score. The probability of a (token, cell) is the
  mixture's mass between the cell's edges, so every cell of the codec keeps an exact probability and a range
  costs two evaluations.

The tables of the numbers are in `numbers.py`. Logistic mixtures as a likelihood for ordered values: Salimans
et al., PixelCNN++ (2017), section 2.1.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lookalike.codec.slot import Array, Slot
from lookalike.difflm.categorical import IMPOSSIBLE, pick
from lookalike.difflm.small.anchors import Anchors, Pair
from lookalike.difflm.small.classes import Classes, grouped, start
from lookalike.difflm.small.kernels import GROUP
from lookalike.difflm.small.numbers import TAIL, log_mixture_mass, number_tables, scale_of

SPIKE_ROWS = 100  # that a value of its own has, to be learned for itself
OWN = 4  # logistics of the network's own, beside those of a base


@dataclass
class Allowed:
    """What a condition leaves of one slot, in the terms of `Fields.draw`.

    classes: (classes,) log of the share of each class that is allowed; "anywhere else" is left to `spans`.
    spans: (spans, 3) lower edge, upper edge (normal scores) and log share of the allowed stretches of
        "anywhere else".
    first, last: (spans,) the flat cells at both ends of each span.
    """

    classes: Tensor
    spans: Tensor
    first: Tensor
    last: Tensor


@dataclass
class Said:
    """What the base (`base.py`) says of the slots of some rows.

    logits: of each group of slots, (slots, rows, classes) log probabilities. added: (rows, numbers, 3 x
    logistics), added to the mixture; spread: (rows, numbers, logistics), by which its means are moved; both
    None where there are no numbers. hints: (rows, slots, 4), of what is said, for the network.
    Of one slot: a single (rows, classes), and no dimension of numbers or slots.
    """

    logits: list[Tensor]
    added: Tensor | None
    spread: Tensor | None
    hints: Tensor


class Fields(nn.Module):
    """The vocabularies of the fixed slots of a record (those of texts are in `spans.py`).

    slots: as in `RecordCodec.slots`; width: of every vector; mixtures: logistics per number; based: whether
    there is a base that the network corrects: its heads then begin with no correction; anchors: what
    numbers may lie near, for which they have more logistics (`anchors.py`).
    """

    def __init__(
        self,
        slots: list[Slot],
        width: int,
        mixtures: int,
        based: bool = False,
        anchors: Sequence[Pair] = (),
    ):
        super().__init__()
        self.count, self.width, self.based = len(slots), width, based
        self.mixtures = OWN + len(GROUP) if based else mixtures
        self.token_counts = [s.tokens for s in slots]
        self.cell_counts = [s.cells for s in slots]
        names = list(dict.fromkeys(s.vocabulary for s in slots))
        first = {s.vocabulary: s for s in reversed(slots)}
        sizes = [first[name].tokens for name in names]
        starts = dict(zip(names, np.cumsum([0, *sizes]).tolist(), strict=False))
        self.empty = sum(sizes)  # the row of `inputs` for a slot that has no token
        self.start: Tensor
        self.register_buffer("start", torch.tensor([starts[s.vocabulary] for s in slots]), persistent=False)
        self.inputs = nn.Parameter(torch.randn(self.empty + 1, width) * 0.5)
        self.numbers = [i for i, s in enumerate(slots) if s.rank is not None]
        self.anchors: Anchors | None = None
        if anchors:
            self.mixtures += max(Counter(number for number, *_ in anchors).values())
            self.anchors = Anchors([slots[i] for i in self.numbers], anchors, self.numbers, self.mixtures)
        self._build_numbers(slots)
        if self.anchors is not None:
            self.anchors.begin_with(self.mixture.data, self.mixture_bias.data, anchors)
        self._build_classes(slots)

    # ---- tables --------------------------------------------------------------------------------------------

    def _build_numbers(self, slots: list[Slot]) -> None:
        """Look-up tables of the number slots, and what turns their features into vectors and back."""
        width, k, based = self.width, self.mixtures, self.based
        tables = number_tables([slots[i] for i in self.numbers], SPIKE_ROWS if based else 0)
        self.cells, self.edges, self.flat = tables.cells, tables.edges, tables.flat
        self.bounds = [torch.from_numpy(edges).float() for edges in tables.edges]
        self.features: Tensor
        self.low: Tensor
        self.high: Tensor
        self.number_start: Tensor
        self.number_index: Tensor
        self.spread: Tensor
        for name in ("features", "low", "high"):
            self.register_buffer(name, torch.from_numpy(getattr(tables, name)).float(), persistent=False)
        self.register_buffer("spread", torch.from_numpy(tables.spread), persistent=False)
        self.register_buffer("number_start", torch.tensor(tables.starts, dtype=torch.long), persistent=False)
        self.register_buffer("number_index", torch.tensor(self.numbers, dtype=torch.long), persistent=False)
        # free input vectors are for spikes and plain tokens: other bins would only learn rows by heart
        free = torch.ones(self.empty + 1, 1)
        for i, o in zip(self.numbers, tables.starts, strict=True):
            s, begin = slots[i], int(self.start[i])
            free[begin : begin + s.tokens, 0] = torch.from_numpy(~tables.spread[o : o + s.tokens]).float()
        self.free: Tensor
        self.register_buffer("free", free, persistent=False)
        n = len(self.numbers)
        self.feature_map = nn.Parameter(torch.randn(n, tables.features.shape[-1], width) * 0.15)
        self.mixture = nn.Parameter(torch.randn(n, width, 3 * k) * (not based) * 0.3 / math.sqrt(width))
        bias = torch.zeros(n, 1, 3 * k)  # weights, means spread over the bulk of the scores, log scales
        if not based:
            own = k - (0 if self.anchors is None else self.anchors.each)
            bias[:, :, k : k + own] = torch.linspace(-1.8, 1.8, own)
            bias[:, :, 2 * k :] = -1.2
        self.mixture_bias = nn.Parameter(bias)

    def _build_classes(self, slots: list[Slot]) -> None:
        """Classes of every slot and the heads over them, in groups of slots with about as many classes."""
        classes = [Classes.among(slot, self._plain(i, slot)) for i, slot in enumerate(slots)]
        self.class_of = [own.of for own in classes]
        self.token_of = [own.token for own in classes]
        self.other = [own.other for own in classes]
        self.groups = grouped([len(own) for own in classes])
        self.place = {i: (g, j) for g, group in enumerate(self.groups) for j, i in enumerate(group)}
        self.heads = nn.ParameterList()
        if self.based:
            self.trust = nn.Parameter(torch.ones(self.count))  # how much of what the base says is believed
        most = max((s.tokens for s in slots), default=1)
        table = torch.zeros(self.count, most, dtype=torch.long)
        for i, c in enumerate(self.class_of):
            table[i, : len(c)] = c
        self.class_table: Tensor
        self.register_buffer("class_table", table, persistent=False)
        for g, group in enumerate(self.groups):
            bias, emit = start([classes[i] for i in group], [slots[i] for i in group])
            vocabularies = list(dict.fromkeys(slots[i].vocabulary for i in group))
            begun = torch.randn(len(vocabularies), self.width, bias.shape[2]) * (0.02 * (not self.based))
            self.heads.append(nn.Parameter(begun))
            shared = torch.tensor([vocabularies.index(slots[i].vocabulary) for i in group])
            self.register_buffer(f"bias{g}", bias, persistent=False)
            self.register_buffer(f"emit{g}", emit, persistent=False)
            self.register_buffer(f"group{g}", torch.tensor(group), persistent=False)
            self.register_buffer(f"shared{g}", shared, persistent=False)
        inverse = np.argsort(np.array([i for group in self.groups for i in group], dtype=np.int64))
        self.ungroup: Tensor
        self.register_buffer("ungroup", torch.from_numpy(inverse), persistent=False)

    def _plain(self, slot_number: int, slot: Slot) -> Array:
        """(tokens,) bool: those that are a class of their own, not a bin of a number that is spread out."""
        if slot_number not in self.numbers:
            return np.ones(slot.tokens, dtype=bool)
        begin = int(self.number_start[self.numbers.index(slot_number)])
        return np.asarray(~self.spread[begin : begin + slot.tokens].numpy())

    # ---- in ------------------------------------------------------------------------------------------------

    def embed(self, tokens: Tensor, cells: Tensor) -> Tensor:
        """(rows, slots) tokens and cells -> (rows, slots, width)."""
        at = torch.where(tokens < 0, self.empty, tokens + self.start)
        out = F.embedding(at, self.inputs * self.free)
        if self.numbers:
            index = self._number_cells(tokens[:, self.number_index], cells[:, self.number_index])
            smooth = torch.bmm(F.embedding(index, self.features).transpose(0, 1), self.feature_map)
            present = (tokens[:, self.number_index] >= 0).unsqueeze(-1)
            out = out.index_add(1, self.number_index, smooth.transpose(0, 1) * present)
        return out

    def embed_slot(self, slot: int, tokens: Tensor, cells: Tensor) -> Tensor:
        """(rows,) tokens and cells of one slot -> (rows, width)."""
        at = torch.where(tokens < 0, self.empty, tokens + self.start[slot])
        out = self.inputs[at] * self.free[at]
        if slot in self.numbers:
            n = self.numbers.index(slot)
            index = (tokens.clamp(min=0) + self.number_start[n]) * self.cells + cells
            out = out + (self.features[index] @ self.feature_map[n]) * (tokens >= 0).unsqueeze(-1)
        return out

    def choices(self, slot: int) -> int:
        """How many pairs of a token and a cell a slot may hold, an empty one included."""
        return self.token_counts[slot] * self.cell_counts[slot] + 1

    def every(self, slot: int) -> Tensor:
        """(choices, width): `embed_slot` of all that a slot may hold, in the order of `choice`."""
        tokens = torch.arange(self.token_counts[slot], device=self.start.device)
        cells = torch.arange(self.cell_counts[slot], device=self.start.device)
        pairs = F.pad(torch.cartesian_prod(tokens, cells), (0, 0, 0, 1))
        pairs[-1, 0] = -1
        return self.embed_slot(slot, pairs[:, 0], pairs[:, 1])

    def choice(self, slot: int, tokens: Tensor, cells: Tensor) -> Tensor:
        """(rows,) where tokens and cells stand in `every`."""
        index = tokens * self.cell_counts[slot] + cells
        return torch.where(tokens < 0, self.choices(slot) - 1, index)

    def _number_cells(self, tokens: Tensor, cells: Tensor) -> Tensor:
        return (tokens.clamp(min=0) + self.number_start) * self.cells + cells

    # ---- out -----------------------------------------------------------------------------------------------

    def nll(
        self,
        hidden: Tensor,
        tokens: Tensor,
        cells: Tensor,
        said: Said | None = None,
        at: Tensor | None = None,
    ) -> Tensor:
        """Negative log likelihood, in nats, of every slot of a record; 0 where the slot is empty.

        hidden: (rows, slots, width), slot i holding what is known before slot i; said: what the base says;
        at: (rows, slots) the place of each in the order, where there are anchors. Returns (rows, slots).
        """
        by_slot = hidden.transpose(0, 1)  # (slots, rows, width)
        classes = self.class_table[torch.arange(self.count, device=tokens.device), tokens.clamp(min=0)].T
        parts = []
        for g, head in enumerate(self.heads):
            group, shared = getattr(self, f"group{g}"), getattr(self, f"shared{g}")
            weight = head.index_select(0, shared) if len(group) > len(head) else head
            bias = getattr(self, f"bias{g}")
            if said is not None:
                bias = torch.lerp(bias, said.logits[g], self.trust[group][:, None, None])
            logits = torch.baddbmm(bias, by_slot.index_select(0, group), weight)
            chosen = logits.gather(-1, classes.index_select(0, group).unsqueeze(-1)).squeeze(-1)
            parts.append(logits.logsumexp(-1) - chosen)  # cross_entropy takes twice as long over so few
        nll = torch.cat(parts).index_select(0, self.ungroup).T  # (rows, slots)
        if any(other >= 0 for other in self.other):
            mixture = torch.baddbmm(
                self.mixture_bias, by_slot.index_select(0, self.number_index), self.mixture
            ).transpose(0, 1)
            mixture = _moved(mixture, said)
            if self.anchors is not None and at is not None:
                mixture = mixture + self.anchors.added(tokens, cells, at)
            number_tokens = tokens[:, self.number_index]
            index = self._number_cells(number_tokens, cells[:, self.number_index])
            inside = log_mixture_mass(mixture, self.low[index], self.high[index]).logsumexp(-1)
            spread = self.spread[number_tokens.clamp(min=0) + self.number_start]
            nll = nll.index_add(1, self.number_index, torch.where(spread, -inside, 0.0))
        return torch.where(tokens < 0, 0.0, nll)

    def _class_logits(self, slot: int, hidden: Tensor, said: Said | None) -> Tensor:
        g, j = self.place[slot]
        size = len(self.token_of[slot])
        weight = self.heads[g][getattr(self, f"shared{g}")[j]]
        bias = getattr(self, f"bias{g}")[j, :, :size]
        if said is not None:
            bias = torch.lerp(bias, said.logits[0], self.trust[slot])
        return torch.addmm(bias, hidden, weight[:, :size])

    def head(self, slot: int) -> tuple[Tensor, Tensor]:
        """(width, classes), (1, classes): of a slot without a base, with what may be drawn at all."""
        g, j = self.place[slot]
        size = len(self.token_of[slot])
        weight = self.heads[g][getattr(self, f"shared{g}")[j]][:, :size]
        return weight, getattr(self, f"bias{g}")[j, :, :size] + getattr(self, f"emit{g}")[j, :, :size]

    def _mixture(self, slot: int, hidden: Tensor, said: Said | None, anchored: Tensor | None) -> Tensor:
        n = self.numbers.index(slot)
        mixture = _moved(torch.addmm(self.mixture_bias[n], hidden, self.mixture[n]), said)
        return mixture if anchored is None else mixture + anchored

    def anchored(self, slot: int, tokens: Tensor, cells: Tensor, written: Container[int]) -> Tensor | None:
        """(rows, 3 x logistics) what the anchors of a slot add to its mixture; None where it has none.

        tokens, cells: (rows, slots); written: the slots that are written before it.
        """
        if self.anchors is None or self.other[slot] < 0:
            return None
        return self.anchors.added_to(self.numbers.index(slot), tokens, cells, written)

    def log_prob(
        self,
        slot: int,
        hidden: Tensor,
        tokens: Tensor,
        cells: Tensor,
        said: Said | None = None,
        anchored: Tensor | None = None,
    ) -> Tensor:
        """(rows,) log probability of given tokens and cells of one slot; 0 where the token is empty (-1).

        anchored: as `anchored` gives it.
        """
        classes = self.class_table[slot, tokens.clamp(min=0)]
        out = self._class_logits(slot, hidden, said).log_softmax(-1).gather(-1, classes[:, None])[:, 0]
        if self.other[slot] >= 0:
            n = self.numbers.index(slot)
            index = (tokens.clamp(min=0) + self.number_start[n]) * self.cells + cells
            mixture = self._mixture(slot, hidden, said, anchored)
            mass = log_mixture_mass(mixture, self.low[index], self.high[index]).logsumexp(-1)
            out = out + torch.where(classes == self.other[slot], mass, 0.0)
        return torch.where(tokens < 0, 0.0, out)

    def draw(
        self,
        slot: int,
        hidden: Tensor,
        generator: torch.Generator,
        allowed: Allowed | None = None,
        said: Said | None = None,
        anchored: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Draw one slot of every row from what `hidden` (rows, width) says of it.

        Returns tokens and cells (rows,) and the log of the mass that `allowed` left (0 without a condition).
        """
        g, j = self.place[slot]
        rows, device = len(hidden), hidden.device
        other, size = self.other[slot], len(self.token_of[slot])
        logits = self._class_logits(slot, hidden, said)
        mixture = self._mixture(slot, hidden, said, anchored) if other >= 0 else None
        log_mass = torch.zeros(rows, device=device)
        if allowed is None:
            options = logits + getattr(self, f"emit{g}")[j, :, :size]
            weighted = None
        else:
            logits = logits.log_softmax(-1)
            options, weighted = logits + allowed.classes, None
            if mixture is not None:
                low, high, share = allowed.spans.T
                weighted = log_mixture_mass(mixture.unsqueeze(1), low, high)  # (rows, spans, mixtures)
                spans = weighted.logsumexp(-1) + share + logits[:, other, None]
                options = torch.cat([options, spans], -1)
            log_mass = options.logsumexp(-1)
        choice = pick(options, generator)
        tokens = self.token_of[slot].to(device)[choice.clamp(max=size - 1)]
        cells = torch.zeros_like(tokens)
        if mixture is None:
            return tokens, cells, log_mass
        inside = (choice == other) if allowed is None else (choice >= size)
        at = inside.nonzero()[:, 0]
        if not len(at):
            return tokens, cells, log_mass
        k, mixture = self.mixtures, mixture[at]
        n = self.numbers.index(slot)
        edges = self.bounds[n].to(device)
        uniform = torch.rand(len(at), generator=generator, device=device)
        if allowed is None or weighted is None:
            component = pick(mixture[:, :k], generator)[:, None]
            below, above = torch.zeros_like(uniform), torch.ones_like(uniform)
            first, last = torch.zeros_like(at), torch.full_like(at, len(edges) - 1)
        else:
            span = choice[at] - size
            component = pick(weighted[at, span], generator)[:, None]
            first, last = allowed.first[span], allowed.last[span]
        mean = mixture[:, k : 2 * k].gather(1, component)[:, 0]
        scale = scale_of(mixture[:, 2 * k :].gather(1, component)[:, 0])
        if allowed is not None:
            below = torch.sigmoid((allowed.spans[span, 0] - mean) / scale)
            above = torch.sigmoid((allowed.spans[span, 1] - mean) / scale)
        position = (below + uniform * (above - below)).clamp(1e-7, 1 - 1e-7)
        score = mean + scale * torch.logit(position)
        flat = torch.searchsorted(edges, score).clamp(min=first, max=last)
        found = self.flat[n].to(device)[flat]
        tokens[at], cells[at] = found[:, 0], found[:, 1]
        return tokens, cells, log_mass

    def allow(self, slot: int, share: np.ndarray) -> Allowed:
        """What a condition leaves of a slot's cells, (tokens, cells) shares in [0, 1], ready for `draw`."""
        g, j = self.place[slot]
        other, size = self.other[slot], len(self.token_of[slot])
        plain = np.log(np.maximum(share[self.token_of[slot].numpy(), 0], 1e-300))
        plain[share[self.token_of[slot].numpy(), 0] <= 0] = IMPOSSIBLE
        if other >= 0:
            plain[other] = IMPOSSIBLE
        classes = torch.from_numpy(plain).float() + getattr(self, f"emit{g}")[j, 0, :size].cpu()
        spans: list[tuple[float, float, float]] = []
        first: list[int] = []
        last: list[int] = []
        if other >= 0:
            n = self.numbers.index(slot)
            flat = self.flat[n].numpy()
            inside = share[flat[:, 0], flat[:, 1]]
            lows = np.append(-TAIL, self.edges[n][:-1])
            for at in np.flatnonzero(inside > 0).tolist():
                if last and last[-1] == at - 1 and inside[at] == 1 and spans[-1][2] == 0:
                    spans[-1] = (spans[-1][0], self.edges[n][at], 0.0)
                    last[-1] = at
                else:
                    spans.append((lows[at], self.edges[n][at], float(np.log(inside[at]))))
                    first.append(at)
                    last.append(at)
        if not spans:  # an impossible one keeps the shapes
            spans, first, last = [(0.0, 0.0, IMPOSSIBLE)], [0], [0]
        device = self.start.device
        return Allowed(
            classes.to(device),
            torch.tensor(spans, dtype=torch.float32, device=device),
            torch.tensor(first, device=device),
            torch.tensor(last, device=device),
        )


def _moved(mixture: Tensor, said: Said | None) -> Tensor:
    """The mixture of the base, corrected by the network's (..., 3 x logistics), in units of its spread."""
    if said is None or said.added is None or said.spread is None:
        return mixture
    weight, mean, log_scale = mixture.chunk(3, -1)
    return said.added + torch.cat([weight, mean * said.spread, log_scale], -1)
