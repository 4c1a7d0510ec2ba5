"""How a label fares while a model learns: learning dynamics (CLLM) and the area under the margin (AUM).

CLLM (Seedat et al., "Curated LLM", 2024): a model learns from few real rows, and each of its stages says how
likely the label of a synthetic row is. Of a row, the confidence is the mean of these chances p, the aleatoric
uncertainty the mean of p (1 - p). Rows of low confidence and low uncertainty are surely wrong; easy and
ambiguous ones are kept. Tables are learned by boosted trees, whose stages are the trees; points of texts by
gradient descent, whose stages are its epochs.

AUM (Pleiss et al., "Identifying mislabeled data using the area under the margin ranking", 2020) needs no real
rows: the margin of the label over the strongest other class, averaged over the epochs of a model that learns
from the rows themselves. A class that does not exist, of rows drawn at random, shows how low it falls for
labels that are wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.seed import child, in_32_bits

Array = npt.NDArray[Any]

TREES, EPOCHS = 100, 30
KINDS = ("table", "text")
LOW = 0.2  # confidence, up to which the authors drop
UNSURE = 0.75  # of the range of the uncertainty, up to which they drop
FAKE = 99  # percentile of the margins of the class that does not exist, up to which a label is wrong
STEP, BATCH = 1.0, 64


@dataclass(frozen=True)
class Dynamics:
    """What the stages say of each row: confidence, (rows,) 0..1, and aleatoric, (rows,) 0..0.25, of its
    label. chances: (rows, classes) the mean of all stages.
    """

    confidence: Array
    aleatoric: Array
    chances: Array

    def hard(self, low: float = LOW) -> Array:
        """(rows,) bool: surely wrong, by the authors' rule: confidence up to `low`, and uncertainty up to .75
        of its range.
        """
        most = UNSURE * float(np.ptp(self.aleatoric))
        return (self.confidence <= low) & (self.aleatoric <= most)

    def wrong(self, share: float) -> Array:
        """(rows,) bool: the rows of least confidence, of which a share, 0..1, is taken, but none that the
        stages find right more often than not.
        """
        order = np.argsort(self.confidence, kind="stable")[: int(share * len(self.confidence))]
        found = np.zeros(len(self.confidence), dtype=bool)
        found[order] = True
        return found & (self.confidence < 0.5)


def dynamics(
    real: Array, real_codes: Array, points: Array, codes: Array, *, kind: str = KINDS[0], seed: int = 0
) -> Dynamics:
    """The dynamics of the labels of rows, as a model learns from real ones.

    real, points: (rows, dims) finite numbers; real_codes, codes: (rows,) their labels, 0, 1, ..., each with a
    real row. kind: "table" learns boosted trees, "text" by gradient descent.
    """
    rows = np.arange(len(codes))
    stages = _trees if kind == "table" else _epochs
    total, square, count = np.zeros((len(codes), int(real_codes.max()) + 1)), np.zeros(len(codes)), 0
    for chances in stages(real, real_codes, points, seed):
        own = chances[rows, codes]
        total, square, count = total + chances, square + own * (1 - own), count + 1
    return Dynamics(total[rows, codes] / count, square / count, total / count)


def _trees(real: Array, codes: Array, points: Array, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        early_stopping=False,
        min_samples_leaf=max(1, min(20, len(real) // 10)),
        random_state=in_32_bits(seed),
    )
    return model.fit(real, codes).staged_predict_proba(points)


def _epochs(real: Array, codes: Array, points: Array, seed: int) -> Any:
    classes = int(codes.max()) + 1
    for theta in descend(real, codes, classes, seed):
        logits = points @ theta[:-1] + theta[-1]
        found = np.exp(logits - logits.max(1, keepdims=True))
        yield found / found.sum(1, keepdims=True)


def descend(points: Array, codes: Array, classes: int, seed: int, epochs: int = EPOCHS) -> Any:
    """Logistic regression by stochastic gradient descent from zero: (dims + 1, classes) after each epoch."""
    rng = child(seed, "descent")
    own, truth = np.column_stack([points, np.ones(len(points))]), np.eye(classes)[codes]
    theta = np.zeros((own.shape[1], classes))
    for _ in range(epochs):
        order = rng.permutation(len(own))
        for start in range(0, len(own), BATCH):
            some = order[start : start + BATCH]
            logits = own[some] @ theta
            chances = np.exp(logits - logits.max(1, keepdims=True))
            chances /= chances.sum(1, keepdims=True)
            theta = theta - STEP / len(some) * (own[some].T @ (chances - truth[some]))
        yield theta


def area_under_margin(points: Array, codes: Array, *, seed: int = 0) -> tuple[Array, Array]:
    """(rows,) the mean margin of each label over the epochs, and (rows,) bool whether it is wrong: below what
    99% of the rows have that are put into a class that does not exist.

    That is done twice, with other rows: a row is judged by the run in which its own label was learned.
    """
    classes, rows = int(codes.max()) + 1, np.arange(len(codes))
    fake = len(codes) // (classes + 1)
    order = child(seed, "class that does not exist").permutation(len(codes))
    margins, limits = np.zeros((2, len(codes))), np.zeros(2)
    hidden = np.zeros((2, len(codes)), dtype=bool)
    for turn in range(2):
        hidden[turn, order[turn * fake : (turn + 1) * fake]] = True
        told = np.where(hidden[turn], classes, codes)
        count = 0
        for theta in descend(points, told, classes + 1, seed + turn):
            logits = points @ theta[:-1] + theta[-1]
            given = logits[rows, told].copy()
            logits[rows, told] = -np.inf
            margins[turn] += given - logits.max(1)
            count += 1
        margins[turn] /= count
        limits[turn] = np.percentile(margins[turn, hidden[turn]], FAKE) if fake else -np.inf
    turn = hidden[0].astype(np.int64)  # the second run, where the first hid the label
    return margins[turn, rows], margins[turn, rows] < limits[turn]
