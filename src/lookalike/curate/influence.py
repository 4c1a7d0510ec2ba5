"""What each row is worth to a classifier: influence in closed form, and weights that are learned from it.

For logistic regression with an L2 penalty, fitted as theta = argmin sum_i w_i CE_i + penalty |theta|^2 / 2,
taking row i away changes an outer loss L by about g_out' H^-1 g_i, with the gradients g and the Hessian H at
theta (Koh and Liang, "Understanding black-box predictions via influence functions", 2017). One solution of
H s = g_out by conjugate gradients serves all rows.

SunGen (Gao et al., "Self-guided noise-free data generation", 2023) follows that gradient in the weights. Its
outer loss needs no real rows: the reverse cross-entropy of the synthetic ones, 10 (1 - p_label), bounds what
a wrong label can say. Here real rows steer as well, and real rows held out say after which step to stop: more
steps fit the weights to the noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.learn import folds_of

Array = npt.NDArray[Any]

PENALTY = 0.1  # 1 / C of `learn.classifier`
NEWTON, SOLVED = 30, 1e-7  # steps of a fit, at most; the part of the gradient that may be left
MOST_STEPS = 8  # of the weights
RATE = 0.5  # of a step, in standard deviations of the gradient
FOLDS = 5
ENOUGH = 200  # real rows that can steer; fewer are fitted by heart
OUTER = ("reverse", "real")


@dataclass
class Fitted:
    """Logistic regression fitted on weighed rows.

    theta: (dims + 1, classes), the last row is the intercept. chances: (rows, classes) of the rows.
    """

    points: Array
    weights: Array
    theta: Array
    chances: Array
    penalty: float

    def predict(self, points: Array) -> Array:
        """(rows, classes) probabilities of other points."""
        return _softmax(with_one(points) @ self.theta)

    def times_hessian(self, other: Array) -> Array:
        """H times a matrix of the shape of theta."""
        moved = self.chances * (self.points @ other)
        moved -= self.chances * moved.sum(1, keepdims=True)
        return np.asarray(self.points.T @ (self.weights[:, None] * moved) + self.penalty * other)

    def solve(self, target: Array, tolerance: float = SOLVED) -> Array:
        """s with H s = target, by conjugate gradients: H is positive definite, as the penalty is above 0."""
        found, left = np.zeros_like(target), target.copy()
        way, size = left.copy(), float((left**2).sum())
        enough = tolerance**2 * size
        for _ in range(2 * target.size):
            if size <= enough:
                break
            product = self.times_hessian(way)
            length = size / float((way * product).sum())
            found += length * way
            left -= length * product
            before, size = size, float((left**2).sum())
            way = left + size / before * way
        return found


def with_one(points: Array) -> Array:
    """The points with a last dimension of ones, for the intercept."""
    return np.column_stack([np.asarray(points, dtype=np.float64), np.ones(len(points))])


def fit(
    points: Array,
    codes: Array,
    classes: int,
    weights: Array | None = None,
    *,
    penalty: float = PENALTY,
    start: Array | None = None,
) -> Fitted:
    """The classifier, by Newton's method with halved steps. points: (rows, dims); codes: (rows,) 0, 1, ...;
    weights: (rows,) of 0 or more, None is 1 each. start: theta to begin from.
    """
    own, truth = with_one(points), np.eye(classes)[codes]
    kept = np.ones(len(own)) if weights is None else np.asarray(weights, dtype=np.float64)
    theta = np.zeros((own.shape[1], classes)) if start is None else start.copy()

    def loss(at: Array) -> float:
        logits = own @ at
        top = logits.max(1)
        norm = top + np.log(np.exp(logits - top[:, None]).sum(1))
        return float(kept @ (norm - logits[np.arange(len(own)), codes]) + penalty / 2 * (at**2).sum())

    now = loss(theta)
    for _ in range(NEWTON):
        fitted = Fitted(own, kept, theta, _softmax(own @ theta), penalty)
        gradient = own.T @ (kept[:, None] * (fitted.chances - truth)) + penalty * theta
        step = fitted.solve(gradient, 0.1)
        gain = float((gradient * step).sum())
        if gain <= 1e-9 * max(abs(now), 1.0):
            break
        length = 1.0
        while (after := loss(theta - length * step)) > now - 1e-4 * length * gain and length > 1e-6:
            length /= 2
        theta, now = theta - length * step, after
    return Fitted(own, kept, theta, _softmax(own @ theta), penalty)


def influence(fitted: Fitted, codes: Array, outer: Array) -> Array:
    """(rows,) by how much the outer loss rises, about, when each row is taken away: above 0 where it helps.

    codes: (rows,) of the fitted rows. outer: (dims + 1, classes) the gradient of the outer loss in theta, as
    `outer_real` and `outer_reverse` give it.
    """
    moved = fitted.points @ fitted.solve(outer)
    errors = fitted.chances - np.eye(moved.shape[1])[codes]
    return np.asarray((errors * moved).sum(1))


def outer_real(fitted: Fitted, points: Array, codes: Array) -> Array:
    """The gradient of the mean cross-entropy of real rows."""
    chances = fitted.predict(points)
    errors = chances - np.eye(chances.shape[1])[codes]
    return np.asarray(with_one(points).T @ errors / len(points))


def outer_reverse(fitted: Fitted, codes: Array) -> Array:
    """The gradient of the mean reverse cross-entropy, 10 (1 - p_label), of the fitted rows themselves."""
    own = fitted.chances[np.arange(len(codes)), codes]
    errors = fitted.chances - np.eye(fitted.chances.shape[1])[codes]
    return np.asarray(fitted.points.T @ (10 * own[:, None] * errors) / len(codes))


@dataclass(frozen=True)
class Reweighed:
    """weights: (rows,), their mean is 1. outer: of `OUTER`, "" where nothing helps. steps: that were made."""

    weights: Array
    outer: str
    steps: int


def reweigh(
    points: Array, codes: Array, real: Array, real_codes: Array, classes: int, *, seed: int = 0
) -> Reweighed:
    """Weights of synthetic rows under which a classifier of them and of the real rows tells real ones best.

    Real rows held out, in 5 folds, choose the outer loss and the number of steps, up to 8, by the mean
    chance of the wrong classes (their cross-entropy speaks of calibration, which the steps change, and not of
    which class is found): the fewest steps within one standard error of the best, 0 included. Fewer than 200
    real rows do not steer, they only stop.
    """
    tried = OUTER if len(real) >= ENOUGH else OUTER[:1]
    losses = {(outer, step): np.zeros(len(real)) for outer in tried for step in range(MOST_STEPS + 1)}
    for learned, held in folds_of(real_codes, FOLDS, seed):
        told = real[learned], real_codes[learned]
        for outer in tried:
            for step, (fitted, _) in enumerate(_walk(points, codes, *told, classes, outer)):
                chances = fitted.predict(real[held])[np.arange(len(held)), real_codes[held]]
                losses[outer, step][held] = 1 - chances
    best = min(losses, key=lambda one: float(losses[one].mean()))
    for step in range(best[1] + 1):
        behind = losses[best[0], step] - losses[best]
        if behind.mean() <= behind.std(ddof=1) / np.sqrt(len(real)):
            break
    if step == 0:
        return Reweighed(np.ones(len(codes)), "", 0)
    walk = _walk(points, codes, real, real_codes, classes, best[0])
    return Reweighed(next(islice(walk, step, None))[1], best[0], step)


def _walk(
    points: Array, codes: Array, real: Array, real_codes: Array, classes: int, outer: str
) -> Iterator[tuple[Fitted, Array]]:
    """(the classifier, the weights) before any step and after each of them."""
    rows, both = len(codes), np.concatenate([points, real])
    told, bent, start = np.concatenate([codes, real_codes]), np.zeros(len(codes)), None
    for step in range(MOST_STEPS + 1):
        weights = 2 / (1 + np.exp(-bent))
        weights *= rows / weights.sum()
        fitted = fit(both, told, classes, np.concatenate([weights, np.ones(len(real))]), start=start)
        yield fitted, weights
        if step == MOST_STEPS:
            return
        steered = outer == "real"
        gradient = outer_real(fitted, real, real_codes) if steered else outer_reverse(fitted, told)
        helps = influence(fitted, told, gradient)[:rows]
        bent = bent + RATE * (helps - helps.mean()) / max(float(helps.std()), 1e-12)
        start = fitted.theta


def _softmax(logits: Array) -> Array:
    found = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(found / found.sum(1, keepdims=True))
