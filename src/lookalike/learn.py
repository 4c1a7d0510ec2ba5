"""What a classifier learns of rows: out-of-fold probabilities, and whether a text is of its class."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.embed import Embed
from lookalike.seed import in_32_bits

Array = npt.NDArray[Any]

LEAST_ROWS, LEAST_OF_A_CLASS, MOST_ROWS = 60, 6, 2500  # that a class check is learned from
LEAST_ACCURACY, PASSED, FOLDS = 0.6, 0.99, 3
GAIN_FOLDS, GAIN_TURNS, MOST_ADDED = 5, 3, 5000  # of the gate; synthetic rows that it looks at


def classifier(strength: float = 10.0) -> Any:
    """Logistic regression, regularised for rows of length 1; not fitted. strength: how closely it follows
    its rows.
    """
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=300)


def out_of_fold(points: Array, codes: Array, folds: int, seed: int, model: Any = None) -> Array:
    """(rows, classes) float64: the probability of each class for each row, by a model that was fitted on the
    other folds and has not seen the row.

    points: (rows, dims) finite numbers; codes: (rows,) the class of each row, 0, 1, ... without gaps, so that
    column c is class c; folds: 2 or more, stratified by class; no class may have fewer rows than that. seed:
    of the folds. model: any classifier of scikit-learn; None is `classifier()`. Raises ValueError where every
    class has fewer rows than folds.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    split = StratifiedKFold(folds, shuffle=True, random_state=in_32_bits(seed))
    model = classifier() if model is None else model
    return cross_val_predict(model, points, codes, cv=split, method="predict_proba")


def brier(chances: Array, codes: Array) -> Array:
    """(rows,) the quadratic score of each row, -1..1: 1 where its class is given all the chance, -1 where
    another is. It is best, on average, for the chances that are true (Brier 1950).

    chances: (rows, classes), sum 1; codes: (rows,) the class of each row.
    """
    return 2 * chances[np.arange(len(codes)), codes] - (chances**2).sum(1)


def folds_of(codes: Array, folds: int, seed: int) -> list[tuple[Array, Array]]:
    """(rows to learn from, rows held out) for each fold, ascending: a class has as many rows in each of them,
    but for one. codes: (rows,) the class of each row.
    """
    order = np.random.default_rng(in_32_bits(seed)).permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    fold = np.empty(len(codes), dtype=np.int64)
    fold[order] = np.arange(len(codes)) % folds
    return [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(folds)]


class ClassCheck:
    """A classifier on embeddings of the real rows that says when a text is surely of another class.

    Surely: the other class is ahead of the own by more than it is, out of fold, for all but 1% of the real
    rows (for all where there are few), so that it would reject about one real row in a hundred.
    """

    def __init__(self, embed: Embed, model: Any, classes: list[str], margin: float) -> None:
        """model: fitted; its class number i is `classes[i]`. margin: how far ahead the other class may be,
        0..1.
        """
        self.embed, self.margin = embed, margin
        self._model, self._places = model, {name: at for at, name in enumerate(classes)}

    def wrong(self, texts: Sequence[str], labels: Sequence[str | None]) -> list[bool]:
        """Whether each text is surely not of its class; False for classes too rare to be learned."""
        if not texts:
            return []
        own = np.array([self._places.get(str(label), -1) for label in labels])
        ahead = lead(self._model.predict_proba(self.embed(list(texts))), own)
        return [bool(one) for one in (ahead > self.margin) & (own >= 0)]


def class_check(embed: Embed, texts: Sequence[str], labels: Sequence[str], seed: int) -> ClassCheck | None:
    """The check of the classes; None where the real rows do not tell them apart: fewer than 60 rows of
    classes with at least 6 each, or less than 60% right in cross-validation.

    texts, labels: (rows,) of the real rows; seed: of the sample (at most 2,500 rows) and of the folds.
    """
    counts = Counter(labels)
    usable = [row for row, label in enumerate(labels) if counts[label] >= LEAST_OF_A_CLASS]
    if len(usable) < LEAST_ROWS or len({labels[row] for row in usable}) < 2:
        return None
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.permutation(len(usable))[:MOST_ROWS])
    rows = [usable[at] for at in drawn]
    counts = Counter(labels[row] for row in rows)
    rows = [row for row in rows if counts[labels[row]] >= FOLDS]
    classes = sorted({labels[row] for row in rows})
    codes = np.array([classes.index(labels[row]) for row in rows])
    points = embed([texts[row] for row in rows])
    chances = out_of_fold(points, codes, FOLDS, seed)
    if (chances.argmax(1) == codes).mean() < LEAST_ACCURACY:
        return None
    ahead = np.sort(lead(chances, codes))
    margin = float(ahead[min(math.ceil(PASSED * len(ahead)), len(ahead) - 1)])
    return ClassCheck(embed, classifier().fit(points, codes), classes, max(margin, 0.0))


