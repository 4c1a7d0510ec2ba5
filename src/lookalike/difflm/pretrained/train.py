"""The training loop around a pretrained language model: injection, encoder and, with LoRA, adapters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lookalike.codec.slot import Array
from lookalike.difflm.pretrained.batches import length_parts
from lookalike.difflm.pretrained.examples import Examples, Texts, split_few, usual_and_longest
from lookalike.difflm.pretrained.memory import tokens_at_once
from lookalike.difflm.pretrained.plan import SMALLEST, Plan, risen, timed
from lookalike.difflm.pretrained.tokens import lengths, padded
from lookalike.difflm.pretrained.vae import PretrainedVAE
from lookalike.difflm.training.adamw import AdamW
from lookalike.difflm.training.averaging import Mean
from lookalike.difflm.training.checkpoint import Checkpoint
from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.course import Clock
from lookalike.difflm.training.loop import Loop, plan_steps, seed_step, validation_noise
from lookalike.difflm.training.rate import divergence
from lookalike.difflm.training.rows import random_first
from lookalike.difflm.training.threads import Threads
from lookalike.progress import bar
from lookalike.seed import child

BETAS = ("rate", "schedule")
FIRST = 512  # records that the reader's start is set by
BEGIN = 0.1  # beta, which the controller then moves
MOVES = 8.0  # how far the controller can move the logarithm of beta in a training, however short
ON_GPU = 16  # times as many rows a step and tokens at once as on a CPU
SMALL_STEPS = 400  # steps that a training should have: of a small table they have fewer rows each
# Share by which held-out rows may be written worse than at best while the learning rate falls: what is drawn
# gets more like the learned rows after these stand still. At a quarter three rows of ten were copies.
LATE = 0.1
CLIP = 5.0  # norm of the gradients at most, over the root of how many tokens a record has
CLIP_OF_MEAN = 1.0  # the same where the loss is a mean over tokens


@dataclass(frozen=True)
class FinetuneConfig:
    """What differs from `TrainConfig`, which holds for the rest.

    beta: "rate" holds the KL at TrainConfig.rate; "schedule" is the paper's: the loss is the mean over
    tokens plus beta times the mean over latent dimensions, and beta falls (see `Backtracking`). epochs:
    passes over the table, where they make a number of steps within `steps`. batch: rows of a step, 16
    times as many on a GPU (but for a small table): many small steps learn more in the time of a few large
    ones, and a GPU takes about as long for 8 rows as for 128. micro:
    tokens (with their padding) that are in memory at once, 16 times as many on a GPU and fewer where the
    memory is short; the gradients of a step are added up. (On a CPU 1,024 train a Llama of 134 million
    weights 1.4 times as fast as 4,096, in a third of the memory.)
    lora_rate: learning rate of the adapters. most: tokens of a record, longer ones are cut.
    """

    beta: str = "rate"
    epochs: float = 8.0
    steps: tuple[int, int] = (100, 6000)
    batch: int = 8
    micro: int = 1024
    learning_rate: float = 2e-3
    lora_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.05
    most: int = 2048

    def at_once(self, device: torch.device) -> int:
        """Tokens that are in memory at once, where it is not short."""
        return self.micro * (ON_GPU if device.type == "cuda" else 1)

    def size(self, rows: int, device: torch.device) -> int:
        """Rows of a step for a table of so many."""
        usual = self.batch * (ON_GPU if device.type == "cuda" else 1)
        return min(usual, max(self.batch, int(rows * self.epochs / SMALL_STEPS)), rows)


class Backtracking:
    """The paper's schedule (section 3.1): beta falls by 0.7 when the validation stops improving.

    It starts at 0.1 and ends at 0.001; then training goes on until the reconstruction stops improving again.
    """

    FACTOR, HIGHEST, LOWEST, LEAST = 0.7, 0.1, 0.001, 1e-3

    def __init__(self) -> None:
        self.beta, self.best = self.HIGHEST, math.inf

    @property
    def ended(self) -> bool:
        return self.beta <= self.LOWEST

    def update(self, reconstruction: float) -> bool:
        """Whether the reconstruction (nats, on held-out rows) got better by more than 0.1%."""
        better = reconstruction < self.best - self.LEAST * abs(self.best) if self.best < math.inf else True
        self.best = min(self.best, reconstruction)
        if not better:
            self.beta = max(self.LOWEST, self.beta * self.FACTOR)
        return better


def train_pretrained(
    vae: PretrainedVAE,
    examples: Examples,
    config: TrainConfig,
    finetune: FinetuneConfig,
    clock: Clock,
    checkpoint: Checkpoint,
    threads: Threads,
    seed: int,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Train what is trained of `vae` on the examples; the last state that validates well is kept.

    Returns one entry per validation: step, seconds,
    reconstruction, rate, bound (nats per row, on held-out rows), train (the bound on the last batches),
    beta and tokens (those of the texts that were trained on, per second); then one that says how it ended,
    as `Course.facts`.
    """
    train_rows, held_rows = split_few(len(examples.cells), config, seed)
    held, length, device = examples.of(held_rows), lengths(examples.read), vae.words.device
    noise = validation_noise(len(held_rows), vae.latent_size, seed, device)
    size = finetune.size(len(train_rows), device)
    plan = Plan(length, train_rows, size, seed, size if device.type == "cuda" else SMALLEST)
    loop = _loop(vae, plan, config, finetune, clock, checkpoint, device.type)
    mean = Mean(loop.module)
    schedule = Backtracking() if finetune.beta == "schedule" else None
    bag = config.bag_of_words if config.rate else 0.0
    tried = examples.of(usual_and_longest(length, train_rows)).written
    at_once = tokens_at_once(vae, tried, finetune.at_once(device), progress)
    seen = _start(vae, loop, mean, schedule, plan, examples.of(train_rows[:FIRST]), at_once.tokens)
    threads.restart()
    course, what = loop.course("the way into the language model", progress), f"training around {vae.name}"
    course.told = clock.limit is not None  # it is told when the plan is fitted to it
    with bar(loop.steps, what, unit="steps", progress=progress) as shown:
        shown.update(loop.step)
        while not course.over(loop.step, not loop.patient()):
            step = loop.step
            # plan: the steps that the time limit has room for, and smaller ones where they are few
            plan.bend(loop, course, shown)
            plan.reconsider(loop, _speed(loop, seen), device.type)
            # warm up: the first gradients are large; then fall to 0 by the end of the steps or of the time
            warm, done = (step + 1) / max(1.0, finetune.warmup * loop.steps), min(1.0, course.done(step))
            loop.set_learning_rate(min(1.0, warm), 0.5 * (1 + math.cos(math.pi * done)))
            # draw: all chance of a step comes from its number, so that a killed training goes on the same;
            # fewer and fewer rows have other columns first: most are drawn with the columns as they stand
            at, rng = plan.rows(step), child(seed, "columns first", step)
            mixed = replace(config, subset_share=config.subset_share * (1 - done))
            batch = examples.of(at, random_first(len(at), examples.cells.shape[1], mixed, rng))
            # descend: the controller moves beta so that the latent carries its rate, or the schedule sets it
            beta = loop.controller.beta if schedule is None else schedule.beta
            of_mean = schedule is not None
            descend = partial(_descend, vae, loop, batch, beta, of_mean, bag, threads, seed)
            loss, rate = at_once.within(descend, step)
            loop.controller.target = config.rate * risen(done)
            loop.controller.update(rate, MOVES / loop.steps)
            seen += batch.size
            loop.count(loss, rate, shown)
            mean.update(loop.step, loop.steps)
            # validate the mean of the weights, which is calmer than they are, and keep the best
            if loop.validates():
                some = held.of(plan.seen(loop, len(held_rows)))
                with mean.in_place():
                    reconstruction, rate = _validate(vae, some, noise, at_once.tokens)
                    loop.record(reconstruction, rate, beta, tokens=_speed(loop, seen))
                    _judge(loop, schedule, reconstruction)
            # save, so that a kill costs little
            if loop.saves():
                _save(loop, mean, schedule, plan, seen)
    _save(loop, mean, schedule, plan, seen)
    late = LATE if course.ended in ("steps", "time") else 0.0  # else the learning rate has not fallen
    _take_best(vae, loop, schedule, held.of(plan.seen(loop, len(held_rows))), noise, at_once.tokens, late)
    _set_training(vae, False)
    return [*loop.history, course.facts(loop.step)]


