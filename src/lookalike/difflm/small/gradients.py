"""The gradients of a batch: of its two halves side by side, or of parts that fit the memory, one by one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from lookalike.difflm.small.batches import Encoded
from lookalike.difflm.small.vae import VAE
from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.threads import side_by_side

HALVES = 2
LEAST = 1000  # rows x slots of a half: in a smaller one operations take longer than what they compute


def gradients(
    vae: VAE, batch: Encoded, first: Tensor, config: TrainConfig, beta: float, crew: ThreadPoolExecutor
) -> tuple[float, float]:
    """Set the gradients of a batch; returns its bound and rate, nats per row.

    first: (rows, columns) bool, the columns that come first. crew: of `HALVES` threads.
    """
    drawn = torch.randn(len(batch), vae.latent_size, device=vae.device)
    for parameter in vae.parameters():
        parameter.grad = None
    if halved(vae, batch):
        return _of_halves(vae, batch, first, drawn, beta, crew)
    loss = rate = 0.0
    for part in batch.parts(config.slots_most):
        whole, bound, own = _lost(
            vae, batch, first, drawn, part, beta, config.bag_of_words * bool(config.rate)
        )
        whole.backward()
        loss, rate = loss + bound.item(), rate + own.item()
    return loss, rate


def halved(vae: VAE, batch: Encoded) -> bool:
    """Whether a batch is learned in halves, however many threads there are: a model has the same bits then.

    A core of its own for each half makes a step nearly twice as fast, all cores for each operation hardly
    faster. With texts halves are long enough for all cores, and draw numbers that only one may draw.
    """
    plain = vae.device.type == "cpu" and not vae.span_slots and not vae.config.dropout
    return plain and int(batch.lengths.sum()) >= HALVES * LEAST


def _of_halves(
    vae: VAE, batch: Encoded, first: Tensor, drawn: Tensor, beta: float, crew: ThreadPoolExecutor
) -> tuple[float, float]:
    """As `gradients`; those of the halves are added up in their order."""
    learned = [parameter for parameter in vae.parameters() if parameter.requires_grad]

    def work(part: Tensor, _: None) -> tuple[tuple[Tensor | None, ...], float, float]:
        whole, bound, rate = _lost(vae, batch, first, drawn, part, beta, 0.0)
        found = torch.autograd.grad(whole, learned, allow_unused=True)
        return found, bound.item(), rate.item()

    parts = torch.arange(len(batch)).chunk(HALVES)
    loss = rate = 0.0
    for found, bound, own in side_by_side(work, parts, lambda: None, crew):
        pairs = [(p, new) for p, new in zip(learned, found, strict=True) if new is not None]
        before = [p.grad for p, _ in pairs if p.grad is not None]
        if before:
            torch._foreach_add_(before, [new for _, new in pairs])
        else:
            for parameter, new in pairs:
                parameter.grad = new
        loss, rate = loss + bound, rate + own
    return loss, rate


def _lost(
    vae: VAE, batch: Encoded, first: Tensor, drawn: Tensor, part: Tensor, beta: float, bags: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Of some rows of a batch, as shares of all its rows: the loss, the bound, and the rate.

    bags: weight of what texts cost as bags of words.
    """
    rows = len(batch)
    tokens, cells, placed = batch.of(part).on(vae.device)
    nll, kl, bag = vae(tokens, cells, vae.order(first[part], tokens), drawn[part], placed)
    reconstruction, rate = nll.sum() / rows, kl.sum() / rows
    return reconstruction + beta * rate + bags * bag.sum() / rows, reconstruction + rate, rate
