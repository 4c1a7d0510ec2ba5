"""Which dates a column can have (business days, ends of months, even steps), and that each comes once.

The dates are counted: each has an index, and the next one of its kind the next index.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lookalike.codec.slot import Array
from lookalike.codec.ticks.grid import grid_of

LEAST = 50  # different dates by which weekdays and ends of months are told
TIMES = 96  # times of the day, at most, each of which keeps to itself
UNIQUE = 20  # dates, none twice, of which each drawn one is another


@dataclass(frozen=True)
class Calendar:
    """The dates of a column, as ticks of its finest unit.

    unique: no two rows have the same; step, offset: all are offset and a multiple of step; weekdays: of days
    those that there are, 0 for Monday, none where all of them or one; ends: the last days of months alone.
    day: ticks of a day where there are few times of the day, else 0.
    """

    unique: bool = False
    step: int = 1
    offset: int = 0
    weekdays: list[int] = field(default_factory=list)
    ends: bool = False
    day: int = 0


def learn(ticks: Array, day: int) -> Calendar:
    """The calendar of the ticks of all rows that have a date. day: ticks of a day, 0 where one is longer."""
    found = np.unique(ticks)
    unique = len(found) == len(ticks) >= UNIQUE
    step, ends = 1, False
    weekdays: list[int] = []
    if unique:
        step = max(grid_of(found, np.ones(len(found)))[0], int(np.gcd.reduce(np.diff(found))))
    if day == 1 and len(found) >= LEAST:
        ends = bool((_day_of_month(found + 1) == 0).all())
        seen = np.unique((found + 3) % 7).tolist()
        weekdays = seen if 1 < len(seen) < 7 and not ends else []
    step = 1 if ends or weekdays else step
    return Calendar(
        unique,
        step,
        int(np.median(found % step)) if len(found) else 0,
        weekdays,
        ends,
        day if unique and day > 1 and len(np.unique(found % day)) <= TIMES else 0,
    )


def kept(own: Calendar, ticks: Array, low: int, high: int, rng: np.random.Generator) -> Array:
    """Drawn ticks, moved to dates of the calendar; where the real ones are unique, each to one that no other
    has, as long as there are such dates from low to high.
    """
    if not len(ticks) or not (own.unique or own.weekdays or own.ends):
        return ticks
    ticks = _days_apart(own.day, ticks, low, high, rng) if own.day else ticks
    places = _places(own, ticks)
    first, last = _places(own, np.array([low, high]))
    first += int(_ticks(own, np.array([first]))[0] < low)
    last -= int(_ticks(own, np.array([last]))[0] > high)
    if first > last:
        return ticks
    places = places.clip(first, last)
    if not own.unique:
        return _ticks(own, places)
    moved = (_freed if own.day else _apart)(places, int(first), int(last), rng)
    changed = (moved != places) | bool(own.weekdays or own.ends)
    return np.where(changed, _ticks(own, moved), ticks)


def _day_of_month(days: Array) -> Array:
    """0 for the first."""
    dates = days.astype("M8[D]")
    return np.asarray((dates - dates.astype("M8[M]").astype("M8[D]")).astype(np.int64))


def _places(own: Calendar, ticks: Array) -> Array:
    """The index of the date that is next to each tick."""
    if own.ends:
        return np.asarray(ticks.astype("M8[D]").astype("M8[M]").astype(np.int64))
    if not own.weekdays:
        return np.asarray((ticks - own.offset) // own.step)
    nearest = np.array([min(own.weekdays, key=lambda to: abs(to - day)) for day in range(7)])
    week, day = np.divmod(ticks + 3, 7)
    return np.asarray(week * len(own.weekdays) + np.searchsorted(own.weekdays, nearest[day]))


def _ticks(own: Calendar, places: Array) -> Array:
    if own.ends:
        return np.asarray((places + 1).astype("M8[M]").astype("M8[D]").astype(np.int64) - 1)
    if not own.weekdays:
        return np.asarray(places * own.step + own.offset)
    week, at = np.divmod(places, len(own.weekdays))
    return np.asarray(week * 7 + np.array(own.weekdays)[at] - 3)


def _days_apart(day: int, ticks: Array, low: int, high: int, rng: np.random.Generator) -> Array:
    """Ticks, those of one time of the day on days of their own, as far as there are any."""
    moved, times = ticks.copy(), ticks % day
    for time in np.unique(times).tolist():
        rows, first, last = np.flatnonzero(times == time), -((time - low) // day), (high - time) // day
        if first <= last:
            moved[rows] = _apart((ticks[rows] // day).clip(first, last), first, last, rng) * day + time
    return moved


def _freed(places: Array, first: int, last: int, rng: np.random.Generator) -> Array:
    """Places of which those that come twice go to the nearest one that is free, as long as there are any."""
    taken, moved = {*places.tolist()}, places.copy()
    once = np.zeros(len(places), dtype=bool)
    once[np.unique(places, return_index=True)[1]] = True
    room = last - first + 1 - len(taken)
    for row in rng.permutation(np.flatnonzero(~once))[: max(room, 0)].tolist():
        place, distance = int(places[row]), 1
        while place in taken:
            near = [one for one in (places[row] + distance, places[row] - distance) if first <= one <= last]
            place, distance = next((int(one) for one in near if int(one) not in taken), place), distance + 1
        taken.add(place)
        moved[row] = place
    return moved


def _apart(places: Array, first: int, last: int, rng: np.random.Generator) -> Array:
    """Places of which none comes twice, in the same order and as near to what they were as squares can say;
    of more than there are from first to last only so many.
    """
    from scipy.optimize import isotonic_regression  # late: few tables need it

    rows = rng.permutation(len(places))[: last - first + 1]
    order = rows[np.argsort(places[rows], kind="stable")]
    rank, moved = np.arange(len(order)), places.copy()
    level = np.rint(isotonic_regression(places[order] - rank).x).astype(np.int64)
    moved[order] = level.clip(first, last + 1 - len(order)) + rank
    return moved
