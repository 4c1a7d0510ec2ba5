"""Growth: rows are asked for in rounds, and each round's places follow from what was accepted before it.

A strategy is one deterministic function

    (places, accepted rows in their order, seed) -> one weight a place, 0 or more,

called between rounds: it may train a model, but it depends on nothing else. So a run that was killed plans
the same requests again, which its ledger answers, and no call is repeated. Requests are shared out among the
places in proportion to the weights. `lookalike.SynAlign(grow=...)` takes a name or such a function:

real       classes in their real shares, their places by turns: the fixed plan
even       as many rows of each class
coverage   where fewer rows were accepted than their share of the real rows (coverage.py)
errors     near real rows that a model of the accepted rows gets wrong (errors.py)
novelty    where records were least like those before; a record that is like one is rejected (novelty.py)
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lookalike.arguments import choice, shown
from lookalike.defaults import GROW
from lookalike.errors import DataError, OptionError, UserError, first_line
from lookalike.prompting.arms import Place
from lookalike.prompting.growth import coverage, errors, novelty
from lookalike.prompting.growth.known import Array, Known
from lookalike.prompting.growth.known import Grow as Grow
from lookalike.prompting.written import Row
from lookalike.sampling import apportion
from lookalike.seed import child

FIXED = ("real", "even")  # plans that are complete before the first reply
LOCATED = ("coverage", "errors")  # strategies that need places about a real row each
ROUNDS, COVERAGE_ROUNDS = 8, 20  # in which a table grows; what is missing then is asked for in more
SPARE, MOST_SPARE = 0.2, 0.7  # of the rows wanted: how many accepted ones may give way, see `giving_way`
OWN = "grow"  # what a user's own function is called in a sentence

Crowded = Callable[[Sequence[Place], Sequence[Row]], list[int]]
Choose = Callable[[Sequence[Row], Mapping[str | None, int], int], list[int]]


class Strategy(NamedTuple):
    """weights: the function of the places. crowded: which accepted rows give way between rounds; choose:
    which of all good rows are kept at the end, so many of each class; doubtful: which accepted rows are
    rejected after all (None where that is not done).
    """

    weights: Grow
    crowded: Crowded | None = None
    choose: Choose | None = None
    doubtful: Callable[[Sequence[Row]], list[int]] | None = None


def checked(grow: str | Grow | None) -> str | Grow:
    """The argument `grow`; None is "real". Raises OptionError for another value."""
    if grow is None or callable(grow):
        return grow or FIXED[0]
    if not isinstance(grow, str):
        raise OptionError(
            f"grow is {shown(grow)}: choose one of {', '.join(GROW)}, or a function (places, accepted, seed) "
            "-> weights."
        )
    return choice("grow", grow, GROW)


def totals(by: str, labels: Sequence[str | None], n: int) -> dict[str | None, int]:
    """How many of n rows each class gets: as many as every other (even), else its share of the real rows."""
    counts = Counter(labels)
    weights = np.ones(len(counts)) if by == "even" else np.array(list(counts.values()))
    return dict(zip(counts, apportion(weights, n).tolist(), strict=True))


def strategy(by: str | Grow, known: Known) -> Strategy:
    """The strategy of a name; a caller's own function is taken as it is. "real" and "even" are here for
    whoever plans in rounds.
    """
    if callable(by):
        return Strategy(by)
    if by == "coverage":
        found = coverage.Coverage(known)
        return Strategy(found.weights, found.crowded, found.chosen)
    if by == "errors":
        wrong = errors.Errors(known)
        return Strategy(wrong.weights, doubtful=wrong.doubtful)
    if by == "novelty":
        return Strategy(novelty.weights(known.text))
    shares = totals(by, known.labels, known.n)

    def fixed(places: Sequence[Place], accepted: Sequence[Row], seed: int) -> Array:
        some = Counter(place.label for place in places)
        return np.array([shares.get(place.label, 0) / some[place.label] for place in places])

    return Strategy(fixed)


@dataclass
class Growth:
    """How a table grows to n rows.

    by: the strategy; n: rows wanted; size: records a request; seed: for the strategy; rounds: in which
    it grows; wanted: rows of each class, None where the strategy decides on the classes, too; made: accepted
    rows by class; given_way: how many rows gave way.
    """

    by: Strategy
    n: int
    size: int
    seed: int
    rounds: int = ROUNDS
    wanted: Mapping[str | None, int] | None = None
    made: Counter[str | None] = field(default_factory=Counter)
    given_way: int = 0

    def lacking(self, label: str | None) -> int:
        """How many rows of a class are still wanted; of all where the strategy decides on classes."""
        if self.wanted is None:
            return self.n - self.made.total()
        return self.wanted.get(label, 0) - self.made[label]

    def giving_way(self, places: Sequence[Place], accepted: Sequence[Row], rejected: int) -> list[int]:
        """Numbers of the accepted rows that give way to better ones, ascending.

        In all at most a fifth of the rows wanted, and as many more as were rejected, but no more than 70%:
        a fixed plan asks again for what was rejected, place by place in small requests, and this one does so
        in full ones, which pays for them.
        """
        if self.by.crowded is None or not accepted:
            return []
        most = min(int(SPARE * self.n) + rejected, int(MOST_SPARE * self.n)) - self.given_way
        found = sorted(self.by.crowded(places, accepted)[: max(most, 0)])
        self.given_way += len(found)
        return found

    def doubtful(self, accepted: Sequence[Row]) -> list[int]:
        """Numbers of the accepted rows that are rejected after all, ascending."""
        return [] if self.by.doubtful is None else self.by.doubtful(accepted)

    def chosen(self, accepted: Sequence[Row], surplus: Sequence[Row]) -> list[int]:
        """Numbers of the rows that are kept at the end, as many of each class as are accepted; of the
        accepted rows and the surplus after them.
        """
        if self.by.choose is None or not surplus:
            return list(range(len(accepted)))
        counts = Counter(row.place.label for row in accepted)
        return self.by.choose([*accepted, *surplus], counts, self.seed)

    def plan(
        self,
        places: Sequence[Place],
        accepted: Sequence[Row],
        open_places: Sequence[bool],
        turn: int,
        over: float,
    ) -> list[int]:
        """(places,) how many records are asked for in a round.

        accepted: the rows so far; open_places: which places may be asked; turn: of the round, from 0; over:
        how many records have to be asked for to get one. Until the last round about n / rounds records are
        asked for in full requests, so that growing takes hardly more calls than a fixed plan.
        """
        opened = np.array(open_places, dtype=bool)
        weights = np.where(opened, self._weights(places, accepted), 0.0)
        groups: dict[str | None, list[int]] = {None: list(range(len(places)))}
        if self.wanted is not None:
            groups = {}
            for at, place in enumerate(places):
                groups.setdefault(place.label, []).append(at)
        lack = {name: self.lacking(name) for name in groups}
        names = [name for name, own in groups.items() if lack[name] > 0 and opened[own].any()]
        asked = {name: math.ceil(lack[name] * over) for name in names}
        requests = {name: -(-asked[name] // self.size) for name in names}
        most = -(-self.n // (self.rounds * self.size))
        if turn < self.rounds - 1 and sum(requests.values()) > most:
            draw = child(self.seed, "growth of classes", turn).random()
            some = drawn(self._behind(names, asked, most * self.size / over), most, draw)
            requests = {name: min(int(own), requests[name]) for name, own in zip(names, some, strict=True)}
        counts = [0] * len(places)
        for name, number in requests.items():
            if not number:
                continue
            own = np.array(groups[name])
            some = weights[own]
            if not some.sum() > 0:  # nothing is better than anything else
                some = opened[own].astype(float)
            rows = min(number * self.size, asked[name])
            rng = child(self.seed, "growth", turn, str(name))
            mixed = rng.permutation(len(own))  # classes that take turns would be hit or missed by the step
            where = np.zeros(len(own), dtype=np.int64)
            where[mixed] = drawn(some[mixed], number, rng.random())
            share = apportion(where, rows)
            for at, one in zip(own.tolist(), share.tolist(), strict=True):
                counts[at] = one
        return counts

    def _behind(self, names: Sequence[str | None], asked: Mapping[str | None, int], more: float) -> Array:
        """(names,) what each class lacks of its share once so many more rows are accepted, but at least half
        and at most twice its share of them, so that one that brings nothing does not use up the budget.

        Where the strategy decides on classes it is what is asked of each.
        """
        if self.wanted is None:
            return np.array([asked[name] for name in names], dtype=float)
        share = np.array([self.wanted[name] for name in names]) / sum(self.wanted.values())
        made = np.array([self.made[name] for name in names])
        lack = share * (self.made.total() + more) - made
        return np.clip(lack, share * more / 2, share * more * 2)

    def _weights(self, places: Sequence[Place], accepted: Sequence[Row]) -> Array:
        """What the strategy returns, checked. Raises OptionError for what is no weight a place."""
        try:
            found = np.asarray(self.by.weights(places, list(accepted), self.seed), dtype=np.float64)
        except UserError:
            raise
        except Exception as error:  # of the caller's own function, whatever it is
            raise DataError(f"{OWN} failed between two rounds: {first_line(error)}.") from error
        if found.shape != (len(places),) or not np.isfinite(found).all() or (found < 0).any():
            raise OptionError(
                f"{OWN} returned {_said(found, len(places))}: return one number of 0 or more for each of the "
                f"{len(places):,} places."
            )
        return found


def drawn(weights: Array, n: int, start: float) -> Array:
    """(places,) how many of n requests each place gets, in proportion to its weight and never off by one or
    more: systematic sampling (Madow 1949), the places in their order.

    start: in [0, 1), of the first step.
    """
    ends = np.cumsum(weights) / np.sum(weights) * n
    ends[-1] = n
    steps = np.searchsorted(np.arange(n) + min(start, 1 - 1e-9), ends, side="left")
    return np.diff(steps, prepend=0)


def _said(found: Array, places: int) -> str:
    if found.shape != (places,):
        return f"an array of shape {found.shape}"
    return "numbers that are negative or not finite"
