"""The training loop around a pretrained language model: injection, encoder and, with LoRA, adapters."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lookalike.codec.slot import Array
from lookalike.difflm.pretrained.hub import SMALLER, logits_bytes, most_tokens
from lookalike.difflm.pretrained.tokens import Tokens, lengths, padded
from lookalike.difflm.pretrained.vae import PretrainedVAE
from lookalike.difflm.small.train import TrainConfig, random_first, split
from lookalike.difflm.small.vae import RateController, divergence
from lookalike.difflm.training.checkpoint import SECONDS, Checkpoint, pack, unpack
from lookalike.difflm.training.course import Clock, Course
from lookalike.difflm.training.memory import check_memory, enough_memory, free_memory, held_bytes
from lookalike.difflm.training.threads import Threads
from lookalike.progress import bar, say
from lookalike.seed import child, child_seed

BETAS = ("rate", "schedule")
SHARE = 0.5  # of the free memory; a step took 1.6 to 2.4 times what it keeps, on a CPU
_FIRST = 512  # records that the reader's start is set by
BEGIN = 0.1  # beta, which the controller then moves
EVERY = 20  # steps between two validations, at least
_SORTED = 16  # batches whose rows are sorted by length together


@dataclass(frozen=True)
class FinetuneConfig:
    """What differs from `TrainConfig`, which holds for the rest.

    beta: "rate" holds the KL at TrainConfig.rate; "schedule" is the paper's: the loss is the mean over
    tokens plus beta times the mean over latent dimensions, and beta falls (see `Backtracking`). epochs:
    passes over the table, where they make a number of steps within `steps`. batch: rows of a step; micro:
    tokens (with their padding) that are in memory at once, four times as many on a GPU and fewer where the
    memory is short; the gradients of a step are added up. (On a CPU 1,024 train a Llama of 134 million
    weights 1.4 times as fast as 4,096, in a third of the memory.)
    lora_rate: learning rate of the adapters. most: tokens of a record, longer ones are cut.
    """

    beta: str = "rate"
    epochs: float = 10.0
    steps: tuple[int, int] = (400, 4000)
    batch: int = 64
    micro: int = 1024
    learning_rate: float = 2e-3
    lora_rate: float = 3e-4
    weight_decay: float = 0.01
    warmup: float = 0.05
    most: int = 2048

    def at_once(self, device: torch.device) -> int:
        """Tokens that are in memory at once, where it is not short."""
        return self.micro * (4 if device.type == "cuda" else 1)


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


def read_posteriors(
    vae: PretrainedVAE, read: list[list[int]], micro: int, pad: int
) -> Iterator[tuple[Array, Tensor, Tensor]]:
    """(rows, mean, log variance) of records as the encoder's tokens, in parts that fit the memory."""
    for at in parts(lengths(read), np.arange(len(read)), micro):
        tokens, mask = padded([read[row] for row in at], pad)
        mean, log_variance = vae.posterior(tokens.to(vae.words.device), mask.to(vae.words.device))
        yield at, mean, log_variance


def parts(length: Array, rows: Array, micro: int) -> list[Array]:
    """The rows in parts of like length, each of at most `micro` tokens when padded (or one row)."""
    found: list[Array] = []
    own: list[int] = []
    for row in rows[np.argsort(length[rows], kind="stable")].tolist():
        if own and (len(own) + 1) * int(length[row]) > micro:
            found.append(np.array(own))
            own = []
        own.append(row)
    return [*found, np.array(own)] if own else found