@dataclass(frozen=True)
class Gain:
    """What synthetic rows bring to a classifier of the label.

    alone, both: accuracy on real rows that it has not seen, 0..1, learned from the real rows alone, and from
    them and the synthetic ones; rows: real rows that were told; error: standard error of the difference of
    the two, which is paired by rows; chance: the share of the commonest class; score, score_error: by how
    much the Brier score is better with the synthetic rows, and its standard error.
    """

    alone: float
    both: float
    rows: int
    error: float
    chance: float
    score: float
    score_error: float

    @property
    def helps(self) -> bool:
        """Whether the synthetic rows bring more than a standard error, in accuracy and in the Brier score.

        Few real rows ask for more. Of twenty, how many are told right is ten points off by chance, though
        the two ways to learn may be off alike: so a gain has to be larger than that, too. Where the real rows
        alone seem to teach less than to name the commonest class, that is the chance of the folds: no gain
        is counted from below it.
        """
        least = max(self.alone, self.chance)
        beyond = max(self.error, math.sqrt(least * (1 - least) / self.rows))
        return self.both - least > beyond and self.score > self.score_error

    def sentence(self, label: str) -> str:
        """What to do, with the figures."""
        figures = (
            f"a classifier of '{label}' tells {self.both:.1%} of {self.rows:,} real rows right that learned "
            f"from the other real rows and the synthetic ones, and {self.alone:.1%} from the real ones alone"
        )
        if self.helps:
            return f"{figures}: the synthetic rows may be added to them."
        if self.both > self.alone:
            figures += " (no more than chance brings)"
            return f"{figures}: train on the real rows alone, or give more of them to judge by."
        return f"{figures}: train on the real rows alone."


def gain(
    embed: Embed,
    real: tuple[Sequence[str], Sequence[str]],
    synthetic: tuple[Sequence[str], Sequence[str]],
    seed: int,
    shown: Sequence[Collection[int]] | None = None,
) -> Gain | None:
    """Whether synthetic rows may be added to the real ones for a classifier of their label; out of fold.

    real, synthetic: (texts, labels), as many of both. Synthetic rows of classes that no real row has are
    left out, as are real ones of classes of one row. None where fewer than two classes have two rows. At
    most 2,500 real and 5,000 synthetic rows are looked at, drawn by the seed. shown: for each synthetic row
    the real ones that its writer saw. It is learned from only where none of them is told, as a copy of a
    told row says nothing of new ones; None where no real row was seen.
    """
    from sklearn.model_selection import StratifiedKFold

    rng = np.random.default_rng(seed)
    counts = Counter(real[1])
    rows = [row for row, label in enumerate(real[1]) if counts[label] > 1]
    rows = sorted(rng.permutation(rows)[:MOST_ROWS].tolist())
    counts = Counter(real[1][row] for row in rows)
    rows = [row for row in rows if counts[real[1][row]] > 1]
    classes = sorted({real[1][row] for row in rows})
    added = [row for row, label in enumerate(synthetic[1]) if label in classes]
    added = sorted(rng.permutation(added)[:MOST_ADDED].tolist()) if added else []
    if len(classes) < 2 or not added:
        return None
    places = {name: at for at, name in enumerate(classes)}
    codes = np.array([places[real[1][row]] for row in rows])
    codes_added = np.array([places[synthetic[1][row]] for row in added])
    points, points_added = embed([real[0][row] for row in rows]), embed([synthetic[0][row] for row in added])
    seen = _seen(shown, rows, added)
    right, scores = ({name: np.zeros(len(rows)) for name in ("alone", "both")} for _ in range(2))
    folds = min(GAIN_FOLDS, min(counts[name] for name in classes))
    for turn in range(GAIN_TURNS):
        split = StratifiedKFold(folds, shuffle=True, random_state=in_32_bits(seed + turn))
        for learned, told in split.split(points, codes):
            own = points[learned], codes[learned]
            new = ~seen[:, told].any(1)
            sets = {
                "alone": own,
                "both": (np.concatenate([own[0], points_added[new]]), np.append(own[1], codes_added[new])),
            }
            for name, (some, of) in sets.items():
                chances = classifier().fit(some, of).predict_proba(points[told])
                right[name][told] += (chances.argmax(1) == codes[told]) / GAIN_TURNS
                scores[name][told] += brier(chances, codes[told]) / GAIN_TURNS
    more, better = right["both"] - right["alone"], scores["both"] - scores["alone"]
    errors = [float(one.std()) / math.sqrt(len(rows)) for one in (more, better)]
    alone, both = float(right["alone"].mean()), float(right["both"].mean())
    chance = float(np.bincount(codes).max()) / len(codes)
    return Gain(alone, both, len(rows), errors[0], chance, float(better.mean()), errors[1])


def _seen(shown: Sequence[Collection[int]] | None, rows: list[int], added: list[int]) -> Array:
    """(synthetic rows, real rows) bool: which writer saw which row, of those that are looked at."""
    seen = np.zeros((len(added), len(rows)), dtype=bool)
    if shown is not None:
        place = {row: at for at, row in enumerate(rows)}
        for at, row in enumerate(added):
            seen[at, [place[one] for one in shown[row] if one in place]] = True
    return seen


def lead(chances: Array, own: Array) -> Array:
    """(rows,) by how much the likeliest other class is ahead of the own one, -1..1.

    chances: (rows, classes) probabilities; own: (rows,) the class of each row, by number.
    """
    rows = np.arange(len(chances))
    others = chances.copy()
    others[rows, own] = -1.0
    return others.max(1) - chances[rows, own]
