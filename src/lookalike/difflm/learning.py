"""How prepared records are learned: both networks, one after the other."""

from __future__ import annotations

import contextlib
import hashlib
import math
from functools import partial
from pathlib import Path

import numpy as np
import torch

from lookalike.codec.slot import Array
from lookalike.difflm.fitted import Fitted
from lookalike.difflm.latent.train import train_denoiser
from lookalike.difflm.refining import FEWEST, FEWEST_TEXTS, features, fit_selector, told
from lookalike.difflm.training.checkpoint import Checkpoint, training_alone
from lookalike.difflm.training.course import Clock
from lookalike.difflm.wording import Wording, learn_wording, single_texts
from lookalike.interrupt import finishing
from lookalike.progress import say, stage, working
from lookalike.seed import child

PRIOR_ROWS = 200_000  # posteriors that the denoiser learns from, at most
FINISHING = "finishing with what has been learned; Ctrl-C again stops at once"
SELECTOR_ROWS, SELECTOR_TEXTS = 40_000, 4000  # learned rows that say which to keep, at most; fewer of texts
SELECTOR_CELLS = 4_000_000  # the same of cells, so that wide tables take no more memory
SINGLE_ROWS = 200_000  # rows whose texts are looked for among the drawn ones, at most
SELECTOR_DRAWN = 3  # rows that are drawn for each of them; 1 of texts
SELECTOR_TIME = 0.2  # of the time limit is kept for that
LOOKED_AT = (5000, 20_000)  # learned rows, without texts, by which it is seen whether refining helps
SELECTOR_DRAWING = 0.8  # of that is spent on as few drawn rows as will do, at most
NO_SIGNAL = "nothing tells them from the learned ones"
STREAMS = 5  # raised when the streams of random numbers change, so that no earlier checkpoint is gone on from


def train(
    fitted: Fitted, records: Array, folder: Path | None, max_time: float | None, clock: Clock, progress: bool
) -> None:
    """Learn an array of records. folder: of the checkpoint; clock: of the fit so far.

    What was spent before a kill counts. Ctrl-C once ends the training early; twice raises KeyboardInterrupt.
    Raises ModelError where another process trains with that folder.
    """
    with contextlib.nullcontext() if folder is None else training_alone(folder):
        _go_on(fitted, records, Checkpoint(folder, identity(fitted, records)), max_time, clock, progress)


def _go_on(
    fitted: Fitted, records: Array, state: Checkpoint, max_time: float | None, clock: Clock, progress: bool
) -> None:
    if state.aside is not None:
        say(
            f"{state.folder} was of another table or other settings: what was trained is kept in "
            f"{state.aside}, and the same command as then goes on with it",
            progress=progress,
        )
    if state.state:
        clock = Clock(max_time, state.state["spent"])
    if fitted.own_prior is not None:
        devices = [fitted.device] if fitted.device.type == "cuda" else []
        finish = partial(clock.stop, fitted.settings.train.denoiser_time)
        with torch.random.fork_rng(devices), fitted.threads.used(), finishing(finish, FINISHING):
            _train(fitted, records, clock, state, progress)
    fitted.history.append({"seconds": round(clock.spent(), 2)})


def _train(fitted: Fitted, records: Array, clock: Clock, state: Checkpoint, progress: bool) -> None:
    """Both networks, one after the other: the prior learns the latents that the first one gives."""
    config, seed = fitted.settings.train, fitted.seed
    if config.refine and _refusal(fitted, records) is None:
        clock.leave(SELECTOR_TIME, _fewest(fitted))
    fitted.history += fitted.records.train(records, config, clock, state, seed, progress)
    chosen = child(seed, "prior rows").permutation(len(records))[:PRIOR_ROWS]
    with working("encoding rows for the denoiser", progress=progress):
        mean, log_variance = fitted.records.posteriors(records[chosen])
    report = train_denoiser(fitted.prior, mean, log_variance, config, clock, fitted.threads, seed, progress)
    fitted.history.append(report | {"active_dimensions": int(fitted.prior.denoiser.active.sum())})
    fitted.records.vae.eval()
    fitted.prior.eval()
    if config.refine or (config.refine is None and _may_refine(fitted, records, clock)):
        _refine(fitted, records, clock, progress)


def _may_refine(fitted: Fitted, records: Array, clock: Clock) -> bool:
    """Whether it is looked whether refining helps, where nobody said so: of many rows, when time is left."""
    time = clock.limit is None or clock.limit - clock.spent() >= SELECTOR_TIME * clock.limit
    return not clock.stopped and time and len(records) >= LOOKED_AT[0] and _refusal(fitted, records) is None