@torch.no_grad()
def _begin(vae: PretrainedVAE, read: list[list[int]], micro: int) -> None:
    """Sets what the reader starts from by these records."""
    pooled, device = [], vae.words.device
    for at in length_parts(lengths(read), micro):
        tokens, mask = (x.to(device) for x in padded([read[row] for row in at], vae.reading))
        pooled.append(vae.reader.pooled(vae.embedded(tokens, mask), mask))
    vae.reader.follow(torch.cat(pooled))


def _loop(
    vae: PretrainedVAE,
    plan: Plan,
    config: TrainConfig,
    finetune: FinetuneConfig,
    clock: Clock,
    checkpoint: Checkpoint,
    device: str,
) -> Loop:
    steps = plan_steps(plan.per_epoch, finetune.epochs, finetune.steps)
    own = timed(config, clock, device)
    trained = nn.ParameterDict({name.replace(".", "/"): p for name, p in vae.trained().items()})
    loop = Loop(trained, [_optimizer(trained, finetune)], steps, own, clock, checkpoint)
    loop.controller.log_beta = math.log(BEGIN)
    return loop


def _optimizer(trained: nn.ParameterDict, finetune: FinetuneConfig) -> torch.optim.Optimizer:
    named = [(name, p) for name, p in trained.items() if p.requires_grad]
    adapters = [p for name, p in named if "lora_" in name]
    rest = [p for name, p in named if "lora_" not in name]
    groups: list[dict[str, Any]] = [{"params": rest, "lr": finetune.learning_rate}]
    if adapters:
        groups.append({"params": adapters, "lr": finetune.lora_rate, "weight_decay": 0.0})
    return AdamW(groups, finetune.learning_rate, (0.9, 0.99), weight_decay=finetune.weight_decay)


