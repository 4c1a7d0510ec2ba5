"""Which labels are wrong, by the probabilities that a classifier gives the classes, out of fold.

Confident learning (Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset
labels", 2021) needs no real rows. It finds noise that falls on all classes alike, and harms where labels of
one class are wrong more often than those of another, as those of language models are. A few trusted rows
repair that: `audit` gives every row the chance of each class, by one of two posteriors:

    product  A_k P_k / share_k
    noise    A_k Q_k T[k, label] / share_k

A is a model of the trusted rows, P the one of the audited rows, out of fold: two witnesses of the class.
share is the share of the classes among the trusted rows, which A knows already. T[k, j] is how often rows of
class k are labelled j. P tells labels, not classes: Q is what is left of it when their errors are taken out,
Q T = P (`cleared`), and the label that a row has is the third witness.

Hendrycks et al. ("Using trusted data to train deep networks on labels corrupted by severe noise", 2018) read
T off the trusted rows, which are too few here: their chance moves it by a tenth. It is read off the anchors
(Patrini et al., "Making deep neural networks robust to label noise", 2017): of the audited rows that the
geometric mean of A and P, brought to the shares of the trusted rows, finds likeliest of class k, the tenth of
which it is surest. What is wrong there is the label, not the model, so that 1 - T[k, k] is the share of wrong
labels, too.

The rule: T is an estimate with an error of its own, and the label tells nothing where the labels of all
classes are wrong as often. So "noise" is taken where the diagonal of T varies by more than .1 between the
classes, beyond chance (`spread`), and "product" elsewhere.

What the product finds in the trusted rows, whose labels are right, is usual, and only what is beyond it
counts as wrong. Not so with "noise": labels that are wrong in one class mislead the model that the trusted
rows are looked at with, too. So as much seemed usual there as was wrong, and two runs in five were left as
they were. That the classes differ beyond chance is evidence of its own.

The product is worth no more than the model of the trusted rows. Of 40 rows that may be next to nothing, and
what it contradicts is then its own error. So with the product nothing is sure unless that model agrees with
the labels at least half as well as the one that learned from them (`skill`, the ratio of their kappas).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

POSTERIORS = ("product", "noise")
UNEVEN = 0.1  # spread of the diagonal of T, from which the posterior is "noise"
ANCHORS, LEAST_ANCHORS = 10, 10  # one in so many rows of a class, and at least so many
SURE_REAL = 4  # one in so many real rows, the surest, shows what the audit finds where labels are right
LEAST_SHARE = 0.05  # of wrong labels, below which it is not sure that there are any
LEAST_SKILL = 0.5  # of the model of the trusted rows, with which the product is believed
TINY = 1e-6
LEAST_CHANCE = 1e-3  # of a class, once the errors of the labels are taken out
NEIGHBOURS = 10
FULL = 0.95  # a weight from which a row is left as it is
LEAST_LEFT = 2  # rows of a class that are never touched


def thresholds(chances: Array, codes: Array) -> Array:
    """(classes,) the mean probability of each class over the rows that have its label; 1 without rows.

    chances: (rows, classes) probabilities, out of fold; codes: (rows,) the label of each row, by number.
    """
    classes = chances.shape[1]
    sizes = np.bincount(codes, minlength=classes)
    sums = np.bincount(codes, chances[np.arange(len(codes)), codes], minlength=classes)
    return np.where(sizes > 0, sums / np.maximum(sizes, 1), 1.0)


def confident(chances: Array, codes: Array) -> Array:
    """(classes, classes) how many rows with label i are surely of class j, each row of the matrix scaled to
    the number of rows with that label, in whole numbers.

    Surely: the probability of j is at least its threshold; where several are, the likeliest class of all
    counts, as in cleanlab. A row for which none is counts nowhere. The diagonal is at least 1.
    """
    classes = chances.shape[1]
    above = chances >= thresholds(chances, codes) - TINY
    many = above.sum(1)
    likely = np.where(many > 1, chances.argmax(1), above.argmax(1))
    sure = many > 0
    counts = np.zeros((classes, classes))
    np.add.at(counts, (codes[sure], likely[sure]), 1)
    np.fill_diagonal(counts, np.maximum(counts.diagonal(), 1))
    sizes = np.bincount(codes, minlength=classes)
    counts = np.asfortranarray((counts.T / counts.sum(1) * sizes).T)
    # the last step changes no more than the last bit: it is cleanlab's, and decides which of two equals goes
    return _whole(counts / counts.sum() * len(codes), sizes)


def _whole(counts: Array, sizes: Array) -> Array:
    """The nearest whole numbers; so that each row sums to its size, those rounded furthest are rounded the
    other way.
    """
    near = np.round(counts).astype(np.int64)
    for row, short in enumerate(sizes - near.sum(1)):
        order = np.argsort(counts[row] - near[row])
        turn = order[::-1] if short > 0 else order
        near[row, turn[: abs(short)]] += np.sign(short)
    return near


def prune(chances: Array, codes: Array, counts: Array | None = None) -> Array:
    """(rows,) bool: the labels that are wrong, by noise rate: of the rows with label i, as many as are
    counted at class j, those with the largest lead of j over i. A row whose likeliest class is its label
    is left.

    counts: (classes, classes), None is `confident`.
    """
    counts = confident(chances, codes) if counts is None else counts
    wrong = np.zeros(len(codes), dtype=bool)
    for label in range(chances.shape[1]):
        own = np.flatnonzero(codes == label)
        for other in np.flatnonzero(counts[label]):
            if other != label:
                lead = chances[own, label] - chances[own, other]
                wrong[own[np.argsort(lead, kind="stable")[: counts[label, other]]]] = True
    return wrong & (chances.argmax(1) != codes)


def margin(chances: Array, codes: Array, adjusted: bool = False) -> Array:
    """(rows,) the probability of the label less that of the likeliest other class, -1..1.

    adjusted: each less its threshold, so that a class that is seldom sure is not blamed for it.
    """
    rows = np.arange(len(codes))
    own = chances - thresholds(chances, codes) if adjusted else chances.copy()
    given = own[rows, codes]
    own[rows, codes] = -np.inf
    return given - own.max(1)


def noisy_share(chances: Array, codes: Array) -> float:
    """The share of the rows whose label is wrong, 0..1, by the confident counts."""
    return 1 - float(np.trace(confident(chances, codes))) / len(codes)


def neighbour_votes(points: Array, codes: Array, neighbours: int = NEIGHBOURS) -> Array:
    """(rows,) the share of the nearest other rows that have the label of the row, 0..1."""
    labels, others = neighbour_labels(points, codes, neighbours)
    same = (labels == codes[:, None]) & others
    return same.sum(1) / np.maximum(others.sum(1), 1)


def neighbour_labels(points: Array, codes: Array, neighbours: int = NEIGHBOURS) -> tuple[Array, Array]:
    """(rows, neighbours) the labels of the nearest rows, and whether each is another row.

    points: (rows, dims), in which near is alike; no model is trained. A tenth of ten neighbours or less is a
    label that its surroundings contradict (Zhu, Dong, Liu, "Detecting corrupted labels without training a
    model", 2022).
    """
    from sklearn.neighbors import NearestNeighbors

    most = min(neighbours + 1, len(points))
    near = NearestNeighbors(n_neighbors=most).fit(points).kneighbors(points, return_distance=False)
    others = near != np.arange(len(points))[:, None]
    others[others.all(1), -1] = False  # equal rows may hide the row itself
    return codes[near], others


@dataclass(frozen=True)
class Trusted:
    """What trusted rows say: their classes, and what two models say of them.

    codes: (trusted,) their labels. seen: (trusted, classes) by the model of the audited rows. own:
    (trusted, classes) by a model of the other trusted rows, out of fold. chances: (rows, classes) of the
    audited rows, by a model of all trusted ones.
    """

    codes: Array
    seen: Array
    own: Array
    chances: Array


@dataclass(frozen=True)
class Audit:
    """What is said of the labels.

    chances: (rows, classes) of the true class of each row, sum 1. right: (rows,) the chance that its label is
    right. posterior: how it was found, one of `POSTERIORS`, "confident" without trusted rows, or another way
    to doubt (`doubting.py`). share: of
    the labels, estimated to be wrong, 0..1. usual: the share of wrong labels that the same audit finds where
    labels are right, in the trusted rows, and at least .05, which it is with "noise"; None without trusted
    rows. skill: how well the
    model of the trusted rows agrees with the labels, beside the one that learned from them; 1 is as well.
    """

    chances: Array
    right: Array
    posterior: str
    share: float
    usual: float | None = None
    skill: float = 1.0

    @property
    def sure(self) -> bool | None:
        """Whether more labels are suspected than is usual, by models that know enough; None without trusted
        rows.
        """
        if self.usual is None:
            return None
        return self.share > self.usual and (self.posterior == "noise" or self.skill >= LEAST_SKILL)


def audit(chances: Array, codes: Array, trusted: Trusted | None = None) -> Audit:
    """The chance of each class for every row, and the share of labels that are wrong.

    chances: (rows, classes) probabilities of the labels, out of fold; codes: (rows,) the labels, by number.
    trusted: None is confident learning alone. With it, each class has a trusted row.
    """
    rows = np.arange(len(codes))
    if trusted is None:
        return Audit(chances, chances[rows, codes], "confident", noisy_share(chances, codes))
    classes = chances.shape[1]
    shares = np.bincount(trusted.codes, minlength=classes) / len(trusted.codes)
    given = np.maximum(np.bincount(codes, minlength=classes), 1) / len(codes)
    rough = _unit(np.sqrt(trusted.chances * chances * shares / given))
    noise, sizes = transition(rough, codes)
    likely = np.bincount(rough.argmax(1), minlength=classes) / len(codes)
    share = float(likely @ (1 - noise.diagonal()))
    posterior = POSTERIORS[int(spread(noise, sizes) > UNEVEN)]
    if posterior == "noise":
        found = _unit(trusted.chances * cleared(chances, noise) * noise[:, codes].T / shares)
    else:
        found = _unit(trusted.chances * chances / shares)
    real = _unit(trusted.own * trusted.seen / shares)
    surest = np.argsort(-real.max(1), kind="stable")[: max(len(real) // SURE_REAL, LEAST_ANCHORS)]
    usual = max(float((real.argmax(1) != trusted.codes)[surest].mean()), LEAST_SHARE)
    if posterior == "noise":
        usual = LEAST_SHARE
    skill = _kappa(trusted.chances, codes) / max(_kappa(chances, codes), TINY)
    return Audit(found, found[rows, codes], posterior, share, usual, skill)


def _kappa(chances: Array, codes: Array) -> float:
    """How far the likeliest classes are the labels, beyond chance: 0 is chance, 1 always."""
    classes, likely = chances.shape[1], chances.argmax(1)
    by_chance = (
        np.bincount(likely, minlength=classes) @ np.bincount(codes, minlength=classes) / len(codes) ** 2
    )
    return float(((likely == codes).mean() - by_chance) / max(1 - by_chance, TINY))


def transition(chances: Array, codes: Array) -> tuple[Array, Array]:
    """(classes, classes) the share of each label among the anchors of each class, and (classes,) how many
    anchors there are. One more anchor that is labelled right is counted, so that a class has one.
    """
    classes = chances.shape[1]
    likely, found = chances.argmax(1), np.eye(classes)
    for code in range(classes):
        own = np.flatnonzero(likely == code)
        some = own[np.argsort(-chances[own, code], kind="stable")]
        some = some[: max(len(own) // ANCHORS, LEAST_ANCHORS)]
        found[code] += np.bincount(codes[some], minlength=classes)
    sizes = found.sum(1)
    return found / sizes[:, None], sizes


def cleared(chances: Array, noise: Array) -> Array:
    """(rows, classes) the chances of the classes, by those of the labels, which `noise` makes of them; sum 1.

    chances: (rows, classes) of the labels. noise: (classes, classes) as of `transition`.
    """
    return _unit(np.maximum(chances @ np.linalg.pinv(noise), LEAST_CHANCE))


def spread(noise: Array, sizes: Array) -> float:
    """The standard deviation of the diagonal of `transition` between the classes, beyond chance, 0..1."""
    own = noise.diagonal()
    if len(own) < 2:
        return 0.0
    chance = float((own * (1 - own) / sizes).mean())
    return float(np.sqrt(max(own.var(ddof=1) - chance, 0.0)))


def worst(found: Audit, codes: Array, part: float = 1.0) -> Array:
    """The rows whose labels are least likely right, the worst first: at most `part` of the estimated share,
    none of which its label is the likeliest class, and 2 rows of each class are left.
    """
    order = np.argsort(found.right, kind="stable")
    order = order[found.chances.argmax(1)[order] != codes[order]]
    left = np.bincount(codes, minlength=found.chances.shape[1]) - LEAST_LEFT
    turn = np.zeros(len(order), dtype=np.int64)  # of the rows of each class, in this order
    for code in np.unique(codes[order]):
        own = codes[order] == code
        turn[own] = np.arange(own.sum())
    order = order[turn < left[codes[order]]]
    return order[: int(part * found.share * len(codes))]


def weights(found: Audit, part: float = 1.0) -> Array:
    """(rows,) weights of 0..1 that take away `part` of the estimated share: min(1, right / limit), where the
    limit is such that their mean is 1 - part x share (or 1, where that takes away less).
    """
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        gone = 1 - float(np.minimum(found.right / max(middle, TINY), 1).mean())
        low, high = (middle, high) if gone < part * found.share else (low, middle)
    kept = np.minimum(found.right / max(low, TINY), 1.0)
    return np.where(kept < FULL, kept, 1.0)


def _unit(chances: Array) -> Array:
    return chances / np.maximum(chances.sum(1, keepdims=True), 1e-300)
