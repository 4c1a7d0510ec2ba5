"""Records on the way from latents to tokens: written slot by slot, cached, many rows at once.

Texts end where they end: every row is at a slot of its own, and rows that are done are put aside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lookalike.codec.kinds.text import MISSING, STOP
from lookalike.difflm.categorical import IMPOSSIBLE, pick
from lookalike.difflm.sampling.drawing import Drawing
from lookalike.difflm.sampling.told import Told
from lookalike.difflm.small.ahead import Ahead
from lookalike.difflm.small.base import HINTS
from lookalike.difflm.small.copying import ROOM, Copied
from lookalike.difflm.small.fields import Allowed, Said
from lookalike.difflm.small.stepping import centred
from lookalike.difflm.small.transformer import Cache
from lookalike.difflm.small.turn import Turn, after_each, groups
from lookalike.difflm.small.vae import VAE
from lookalike.difflm.training.threads import Threads

if TYPE_CHECKING:
    from lookalike.codec.grammar import Grammar, Walk

DONE_SHARE = 0.25  # of the rows: when so many are done, they are put aside
SCORED = 4096  # rows x slots that are scored at once: more do not fit the cache of a processor
FEW = 8  # positions that are read one by one: of more, all queries are answered at once
ENOUGH = 2.0  # times the length of real texts, all texts of a draft together; after that they are ended
CLOSING = 0.8  # of a span's slots: a value under a grammar then has to come to its end


class Draft:
    """Records being written: (rows, slots) tokens and cells, -1 and 0 where nothing is written.

    given: columns that are kept as they are; room: of each span, how many sub-words all rows together may
    still write; log_mass: (rows,) log of the mass that the conditions left;
    log_prob: (rows,) log likelihood of what was drawn to be rescored.
    """

    def __init__(
        self,
        vae: VAE,
        latent: Tensor,
        generator: torch.Generator,
        allowed: Mapping[int, Allowed | Tensor],
        drawing: Drawing,
        grammars: Mapping[int, Grammar],
        threads: Threads,
        told: Told,
        spare: dict[int, Tensor] | None = None,
        ahead: Ahead | None = None,
    ):
        self.threads, self.told, self.spare = threads, told, spare
        self.ahead = ahead or Ahead(vae, len(latent))
        self.vae, self.latent, self.generator = vae, latent, generator
        self.allowed, self.drawing, self.grammars = allowed, drawing, grammars
        self.given: set[int] = set()
        shape = len(vae.place), len(latent)  # slots first: a slot is one stretch of memory
        self.tokens = torch.full(shape, -1, dtype=torch.long, device=latent.device).T
        self.cells = torch.zeros_like(self.tokens)
        self.log_mass = torch.zeros(len(latent), device=latent.device)
        self.log_prob = torch.zeros_like(self.log_mass)
        folds = 1 if vae.base is None else vae.base.folds
        self.fold = torch.randint(folds, (len(latent),), generator=generator, device=latent.device)
        self.cache: Cache | None = None
        self.place: Tensor | None = None  # what the axis knows of the time of rows
        self.before: Tensor | None = None  # what was known before the slot that was written last
        self.room = [
            ENOUGH * len(latent) * typical + len(slots)
            for typical, slots in zip(vae.spans.typical, vae.span_slots, strict=True)
        ]

    def select(self, rows: Tensor) -> None:
        """Keep these rows, in this order (a row may come twice)."""
        self.latent, self.log_mass, self.fold = self.latent[rows], self.log_mass[rows], self.fold[rows]
        self.tokens, self.cells, self.place = self.tokens[rows], self.cells[rows], None
        if self.cache is not None:
            self.cache.select(rows)

    def another(self, latent: Tensor) -> Draft:
        """One of other rows, in memory of its own."""
        return Draft(
            self.vae, latent, self.generator, self.allowed, self.drawing, self.grammars, self.threads, Told(),
            ahead=self.ahead,
        )  # fmt: skip

    def put(self, rows: Tensor, other: Draft, at: Tensor) -> None:
        """In the places of these rows those of another draft that is as far, `at` there."""
        self.latent = self.latent.index_copy(0, rows, other.latent[at])  # the caller has it, too
        for name in ("log_mass", "fold", "tokens", "cells"):
            getattr(self, name)[rows] = getattr(other, name)[at]
        if self.cache is not None and other.cache is not None:
            self.cache.put(rows, other.cache, at)

    def _written(self, order: list[int]) -> Tensor:
        """(rows, n) the slots of `order` that hold something, in their order, those of each row first."""
        slots = torch.tensor(order, dtype=torch.long, device=self.latent.device).expand(len(self.latent), -1)
        if not self.vae.span_slots or not order:
            return slots
        empty = (self.tokens.gather(1, slots) < 0) & (self.vae.in_span[slots] >= 0)
        n = int((~empty).sum(1).max())
        return slots.gather(1, empty.to(torch.uint8).argsort(dim=1, stable=True)[:, :n])

    def score(self, order: list[int]) -> Tensor:
        """(rows, slots) log likelihood of what stands in the slots of `order`, written in this order."""
        vae, written = self.vae, self._written(order)
        if not vae.span_slots:  # rows that are all at the same place go on from here
            room = vae.positions(len(vae.place))
            self.cache = Cache(vae.config.layers, room, memory=vae.memory, spare=self.spare)
            placed = vae.placed(self.tokens, self.cells, self.fold)
            return -vae.nll(self.latent, self.tokens, self.cells, written, self.cache, placed)
        parts, n = [], max(1, SCORED // max(1, written.shape[1]))
        for at in range(0, len(written), n):
            part = slice(at, at + n)
            tokens, cells = self.tokens[part], self.cells[part]
            placed = vae.placed(tokens, cells, self.fold[part])
            parts.append(vae.nll(self.latent[part], tokens, cells, written[part], placed=placed))
        return -torch.cat(parts)

    def write(self, order: list[int], start: int, stop: int, rescored: bool = False, room: int = 0) -> None:
        """Write order[start:stop]; what is before start has been written. rescored: keep `log_prob`;
        room: keep the cache, from which the next call goes on, with room for so many slots.
        """
        if start >= stop or not len(self.latent):
            return
        vae, device = self.vae, self.latent.device
        injection = vae.injection
        memory, added = injection.memory(self.latent), injection.added(self.latent)
        cache = self.cache
        if cache is not None:  # all but the last slot is in it
            last = order[start - 1]
            embedded = vae.fields.embed_slot(
                int(vae.field_of[last]), self.tokens[:, last], self.cells[:, last]
            )
            x = embedded.unsqueeze(1) + added
        else:
            written = self._written(order[:start])
            placed = vae.placed(self.tokens, self.cells, self.fold) if start else None
            x, padding = vae.sequence(self.latent, self.tokens, self.cells, written, placed)
            positions = vae.positions(room or start + (ROOM if vae.span_slots else stop - start))
            cache = Cache(vae.config.layers, positions, padding, vae.memory, self.spare)
            self.cache = cache if room else None
        known, timed = vae.known_in(order), vae.timed_in(order)
        empty = vae.hidden_in(order, but=self.allowed)
        turn = Turn(order, start, stop, rescored, cache, added, known, timed, empty)
        at = torch.full((len(x),), start, device=device)  # the place in the order of every row
        here = torch.arange(len(x), device=device)
        at = turn.past_hidden(vae, at, self.tokens, here)
        current, done = torch.tensor(order, device=device)[at.clamp(max=stop - 1)], at >= stop
        following, said = self._following(turn, current, here, done)
        x = torch.cat([x[:, :-1], x[:, -1:] + following.unsqueeze(1)], 1)
        if not vae.span_slots:
            self._write_together(turn, self._first(x, turn, memory), said)
            return
        hidden = vae.backbone(x, cache, memory, last=not vae.spans.copying)
        copied = Copied.of(vae, hidden, self.tokens, written, padding) if vae.spans.copying else None
        self._write_apart(turn, at, hidden, said, copied)

    def _first(self, x: Tensor, turn: Turn, memory: list[tuple[Tensor, Tensor]] | None) -> Tensor:
        """What is known before the first slot of a turn, (rows, width); x: (rows, positions, width)."""
        if x.shape[1] > FEW:
            return self.vae.backbone(x, turn.cache, memory, last=True)[:, -1]
        return self.ahead.step(centred(x).transpose(0, 1).contiguous(), turn.cache, memory=memory)

    def _write_together(self, turn: Turn, hidden: Tensor, said: dict[int, Said]) -> None:
        """The rest of `write` for records of fixed slots alone: all rows are at the same slot.

        hidden: (rows, width), what is known before the first slot; said: what the base says of it.
        """
        vae, rows, order = self.vae, len(self.latent), turn.order
        here = torch.arange(rows, device=hidden.device)
        done = torch.zeros_like(here, dtype=torch.bool)
        each = turn.added[:, 0] if isinstance(turn.added, Tensor) else turn.added
        for place in range(turn.start, turn.stop):
            slot = order[place]
            field = int(vae.field_of[slot])
            self._write_fixed(turn, slot, hidden, slice(None), said.get(field))
            self.told.add(rows)
            if place + 1 == turn.stop:
                self.before = hidden
                return
            tokens, cells = self.tokens[:, slot], self.cells[:, slot]
            found = self.ahead.read(field, order[place + 1], tokens, cells)
            if found is not None:
                x, later = found.vectors.index_select(0, found.at), int(vae.field_of[order[place + 1]])
                if later in turn.timed:
                    x, found = self.ahead.timed(x, self._place(), later), None
                hidden = self.ahead.step(x.unsqueeze(0), turn.cache, found)
                continue
            current = torch.tensor([order[place + 1]], device=hidden.device)
            following, said = self._following(turn, current, here, done)
            x = vae.fields.embed_slot(field, tokens, cells) + each + following
            hidden = self.ahead.step(centred(x).unsqueeze(0), turn.cache)

    def _write_apart(
        self, turn: Turn, at: Tensor, hidden: Tensor, said: dict[int, Said], copied: Copied | None
    ) -> None:
        """The rest of `write` for records with texts: every row is at a slot of its own.

        at: (rows,) the place in the order of each; hidden: (rows, positions, width), what is known before the
        first slot; said: what the base says of it.
        """
        vae, device, stop, added = self.vae, hidden.device, turn.stop, turn.added
        slots = torch.tensor(turn.order[:stop], device=device)
        after = after_each(vae, turn.order, stop).to(device)
        walks: dict[int, Walk] = {}
        here = torch.arange(len(hidden), device=device)  # the row of the draft that every row is
        done, current = at >= stop, slots[at.clamp(max=stop - 1)]
        while True:
            self.threads.begin()
            hidden = hidden[:, -1]
            x = torch.zeros_like(hidden).unsqueeze(1)
            for name, rows in groups(vae, current, done):
                draft_rows, slot = here[rows], current[rows]
                if name < len(vae.fixed):
                    own = said.get(name)
                    self._write_fixed(turn, vae.fixed[name], hidden[rows], draft_rows, own)
                    ended = torch.zeros_like(done[rows])
                    embedded = vae.fields.embed_slot(
                        name, self.tokens[draft_rows, slot[0]], self.cells[draft_rows, slot[0]]
                    )
                else:
                    span = name - len(vae.fixed)
                    logits = vae.spans.logits(span, hidden[rows], vae.in_span[slot])
                    if copied is not None:
                        logits = copied.mixed(vae, logits, hidden, rows)
                    ended = self._write_span(span, logits, draft_rows, slot, walks, turn.rescored)
                    embedded = vae.spans.embed(span, self.tokens[draft_rows, slot])
                x[rows] = embedded.unsqueeze(1)
                at[rows] = torch.where(ended, after[at[rows]], at[rows] + 1)
            at = turn.past_hidden(vae, at, self.tokens, here)
            x = x + added
            if copied is not None:
                words = vae.words(self.tokens[here], current[:, None])
                copied.add(vae.spans.tell_copy(hidden)[:, None], words.masked_fill(done[:, None], -1))
            self.told.add(int((~done).sum()))
            done = at >= stop
            if bool(done.all()):
                return
            if len(done) > 8 and float(done.float().mean()) >= DONE_SHARE:
                rest = (~done).nonzero()[:, 0]
                turn.cache.select(rest)
                x, at, here, done = x[rest], at[rest], here[rest], done[rest]
                if copied is not None:
                    copied.select(rest)
                added = added[rest] if isinstance(added, Tensor) else added
            current = slots[at.clamp(max=stop - 1)]
            following, said = self._following(turn, current, here, done)
            hidden = vae.backbone(x + following.unsqueeze(1), turn.cache)
            self.threads.end(float(len(x)))

    def _following(
        self, turn: Turn, current: Tensor, here: Tensor, done: Tensor
    ) -> tuple[Tensor, dict[int, Said]]:
        """What tells rows which slot they are at, (rows, width), and what the base says of it, by slot.

        current: (rows,) the slots, or (1,) that of all rows; here: (rows,) the rows of the draft.
        """
        said, hints = self._say(current.expand(len(here)), here, done, turn.known)
        timed = self._time(current.expand(len(here)), here, done, turn.timed)
        return self.vae.next(current, hints, timed), said

    def _say(
        self, current: Tensor, here: Tensor, done: Tensor, known: set[int]
    ) -> tuple[dict[int, Said], Tensor | None]:
        """What the base says of the fixed slots that rows are at, by slot, and its hints, (rows, 4).

        known: fixed slots before which all is written that they are told from.
        """
        base = self.vae.base
        if base is None:
            return {}, None
        said: dict[int, Said] = {}
        hints = torch.zeros(len(current), HINTS, device=current.device)
        for field, rows in groups(self.vae, current, done):
            if field < len(self.vae.fixed):
                at = here[rows]
                placed = base.place(field, self.tokens[at], self.cells[at], self.fold[at])
                said[field] = base.said_of(field, *placed, field in known)
                hints[rows] = said[field].hints
        return said, hints

    def _time(self, current: Tensor, here: Tensor, done: Tensor, timed: set[int]) -> Tensor | None:
        """(rows, width) what the axis tells the slots that rows are at. timed: fixed slots that are told."""
        axis = self.vae.axis
        if axis is None or not timed:
            return None
        out = torch.zeros(len(current), self.vae.config.width, device=current.device)
        for field, rows in groups(self.vae, current, done):
            if field in timed:
                at = here[rows]
                apart = self.vae.span_slots  # else all rows are at one slot, and their time stays
                place = axis.embed(self.tokens[at], self.cells[at]) if apart else self._place()
                out[rows] = place @ axis.tell[field]
        return out

    def _place(self) -> Tensor:
        """(rows, INNER or more) what the axis knows of the time of all rows, all of which is written."""
        if self.place is None:
            assert self.vae.axis is not None
            self.place = self.vae.axis.embed(self.tokens, self.cells)
        return self.place

    def _write_fixed(
        self, turn: Turn, slot: int, hidden: Tensor, rows: Tensor | slice, said: Said | None
    ) -> None:
        """Draw a fixed slot of these rows."""
        rescored = turn.rescored
        vae = self.vae
        if int(vae.column_of[slot]) not in self.given:
            field_ = int(vae.field_of[slot])
            allowed = self.allowed.get(slot)
            assert not isinstance(allowed, Tensor)
            if allowed is None and said is None and not rescored:
                self._write_free(turn, slot, hidden, rows)
                return
            anchored = self._anchored(turn, slot, rows)
            token, cell, mass = vae.fields.draw(field_, hidden, self.generator, allowed, said, anchored)
            ended = turn.empty(vae, slot, self.tokens[rows])
            if ended is not None:
                token, cell = torch.where(ended, -1, token), torch.where(ended, 0, cell)
                mass = torch.where(ended, 0.0, mass)
            self.tokens[rows, slot], self.cells[rows, slot] = token, cell
            self.log_mass[rows] += mass
            if rescored:
                self.log_prob[rows] += vae.fields.log_prob(field_, hidden, token, cell, said, anchored)

    def _anchored(self, turn: Turn, slot: int, rows: Tensor | slice) -> Tensor | None:
        """What the anchors of a fixed slot of these rows say, as `Fields.anchored`."""
        vae = self.vae
        if vae.fields.anchors is None:
            return None
        written = {int(vae.field_of[one]) for one in turn.order[: turn.order.index(slot)]}
        fixed = vae.fixed if vae.span_slots else slice(None)
        return vae.fields.anchored(
            int(vae.field_of[slot]), self.tokens[rows][:, fixed], self.cells[rows][:, fixed], written
        )

    def _write_free(self, turn: Turn, slot: int, hidden: Tensor, rows: Tensor | slice) -> None:
        """Draw a fixed slot of these rows, of which nothing else is known or asked for."""
        anchored = self._anchored(turn, slot, rows)
        token, cell = self.ahead.heads.draw(int(self.vae.field_of[slot]), hidden, self.generator, anchored)
        ended = turn.empty(self.vae, slot, self.tokens[rows])
        if ended is not None:
            token = torch.where(ended, -1, token)
            cell = None if cell is None else torch.where(ended, 0, cell)
        self.tokens[rows, slot] = token
        if cell is not None:
            self.cells[rows, slot] = cell

    def _write_span(
        self, span: int, logits: Tensor, rows: Tensor, slot: Tensor, walks: dict[int, Walk], rescored: bool
    ) -> Tensor:
        """Draw the next sub-word of these rows, each at its `slot` of the span; returns whose span ends."""
        vae, slots = self.vae, self.vae.span_slots[span]
        place = vae.in_span[slot]
        if int(vae.column_of[slots[0]]) not in self.given:
            grammar = self.grammars.get(slots[0])
            self.room[span] -= len(rows)
            full = self.room[span] < 0 and slots[0] not in self.allowed
            if grammar is None:
                options = logits + vae.spans.emit(span, place)
            else:  # it knows what may come, which need not have been seen
                if span not in walks:
                    walks[span] = grammar.walk(len(self.latent))
                closing = (place.cpu().numpy() > CLOSING * len(slots)) | full
                mask = torch.from_numpy(walks[span].mask(rows.cpu().numpy(), closing)).to(rows.device)
                begins = place == 0
                mask[:, MISSING] = begins & (vae.spans.emit(span, place)[:, MISSING] == 0)
                options = logits.masked_fill(~mask, IMPOSSIBLE)
            for at in set(slot.tolist()) & self.allowed.keys() if self.allowed else ():
                share, here = self.allowed[at], slot == at
                assert isinstance(share, Tensor)
                restricted = logits[here].log_softmax(-1) + share
                if grammar is not None:
                    restricted = restricted.masked_fill(~mask[here], IMPOSSIBLE)
                self.log_mass[rows[here]] += restricted.logsumexp(-1)
                options[here] = restricted
            token = pick(self.drawing.shape(options), self.generator)
            if full and grammar is None:
                self.told.cut += int((token[place > 0] > MISSING).sum())
                token = torch.where(place > 0, STOP, token)
            self.tokens[rows, slot] = token
            if rescored:
                self.log_prob[rows] += logits.log_softmax(-1).gather(1, token[:, None])[:, 0]
            if grammar is not None:
                said = token > MISSING
                walks[span].take(rows[said].cpu().numpy(), token[said].cpu().numpy())
        token = self.tokens[rows, slot]
        return (token <= MISSING) | (place + 1 == len(slots))
