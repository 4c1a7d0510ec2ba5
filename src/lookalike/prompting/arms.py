"""What is shown to the model for each method: places of the real data, in the order in which they are used.

synalign      a demonstration picked by `explore`, through its attributes alone (SynAlign, arXiv 2502.08661)
steered       for models that describe badly. One request in eight shows a demonstration as it is, beside
              random real rows of its class; the others tell the class alone. The first bring rows that are
              like the real ones, or copies; the second take a third of the tokens a row, and nothing that
              they tell draws the model away from the class: with a length and an opening for each row three
              of four had their class, without them nine of ten. Which rows have another class they tell
              together: see consensus.py
auto          synalign or steered, as the model describes: see telling.py
few-shot      random real rows of the class
nearest       a random real row and its nearest neighbours of the class
zero-shot     nothing (ZeroGen, Ye et al. 2022)
attributes    a cell of a grid of attributes that the model made up itself (AttrPrompt, Yu et al. 2023)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.defaults import METHODS as METHODS
from lookalike.explore.explore import explore
from lookalike.sampling import apportion

Array = npt.NDArray[Any]

SHOWN = 5  # real rows in a prompt of steered, few-shot and nearest
BLANK = 0.875  # share of the requests of steered that show none
EXPLORED = ("auto", "synalign", "steered")  # methods whose places are picked by `explore`
ABOUT_ROWS = (*EXPLORED, "nearest")  # methods whose places are about one real row each


@dataclass
class Place:
    """Where records are asked for.

    label: of the class, as written in records; None without one. row: the real row that the place is about,
    -1 for none. shown: real rows whose text the model sees when it writes. now_and_then: most requests show
    none of them. draw: seed of a grid's cell.
    """

    label: str | None
    row: int = -1
    shown: list[int] = field(default_factory=list)
    now_and_then: bool = False
    draw: int = 0

    def seen(self, sample: int) -> list[int]:
        """The rows that the request with this sample index shows."""
        if self.now_and_then and np.random.default_rng(sample).random() < BLANK:
            return []
        return self.shown


def places(
    method: str, labels: Sequence[str | None], points: Array | None, demonstrations: int, seed: int
) -> tuple[list[Place], Array | None]:
    """The places of a method in their order, and the variance that is left after each (None where nothing is
    explored).

    labels: (rows,) of the real rows; points: (rows, dims) unit vectors, needed by synalign, steered and
    nearest; demonstrations: how many places, in proportion to the classes, but one a class at least and no
    more than there are real rows. zero-shot has one place a class.
    """
    rng = np.random.default_rng(seed)
    of_class: dict[str | None, list[int]] = {}
    for row, label in enumerate(labels):
        of_class.setdefault(label, []).append(row)
    names = list(of_class)
    if method == "zero-shot":
        return [Place(name) for name in names], None
    rows = {name: np.array(of_class[name]) for name in names}
    sizes = np.array([len(rows[name]) for name in names])
    wanted = min(demonstrations, len(labels)) if method != "attributes" else demonstrations
    if method in EXPLORED:
        assert points is not None
        picked, left = _explored(points, labels, rows, wanted, seed)
        if method != "synalign":
            for place in picked:
                _steer(place, rows[place.label], rng)
        return picked, left
    counts = np.maximum(apportion(sizes, wanted), 1)
    found: list[tuple[float, Place]] = []
    for name, count in zip(names, counts.tolist(), strict=True):
        drawn = rng.permutation(rows[name])
        for at in range(count):
            if method == "attributes":
                place = Place(name, draw=int(rng.integers(2**31)))
            elif method == "few-shot":
                some = rng.permutation(rows[name])[:SHOWN].tolist()
                place = Place(name, some[0], some)
            else:
                assert points is not None
                row = int(drawn[at % len(drawn)])
                place = Place(name, row, _near(points, rows[name], row))
            found.append(((at + 0.5) / count, place))
    found.sort(key=lambda one: one[0])  # the classes take turns, as in `explore`
    return [place for _, place in found], None


def _explored(
    points: Array, labels: Sequence[str | None], rows: dict[str | None, Array], wanted: int, seed: int
) -> tuple[list[Place], Array]:
    """The picks of `explore`, then one of each class that is too rare to have got any."""
    found = explore(points, wanted, list(labels) if None not in rows else None, group=1, seed=seed)
    picked = [Place(labels[row], row) for row in found.picks.tolist()]
    coverage = found.coverage.tolist()
    for name in rows:
        if name not in {place.label for place in picked}:
            more = explore(points[rows[name]], 1, group=1, seed=seed)
            picked.append(Place(name, int(rows[name][more.picks[0]])))
            coverage.append(coverage[-1] - (1 - more.coverage[0]) * len(rows[name]) / len(points))
    return picked, np.maximum(np.array(coverage), 0.0)


def _near(points: Array, rows: Array, row: int) -> list[int]:
    """A row and its nearest neighbours among `rows`, the nearest first."""
    closeness = points[rows] @ points[row]
    closeness[rows == row] = np.inf
    return rows[np.argsort(-closeness, kind="stable")[:SHOWN]].tolist()


def places_about(
    method: str, labels: Sequence[str | None], points: Array, some: Sequence[int], known: Sequence[Place]
) -> list[Place]:
    """A place about each of some real rows, but for those that have one; method: of `ABOUT_ROWS`."""
    has = {place.row for place in known}
    rows: dict[str | None, Array] = {}
    for name in dict.fromkeys(labels):
        rows[name] = np.flatnonzero([label == name for label in labels])
    found = []
    for row in some:
        if row in has:
            continue
        place = Place(labels[row], row)
        if method == "nearest":
            place.shown = _near(points, rows[place.label], row)
        elif method != "synalign":
            _steer(place, rows[place.label], np.random.default_rng(row))
        found.append(place)
    return found


def _steer(place: Place, rows: Array, rng: np.random.Generator) -> None:
    """Some requests of a place show its row and random others of its class."""
    place.shown = [place.row, *rng.permutation(rows[rows != place.row])[: SHOWN - 1].tolist()]
    place.now_and_then = True


def quotas(some: Sequence[Place], wanted: dict[str | None, int], size: int) -> list[int]:
    """How many rows each place is to bring, for `wanted` of each class and `size` a request: the first places
    of a class, as many as there are requests, all about equally often.
    """
    found = [0] * len(some)
    for name, count in wanted.items():
        own = [at for at, place in enumerate(some) if place.label == name]
        own = own[: -(-count // size)]
        if own:
            for at, share in zip(own, apportion(np.ones(len(own)), count).tolist(), strict=True):
                found[at] = share
    return found