def _set_training(vae: PretrainedVAE, on: bool) -> None:
    """Layers trade time for memory only while they train; as there is no dropout, nothing else changes."""
    vae.train(on)
    vae.language.train(on and vae.checkpointing)
    if vae.encoder is not None:
        vae.encoder.eval()


def _descend(
    vae: PretrainedVAE,
    loop: Loop,
    batch: Texts,
    beta: float,
    mean: bool,
    bag: float,
    threads: Threads,
    seed: int,
    micro: int,
) -> tuple[float, float]:
    """One step on a batch, in parts of `micro` tokens; returns its bound and rate, nats per row.

    mean: whether the loss is the paper's, the mean over tokens plus beta times the mean over latent
    dimensions, and not the bound of a row. bag: weight of the words that the latent has to tell.
    """
    rows, tokens, device = len(batch.written), batch.size, vae.words.device
    _set_training(vae, True)
    seed_step(seed, loop.step, device)
    loop.optimizers[0].zero_grad(set_to_none=True)
    drawn = torch.randn(rows, vae.latent_size, device=device)
    total_nll = total_kl = 0.0
    for part in length_parts(lengths(batch.written), micro):
        threads.begin()
        texts = batch.of(part)
        nll, kl, told = _terms(vae, texts, drawn[torch.from_numpy(part).to(device)], bag > 0)
        if mean:
            loss = nll.sum() / tokens + beta * kl.mean(1).sum() / rows
        else:
            loss = (nll.sum() + beta * kl.sum() + bag * told.sum()) / rows
        loss.backward()
        total_nll, total_kl = total_nll + nll.sum().item(), total_kl + kl.sum().item()
        threads.end(float(len(part) * max(map(len, texts.written))))
    most = CLIP_OF_MEAN if mean else CLIP * math.sqrt(tokens / rows)
    nn.utils.clip_grad_norm_(loop.module.parameters(), most)
    loop.optimizers[0].step()
    return (total_nll + total_kl) / rows, total_kl / rows


