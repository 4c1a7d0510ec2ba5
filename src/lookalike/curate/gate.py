"""The gate: whether rows with suspected labels are weighed, dropped, relabelled, or left as they are.

Cleaning clean data by confident learning harms it. So every change is judged by the accuracy on held-out real
rows of a classifier that learns from the synthetic and the other real rows; the audit has not seen the rows
held out. The smallest change is made that is within one standard error of the best, by paired differences.

Below 200 real rows two points cannot be seen (the standard error is about sqrt(.2 / rows)), and the smallest
change is made by chance: on 18 settings of rows of train with 40 or 120 real ones it lost up to 2.5 points,
and .5 where no label was wrong (bench/RESULTS.md). Then the estimated share decides: rows are only weighed,
and only by what is suspected beyond what the same audit finds in the real rows. That is not done either where
the held-out rows say, by more than one standard error, that it harms; and the verdict says that they did not
decide.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.curate.labels import TINY, Audit, Trusted, audit, weights, worst
from lookalike.curate.views import Committee, Views, out_of_fold
from lookalike.learn import folds_of
from lookalike.seed import child

Array = npt.NDArray[Any]

ENOUGH = 200  # real rows that can judge
FOLDS = 5
MOST_JUDGED, FEWEST_JUDGED = 6000, 1500  # synthetic rows that the candidates learn from
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

    method, part: one of `CANDIDATES`, or with few real rows a method and the part of the estimated share that
    is beyond what is usual. codes, weights: (rows,) the labels, by number, and the weights of 0..1
    that follow; 0 is a row that is dropped. audit: what is said of the labels. before, after: accuracy on
    `judged` real rows that were held out, 0..1; error: the standard error of the difference. seen: whether
    the accuracy decided, and not the estimated share. harmed: whether that share was for a change that the
    held-out rows are against.
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
    seen: bool
    harmed: bool = False

    def sentence(self, label: Any) -> str:
        """What was decided, and why."""
        figures = (
            f"a classifier of '{label}' tells {self.before:.1%} of {self.judged:,} held-out real rows right "
            "with the rows as they came"
        )
        suspected = f"{self.audit.share:.1%} of the labels are estimated to be wrong"
        few = f"{self.judged:,} real rows are too few to judge by (from {ENOUGH} on they do)"
        if self.method == NOTHING[0]:
            why = "no change is better by more than chance" if self.seen else f"{few}, and {self._why_not()}"
            return f"no label was changed: {suspected}, and {why}; {figures}."
        decided = "" if self.seen else f"; {few}, so the estimated share decided: {self._why()}"
        return (
            f"{figures}, and {self.after:.1%} with the change (standard error of the difference "
            f"{self.error:.1%}); {suspected}; '{self.method}' takes {self.part:.0%} of these{decided}."
        )

    def _why(self) -> str:
        if not self.audit.usual:
            return "all that is suspected"
        return f"what is beyond {self._usual()}"

    def _why_not(self) -> str:
        """Why the estimated share did not decide for a change either."""
        if self.harmed:
            return "those held out are told less well with the change, beyond its standard error"
        if self.audit.sure:
            return "with so few rows are only weighed, or changed by the one method that is asked for"
        if self.audit.usual is not None and self.audit.share > self.audit.usual:
            return "a model of them knows too little of the labels"
        return f"no more are suspected than {self._usual()}"

    def _usual(self) -> str:
        if self.audit.posterior == "noise":
            return f"{self.audit.usual or 0:.0%}, while classes differ in how many are wrong"
        return f"the {self.audit.usual or 0:.1%} that are usual in the real rows"


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
    tried = [one for one in CANDIDATES if one[0] in methods or one == NOTHING]
    points, real = Views.of(points), Views.of(real)
    chances = out_of_fold(points, codes, FOLDS, seed)
    seen = Committee().fit(points, codes).predict_proba(real)

    def doubted(some: Array) -> Audit:
        """By these of the real rows."""
        if doubt is not None:
            return doubt(chances, real[some], real_codes[some])
        return audit(chances, codes, trust(points, real[some], real_codes[some], seen[some], seed))

    found = doubted(np.arange(len(real)))
    enough = len(real) >= ENOUGH
    if not enough:
        soft = "weigh" if "weigh" in methods else next(iter(methods)) if len(methods) == 1 else None
        # what the audit would find among right labels, too, is left: near the limit little is changed, and
        # no more than little can be lost where nobody can see it
        tried = [NOTHING, (soft, found.excess)] if found.sure and soft else [NOTHING]
    judged = min(MOST_JUDGED, max(FEWEST_JUDGED, WORK // (int(codes.max()) + 1)))
    some = np.sort(child(seed, "gate").permutation(len(codes))[:judged])
    right = np.zeros((len(tried), len(real)))
    for learned, held in folds_of(real_codes, FOLDS, seed):
        fold = doubted(learned)
        for at, one in enumerate(tried):
            new, kept = changed(*one, fold, codes)
            model = _fit(points[some], new[some], kept[some], real[learned], real_codes[learned])
            right[at, held] = model.predict(real[held]) == real_codes[held]
            tick(1)
    last = len(tried) - 1
    chosen = smallest(right) if enough else last if not last or near_best(right, last) else 0
    harmed = not enough and chosen < last
    new, kept = changed(*tried[chosen], found, codes)
    gain = right[chosen] - right[0]
    error = float(gain.std(ddof=1) / np.sqrt(len(real))) if len(real) > 1 else 0.0
    means = right.mean(1)
    return Verdict(
        *tried[chosen], new, kept, found, means[0], means[chosen], error, len(real), enough, harmed
    )


def smallest(right: Array) -> int:
    """The first candidate that is within one standard error of the best.

    right: (candidates, real rows) whether each row was told right; the smallest change first.
    """
    return next(at for at in range(len(right)) if near_best(right, at))


def near_best(right: Array, candidate: int) -> bool:
    """Whether a candidate is within one standard error of the best, by the paired differences."""
    behind = right[int(right.mean(1).argmax())] - right[candidate]
    return bool(behind.mean() <= behind.std(ddof=1) / np.sqrt(len(behind)) + TINY)  # one row is chance


def trust(points: Views, real: Views, real_codes: Array, seen: Array, seed: int) -> Trusted:
    """What real rows say of synthetic ones. seen: (real rows, classes) by a model of the synthetic rows."""
    folds = min(FOLDS, int(np.bincount(real_codes).min()))
    model = Committee().fit(real, real_codes)
    own = out_of_fold(real, real_codes, folds, seed) if folds > 1 else model.predict_proba(real)
    return Trusted(real_codes, seen, own, model.predict_proba(points))


def _fit(points: Views, codes: Array, kept: Array, real: Views, real_codes: Array) -> Committee:
    rows = np.flatnonzero(kept > 0)
    weights = np.concatenate([kept[rows], np.ones(len(real))])
    return Committee().fit(points[rows] + real, np.concatenate([codes[rows], real_codes]), weights)
