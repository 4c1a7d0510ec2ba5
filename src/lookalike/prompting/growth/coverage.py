"""Growth by coverage: rows are asked for where fewer were accepted than their share of the real rows.

Each place stands for its territory: the real rows of its class that lie nearest to it. A language model that
writes from a few modes brings rows that fall into other territories than that of the place that was asked, so
accepted rows are counted where they fall. The deficit of place j is max(0, n r_j - m_j), with r_j its share
of the real rows and m_j the accepted rows in its territory. At the end the rows that are kept are
chosen of all good ones, those that gave way among them (choosing.py): a model that prefers few modes brings
more good rows than are wanted, and which of them lie as the real ones do is known only then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lookalike.prompting.arms import Place
from lookalike.prompting.growth.choosing import chosen
from lookalike.prompting.growth.known import Array, Embedded, Known
from lookalike.prompting.written import Row

BLOCK = 4096  # rows whose nearest places are found at once


class Coverage:
    """The territories of the places of one run."""

    def __init__(self, known: Known) -> None:
        self._known, self._points = known, Embedded(known)
        self._of: dict[tuple[int, ...], Array] = {}

    def weights(self, places: Sequence[Place], accepted: Sequence[Row], seed: int) -> Array:
        """(places,) the deficit of each, times the square of the chance that a row asked for there falls
        where one is missing: of two places that lack as much, the one that the model follows is asked.

        The chance is that of the rows that the place has brought so far, with one that hit and one that did
        not added.
        """
        wanted = self._wanted(places)
        where = self._territories(places, accepted)
        made = np.bincount(where, minlength=len(places))
        deficit = np.maximum(wanted - made, 0.0)
        numbers = {id(place): at for at, place in enumerate(places)}
        asked, hit = np.ones(len(places)) * 2, np.ones(len(places))
        for row, at in zip(accepted, where.tolist(), strict=True):
            own = numbers[id(row.place)]
            asked[own] += 1
            hit[own] += deficit[at] > 0
        return deficit * (hit / asked) ** 2

    def crowded(self, places: Sequence[Place], accepted: Sequence[Row]) -> list[int]:
        """Numbers of the accepted rows beyond what is wanted in their territory, the fullest one first and of
        each the last rows.
        """
        where = self._territories(places, accepted)
        room = np.ceil(self._wanted(places))
        made = np.bincount(where, minlength=len(places))
        found: list[tuple[float, int]] = []
        for at, own in enumerate(where.tolist()):
            room[own] -= 1
            if room[own] < 0:
                found.append((float(room[own]) / max(made[own] + room[own], 1.0), at))
        return [at for _, at in sorted(found)]

    def chosen(self, rows: Sequence[Row], counts: Mapping[str | None, int], seed: int) -> list[int]:
        """Numbers of so many rows of each class, ascending, that lie together as the real rows of it do."""
        points, found = self._points(rows), list[int]()
        names = np.array([str(label) for label in self._known.labels], dtype=object)
        for label, count in counts.items():
            own = [at for at, row in enumerate(rows) if row.place.label == label]
            real = self._known.points[names == str(label)]
            found += [own[at] for at in chosen(real, points[own], count, seed)]
        return sorted(found)

    def share(self, places: Sequence[Place], accepted: Sequence[Row]) -> float:
        """The share of real rows in territories that have as many accepted rows as they should."""
        wanted = self._wanted(places)
        made = np.bincount(self._territories(places, accepted), minlength=len(places))
        return float(wanted[made >= np.floor(wanted)].sum() / max(wanted.sum(), 1.0))

    def _wanted(self, places: Sequence[Place]) -> Array:
        """(places,) rows of n that fall into each territory of the real rows."""
        key = tuple(place.row for place in places)
        if key not in self._of:
            labels, points = self._known.labels, self._known.points
            near = nearest(places, self._known.points, labels, points)
            self._of[key] = np.bincount(near, minlength=len(places)) / len(labels)
        return self._of[key] * self._known.n

    def _territories(self, places: Sequence[Place], accepted: Sequence[Row]) -> Array:
        """(accepted,) the number of the place in whose territory each row falls."""
        labels = [row.place.label for row in accepted]
        return nearest(places, self._known.points, labels, self._points(accepted))


def nearest(places: Sequence[Place], real: Array, labels: Sequence[Any], points: Array) -> Array:
    """(rows,) the number of the nearest place of the row's own class; the first of equals.

    real: points of the real rows; labels, points: of the rows.
    """
    found = np.zeros(len(labels), dtype=np.int64)
    names = np.array([str(label) for label in labels], dtype=object)
    of_class: dict[str, list[int]] = {}
    for at, place in enumerate(places):
        of_class.setdefault(str(place.label), []).append(at)
    for name, own in of_class.items():
        rows = np.flatnonzero(names == name)
        centres = real[[places[at].row for at in own]]
        for start in range(0, len(rows), BLOCK):
            some = rows[start : start + BLOCK]
            alike = np.round(points[some] @ centres.T, 6)  # the last bits depend on how many there are
            found[some] = np.array(own)[alike.argmax(1)]
    return found
