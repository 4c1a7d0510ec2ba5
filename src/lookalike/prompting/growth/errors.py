"""Growth by errors (S3, Wang et al., EMNLP 2023): a small model learns from the accepted rows, and rows are
asked for near the real rows that it gets wrong, of the class that they have. A row counts by the chance that
the model gives to other classes than its own, and by a constant beside it, so that all of the table grows:
with the rows alone that are told wrong (as in S3), and classes free to grow, a model of the rows learned less
on rows of TREC that were held out.

The other way round, a written row that a model of the steering rows gets wrong is doubtful and given back: a
language model is wrong most often near the rows that are hard to tell, where this strategy asks. As far as
was measured (bench/RESULTS.md), this is what brings more than a fixed plan does.

Only a part of the real rows steers, and whoever measures leaves these out: a table that was steered by rows
looks better on them than it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lookalike.learn import FOLDS, LEAST_ACCURACY, LEAST_ROWS, classifier, out_of_fold
from lookalike.prompting.arms import Place
from lookalike.prompting.growth.known import Array, Embedded, Known
from lookalike.prompting.written import Row
from lookalike.seed import child

ALL = 0.3  # what each steering row counts beside its error
DOUBTFUL = 0.5  # of the likeliest class's chance: a row whose own class has less is given back
MOST_DOUBTFUL = 0.5  # of the accepted rows
STEERING = 0.5  # of the real rows of each class, whose errors steer


class Errors:
    """A model of the accepted rows, and the real rows that it gets wrong."""

    def __init__(self, known: Known) -> None:
        self._known, self._points = known, Embedded(known)
        self._real = self._real_model()

    def weights(self, places: Sequence[Place], accepted: Sequence[Row], seed: int) -> Array:
        """(places,) of a place about a steering row the chance that the model gives to wrong classes there, 0
        of the others; while there are no two classes to learn from, the same for all places of a fixed plan.
        """
        labels = [str(row.place.label) for row in accepted]
        if len(set(labels)) < 2:
            return (np.arange(len(places)) < self._known.fixed).astype(float)
        model = classifier().fit(self._points(accepted), labels)
        steering = np.array(self._known.steering, dtype=np.int64)
        chances = np.round(model.predict_proba(self._known.points[steering]), 9)
        column = {name: at for at, name in enumerate(model.classes_)}
        wrong = {}
        for row, chance in zip(steering.tolist(), chances, strict=True):
            own = column.get(str(self._known.labels[row]))
            wrong[row] = ALL + (1.0 if own is None else 1.0 - float(chance[own]))
        return np.array([wrong.get(place.row, 0.0) for place in places])

    def doubtful(self, accepted: Sequence[Row]) -> list[int]:
        """Numbers of the accepted rows that a model of the steering rows takes for another class, ascending;
        none where these are fewer than 60, or hardly tell the classes apart, or where it would be most rows:
        then the model of so few rows knows less than the writer.
        """
        if self._real is None or not accepted:
            return []
        chances = np.round(self._real.predict_proba(self._points(accepted)), 9)
        column = {name: at for at, name in enumerate(self._real.classes_)}
        found = []
        for at, (row, chance) in enumerate(zip(accepted, chances, strict=True)):
            own = column.get(str(row.place.label))
            if own is not None and chance[own] < DOUBTFUL * chance.max():
                found.append(at)
        return found if len(found) <= MOST_DOUBTFUL * len(accepted) else []

    def _real_model(self) -> Any:
        """What the steering rows teach; None where that is too little."""
        labels = np.array([str(self._known.labels[row]) for row in self._known.steering], dtype=object)
        names, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
        usable = counts[codes] >= FOLDS
        rows = np.array(self._known.steering, dtype=np.int64)[usable]
        if len(rows) < LEAST_ROWS or (counts >= FOLDS).sum() < 2:
            return None
        points, own = self._known.points[rows], np.unique(codes[usable], return_inverse=True)[1]
        if (out_of_fold(points, own, FOLDS, 0).argmax(1) == own).mean() < LEAST_ACCURACY:
            return None
        return classifier().fit(points, names[codes[usable]])


def steering_rows(labels: Sequence[str | None], share: float, seed: int) -> list[int]:
    """Row numbers of the real rows that steer, ascending: a share of each class, drawn by the seed, and one
    of each class at least.
    """
    rng = child(seed, "steering")
    rows: dict[str | None, list[int]] = {}
    for row, label in enumerate(labels):
        rows.setdefault(label, []).append(row)
    found: list[int] = []
    for own in rows.values():
        found += rng.permutation(own)[: max(round(share * len(own)), 1)].tolist()
    return sorted(found)
