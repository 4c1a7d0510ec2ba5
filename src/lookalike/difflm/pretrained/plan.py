"""How a training around a language model is fitted to its time: steps, their rows, validations, the rate."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.difflm.pretrained.batches import epoch_batches
from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.course import Clock, Course
from lookalike.difflm.training.loop import Loop

# The rate that is asked for rises from this share of it to all of it in this share of the training. From 0
# on, the encoder falls asleep: on a tiny Llama a rate of .1 nats was left at the end, whatever beta.
RISE, RISEN = 0.25, 0.5
VALIDATING = 0.06  # share of the work of a training that its validations may take
FEWEST_HELD = 16  # rows that a validation sees at least
FEWEST_STEPS, SMALLEST = 80, 4  # with a time limit for fewer steps they are made of this many rows
BENT = 4  # the step before which the plan is first fitted to the time limit, then before 6, 8, 12, 16, ...
RECONSIDERED = 16  # the step before which it is first asked whether the time left to draw rows in is enough
FULL = 0.8  # of that time: what is drawn has to be learned from, too
DRAWN = {"cuda": 0.2, "cpu": 1.2}  # tokens that are drawn in the time of one that is trained on
DENOISER = {"cuda": 6.0, "cpu": 25.0}  # seconds that the denoiser is left, or its share of a shorter limit


@dataclass
class Plan:
    """Which rows a step is made of, and how many steps there are: fitted to the time limit as it goes.

    length: (all rows,) tokens of each; train: indices of those that are learned from; size: rows of a step
    from the step `since` on; smallest: the rows that it may be made smaller to (a GPU takes as long for 4
    rows as for 32: there it stays); held: rows that a validation sees, 0 before the first one.
    """

    length: Array
    train: Array
    size: int
    seed: int
    smallest: int = SMALLEST
    since: int = 0
    held: int = 0
    _epoch: tuple[tuple[int, int], list[Array]] = ((0, -1), [])

    @property
    def per_epoch(self) -> int:
        """Steps of a pass over the table."""
        return math.ceil(len(self.train) / self.size)

    def rows(self, step: int) -> Array:
        """The indices of the rows of a step."""
        epoch, place = divmod(step - self.since, self.per_epoch)
        if self._epoch[0] != (self.size, epoch):
            batches = epoch_batches(self.length, self.train, self.size, self.seed, epoch)
            self._epoch = ((self.size, epoch), batches)
        return self._epoch[1][place % len(self._epoch[1])]

    def bend(self, loop: Loop, course: Course, shown: Any) -> None:
        """Before the steps 4, 6, 8, 12, 16, 24, ...: as many steps as the time limit has room for at the pace
        since the last of them. (The first steps on a GPU take many times as long as the others.)

        Where they are fewer than 80 they are made smaller, once: a language model is not adapted in a few
        steps, however large they are.
        """
        step = loop.step
        halves = step // 3 if step % 3 == 0 else step
        if step < BENT or halves & (halves - 1) or step == course.first:
            return
        steps, work = course.affordable(step), 1.0
        if not self.since and steps < min(FEWEST_STEPS, course.steps) and self.size > self.smallest:
            work = self.smallest / self.size
            steps, self.size, self.since = step + round((steps - step) / work), self.smallest, step
        if steps != loop.steps:
            loop.plan(steps)
            course.plan(step, steps, work)
            shown.total = steps
            shown.refresh()
        course.pace_from(step)

    def reconsider(self, loop: Loop, speed: float, device: str) -> None:
        """Before the steps 16, 32, ...: train on where the time left for it would not do to draw rows in.

        speed: tokens that were trained on, a second.
        """
        step = loop.step
        if step >= RECONSIDERED and not step & (step - 1):
            pace = DRAWN.get(device, DRAWN["cpu"]) * speed / float(self.length.mean())
            if loop.clock.left_for(pace) > FULL:
                loop.clock.take_back()

    def seen(self, loop: Loop, held: int) -> Array:
        """Which of the held-out rows a validation sees: so few that all take a small share of the time."""
        if not self.held:
            each = 3 * VALIDATING * self.size * loop.every  # they take a third of a row that is learned
            self.held = min(held, max(FEWEST_HELD, round(each)))
        return np.arange(self.held)


def timed(config: TrainConfig, clock: Clock, device: str = "cpu") -> TrainConfig:
    """The denoiser is small: of a long time limit it needs a smaller share, and on a GPU little at all."""
    if not clock.limit:
        return config
    seconds = DENOISER.get(device, DENOISER["cpu"])
    return replace(config, denoiser_time=min(config.denoiser_time, seconds / clock.limit))


def risen(done: float) -> float:
    """The share of the rate that the latent is to carry by then: more as the text is learned."""
    return min(1.0, RISE + (1 - RISE) * done / RISEN)