def _terms(vae: PretrainedVAE, texts: Texts, noise: Tensor, bag: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The negative log likelihood of every token, the KL of every latent dimension, and the negative log
    likelihood that the latent alone gives the words of a record (0 without `bag`), in nats.

    noise: (rows, latent size), standard normal.
    """
    device = vae.words.device
    mean, log_variance = vae.posterior(*(x.to(device) for x in padded(texts.read, vae.reading)))
    kl = divergence(mean, log_variance)
    latent = mean + noise * (0.5 * log_variance).exp()
    tokens, mask = (x.to(device) for x in padded(texts.written, vae.pad))
    told = vae.bag_of_words(latent, tokens, mask) if bag else tokens.new_zeros(1)
    return vae(latent, tokens, mask), kl, told


@torch.no_grad()
def _validate(vae: PretrainedVAE, held: Texts, noise: Tensor, micro: int) -> tuple[float, float]:
    """Reconstruction and rate on the validation rows, nats per row."""
    _set_training(vae, False)
    reconstruction, rate, rows = 0.0, 0.0, len(held.written)
    for at in length_parts(np.maximum(lengths(held.written), lengths(held.read)), micro):
        nll, kl, _ = _terms(vae, held.of(at), noise[torch.from_numpy(at).to(noise.device)], False)
        reconstruction, rate = reconstruction + float(nll.sum()), rate + float(kl.sum())
    return reconstruction / rows, rate / rows


def bound(vae: PretrainedVAE, records: Texts, seed: int, micro: int) -> float:
    """Reconstruction and rate of records that were not learned, together, in nats per row."""
    noise = validation_noise(len(records.written), vae.latent_size, seed, vae.words.device)
    return sum(_validate(vae, records, noise, micro))


def _judge(loop: Loop, schedule: Backtracking | None, reconstruction: float) -> None:
    """Keep the last weights by which held-out rows are hardly written worse than at best; with a schedule the
    best ones.
    """
    weights, waited = loop.module.state_dict(), loop.waiting
    if schedule is not None:  # it ends when the reconstruction stops improving at the lowest beta
        loop.judge(reconstruction, weights)
        loop.waiting = 0 if schedule.update(reconstruction) or not schedule.ended else waited + 1
    else:
        loop.judge(reconstruction, weights, LATE)


def _take_best(
    vae: PretrainedVAE,
    loop: Loop,
    schedule: Backtracking | None,
    held: Texts,
    noise: Tensor,
    micro: int,
    late: float,
) -> None:
    """The last weights, if no mean was validated, or if held-out rows are written at most the share `late`
    worse than with the best validated mean; else the mean that was kept.
    """
    if schedule is None:
        reconstruction, rate = _validate(vae, held, noise, micro)
        if loop.best == math.inf or reconstruction < (1 + late) * loop.best:
            loop.record(reconstruction, rate, loop.controller.beta)
            return
    if math.isfinite(loop.best):
        loop.module.load_state_dict(loop.best_weights)


def _speed(loop: Loop, seen: int) -> float:
    """Tokens that were trained on per second."""
    return round(seen / max(loop.clock.spent() - loop.begun, 1e-9), 1)


def _start(
    vae: PretrainedVAE,
    loop: Loop,
    mean: Mean,
    schedule: Backtracking | None,
    plan: Plan,
    first: Texts,
    micro: int,
) -> int:
    """Go on from the checkpoint, or begin by the records `first`; how many tokens have been trained on."""
    seen = _resume(loop, mean, schedule, plan)
    vae.count(first.written)
    if not loop.step:
        _begin(vae, first.read, micro)
    return seen


def _resume(loop: Loop, mean: Mean, schedule: Backtracking | None, plan: Plan) -> int:
    """Go on from the checkpoint, if there is one; returns how many tokens have been trained on."""
    state = loop.resume()
    if state and schedule is not None:
        schedule.beta, schedule.best = state["schedule"]
    if state:
        mean.load(loop.checkpoint.tensors)
        plan.size, plan.since, plan.held, steps = state["plan"]
        loop.plan(steps)
    return int(state.get("seen", 0))


def _save(loop: Loop, mean: Mean, schedule: Backtracking | None, plan: Plan, seen: int) -> None:
    known = None if schedule is None else [schedule.beta, min(schedule.best, 1e30)]
    loop.save(mean.tensors(), seen=seen, schedule=known, plan=[plan.size, plan.since, plan.held, loop.steps])


def read_posteriors(
    vae: PretrainedVAE, read: list[list[int]], micro: int, pad: int
) -> Iterator[tuple[Array, Tensor, Tensor]]:
    """(rows, mean, log variance) of records as the encoder's tokens, in parts that fit the memory."""
    for at in length_parts(lengths(read), micro):
        tokens, mask = padded([read[row] for row in at], pad)
        mean, log_variance = vae.posterior(tokens.to(vae.words.device), mask.to(vae.words.device))
        yield at, mean, log_variance
