"""Logistic regressions of a slot: what a sum over the slots before it says of its classes.

Of few rows a tree splits a few times and looks at a few slots; a regularised regression adds up what all of
them say a little of. It is an expert beside trees (`slotbase.py`), each fold's fitted on the rows of others.
The curvature of the likelihood is bounded (Boehning, Multinomial Logistic Regression Algorithm, 1992), so
that a step solves the same equations each time; steps are accelerated (Nesterov).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from lookalike.codec.slot import Array

PRIORS = (100.0, 30.0, 10.0, 3.0)  # rows that the prior of a weight is worth, which are tried
STEPS = 12  # of each
Scores = TypeVar("Scores", Array, Tensor)
SMOOTHING = 0.5  # rows of a class before any is seen


@dataclass
class Lines:
    """A regression for each fold.

    intercepts: (folds, classes); numbers: (folds, 2 x numbers, classes) of the normal scores and of their
    squares; tokens: (folds, tokens of all categories, classes); weight: of what they say in the
    whole, (leaves of the slot's trees + 1,).
    """

    intercepts: Array
    numbers: Array
    tokens: Array
    weight: float | Array = 0.0

    def arrays(self, prefix: str) -> dict[str, Tensor]:
        """What is saved, as `Line` reads it."""
        parts = {
            "intercepts": self.intercepts,
            "numbers": self.numbers,
            "tokens": self.tokens,
            "weight": np.atleast_1d(self.weight),
        }
        return {prefix + name: torch.from_numpy(one.astype(np.float32)) for name, one in parts.items()}


def _squared(score: Scores) -> Scores:
    """What the square of a normal score adds, between -.7 and 2.1."""
    return ((score**2).clip(max=4.0) - 1) / 2**0.5


def fit_lines(
    scores: Array,
    levels: Array,
    places: list[int],
    tokens: int,
    y: Array,
    here: Array,
    fold: Array,
    classes: int,
) -> tuple[Lines, Array]:
    """The regressions of all folds, and (rows, classes) what that of every row's own fold says of it.

    scores: (rows, numbers) normal scores; levels: (rows, levels) which of the frequent tokens a row holds, at
    `places` among the `tokens` of all categories; y: (rows,) classes; here: rows that have one.
    """
    folds, count = int(fold.max()) + 1, scores.shape[1]
    x = np.concatenate([scores, _squared(scores), levels], 1)
    best: tuple[float, Array, Array] | None = None
    goal = np.eye(classes)[y]
    states = [_begin(goal[here & (fold != f)], x.shape[1]) for f in range(folds)]
    for prior in PRIORS:
        said = np.zeros((len(y), classes))
        for f in range(folds):
            use, own = here & (fold != f), fold == f
            states[f] = _descend(x[use], goal[use], *states[f], prior)
            said[own] = _shares(x[own], *states[f])
        likely = float(np.log(np.maximum(said[here, y[here]], 1e-12)).mean())
        if best is None or likely > best[0]:
            best = likely, np.stack([w for w, _ in states]), np.stack([b for _, b in states])
            kept = said
    assert best is not None
    spread = np.zeros((folds, tokens, classes))
    spread[:, places] = best[1][:, 2 * count :]
    return Lines(best[2], best[1][:, : 2 * count], spread), kept


def _begin(goal: Array, features: int) -> tuple[Array, Array]:
    counts = goal.sum(0) + SMOOTHING
    return np.zeros((features, goal.shape[1])), np.log(counts / counts.sum())


def _shares(x: Array, weights: Array, intercepts: Array) -> Array:
    logits = x @ weights + intercepts
    shares = np.exp(logits - logits.max(1, keepdims=True))
    out: Array = shares / shares.sum(1, keepdims=True)
    return out


def _descend(x: Array, goal: Array, weights: Array, intercepts: Array, prior: float) -> tuple[Array, Array]:
    """Weights and intercepts after some steps."""
    mean = x.mean(0)
    own = x - mean
    inverse = np.linalg.inv(own.T @ own / 2 + prior * np.eye(x.shape[1]))
    intercepts = intercepts + mean @ weights
    w, b, last_w, last_b = weights, intercepts, weights, intercepts
    for step in range(STEPS):
        far = step / (step + 3)
        v, c = w + far * (w - last_w), b + far * (b - last_b)
        left = goal - _shares(own, v, c)
        last_w, last_b = w, b
        w = v + inverse @ (own.T @ left - prior * v)
        b = c + 2 * left.mean(0) * len(x) / (len(x) + SMOOTHING)
    return w, b - mean @ w


class Line(nn.Module):
    """The regressions of a slot, as arrays."""

    def __init__(self, arrays: Mapping[str, Tensor], prefix: str):
        super().__init__()
        self.intercepts: Tensor
        self.numbers: Tensor
        self.tokens: Tensor
        self.weight: Tensor
        for name in ("intercepts", "numbers", "tokens", "weight"):
            self.register_buffer(name, arrays[prefix + name], persistent=False)
        self.size = self.intercepts.shape[1]

    def predict(self, numbers: Tensor, levels: Tensor, fold: Tensor) -> Tensor:
        """(rows, classes) what the regression of every row's fold says.

        numbers: (rows, numbers) normal scores; levels: (rows, categories) places of tokens among all of them;
        fold: (rows,), all as in `Base.place`.
        """
        logits = self.intercepts[fold]
        half = self.numbers.shape[1] // 2
        for i, score in enumerate(numbers.unbind(1)):
            logits = logits + score[:, None] * self.numbers[fold, i]
            logits = logits + _squared(score)[:, None] * self.numbers[fold, half + i]
        for at in levels.unbind(1):
            logits = logits + self.tokens[fold, at]
        return logits.softmax(1)