def _batches(length: Array, rows: Array, batch: int, rng: np.random.Generator) -> list[Array]:
    """The rows of an epoch in batches of like length, in random order."""
    found = []
    for group in np.array_split(rng.permutation(rows), max(1, len(rows) // (batch * _SORTED))):
        ordered = group[np.argsort(length[group], kind="stable")]
        found += [ordered[start : start + batch] for start in range(0, len(ordered), batch)]
    return [found[i] for i in rng.permutation(len(found))]


def train_pretrained(
    vae: PretrainedVAE,
    tokens: Tokens,
    cells: Array,
    read: list[list[int]],
    config: TrainConfig,
    own: FinetuneConfig,
    clock: Clock,
    checkpoint: Checkpoint,
    threads: Threads,
    seed: int,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Train what is trained of `vae` on (rows, columns) cells; the best validated state is kept.

    read: the records as tokens of the encoder. Returns one entry per validation: step, seconds,
    reconstruction, rate, bound (nats per row, on held-out rows), train (the bound on the last batches),
    beta and tokens (those of the texts that were trained on, per second); then one that says how it ended,
    as `Course.facts`. Raises OptionError where the memory is too small.
    """
    train_rows, held_rows = split(len(cells), config, seed)
    columns = cells.shape[1]
    canonical = list(range(columns))
    held = [tokens.record(cells[row], canonical) for row in held_rows]
    length = lengths(read)
    batch = min(own.batch, max(8, len(train_rows) // 10), len(train_rows))
    per_epoch = math.ceil(len(train_rows) / batch)
    steps = math.ceil(min(max(own.epochs * per_epoch, own.steps[0]), own.steps[1]))
    holder = nn.ParameterDict({name.replace(".", "/"): p for name, p in vae.trained().items()})
    optimizer = _optimizer(holder, own)
    rates = [group["lr"] for group in optimizer.param_groups]
    controller, schedule = RateController(config.rate), Backtracking()
    controller.log_beta = math.log(BEGIN)
    scheduled = own.beta == "schedule"
    generator = torch.Generator().manual_seed(child_seed(seed, "validation noise"))
    noise = torch.randn(len(held_rows), vae.latent_size, generator=generator).to(vae.words.device)
    history: list[dict[str, float]] = []
    step, begun, best, waiting, seen = 0, clock.spent(), math.inf, 0, 0
    best_weights = {k: v.clone() for k, v in holder.state_dict().items()}
    by_length = train_rows[np.argsort(length[train_rows], kind="stable")]
    tried = [
        tokens.record(cells[row], canonical) for row in [*by_length[len(by_length) // 2 :][:4], by_length[-1]]
    ]
    micro = _tokens_at_once(vae, tried, own.at_once(vae.words.device), progress)
    if checkpoint.state.get("stage") == "vae":
        unpack(holder, [optimizer], "vae", checkpoint.tensors)
        state = checkpoint.state
        step, begun, best, history = state["step"], state["begun"], state["best"], state["history"]
        controller.log_beta, waiting, seen = state["log_beta"], state["waiting"], state["seen"]
        schedule.beta, schedule.best = state["schedule"]
        best_weights = {k: checkpoint.tensors[f"best.{k}"].to(vae.words.device) for k in best_weights}
    else:
        _begin(vae, [read[row] for row in train_rows[:_FIRST]], micro)
        best_weights = {k: v.clone() for k, v in holder.state_dict().items()}
    every = max(1, min(max(EVERY, steps // config.validations), steps))
    order_of: list[Array] = []
    epoch, saved, running = -1, time.perf_counter(), 0.0

    def keep() -> None:
        if checkpoint.folder is None:
            return
        checkpoint.save(
            pack(holder, [optimizer], "vae") | {f"best.{k}": v for k, v in best_weights.items()},
            stage="vae",
            step=step,
            best=best,
            waiting=waiting,
            begun=begun,
            seen=seen,
            log_beta=controller.log_beta,
            schedule=[schedule.beta, min(schedule.best, 1e30)],
            history=history,
            spent=clock.spent(),
        )

    threads.restart()
    course = Course(
        "the way into the language model", steps, clock, begun, config.denoiser_time, step, progress
    )
    with (
        bar(steps, f"training around {vae.name}", unit="steps", progress=progress) as shown,
        enough_memory(vae.name, SMALLER, checkpoint.folder is not None),
    ):
        shown.update(step)
        while not course.over(step, waiting >= config.patience):
            done = min(1.0, course.done(step))
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                warm = min(1.0, (step + 1) / max(1.0, own.warmup * steps))
                group["lr"] = rate * warm * 0.5 * (1 + math.cos(math.pi * done))
            if step // per_epoch != epoch:
                epoch = step // per_epoch
                order_of = _batches(length, train_rows, batch, child(seed, "batches", epoch))
            at = order_of[step % per_epoch % len(order_of)]
            rng = child(seed, "columns first", step)
            torch.manual_seed(child_seed(seed, "step noise", step))  # the caller forks the generator
            first = random_first(len(at), columns, config, rng)
            records = [
                tokens.record(cells[row], _order(first[i]) if first[i].any() else canonical)
                for i, row in enumerate(at)
            ]
            optimizer.zero_grad(set_to_none=True)
            _set_training(vae, True)
            beta = schedule.beta if scheduled else controller.beta
            texts = sum(map(len, records))
            total_nll, total_kl = 0.0, 0.0
            shaken = torch.randn(len(at), vae.latent_size, device=vae.words.device)
            for part in parts(lengths(records), np.arange(len(at)), micro):
                threads.begin()
                own_noise = shaken[torch.from_numpy(part).to(shaken.device)]
                nll, kl = _terms(vae, [records[i] for i in part], [read[at[i]] for i in part], own_noise)
                if scheduled:
                    loss = nll.sum() / texts + beta * kl.mean(1).sum() / len(at)
                else:
                    loss = (nll.sum() + beta * kl.sum()) / len(at)
                loss.backward()
                total_nll, total_kl = total_nll + nll.sum().item(), total_kl + kl.sum().item()
                threads.end(float(len(part) * max(len(records[i]) for i in part)))
            controller.update(total_kl / len(at))
            nn.utils.clip_grad_norm_(
                holder.parameters(), 1.0 if scheduled else 5.0 * math.sqrt(texts / len(at))
            )
            optimizer.step()
            seen += texts
            value = (total_nll + total_kl) / len(at)
            running = value if not running else 0.95 * running + 0.05 * value
            step += 1
            shown.update(1)
            if step % 5 == 0:
                shown.set_postfix_str(f"loss {running:.2f} rate {total_kl / len(at):.1f}")
            if step % every == 0 or step == steps:
                reconstruction, rate = _validate(vae, held, [read[row] for row in held_rows], noise, micro)
                history.append(
                    {
                        "step": step,
                        "seconds": round(clock.spent(), 2),
                        "reconstruction": reconstruction,
                        "rate": rate,
                        "bound": reconstruction + rate,
                        "train": running,
                        "beta": beta,
                        "tokens": round(seen / max(clock.spent() - begun, 1e-9), 1),
                    }
                )
                if scheduled:  # it ends when the reconstruction stops improving at the lowest beta
                    ready, value = True, reconstruction
                    waiting = 0 if schedule.update(reconstruction) or not schedule.ended else waiting + 1
                else:  # a posterior that is not yet at its rate has a better bound than is asked for
                    ready, value = rate >= 0.8 * config.rate or config.rate <= 0, reconstruction + rate
                    waiting = 0 if not ready or value < best - 1e-4 else waiting + 1
                if ready and value < best - 1e-4:
                    best = value
                    best_weights = {k: v.clone() for k, v in holder.state_dict().items()}
            if time.perf_counter() - saved > SECONDS:
                saved = time.perf_counter()
                keep()
    keep()
    if math.isfinite(best):
        holder.load_state_dict(best_weights)
    _set_training(vae, False)
    return [*history, course.facts(step)]


def _tokens_at_once(vae: PretrainedVAE, records: list[list[int]], micro: int, progress: bool) -> int:
    """`micro`, or fewer where the memory is short; then the layers are also computed twice, if need be.

    records: some of a usual length and the longest one; what they keep for the gradients is measured.
    Raises OptionError where not even the longest one fits.
    """
    device, config = vae.words.device, vae.language.config.get_text_config()
    known = [*vae.parameters(), *vae.buffers()]
    held, longest = 0.0, len(records[-1])
    for rows in (records[:-1], records[-1:]):
        with enough_memory(vae.name, SMALLER):
            tokens, mask = (x.to(device) for x in padded(rows, vae.pad))
            latent = torch.zeros(len(rows), vae.latent_size, device=device)
            held = max(held, held_bytes(partial(vae, latent, tokens, mask), known) / tokens.numel())
    logits, layers = logits_bytes(vae.vocabulary, 1), config.num_hidden_layers
    whole = held + logits * 2 / 3  # a third of the latter is kept by the forward pass
    lean = (held - logits / 3) / layers + layers * vae.hidden * vae.embeddings[0].weight.itemsize + logits
    free = free_memory(device)
    most = most_tokens(vae.vocabulary, micro)
    costs = [whole, lean]
    if vae.config.injection == "kv_memory":  # which cannot do without its cache
        costs.remove(lean)
    elif vae.checkpointing:
        costs.remove(whole)
    steps = [(cost, most // part) for cost in costs for part in (1, 2, 4)]
    fits = [step for step in steps if step[0] * max(step[1], longest) < SHARE * free]
    cost, found = (fits or steps[-1:])[0]
    if not fits:
        check_memory(cost * longest, device, f"training around {vae.name} needs", SMALLER)
    if cost == lean and not vae.checkpointing:
        vae.checkpoint_layers()
        say("memory is short: layers are computed twice, which takes a third longer", progress=progress)
    return found


@torch.no_grad()
def _begin(vae: PretrainedVAE, read: list[list[int]], micro: int) -> None:
    """Sets what the reader starts from by these records."""
    pooled, device = [], vae.words.device
    for at in parts(lengths(read), np.arange(len(read)), micro):
        tokens, mask = (x.to(device) for x in padded([read[row] for row in at], vae.reading))
        pooled.append(vae.reader.pooled(vae.embedded(tokens, mask), mask))
    vae.reader.follow(torch.cat(pooled))


def _optimizer(holder: nn.ParameterDict, own: FinetuneConfig) -> torch.optim.Optimizer:
    named = [(name, p) for name, p in holder.items() if p.requires_grad]
    adapters = [p for name, p in named if "lora_" in name]
    rest = [p for name, p in named if "lora_" not in name]
    groups: list[dict[str, Any]] = [{"params": rest, "lr": own.learning_rate}]
    if adapters:
        groups.append({"params": adapters, "lr": own.lora_rate, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, own.learning_rate, (0.9, 0.99), weight_decay=own.weight_decay)


def _order(first: Array) -> list[int]:
    """The columns `first`, then the others, both in the order of the table."""
    return [*np.flatnonzero(first).tolist(), *np.flatnonzero(~first).tolist()]


def _set_training(vae: PretrainedVAE, on: bool) -> None:
    """Layers trade time for memory only while they train; as there is no dropout, nothing else changes."""
    vae.train(on)
    vae.language.train(on and vae.checkpointing)
    if vae.encoder is not None:
        vae.encoder.eval()


def _terms(
    vae: PretrainedVAE, records: list[list[int]], read: list[list[int]], noise: Tensor
) -> tuple[Tensor, Tensor]:
    """The negative log likelihood of every token and the KL of every latent dimension, in nats."""
    device = vae.words.device
    mean, log_variance = vae.posterior(*(x.to(device) for x in padded(read, vae.reading)))
    kl = divergence(mean, log_variance)
    latent = mean + noise * (0.5 * log_variance).exp()
    own, mask = (x.to(device) for x in padded(records, vae.pad))
    return vae(latent, own, mask), kl


@torch.no_grad()
def _validate(
    vae: PretrainedVAE, held: list[list[int]], read: list[list[int]], noise: Tensor, micro: int
) -> tuple[float, float]:
    """Reconstruction and rate on the validation rows, nats per row."""
    _set_training(vae, False)
    nll, rate = 0.0, 0.0
    device = vae.words.device
    for at in parts(np.maximum(lengths(held), lengths(read)), np.arange(len(held)), micro):
        mean, log_variance = vae.posterior(
            *(x.to(device) for x in padded([read[row] for row in at], vae.reading))
        )
        latent = mean + noise[torch.from_numpy(at).to(device)] * (0.5 * log_variance).exp()
        own, mask = (x.to(device) for x in padded([held[row] for row in at], vae.pad))
        nll += float(vae(latent, own, mask).sum())
        rate += float(divergence(mean, log_variance).sum())
    return nll / len(held), rate / len(held)