def _refine(fitted: Fitted, records: Array, clock: Clock, progress: bool) -> None:
    """Learn which of the drawn records are kept: by a selector, and which texts are copies."""
    refusal = "the fit was cut short" if clock.stopped else _refusal(fitted, records)
    asked = fitted.settings.train.refine is not None
    if refusal is None and asked and clock.limit is not None and not clock.drawing:
        refusal = _no_room(fitted)
    clock.take_back()
    why = refusal or _select(fitted, records, clock, progress)
    if fitted.texts:
        rng = child(fitted.seed, "texts that stand once")
        some = records[rng.permutation(len(records))[:SINGLE_ROWS]]
        fitted.wording = fitted.wording or Wording()
        with working("looking for texts of single rows", progress=progress):
            fitted.wording.single = single_texts(fitted.inner, fitted.records.decode(some, rng))
    if why is not None and asked and not (fitted.texts and len(records) < FEWEST_TEXTS):
        say(f"drawn rows are not refined{', but for copies' * fitted.texts}: {why}", progress=progress)


def _refusal(fitted: Fitted, records: Array) -> str | None:
    """Why no selector can be learned of these records; None where one can."""
    if not fitted.texts and fitted.settings.pretrained is not None:
        return "around a backbone that needs a column of texts"
    fewest = _fewest(fitted)
    return f"fewer than {fewest:,} are known" if len(records) < fewest else None


def _fewest(fitted: Fitted) -> int:
    """Learned and drawn rows that a selector takes, at least."""
    return FEWEST_TEXTS if fitted.texts else FEWEST


def _no_room(fitted: Fitted) -> str:
    return f"the time limit leaves room for fewer than {_fewest(fitted):,} of them"


def _select(fitted: Fitted, records: Array, clock: Clock, progress: bool) -> str | None:
    """Learn what tells learned records from drawn ones; of these fewer where half of the time left is over.

    The fewest that will do take more of it. Returns why there is no selector, None where there is one.
    """
    left = math.inf if clock.limit is None else clock.limit - clock.spent()
    began, texts, fewest = clock.spent(), fitted.texts, _fewest(fitted)
    generator = fitted.generator(child(fitted.seed, "rows of the selector"))
    most, times = (SELECTOR_TEXTS, 1) if texts else (SELECTOR_ROWS, SELECTOR_DRAWN)
    most = max(fewest, min(most, SELECTOR_CELLS // max(1, len(fitted.slots))))
    chosen = child(fitted.seed, "learned rows of the selector").permutation(len(records))[:most]
    first = min(len(chosen), LOOKED_AT[1]) if fitted.settings.train.refine is None else 0
    parts: list[Array] = []
    with stage("compared drawn rows with learned ones", doing="comparing drawn rows", progress=progress):
        while (rows := times * len(chosen) - sum(map(len, parts))) > 0:
            rows = min(rows, fitted.records.chunk, fewest if texts else rows)
            parts.append(fitted.records.draw(fitted.fresh(rows, generator), rows, generator))
            have, took = sum(map(len, parts)), clock.spent() - began
            if first and have >= first:
                looked_at = records[chosen[:first]], np.concatenate(parts)[:first]
                first_learned, first_drawn = (features(fitted.slots, own) for own in looked_at)
                if not told(first_learned, first_drawn, fitted.seed):
                    fitted.records.rest()
                    return NO_SIGNAL
                first = 0
            if have >= fewest and took > left / 2:
                break
            needed = took if len(parts) == 1 else took * fewest / have  # the first one takes longest
            if have < fewest and needed > SELECTOR_DRAWING * left:
                return _no_room(fitted)
        fitted.records.rest()
        drawn = np.concatenate(parts)
        if texts:
            chosen = chosen[: max(fewest, 2 * len(drawn))]  # where time was short
            rng = child(fitted.seed, "cells of the selector")
            real, made = (fitted.records.decode(own, rng) for own in (records[chosen], drawn))
            fitted.wording, of_learned, of_drawn = learn_wording(fitted.inner, real, made, fitted.seed)
        else:
            of_learned, of_drawn = (features(fitted.slots, own) for own in (records[chosen], drawn))
        fitted.selector = fit_selector(of_learned, of_drawn, fitted.seed, fewest)
        if fitted.selector is None:
            fitted.wording = None
            return NO_SIGNAL
    return None


def identity(fitted: Fitted, records: Array) -> str:
    """What a checkpoint belongs to: settings, seed, and the records that are learned."""
    own = fitted.settings
    known = (STREAMS, own.vae, own.train, own.denoiser, fitted.seed, fitted.records.identity)
    digest = hashlib.sha256(repr(known).encode())
    text = records.dtype == object
    digest.update(repr(records.tolist()).encode() if text else np.ascontiguousarray(records).tobytes())
    return digest.hexdigest()
