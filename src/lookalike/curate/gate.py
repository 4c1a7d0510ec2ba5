"""The gate: whether rows with suspected labels are weighed, dropped, relabelled, or left as they are.

Cleaning clean data by confident learning harms it. So every change is judged by the accuracy on held-out real
rows of a classifier that learns from the synthetic and the other real rows; the audit has not seen the rows
held out. The smallest change is made that is within one standard error of the best, by paired differences.

Below 200 real rows two points cannot be seen (the standard error is about sqrt(.2 / rows)). Then rows are
only weighed, and only by what is suspected beyond what the same audit finds in the real rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.curate.labels import Audit, Trusted, audit, weights, worst
from lookalike.curate.views import Committee, Views, out_of_fold
from lookalike.learn import folds_of
from lookalike.seed import child

Array = npt.NDArray[Any]

ENOUGH = 200  # real rows that can judge
FOLDS = 5
MOST_JUDGED, FEWEST_JUDGED = 6000, 1500  # synthetic rows that the candidates learn from
WORK = 60_000  # rows times classes of them: time grows with both
NOTHING = ("nothing", 0.0)
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
    the accuracy decided, and not the estimated share.
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

    def sentence(self, label: Any) -> str:
        """What was decided, and why."""
        figures = (
            f"a classifier of '{label}' tells {self.before:.1%} of {self.judged:,} held-out real rows right "
            "with the rows as they came"
        )
        suspected = f"{self.audit.share:.1%} of the labels are estimated to be wrong"
        if self.method == NOTHING[0]:
            why = (
                "no change is better by more than chance"
                if self.seen
                else (f"{self.judged:,} real rows are too few to tell more from chance")
            )
            return f"no label was changed: {suspected}, and {why}; {figures}."
        return (
            f"{figures}, and {self.after:.1%} with the change (standard error of the difference "
            f"{self.error:.1%}); {suspected}, of which {self.part:.0%} were taken by '{self.method}'"
            f"{'' if self.seen else ', as more were suspected than in the real rows'}."
        )


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
    seed: int = 0,
    tick: Callable[[int], object] = lambda steps: None,
) -> Verdict:
    """What is done with the labels of synthetic rows, judged on real ones.

    points: (rows, dims) or several views, codes: (rows,) of the synthetic rows; real, real_codes: of the
    real ones. Classes are numbered 0, 1, ...; each has 5 synthetic and 5 real rows at least. methods: what
    is tried, of `CANDIDATES`. tick: is told of every classifier that was judged.
    """
    tried = [one for one in CANDIDATES if one[0] in methods or one == NOTHING]
    points, real = Views.of(points), Views.of(real)
    chances = out_of_fold(points, codes, FOLDS, seed)
    seen = Committee().fit(points, codes).predict_proba(real)
    found = audit(chances, codes, trust(points, real, real_codes, seen, seed))
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
        part = trust(points, real[learned], real_codes[learned], seen[learned], seed)
        fold = audit(chances, codes, part)
        for at, one in enumerate(tried):
            new, kept = changed(*one, fold, codes)
            model = _fit(points[some], new[some], kept[some], real[learned], real_codes[learned])
            right[at, held] = model.predict(real[held]) == real_codes[held]
            tick(1)
    chosen = smallest(right) if enough else len(tried) - 1
    new, kept = changed(*tried[chosen], found, codes)
    gain = right[chosen] - right[0]
    error = float(gain.std(ddof=1) / np.sqrt(len(real))) if len(real) > 1 else 0.0
    means = right.mean(1)
    return Verdict(*tried[chosen], new, kept, found, means[0], means[chosen], error, len(real), enough)


def smallest(right: Array) -> int:
    """The first candidate that is within one standard error of the best.

    right: (candidates, real rows) whether each row was told right; the smallest change first.
    """
    best = int(right.mean(1).argmax())
    for at, own in enumerate(right):
        behind = right[best] - own
        if behind.mean() <= behind.std(ddof=1) / np.sqrt(len(own)):
            return at
    return best


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
