"""The gradients of a batch: of its two halves, where that pays, or of parts that fit the memory.

Halves are computed at once by this process alone, or side by side by it and a partner (`partner.py`): the
gradients have the same bits. So whether a batch is learned in halves depends on the table and the settings
alone, and who computes them on the load of the machine (`training/threads.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from lookalike.difflm.halves import cut, first_half, halved
from lookalike.difflm.small.base import Placed
from lookalike.difflm.small.batches import Encoded
from lookalike.difflm.small.fused import LONGEST
from lookalike.difflm.small.partner import Partner
from lookalike.difflm.small.vae import VAE
from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.threads import Threads

LOG = logging.getLogger(__name__)
Answer = TypeVar("Answer")

LEAST = 1000  # rows x slots of a half: in a smaller one operations take longer than what they compute
STEPS, SECONDS = 300, 15.0  # for less a partner is not started: it takes two seconds to begin


@dataclass
class Part:
    """Some rows of a batch, and all that their gradients follow from.

    first: (rows, columns) bool, the columns that come first; noise: (rows, latent size); whole: rows of the
    batch; beta: weight of the rate; words: of the texts as bags of words.
    """

    records: Encoded
    first: Tensor
    noise: Tensor
    whole: int
    beta: float
    words: float = 0.0

    def of(self, rows: Tensor | slice) -> Part:
        """Those of these rows."""
        return Part(
            self.records.of(rows), self.first[rows], self.noise[rows], self.whole, self.beta, self.words
        )

    def learn(self, model: nn.Module) -> tuple[float, float]:
        """Adds the gradients to those of the model, a `VAE`; returns reconstruction and rate, in nats per row
        of the batch.
        """
        assert isinstance(model, VAE)
        tokens, cells, placed = self.records.on(model.device)
        nll, kl, bags = model(tokens, cells, model.order(self.first, tokens), self.noise, placed)
        sums, rows = [], cut() or len(nll)
        for own_nll, own_kl, own_bags in zip(*(one.split(rows) for one in (nll, kl, bags)), strict=True):
            terms = own_nll.sum() / self.whole, own_kl.sum() / self.whole
            loss = terms[0] + self.beta * terms[1]
            if self.words:
                loss = loss + self.words * own_bags.sum() / self.whole
            sums.append((loss, *terms))
        torch.autograd.backward([loss for loss, _, _ in sums])
        return sum(term.item() for _, term, _ in sums), sum(term.item() for _, _, term in sums)

    def __getstate__(self) -> dict[str, Any]:
        """Arrays, whose pickling takes a tenth of that of tensors."""
        own, placed = self.records, self.records.placed
        tensors = [own.tokens, own.cells, own.lengths, self.first, self.noise]
        tensors += [] if placed is None else [placed.leaf, placed.predicted, placed.odds]
        arrays = [one.numpy() for one in tensors]
        return {"arrays": arrays, "numbers": (self.whole, self.beta, self.words)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        tokens, cells, lengths, first, noise, *placed = map(torch.from_numpy, state["arrays"])
        self.records = Encoded(tokens, cells, lengths, Placed(*placed) if placed else None)
        self.first, self.noise = first, noise
        self.whole, self.beta, self.words = state["numbers"]


def in_halves(vae: VAE, rows: int, config: TrainConfig) -> bool:
    """Whether batches of so many rows are learned in halves, whoever computes them.

    With texts steps are long enough for torch's threads, and draw numbers that only one may draw.
    """
    own, slots = vae.config, len(vae.fixed)
    plain = vae.device.type == "cpu" and not vae.span_slots and not own.dropout
    plain = plain and own.injection == "soft_prompt" and vae.positions(slots) <= LONGEST
    return plain and rows // 2 * slots >= LEAST and rows * slots <= config.slots_most


class Learner:
    """Computes the gradients of a model, batch by batch, and is ended where a block is left."""

    def __init__(self, vae: VAE, config: TrainConfig, threads: Threads):
        self.vae, self.config, self.threads = vae, config, threads
        self.halves = False
        self._weights = list(vae.parameters())
        self._partner: Partner | None = None
        self._shared = self._proven = False

    def begin(self, rows: int, steps: int, seconds: float) -> None:
        """Batches of so many rows are to follow, about so many, in so many seconds at most."""
        self.halves = in_halves(self.vae, rows, self.config)
        if self.halves and steps >= STEPS and seconds >= SECONDS and self.threads.may_join:
            try:
                self._partner = Partner()
            except (OSError, ValueError) as error:
                LOG.debug("%s: going on with one process", error)

    def __enter__(self) -> Learner:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def learn(self, batch: Encoded, first: Tensor, beta: float) -> tuple[float, float]:
        """Set the gradients of a batch; returns its bound and rate, nats per row.

        first: (rows, columns) bool, the columns that come first.
        """
        noise = torch.randn(len(batch), self.vae.latent_size, device=self.vae.device)
        self._forget()
        words = self.config.bag_of_words if self.config.rate and not self.halves else 0.0
        whole = Part(batch, first, noise, len(batch), beta, words)
        if self.halves:
            reconstruction, rate = self._in_halves(whole)
        else:
            parts = [whole.of(rows).learn(self.vae) for rows in batch.parts(self.config.slots_most)]
            reconstruction, rate = (sum(terms) for terms in zip(*parts, strict=True))
        return reconstruction + rate, rate

    def end(self) -> None:
        """The partner ends, if there is one."""
        if self._partner is not None:
            self._partner.end()
            self._partner, self._proven = None, False
            self.threads.leaves()

    # ---- halves --------------------------------------------------------------------------------------------

    def _in_halves(self, whole: Part) -> tuple[float, float]:
        if self._partner is not None and not self._proven and self._tried(partial(self._is_ready, whole)):
            return self._proved(whole)
        return self._together(whole) if self._proven and self.threads.with_partner else self._alone(whole)

    def _alone(self, whole: Part) -> tuple[float, float]:
        with halved(whole.whole):
            return whole.learn(self.vae)

    def _together(self, whole: Part) -> tuple[float, float]:
        """Both halves side by side; one after the other where the partner fails."""
        rows = first_half(whole.whole)
        second = whole.of(slice(rows, None))
        self._tried(lambda partner: partner.ask(second))
        own = whole.of(slice(rows)).learn(self.vae)
        answer = self._tried(Partner.answer)
        if answer is None:
            theirs = second.learn(self.vae)
        else:
            theirs, gradients = answer
            pairs = [(w.grad, g) for w, g in zip(self._weights, gradients, strict=True) if w.grad is not None]
            torch._foreach_add_([own for own, _ in pairs], [more for _, more in pairs])
        return own[0] + theirs[0], own[1] + theirs[1]

    def _proved(self, whole: Part) -> tuple[float, float]:
        """A batch is learned both ways: a partner that computes other bits, as where torch is set up
        differently there, is not asked again.
        """
        together, gradients = self._together(whole), [weight.grad for weight in self._weights]
        self._forget()
        alone = self._alone(whole)
        if self._partner is not None:
            pairs = zip(gradients, (weight.grad for weight in self._weights), strict=True)
            same = (a is b if a is None or b is None else torch.equal(a, b) for a, b in pairs)
            self._proven = together == alone and all(same)
            if self._proven:
                self.threads.joins()
            else:
                LOG.debug("the second process computes other numbers")
                self.end()
        return alone

    def _is_ready(self, whole: Part, partner: Partner) -> bool:
        if not self._shared:
            partner.share(self.vae, whole.of(slice(first_half(whole.whole))))
            self._shared = True
        return partner.ready()

    def _tried(self, ask: Callable[[Partner], Answer]) -> Answer | None:
        """What the partner is asked for; None, and no partner from now on, where it fails."""
        if self._partner is None:
            return None
        try:
            return ask(self._partner)
        except (OSError, MemoryError) as error:
            LOG.debug("%s: going on with one process", error)
            self.end()
            return None

    def _forget(self) -> None:
        for weight in self._weights:
            weight.grad = None
