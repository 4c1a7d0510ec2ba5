"""How far reviewers agree, and what the truth then is: Krippendorff's alpha, Cohen's kappa, Dawid-Skene.

alpha (Krippendorff 2004, nominal): any number of reviewers, and items that some have not seen. kappa (Cohen
1960), its interval by the large-sample variance of Fleiss, Cohen and Everitt (1969): two reviewers.
Dawid and Skene (1979): three or more, each with a confusion matrix of their own, by EM.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.seed import child

Array = npt.NDArray[np.float64]

Z = 1.959963984540054  # of a 95% interval
TURNS = 2000  # of the bootstrap
SMOOTH = 0.01  # added to each cell of a confusion matrix, so that none is zero
MOST_STEPS, STILL = 500, 1e-9  # of EM


def wilson(wrong: float, of: int) -> tuple[float, float]:
    """The 95% interval of a share (Wilson 1927); (0, 1) of nothing. wrong: a half stands for a tie."""
    if not of:
        return 0.0, 1.0
    share, z = wrong / of, Z * Z
    middle = (share + z / (2 * of)) / (1 + z / of)
    half = Z / (1 + z / of) * math.sqrt(share * (1 - share) / of + z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def _counts(units: Sequence[Sequence[Hashable]]) -> Array:
    """(units of two or more answers, answers that occur) how often each was given."""
    some = [unit for unit in units if len(unit) > 1]
    places = {answer: at for at, answer in enumerate(dict.fromkeys(one for unit in some for one in unit))}
    counts = np.zeros((len(some), len(places)))
    for at, unit in enumerate(some):
        for answer in unit:
            counts[at, places[answer]] += 1
    return counts


def alpha(units: Sequence[Sequence[Hashable]]) -> float:
    """Krippendorff's alpha for names: 1 where all agree, 0 by chance; nan where no item has two answers, or
    all answers are the same, so that there is nothing to tell apart.

    units: the answers to each item, whoever gave them.
    """
    return float(_alphas(_counts(units), None)[0])


def alpha_interval(units: Sequence[Sequence[Hashable]], seed: int = 0) -> tuple[float, float]:
    """The 95% interval of alpha by a bootstrap over items; (nan, nan) where alpha is nan."""
    counts = _counts(units)
    if not len(counts):
        return math.nan, math.nan
    weights = child(seed, "alpha").multinomial(len(counts), np.full(len(counts), 1 / len(counts)), TURNS)
    found = _alphas(counts, weights.astype(float))
    found = found[np.isfinite(found)]
    if not len(found) or not math.isfinite(float(_alphas(counts, None)[0])):
        return math.nan, math.nan
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def _alphas(counts: Array, weights: Array | None) -> Array:
    """alpha = 1 - (n - 1) sum_(c != k) o_ck / sum_(c != k) n_c n_k. weights: (turns, units), how often each
    unit counts.
    """
    weights = np.ones((1, len(counts))) if weights is None else weights
    sizes = counts.sum(1)
    apart = (sizes**2 - (counts**2).sum(1)) / (sizes - 1)  # of each unit: its share of sum o_ck
    totals = weights @ counts
    n = totals.sum(1)
    expected = n**2 - (totals**2).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, 1 - (n - 1) * (weights @ apart) / expected, math.nan)


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa with its 95% interval; share: of items that both answered alike; items: how many."""

    kappa: float
    low: float
    high: float
    share: float
    items: int


def kappa(one: Sequence[Hashable], other: Sequence[Hashable]) -> Kappa:
    """Cohen's kappa of two reviewers' answers to the same items; nan where both gave one and the same answer
    throughout, or there are no items.
    """
    n = len(one)
    places = {answer: at for at, answer in enumerate(dict.fromkeys([*one, *other]))}
    p = np.zeros((len(places), len(places)))
    for a, b in zip(one, other, strict=True):
        p[places[a], places[b]] += 1 / n
    rows, columns = p.sum(1), p.sum(0)
    agreed, chance = float(np.trace(p)), float(rows @ columns)
    if not n or 1 - chance < 1e-12:
        return Kappa(math.nan, math.nan, math.nan, agreed, n)
    value = (agreed - chance) / (1 - chance)
    own = np.diag(p) * ((1 - chance) - (rows + columns) * (1 - agreed)) ** 2
    across = p * (columns[:, None] + rows[None, :]) ** 2
    rest = (1 - agreed) ** 2 * (across.sum() - np.trace(across))
    spread = own.sum() + rest - (agreed * chance - 2 * chance + agreed) ** 2
    half = Z * math.sqrt(max(float(spread), 0.0) / n) / (1 - chance) ** 2
    return Kappa(value, max(-1.0, value - half), min(1.0, value + half), agreed, n)


@dataclass(frozen=True)
class Truth:
    """What reviewers together say.

    truth: item -> the likeliest answer and its probability. skill: reviewer -> the probability of a right
    answer, over the answers as they occur.
    """

    truth: dict[Any, tuple[Any, float]]
    skill: dict[str, float]


def dawid_skene(answers: Mapping[Any, Mapping[str, Hashable]]) -> Truth:
    """The likeliest answer to each item, by how each reviewer errs. answers: item -> reviewer -> answer.

    EM from the shares of the votes, to a change of the probabilities below 1e-9 or 500 steps.
    """
    people = sorted({name for given in answers.values() for name in given})
    names = sorted({one for given in answers.values() for one in given.values()}, key=repr)
    if not names:
        return Truth({}, {})
    who, what = ({name: at for at, name in enumerate(some)} for some in (people, names))
    said = [(at, who[p], what[one]) for at, given in enumerate(answers.values()) for p, one in given.items()]
    item, person, answer = np.array(said).T
    chances = np.zeros((len(answers), len(names)))
    np.add.at(chances, (item, answer), 1.0)
    chances /= np.maximum(chances.sum(1, keepdims=True), 1)
    prior = chances.mean(0)
    confusion = np.zeros((len(people), len(names), len(names)))  # person, answer, truth
    for _ in range(MOST_STEPS):
        # M: how often each answer is true, and what each reviewer says where it is
        prior = chances.mean(0) + 1e-12
        confusion = np.full(confusion.shape, SMOOTH)
        np.add.at(confusion, (person, answer), chances[item])
        confusion /= confusion.sum(1, keepdims=True)
        # E: the probability of each answer, given what all said
        log = np.tile(np.log(prior), (len(answers), 1))
        np.add.at(log, item, np.log(confusion[person, answer]))
        after = np.exp(log - log.max(1, keepdims=True))
        after /= after.sum(1, keepdims=True)
        moved, chances = float(np.abs(after - chances).max()), after
        if moved < STILL:
            break
    best = chances.argmax(1)
    truth: dict[Any, tuple[Any, float]] = {
        item: (names[best[at]], float(chances[at, best[at]])) for at, item in enumerate(answers)
    }
    skill = {name: float(prior @ np.diag(confusion[at])) for at, name in enumerate(people)}
    return Truth(truth, skill)
