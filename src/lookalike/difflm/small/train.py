"""The training loop of the VAE that is learned from scratch."""

from __future__ import annotations

import math
from functools import lru_cache, partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from lookalike.difflm.norm import clip_gradients
from lookalike.difflm.small.base import Placed, fit_base
from lookalike.difflm.small.batches import Encoded, batch_size, shuffled
from lookalike.difflm.small.chains import Orders
from lookalike.difflm.small.vae import VAE
from lookalike.difflm.training.adamw import AdamW
from lookalike.difflm.training.averaging import Averaged
from lookalike.difflm.training.checkpoint import Checkpoint
from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.course import Clock
from lookalike.difflm.training.loop import Loop, plan_steps, seed_step, validation_noise
from lookalike.difflm.training.memory import keep_freed
from lookalike.difflm.training.muon import Muon
from lookalike.difflm.training.rows import random_first, split
from lookalike.difflm.training.threads import Threads
from lookalike.progress import bar, working
from lookalike.seed import child, child_seed

ORDERED = 2_000  # rows of a table whose columns are put in order, at most
LARGE = 10_000  # rows: of a smaller table too few are held out to shorten its plan by
CLIP = 5.0  # norm of the gradients at most, over the root of how many slots a record has


def train_vae(
    vae: VAE,
    tokens: Tensor,
    cells: Tensor,
    config: TrainConfig,
    clock: Clock,
    checkpoint: Checkpoint,
    threads: Threads,
    seed: int,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Train on (rows, slots) tokens and cells, on any device; the best validated weights are kept.

    Returns one entry per validation: step, seconds, reconstruction, rate, bound (nats per row, on held-out
    rows), train (the bound on the last training batches) and beta; then one that says how it ended, as
    `Course.facts`.
    """
    keep_freed()
    with working("preparing the rows for the network", progress=progress):
        table = Encoded(tokens, cells, vae.lengths(tokens), _based(vae, tokens, cells, seed))
        optimizers = _optimizers(vae, config)  # imports parts of torch, which takes seconds
    train_rows, held_rows = map(torch.from_numpy, split(len(table), config, seed, vae.config.based))
    if vae.axis is not None:
        vae.axis.lay(tokens, cells)
        vae.axis.learning = True
    held, average_length = table.of(held_rows), max(1, int(table.lengths.float().mean()))
    batch = batch_size(len(train_rows), average_length, config)
    per_epoch = max(1, len(train_rows) // batch)
    noise = validation_noise(len(held), vae.latent_size, seed, vae.device)
    steps = plan_steps(per_epoch, config.epochs, config.steps, config.epochs_limits)
    loop = Loop(vae, optimizers, steps, config, clock, checkpoint)
    averaged = _resume(loop, Averaged(vae, config.averaging), checkpoint)
    average = cast(VAE, averaged.module)
    batches = lru_cache(1)(partial(_batches, train_rows, table.lengths, batch, seed))
    vae.train()
    threads.restart()
    _judge_base(loop, average, held, noise, progress)
    course, what = loop.course("the language model", progress), "training the language model"
    whole = loop.steps < steps or _kept(vae, len(train_rows), config)
    with bar(loop.steps, what, unit="steps", progress=progress) as shown:
        shown.update(loop.step)
        while not course.over(loop.step, not loop.patient()):
            step = loop.step
            # warm up: the first gradients are large; then fall to 0 by the end of the steps or of the time
            loop.set_learning_rate(min(1.0, (step + 1) / config.warmup), max(0.0, 1 - course.done(step)))
            # draw: all chance of a step comes from its number, so that a killed training goes on the same
            at = batches(step // per_epoch)[step % per_epoch]
            seed_step(seed, step, vae.device)
            first = _first(vae, len(at), config, child(seed, "columns first", step))
            # descend: the controller moves beta so that the latent carries its rate
            threads.begin()
            loss, rate = _gradients(vae, optimizers, table.of(at), first, config, loop.controller.beta)
            loop.controller.update(rate)
            _descend(vae, optimizers, average_length)
            averaged.update()
            threads.end(float(table.lengths[at].sum()))
            loop.count(loss, rate, shown)
            # validate the mean of the weights, which is calmer than they are
            if loop.validates():
                _judge(loop, average, held, noise)
                if not whole and (ends := loop.settled()) < loop.steps:
                    whole, loop.steps, course.steps, shown.total = True, ends, ends, ends
            # save, so that a kill costs little
            if loop.saves():
                loop.save(_means(averaged), steps=loop.steps)
    loop.save(_means(averaged), steps=loop.steps)
    with working("taking the best weights", progress=progress):
        _take_best(vae, loop, average, held, noise)
    if vae.axis is not None:
        vae.axis.learning = False
    return [*loop.history, course.facts(loop.step)]


def _based(vae: VAE, tokens: Tensor, cells: Tensor, seed: int) -> Placed | None:
    """Fit the base that the network corrects; every row falls into the tree that has not seen it.

    Columns of a small table come in the order that the base is best in: few values first, last, or as the
    table has them; of fewer rows what exchanging neighbours makes of the best of these. Of more rows the
    network learns what an order hides, and three bases would take long.
    """
    if not vae.config.based or not vae.fixed:
        return None
    orders = [vae.arranged, sorted(vae.arranged), vae.arranged[::-1]]
    begun = [vae.in_turn(order) for order in (orders if len(tokens) <= ORDERED else orders[:1])]
    tried = Orders(begun, vae.fixed_in, vae.in_turn)
    vae.base, fold, best = fit_base(vae.fields, vae.fixed, tried, tokens, cells, seed)
    vae.arrange(best)
    placed = vae.placed(tokens, cells, fold)
    vae.base.to(vae.device)
    return placed


def _kept(vae: VAE, rows: int, config: TrainConfig) -> bool:
    """Whether all steps of the plan are made, however little they gain; rows: that are learned."""
    asked = config.epochs_limits[0] == config.epochs_limits[1]
    return rows < LARGE or asked or bool(vae.span_slots)


def _resume(loop: Loop, averaged: Averaged, checkpoint: Checkpoint) -> Averaged:
    """Go on from the checkpoint, if there is one, with the mean of the weights that it holds."""
    if state := loop.resume():
        loop.steps = state.get("steps", loop.steps)
        averaged.load_state_dict({k: checkpoint.tensors[f"mean.{k}"] for k in averaged.state_dict()})
    return averaged


def _first(vae: VAE, rows: int, config: TrainConfig, rng: np.random.Generator) -> Tensor:
    """(rows, columns) bool on the model's device: the columns that come first in each row."""
    return torch.from_numpy(random_first(rows, len(vae.columns), config, rng)).to(vae.device)


def _optimizers(vae: VAE, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the language model, AdamW for the rest.

    On Magic Muon gains 0.4 nats over AdamW at equal steps.
    """
    matrices = [p for p in vae.backbone.parameters() if p.ndim == 2]
    chosen = {id(p) for p in matrices}
    rest = [p for p in vae.parameters() if id(p) not in chosen]
    rate, decay = config.learning_rate, config.weight_decay
    return [
        AdamW(rest, rate, (0.9, 0.99), weight_decay=decay, fused=True),
        Muon(matrices, rate * config.muon_ratio, decay, config.muon_steps),
    ]


def _batches(rows: Tensor, lengths: Tensor, batch: int, seed: int, epoch: int) -> tuple[Tensor, ...]:
    """The rows of an epoch in batches, in an order of its own."""
    shuffle = torch.Generator().manual_seed(child_seed(seed, "batches", epoch))
    return shuffled(rows, lengths, batch, shuffle).split(batch)


def _gradients(
    vae: VAE,
    optimizers: list[torch.optim.Optimizer],
    batch: Encoded,
    first: Tensor,
    config: TrainConfig,
    beta: float,
) -> tuple[float, float]:
    """The gradients of a batch, added up over parts that fit the memory; its bound and rate, nats per row.

    first: (rows, columns) bool, the columns that come first.
    """
    rows = len(batch)
    drawn = torch.randn(rows, vae.latent_size, device=vae.device)
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    loss = rate = 0.0
    for part in batch.parts(config.slots_most):
        tokens, cells, placed = batch.of(part).on(vae.device)
        nll, kl, bags = vae(tokens, cells, vae.order(first[part], tokens), drawn[part], placed)
        reconstruction, rate_now = nll.sum() / rows, kl.sum() / rows
        aside = config.bag_of_words * bags.sum() / rows if config.rate else 0.0
        (reconstruction + beta * rate_now + aside).backward()
        loss, rate = loss + reconstruction.item(), rate + rate_now.item()
    return loss + rate, rate


def _descend(vae: VAE, optimizers: list[torch.optim.Optimizer], average_length: int) -> None:
    """One step of all optimizers; the loss, and so its gradient, grows with the slots of a record."""
    clip_gradients(vae.parameters(), CLIP * math.sqrt(average_length))
    for optimizer in optimizers:
        optimizer.step()


def _judge(loop: Loop, average: VAE, held: Encoded, noise: Tensor) -> None:
    """Validate the mean of the weights, and keep it where it is the best so far."""
    reconstruction, rate = _validate(average, held, noise, loop.config.slots_most // 2)
    loop.record(reconstruction, rate, loop.controller.beta)
    ready = loop.ready(rate)
    if ready or (average.base is not None and reconstruction + rate < loop.best):
        loop.judge(reconstruction + rate, average.state_dict())


def _judge_base(loop: Loop, average: VAE, held: Encoded, noise: Tensor, progress: bool) -> None:
    """Validate the base alone, which the network has to be better than, unless the training goes on."""
    if average.base is not None and not loop.history:
        with working("judging the trees that the network corrects", progress=progress):
            _judge(loop, average, held, noise)


def _take_best(vae: VAE, loop: Loop, average: VAE, held: Encoded, noise: Tensor) -> None:
    """The best validated weights, or the last ones: the steps since then may have made them better."""
    last = sum(_validate(average, held, noise, loop.config.slots_most // 2))
    vae.load_state_dict(average.state_dict() if last <= loop.best else loop.best_weights)


@torch.no_grad()
def _validate(vae: VAE, held: Encoded, noise: Tensor, most: int) -> tuple[float, float]:
    """Reconstruction and rate on the validation rows, nats per row; most: slots that are read at once."""
    vae.eval()
    sums, device = torch.zeros(2, dtype=torch.float64), noise.device
    first = torch.zeros(len(held), len(vae.columns), dtype=torch.bool, device=device)
    for at in held.parts(most):
        tokens, cells, placed = held.of(at).on(device)
        nll, kl, _ = vae(tokens, cells, vae.order(first[at], tokens), noise[at], placed)
        sums += torch.stack([nll.sum(), kl.sum()]).cpu()
    vae.train()
    reconstruction, rate = (sums / len(held)).tolist()
    return reconstruction, rate


def bound(vae: VAE, tokens: Tensor, cells: Tensor, seed: int, most: int = 16_384) -> float:
    """Reconstruction and rate of (rows, slots) records that were not learned, together, in nats per row."""
    tokens, cells = tokens.to(vae.device), cells.to(vae.device)
    fold = torch.arange(len(tokens), device=vae.device) % (1 if vae.base is None else vae.base.folds)
    held = Encoded(tokens, cells, vae.lengths(tokens), vae.placed(tokens, cells, fold))
    found = sum(_validate(vae, held, validation_noise(len(held), vae.latent_size, seed, vae.device), most))
    vae.eval()
    return found


def _means(averaged: Averaged) -> dict[str, Tensor]:
    return {f"mean.{k}": v for k, v in averaged.state_dict().items()}


@torch.no_grad()
def posteriors(vae: VAE, tokens: Tensor, cells: Tensor, slots: int = 262_144) -> tuple[Tensor, Tensor]:
    """Mean and log variance of every row's posterior, each (rows, latent size), on the model's device.

    slots: rows x slots that are read at once.
    """
    device, batch = vae.device, max(16, slots // tokens.shape[1])
    vae.eval()
    parts = [
        vae.posterior(t.to(device).long(), c.to(device).long())
        for t, c in zip(tokens.split(batch), cells.split(batch), strict=True)
    ]
    return torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])
