"""Growth by errors (S3, Wang et al., EMNLP 2023): a small model learns from the accepted rows, and rows are
asked for near the real rows that it gets wrong, of the class that they have. A row counts by the chance that
the model gives to other classes than its own: with the rows alone that are told wrong (as in S3), and classes
free to grow, a model of the rows learned less on rows of TREC that were held out.

Only a part of the real rows steers, and whoever measures leaves these out: a table that was steered by rows
looks better on them than it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookalike.learn import classifier
from lookalike.prompting.arms import Place
from lookalike.prompting.growth.known import Array, Embedded, Known
from lookalike.prompting.written import Row
from lookalike.seed import child

STEERING = 0.5  # of the real rows of each class, whose errors steer


class Errors:
    """A model of the accepted rows, and the real rows that it gets wrong."""

    def __init__(self, known: Known) -> None:
        self._known, self._points = known, Embedded(known)

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
            wrong[row] = 1.0 if own is None else 1.0 - float(chance[own])
        return np.array([wrong.get(place.row, 0.0) for place in places])


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
