"""Endings of whole numbers: prices that end in .99, .95 or .49, in 9 or in 99, by their size.

An ending is what is left of a number beyond tens, hundreds, ...: 1999 ends in 99 of hundreds. Numbers have
endings where some come far more often than others that are as round (.99, but hardly .97), which the grain
of `grid.py` does not tell.
"""

from __future__ import annotations

import math

import numpy as np

from lookalike.codec.slot import Array

OF = (10, 100, 1000, 10_000)  # ticks that an ending is told within
MOST = 12  # endings of a bin
FILLED = 40  # rows of intervals from which on a bin and its neighbours tell their endings
VALUES = 3  # different numbers that have an ending, at least: it tells none of them
TWICE, SURE = 2.0, 5.0  # times as often as others as round, and deviations above it
LITTLE = 0.05  # of the rows, that longer endings may leave untold
SHARE = 0.15  # of the rows in intervals, that have such endings, at least


def endings_of(
    values: Array, counts: Array, token: Array, tokens: int, rare: int
) -> tuple[Array, Array, Array] | None:
    """(of, ends, chances) of each bin: the ticks that its endings are told within, 0 where it has none; its
    endings, and the chance that a draw in its intervals has each, (tokens, MOST). None where no bin has any.

    counts: of each value the rows in intervals; token: its bin; rare: rows that an ending needs.
    """
    inside = counts > 0
    values, counts, token = values[inside], counts[inside], token[inside]
    if values.dtype != np.int64 or not any(_stand_out(values, counts, of, rare) for of in OF):
        return None
    rows = np.bincount(token, weights=counts, minlength=tokens)
    found = np.zeros(tokens, dtype=np.int64)
    ends, chances = np.zeros((tokens, MOST), dtype=np.int64), np.zeros((tokens, MOST))
    for at in np.flatnonzero(rows):
        first, last = _window(rows, int(at))
        near = (token >= first) & (token <= last)
        told = [(of, *_often(values[near], counts[near], of, rare)) for of in OF]
        most = max(chance.sum() for *_, chance in told)
        if not most:
            continue
        # the longest endings that tell about as many rows: of 1999 and 2499 it is 99 or 499, not 9
        of, own, chance = next(one for one in reversed(told) if one[2].sum() >= most - LITTLE)
        found[at], ends[at, : len(own)], chances[at, : len(own)] = of, own, chance
    return (found, ends, chances) if found.any() else None


def _rows_of(values: Array, counts: Array, of: int) -> tuple[Array, Array]:
    """(of,) rows of each ending, and how many different values have it."""
    left = values % of
    return np.bincount(left, weights=counts, minlength=of), np.bincount(left, minlength=of)


def _stand_out(values: Array, counts: Array, of: int, rare: int) -> bool:
    """Whether some endings come far more often than others that are as round."""
    rows, different = _rows_of(values, counts, of)
    round_as = np.gcd(np.arange(of), of)
    size = np.bincount(round_as, minlength=of + 1)
    usual = (np.bincount(round_as, weights=rows, minlength=of + 1) / np.maximum(size, 1))[round_as]
    often = (rows > TWICE * usual + SURE * np.sqrt(usual)) & (rows >= rare) & (different >= VALUES)
    return bool(rows[often].sum() >= SHARE * rows.sum() and often.any())


def _window(rows: Array, at: int) -> tuple[int, int]:
    """The first and last of the bins around one that have enough rows together."""
    first = last = at
    while rows[first : last + 1].sum() < FILLED and (first > 0 or last < len(rows) - 1):
        first, last = max(first - 1, 0), min(last + 1, len(rows) - 1)
    return first, last


def _often(values: Array, counts: Array, of: int, rare: int) -> tuple[Array, Array]:
    """Endings that come more often than by accident, and the share of the rows that they have beyond that."""
    rows, different = _rows_of(values, counts, of)
    accident = rows.sum() / of
    often = (rows > TWICE * accident + SURE * math.sqrt(accident)) & (rows >= rare) & (different >= VALUES)
    own = np.flatnonzero(often)
    own = own[np.argsort(-rows[own], kind="stable")][:MOST]
    others = (rows.sum() - rows[own].sum()) / (of - len(own)) if len(own) < of else 0.0
    return own, np.maximum(rows[own] - others, 0) / max(rows.sum(), 1)


def with_endings(
    drawn: Array, low: Array, high: Array, found: tuple[Array, Array, Array], rng: np.random.Generator
) -> tuple[Array, Array]:
    """(rows,) draws with an ending, the nearest such number in [low, high], and which were given one.

    found: as `endings_of` gives it, of each row. Of the endings that a number in [low, high] has, one is
    chosen by their chances.
    """
    of, ends, chances = found
    of = np.maximum(of, 1)[:, None]
    down = (drawn[:, None] - ends) // of * of + ends
    nearer_down = (drawn[:, None] - down) * 2 < of
    first, second = np.where(nearer_down, down, down + of), np.where(nearer_down, down + of, down)
    fits, fits_too = ((x >= low[:, None]) & (x <= high[:, None]) for x in (first, second))
    moved = np.where(fits, first, second)
    usable = np.where(fits | fits_too, chances, 0.0)
    given = (rng.random(len(drawn)) < chances.sum(1)) & (usable.sum(1) > 0)
    total = np.cumsum(usable, axis=1)
    which = (rng.random(len(drawn))[:, None] * total[:, -1:] >= total).sum(1)
    which = np.minimum(which, chances.shape[1] - 1)
    return np.where(given, moved[np.arange(len(drawn)), which], drawn), given
