"""The gate: whether rows with suspected labels are weighed, dropped, relabelled, or left as they are.

Cleaning clean data by confident learning harms it. So every change is judged on held-out real rows by a
classifier that learns from the synthetic and the other real rows; the audit has not seen the rows held out.
The smallest change is made that is within one standard error of the best, by the paired differences of the
Brier score: how near the chances of the classes are to the truth, row by row. The standard error is that of
rows drawn class by class: a change that moves chances from one class to another, as labels that are wrong in
one class ask for, gains on all rows of the one and loses on all of the other, which is no chance.

Whether a row is told right is one bit of each row. By it the changes of wrong labels could not be told apart
on 40 or 120 real rows, and the rule lost up to 2.5 points. Chances say more of each row, and so the rule is
one and the same for few rows and many (bench/RESULTS.md). The classifier is the one of `learn.py`: a stronger
one would bear wrong labels by itself, and hide what a change brings to others.

Nothing is tried where the audit is not sure that labels are wrong beyond what is usual in the real rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.curate.labels import TINY, Audit, Trusted, audit, weights, worst
from lookalike.curate.views import Committee, Views, out_of_fold
from lookalike.learn import brier, classifier, folds_of
from lookalike.seed import child

Array = npt.NDArray[Any]

FOLDS = 5
MOST_JUDGED, FEWEST_JUDGED = 6000, 3000  # synthetic rows that the candidates learn from
WORK = 60_000  # rows times classes of them: time grows with both
NOTHING = ("nothing", 0.0)
Doubt = Callable[[Array, Views, Array], Audit]  # chances out of fold, real rows, their labels -> what is said
CANDIDATES = (  # the smallest change first
    *(NOTHING, ("weigh", 0.5), ("weigh", 1.0), ("drop", 0.5), ("drop", 1.0)),
    *(("relabel", 0.5), ("relabel", 1.0)),
)


@dataclass(frozen=True)
class Verdict:
    """What the gate decided.

    method, part: one of `CANDIDATES`. codes, weights: (rows,) the labels, by number, and the weights of 0..1
    that follow; 0 is a row that is dropped. audit: what is said of the labels. before, after: accuracy on
    `judged` real rows that were held out, 0..1; error: the standard error of the difference. score: by how
    much the Brier score of these rows is better with the change than with the rows as they came, at most 2;
    score_error: its standard error.
    """

    method: str
    part: float
    codes: Array
    weights: Array
    audit: Audit
    before: float
    after: float
    error: float
    judged: int
    score: float
    score_error: float

    def sentence(self, label: Any) -> str:
        """What was decided, and why."""
        figures = (
            f"a classifier of '{label}' tells {self.before:.1%} of {self.judged:,} held-out real rows right "
            "with the rows as they came"
        )
        suspected = f"{self.audit.share:.1%} of the labels are estimated to be wrong"
        if self.method == NOTHING[0]:
            return f"no label was changed: {suspected}, and {self._why_not()}; {figures}."
        return (
            f"{figures}, and {self.after:.1%} with the change (standard error of the difference "
            f"{self.error:.1%}); {suspected}; '{self.method}' takes {self.part:.0%} of these: it is the "
            "smallest change within one standard error of the best, by the Brier score, which it betters by "
            f"{self.score:.3f} (standard error {self.score_error:.3f})."
        )

    def _why_not(self) -> str:
        found = self.audit
        if found.sure is not False:
            return "no change is better by more than chance"
        if found.usual is not None and found.share > found.usual:
            return "a model of the real rows knows too little of the labels to tell which"
        return f"no more are suspected than the {found.usual or 0:.1%} that are usual in the real rows"


def changed(method: str, part: float, found: Audit, codes: Array) -> tuple[Array, Array]:
    """(rows,) labels and (rows,) weights after one of `CANDIDATES`."""
    new, kept = codes.copy(), np.ones(len(codes))
    if method == "weigh":
        kept = weights(found, part)
    elif method == "drop":
        kept[worst(found, codes, part)] = 0
    elif method == "relabel":
        rows = worst(found, codes, part)
        new[rows] = found.chances[rows].argmax(1)
    return new, kept


def decide(
    points: Array | Views,
    codes: Array,
    real: Array | Views,
    real_codes: Array,
    *,
    methods: Collection[str] = ("weigh", "drop", "relabel"),
    doubt: Doubt | None = None,
    seed: int = 0,
    tick: Callable[[int], object] = lambda steps: None,
) -> Verdict:
    """What is done with the labels of synthetic rows, judged on real ones.

    points: (rows, dims) or several views, codes: (rows,) of the synthetic rows; real, real_codes: of the
    real ones. Classes are numbered 0, 1, ...; each has 5 synthetic and 5 real rows at least. methods: what
    is tried, of `CANDIDATES`. doubt: says which labels are wrong, None is `audit`; in the folds it does not
    see the rows held out. tick: is told of every classifier that was judged.
    """
    points, real = Views.of(points), Views.of(real)
    chances = out_of_fold(points, codes, FOLDS, seed)
    seen = Committee().fit(points, codes).predict_proba(real)

    def doubted(some: Array) -> Audit:
        """By these of the real rows."""
        if doubt is not None:
            return doubt(chances, real[some], real_codes[some])
        return audit(chances, codes, trust(points, real[some], real_codes[some], seen[some], seed))

    found = doubted(np.arange(len(real)))
    tried = [one for one in CANDIDATES if one == NOTHING or (found.sure and one[0] in methods)]
    judged = min(MOST_JUDGED, max(FEWEST_JUDGED, WORK // (int(codes.max()) + 1)))
    some = np.sort(child(seed, "gate").permutation(len(codes))[:judged])
    right, scores = np.zeros((2, len(tried), len(real)))
    for learned, held in folds_of(real_codes, FOLDS, seed):
        fold = doubted(learned) if len(tried) > 1 else found
        for at, one in enumerate(tried):
            new, kept = changed(*one, fold, codes)
            model = _fit(points[some], new[some], kept[some], real[learned], real_codes[learned])
            told = model.predict_proba(real.parts[0][held])
            right[at, held] = told.argmax(1) == real_codes[held]
            scores[at, held] = brier(told, real_codes[held])
            tick(1)
    chosen = smallest(scores, real_codes)
    gain, score = right[chosen] - right[0], scores[chosen] - scores[0]
    return Verdict(
        *tried[chosen],
        *changed(*tried[chosen], found, codes),
        found,
        right[0].mean(),
        right[chosen].mean(),
        _error(gain, real_codes),
        len(real),
        score.mean(),
        _error(score, real_codes),
    )


def smallest(scores: Array, codes: Array) -> int:
    """The first candidate that is within one standard error of the best, by the paired differences.

    scores: (candidates, real rows), the higher the better; the smallest change first. codes: (real rows,)
    their classes.
    """
    behind = scores[int(scores.mean(1).argmax())] - scores
    return next(at for at, one in enumerate(behind) if one.mean() <= _error(one, codes) + TINY)


def _error(differences: Array, codes: Array) -> float:
    """The standard error of their mean over rows that were drawn class by class."""
    sizes = np.bincount(codes)
    means = np.bincount(codes, differences) / np.maximum(sizes, 1)
    free = max(len(codes) - int((sizes > 0).sum()), 1)
    return float(np.sqrt(((differences - means[codes]) ** 2).sum() / free / len(codes)))


def trust(points: Views, real: Views, real_codes: Array, seen: Array, seed: int) -> Trusted:
    """What real rows say of synthetic ones. seen: (real rows, classes) by a model of the synthetic rows."""
    folds = min(FOLDS, int(np.bincount(real_codes).min()))
    model = Committee().fit(real, real_codes)
    own = out_of_fold(real, real_codes, folds, seed) if folds > 1 else model.predict_proba(real)
    return Trusted(real_codes, seen, own, model.predict_proba(points))


def _fit(points: Views, codes: Array, kept: Array, real: Views, real_codes: Array) -> Any:
    rows = np.flatnonzero(kept > 0)
    both = np.concatenate([points.parts[0][rows], real.parts[0]])
    weights = np.concatenate([kept[rows], np.ones(len(real))])
    return classifier().fit(both, np.concatenate([codes[rows], real_codes]), sample_weight=weights)
