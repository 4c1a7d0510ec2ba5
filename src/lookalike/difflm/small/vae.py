"""The variational autoencoder over records (DiffLM, section 3.1): encoder, injection, language model."""

from __future__ import annotations

from collections.abc import Container

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lookalike.codec import Slot
from lookalike.codec.slot import LOSES
from lookalike.difflm.small.axis import Axis
from lookalike.difflm.small.base import HINTS, Base, Placed
from lookalike.difflm.small.encoder import Encoder
from lookalike.difflm.small.fields import Allowed, Fields, Said
from lookalike.difflm.small.hiding import Hidden, behind, told_in
from lookalike.difflm.small.injection import Injection
from lookalike.difflm.small.near import Near
from lookalike.difflm.small.sizes import VAEConfig
from lookalike.difflm.small.spans import POOLS, Spans
from lookalike.difflm.small.transformer import Cache, Transformer
from lookalike.difflm.small.used import Used
from lookalike.difflm.training.rate import divergence


class VAE(nn.Module):
    """p(record | latent) and q(latent | record).

    columns: for every modelled column the indices of its slots, in order. The *canonical order* of a record
    puts columns of few values first: what they say is then known when those that are hard to draw are drawn.
    Those that lose values come behind: what is written in place of a lost value then fits the others, and
    changes none of them. Texts come last. Of a span only the slots that hold something are read and written.
    `arrange` makes another order the canonical one: under a base that which held-out rows are likeliest in
    (`base.py`).

    Inside, slots are numbered anew: the fixed ones first, then of each span as many as are in use.
    """

    def __init__(self, slots: list[Slot], columns: list[list[int]], config: VAEConfig):
        super().__init__()
        self.config, self.columns = config, columns
        self.ends = [slot.ends for slot in slots]
        width = config.width
        spans = [column for column in columns if slots[column[0]].span]
        fixed = [s for s, slot in enumerate(slots) if not slot.span]
        place = fixed.index
        anchors = [(place(s), place(near), share, scale) for s, near, share, scale in config.anchors]
        self.fields = Fields([slots[s] for s in fixed], width, config.mixtures, config.based, anchors)
        self.base: Base | None = None
        if config.based:
            self.hint = nn.Parameter(torch.randn(len(fixed), HINTS, width) * 0.1)
        pooled = len(fixed) + POOLS * len(spans)
        self.encoder = Encoder(pooled, width, config.latent_tokens, config.latent_width)
        self.injection = Injection(
            config.injection, config.prompts, self.latent_size, width, config.layers, config.heads
        )
        self.backbone = Transformer(
            width, config.layers, config.heads, config.expansion, config.dropout, bool(spans)
        )
        self.next_slot = nn.Parameter(torch.randn(len(fixed), width) * 0.3)
        self.spans = Spans([[slots[s] for s in span] for span in spans], width, self.latent_size)
        choices = [_choices(slots[c[0]]) for c in columns]
        column_of = np.zeros(len(slots), dtype=np.int64)
        for c, column in enumerate(columns):
            column_of[column] = c
        self.fixed, self._fixed, self.span_slots = fixed, set(fixed), spans
        field_of = torch.zeros(len(slots), dtype=torch.long)
        for f, field in enumerate([*([s] for s in fixed), *spans]):
            field_of[field] = f
        self.hidden: dict[int, Hidden] = {}
        self.axis: Axis | None = None
        if config.axis:
            parts = [(s, slots[s].tokens, slots[s].cells) for s in config.axis]
            near = Near(slots, config.axis, config.near) if config.near else None
            self.axis = Axis(parts, len(fixed), config.knots, width, near)
        if config.near:
            for at, s in enumerate(config.axis):
                choices[int(column_of[s])] = at - len(slots)
        self.field_of: Tensor  # (slots,) the fixed slot, or after those the span, that a slot belongs to
        self.column_of: Tensor
        self.place: Tensor  # of every slot in the canonical order
        self.in_span: Tensor  # (slots,) the place in its span; -1 for a fixed slot
        self.register_buffer("column_of", torch.from_numpy(column_of), persistent=False)
        self.register_buffer("place", torch.zeros(len(slots), dtype=torch.long), persistent=False)
        in_span = torch.full((len(slots),), -1)
        for span in spans:
            in_span[span] = torch.arange(len(span))
        self.register_buffer("in_span", in_span, persistent=False)
        self.register_buffer("field_of", field_of, persistent=False)
        self.arrange(np.argsort(choices, kind="stable").tolist())

    def arrange(self, arranged: list[int]) -> None:
        """Make this the canonical order of the columns; they are named by their numbers."""
        slots = [s for c in arranged for s in self.columns[c]]
        self.arranged = arranged
        self.canonical = self.fixed_in(arranged)
        self.place = torch.tensor(slots, device=self.place.device).argsort()

    def hide(self, hidden: dict[int, Hidden]) -> None:
        """Leave columns empty where others say so, which then come before them; they are named by numbers."""
        self.hidden = hidden
        self.arrange(self.in_turn(self.arranged))

    def in_turn(self, arranged: list[int]) -> list[int]:
        """The columns in this order, but those that are hidden behind those that tell where."""
        return behind(arranged, self.hidden, self.column_of.tolist())

    def hidden_in(self, order: list[int], but: Container[int] = ()) -> dict[int, Hidden]:
        """First slot -> where it is empty, as `told_in`."""
        return told_in(order, self.hidden, self.columns, but)

    def fixed_in(self, arranged: list[int]) -> list[int]:
        """The fixed slots, by their numbers, when the columns are in this order."""
        return [self.fixed.index(s) for c in arranged for s in self.columns[c] if s in self._fixed]

    @property
    def latent_size(self) -> int:
        return self.config.latent_tokens * self.config.latent_width

    @property
    def memory(self) -> int:
        """Positions of the key/value memory that the latent is."""
        return self.injection.prompts if self.config.injection == "kv_memory" else 0

    def positions(self, slots: int) -> int:
        """Positions that the language model reads to write so many slots."""
        return self.memory + self.injection.begin.shape[0] + slots

    @property
    def device(self) -> torch.device:
        return self.next_slot.device

    def lengths(self, tokens: Tensor) -> Tensor:
        """(rows,) how many slots of each record are read and written; tokens: (rows, slots)."""
        spans = [slot for span in self.span_slots for slot in span]
        return len(self.fixed) + (tokens[:, spans] >= 0).sum(1)

    def order(self, first: Tensor, tokens: Tensor | None = None) -> Tensor:
        """Slot indices in the order they are written: columns `first`, then the others, both canonical.

        first: (rows, columns), bool; tokens: (rows, slots), for records with spans: the empty slots of a span
        come last, and are left out as far as all rows have some. Returns (rows, slots or fewer).
        """
        later = ~first[:, self.column_of]
        key = self.place + later * len(self.place)
        if tokens is None or not self.span_slots:
            return key.argsort(1)
        empty = (tokens < 0) & (self.in_span >= 0)
        longest = int((~empty).sum(1).max())
        return (key + empty * (2 * len(self.place))).argsort(1)[:, :longest]

    def posterior(self, tokens: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        """(rows, slots) -> mean and log variance of the latent, each (rows, latent size)."""
        use = self._used(tokens)
        mean, log_variance = self.encoder(self._summary(self._embed(tokens, cells, use), tokens, use))
        return mean, log_variance

    def placed(self, tokens: Tensor, cells: Tensor, fold: Tensor) -> Placed | None:
        """Where records, (rows, slots), fall in the trees of their folds, (rows,); None without a base."""
        return None if self.base is None else self.base.place_rows(tokens, cells, fold)

    def timed_in(self, order: list[int]) -> set[int]:
        """The fixed slots of `order` that are written after all parts of the time."""
        if self.axis is None or not set(self.axis.slots) <= set(order):
            return set()
        last = max(order.index(slot) for slot in self.axis.slots)
        return {int(self.field_of[slot]) for slot in order[last + 1 :]} & set(range(len(self.fixed)))

    def known_in(self, order: list[int]) -> set[int]:
        """The fixed slots that are written after all that comes before them in the canonical order."""
        place = {slot: at for at, slot in enumerate(order)}
        at = torch.tensor([[place.get(slot, len(order)) for slot in self.fixed]])
        return set(self.known(at, len(order))[0].nonzero()[:, 0].tolist()) if self.fixed else set()

    def known(self, at: Tensor, end: int) -> Tensor:
        """(rows, fixed slots) bool: whether all that comes before in the canonical order is written before.

        at: (rows, fixed slots) the place of each in the order in which they are written, `end` where it is
        not.
        """
        in_order = at[:, self.canonical]
        latest = F.pad(in_order.cummax(1).values[:, :-1], (1, 0), value=-1)
        known = torch.empty_like(in_order, dtype=torch.bool)
        known[:, self.canonical] = (latest < in_order) & (in_order < end)
        return known

    def forward(
        self, tokens: Tensor, cells: Tensor, order: Tensor, noise: Tensor, placed: Placed | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The two terms of the evidence bound, in nats, and what the texts cost as bags of words.

        tokens, cells: (rows, slots); order: of every row's slots, as `order` gives it; noise: (rows, latent
        size), standard normal; placed: as `placed` gives it. Returns the negative log likelihood of every
        slot, (rows, slots), the KL of every latent dimension from N(0, 1), (rows, latent size), and
        `Spans.bag` of all texts, (rows,), 0 when not in training.
        """
        use = self._used(tokens)
        embedded = self._embed(tokens, cells, use)
        mean, log_variance = self.encoder(self._summary(embedded, tokens, use))
        kl = divergence(mean, log_variance)
        latent = mean + noise * (0.5 * log_variance).exp()
        bags = kl.new_zeros(len(kl))
        for r, (a, b) in enumerate(use.spans if self.training else []):
            bags = bags + self.spans.bag(r, latent, tokens[:, use.slots[a:b]])
        return self._nll(latent, embedded, tokens, cells, order, use, placed), kl, bags

    def nll(
        self,
        latent: Tensor,
        tokens: Tensor,
        cells: Tensor,
        order: Tensor,
        cache: Cache | None = None,
        placed: Placed | None = None,
    ) -> Tensor:
        """Negative log likelihood of the slots in `order` given the latent, (rows, slots), 0 for the others.

        order: (rows, n) slot indices, of which every row leaves out the same columns. cache: an empty one;
        the language model can go on from it, the vector of the last slot being what it reads next.
        """
        use = self._used(tokens)
        return self._nll(latent, self._embed(tokens, cells, use), tokens, cells, order, use, placed, cache)

    def sequence(
        self, latent: Tensor, tokens: Tensor, cells: Tensor, order: Tensor, placed: Placed | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """What the language model reads before the next slot is written.

        order: (rows, n) the slots written so far. Returns (rows, positions, width), to the last of which only
        what comes next is still to be added, and (rows,) how many positions at the start are padding, None
        where none is.
        """
        prefix = self.injection.prefix(latent)
        n, start = order.shape[1], prefix.shape[1] - 1
        if not n:
            return prefix, None
        use = self._used(tokens)
        inner = use.inner[order].clamp(min=0)
        embedded = _pick(self._embed(tokens, cells, use), inner) + self.injection.added(latent)
        written = torch.cat([prefix, embedded], 1)
        there = tokens.gather(1, order).ge(0) | (self.in_span[order] < 0)  # (rows, n)
        following = F.embedding(inner, self._following(use))
        if placed is not None:
            said = self._said(placed, self._places(inner, len(use.slots)), n)
            following = following + self._hinted(said, inner)
        if self.axis is not None:
            places = self._places(inner, len(use.slots))
            following = following + self._timed(tokens, cells, places, n, inner)
        written[:, start : start + n] += following * there.unsqueeze(-1)
        padding = n - there.sum(1)
        if not padding.any():
            return written, None
        at = torch.arange(written.shape[1], device=latent.device) - padding[:, None]
        return _pick(written, at.clamp(min=0)), padding

    def next(self, slots: Tensor, hints: Tensor | None = None, timed: Tensor | None = None) -> Tensor:
        """(rows,) slots that come next -> what is added to say so, (rows, width).

        hints: (rows, 4) of what the base says of fixed ones; timed: (rows, width) what the axis tells.
        """
        if timed is not None:
            return self.next(slots, hints) + timed
        if hints is not None:
            field = self.field_of[slots]
            matrix = self.hint[field.clamp(max=len(self.fixed) - 1)]
            told = (hints.unsqueeze(1) @ matrix)[:, 0] * (field < len(self.fixed)).unsqueeze(1)
            return self.next(slots) + told
        if not self.span_slots:
            return F.embedding(slots, self.next_slot)
        out = self.next_slot.new_empty(len(slots), self.config.width)
        field = self.field_of[slots]
        fixed = field < len(self.fixed)
        out[fixed] = self.next_slot[field[fixed]]
        for r in range(len(self.span_slots)):
            here = field == len(self.fixed) + r
            out[here] = self.spans.next(r, self.in_span[slots[here]])
        return out

    def words(self, tokens: Tensor, order: Tensor) -> Tensor:
        """(rows, slots), (rows, n) slots -> (rows, n) their tokens, -1 where there is no sub-word."""
        return tokens.gather(1, order).masked_fill(self.in_span[order] < 0, -1)

    def allow(self, slot: int, share: np.ndarray) -> Allowed | Tensor:
        """What a condition leaves of a slot, (tokens, cells) shares in [0, 1], as the decoder has it."""
        if self.in_span[slot] >= 0:
            return self.spans.allow(share)
        return self.fields.allow(int(self.field_of[slot]), share)

    # ---- slots in use --------------------------------------------------------------------------------------

    def _used(self, tokens: Tensor) -> Used:
        return Used.of(tokens, len(self.place), self.fixed, self.span_slots)

    def _embed(self, tokens: Tensor, cells: Tensor, use: Used) -> Tensor:
        """Embedded slots in use, (rows, n, width)."""
        if not use.spans:
            return self.fields.embed(tokens, cells)
        used, fixed = tokens[:, use.slots], len(self.fixed)
        parts = [self.fields.embed(used[:, :fixed], cells[:, use.slots[:fixed]])] if fixed else []
        parts += [self.spans.embed(r, used[:, a:b]) for r, (a, b) in enumerate(use.spans)]
        return torch.cat(parts, 1)

    def _summary(self, embedded: Tensor, tokens: Tensor, use: Used) -> Tensor:
        """What the encoder reads: the fixed slots, and every span as a few vectors."""
        if not use.spans:
            return embedded
        parts = [embedded[:, : len(self.fixed)]]
        for r, (a, b) in enumerate(use.spans):
            parts.append(self.spans.pool(r, embedded[:, a:b], tokens[:, use.slots[a:b]]))
        return torch.cat(parts, 1)

    def _places(self, inner: Tensor, used: int) -> Tensor:
        """(rows, fixed slots) the place of each in the order, `inner` (rows, n); n where it is not in it."""
        n = inner.shape[1]
        at = torch.full((len(inner), used), n, device=inner.device)
        at = at.scatter(1, inner, torch.arange(n, device=inner.device).expand_as(inner))
        return at[:, : len(self.fixed)]

    def _said(self, placed: Placed, at: Tensor, end: int) -> Said:
        assert self.base is not None
        return self.base.said(placed, self.known(at, end))

    def _hinted(self, said: Said, inner: Tensor) -> Tensor:
        """(rows, n, width) what the network reads of what the base says of the slots that come next."""
        told = torch.einsum("rsk,skw->rsw", said.hints, self.hint)
        return _pick(F.pad(told, (0, 0, 0, 1)), inner.clamp(max=len(self.fixed)))

    def _timed(self, tokens: Tensor, cells: Tensor, at: Tensor, end: int, inner: Tensor) -> Tensor:
        """(rows, n, width) what the axis tells the slots that come next, 0 before all of the time is written.

        at: as `_places` gives it, `end` where a slot is not written.
        """
        assert self.axis is not None
        latest = at[:, self.field_of[self.axis.slots]].max(1, keepdim=True).values
        told = torch.einsum("rk,skw->rsw", self.axis.embed(tokens, cells), self.axis.tell)
        told = told * ((at > latest) & (latest < end)).unsqueeze(-1)
        return _pick(F.pad(told, (0, 0, 0, 1)), inner.clamp(max=len(self.fixed)))

    def _following(self, use: Used) -> Tensor:
        """What says that a slot comes next, (slots in use, width)."""
        parts: list[Tensor] = [self.next_slot]
        for r, (a, b) in enumerate(use.spans):
            parts.append(self.spans.next(r, torch.arange(b - a, device=use.slots.device)))
        return torch.cat(parts)

    def _nll(
        self,
        latent: Tensor,
        embedded: Tensor,
        tokens: Tensor,
        cells: Tensor,
        order: Tensor,
        use: Used,
        placed: Placed | None = None,
        cache: Cache | None = None,
    ) -> Tensor:
        prefix = self.injection.prefix(latent)
        inner = use.inner[order].clamp(min=0)  # (rows, n)
        if self.training and self.config.word_dropout and use.spans:
            unseen = torch.rand(embedded.shape[:2], device=embedded.device) < self.config.word_dropout
            unseen[:, : len(self.fixed)] = False
            embedded = embedded * ~unseen.unsqueeze(-1)
        following = F.embedding(inner, self._following(use))
        n, fixed = order.shape[1], len(self.fixed)
        at, said = self._places(inner, len(use.slots)) if fixed else None, None
        if placed is not None and at is not None:
            said = self._said(placed, at, n)
            following = following + self._hinted(said, inner)
        if self.axis is not None and at is not None:
            following = following + self._timed(tokens, cells, at, n, inner)
        inputs = torch.cat(
            [
                prefix[:, :-1],
                prefix[:, -1:] + following[:, :1],
                _pick(embedded, inner[:, :-1]) + following[:, 1:] + self.injection.added(latent),
            ],
            1,
        )
        hidden = self.backbone(inputs, cache, self.injection.memory(latent), wanted=n)
        if at is not None:
            own = use.slots[:fixed]
            of_fixed = self.fields.nll(
                _pick(hidden, at.clamp(max=n - 1)), tokens[:, own], cells[:, own], said, at
            )
            of_fixed = of_fixed * (at < n)
            if not use.spans:
                return of_fixed
        nll = hidden.new_zeros(tokens.shape)
        if fixed:
            nll = nll.index_copy(1, use.slots[:fixed], of_fixed)
        copies = self.spans.copies(hidden, self.words(tokens, order)) if self.spans.copying else None
        for r, (a, b) in enumerate(use.spans):
            row, i = ((inner >= a) & (inner < b) & (tokens.gather(1, order) >= 0)).nonzero(as_tuple=True)
            slot = order[row, i]
            here = copies and (copies[0][row, i], copies[1][row, i])
            of_span = self.spans.nll(r, hidden[row, i], tokens[row, slot], self.in_span[slot], here)
            nll = nll.index_put((row, slot), of_span)
        return nll


def _choices(slot: Slot) -> float:
    """What columns are put in order by, of their first slot: the log of how many values it has, at first."""
    loses = slot.lost > LOSES
    return float(np.log(np.count_nonzero(slot.counts))) + 50 * loses + 100 * slot.span


def _pick(x: Tensor, index: Tensor) -> Tensor:
    """(rows, slots, width), (rows, n) -> (rows, n, width): whole vectors, which `gather` takes by numbers."""
    rows, slots, width = x.shape
    at = index + slots * torch.arange(rows, device=x.device)[:, None]
    return x.reshape(-1, width).index_select(0, at.flatten()).view(rows, -1, width)
