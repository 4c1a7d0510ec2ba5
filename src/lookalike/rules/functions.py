"""One column tells another: functions of values, of the range of a number, of a part of a date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import BROKEN, BY_CHANCE, LEAST_ROWS, LEAST_SUPPORT
from lookalike.rules.date_parts import keys_of_date
from lookalike.rules.holds import LEAST, modes
from lookalike.rules.values import Values, columns_of
from lookalike.table.kind_groups import CATEGORICAL, DATE, NUMBER
from lookalike.table.rule import Function, Rule

SHIFTS = (0, *range(1, 7), *range(-5, 0))  # months that a fiscal year begins earlier, or later
KEYS = [
    *((part, 0) for part in ("quarter", "weekday", "month", "hour")),
    *((part, shift) for part in ("year", "first of quarter") for shift in SHIFTS),
    ("week", 0),
]  # parts of a date that tell another column, those of few values first
ROWS_A_PART = 8  # of a date that tells another column
MOST_CUTS = 12  # ranges of a number that tell a category, less one
MOST_KEYS = 1_000  # values of a column that determines another
GLANCE = 400  # rows in which it is seen whether a column may determine another
TOGETHER = 0.5  # of the seldom values in these, those that the next row of the key has, too


def functions(values: Values, kept: list[Any], rng: np.random.Generator) -> list[Rule]:
    """One column tells another, each told by the one with the fewest values that tell it."""
    keys = {}
    for name in columns_of(values, kept, (*CATEGORICAL, NUMBER, "constant")):
        codes, found = values.codes(name)
        sizes = np.bincount(codes[codes >= 0])
        often = sizes[sizes >= 2].sum()
        if (
            2 <= len(found) <= MOST_KEYS
            and often >= 0.9 * (codes >= 0).sum()
            and len(found) <= values.rows / 3
        ):
            keys[name] = codes
    best: dict[Any, tuple[float, int, Rule]] = {}
    order = {name: at for at, name in enumerate(kept)}
    names = columns_of(values, kept, (*CATEGORICAL, NUMBER, DATE, "compound", "text"))
    names = [name for name in names if len(values.codes(name)[1]) <= values.rows / 2]
    may = _may_tell(list(keys.values()), [values.codes(name)[0] for name in names])
    for at, own in enumerate(names):
        codes, found = values.codes(own)
        for (key, of), seen in zip(keys.items(), may[:, at], strict=True):
            width, height = len(values.codes(key)[1]), len(found)
            if not seen or key == own or width < height or (width == height and order[key] > order[own]):
                continue
            wrong = _determined(of, codes, height, rng)
            if wrong is not None and (own not in best or (wrong, width) < best[own][:2]):
                best[own] = wrong, width, Function(own, key)
    return [rule for _, _, rule in sorted(best.values(), key=lambda own: own[1])]  # an item tells its price


def _may_tell(keys: list[Array], columns: list[Array]) -> Array:
    """(keys, columns) bool: whether a key may tell a column, by a glance at some rows.

    A row whose value is not the most frequent one has it together with the next row of its key, if the key
    tells the column. Where there are too few such rows to say, it may.
    """
    if not keys or not columns:
        return np.ones((len(keys), len(columns)), dtype=bool)
    some = np.linspace(0, len(keys[0]) - 1, min(len(keys[0]), GLANCE)).astype(int)
    codes = np.stack([own[some] for own in columns])
    usual = np.array([np.bincount(own[own >= 0], minlength=1).argmax() for own in codes])
    rare = (codes != usual[:, None]) & (codes >= 0)
    found = np.empty((len(keys), len(columns)), dtype=bool)
    for at, key in enumerate(keys):
        own = key[some]
        rows = np.argsort(own, kind="stable")
        rows = rows[own[rows] >= 0]
        follows = own[rows[1:]] == own[rows[:-1]]
        first, second = rows[:-1][follows], rows[1:][follows]
        seen = rare[:, first]
        alike = (seen & (codes[:, first] == codes[:, second])).sum(1)
        found[at] = (alike >= TOGETHER * seen.sum(1)) | (seen.sum(1) < LEAST)
    return found


def cuts(values: Values, kept: list[Any], numbers: list[Any]) -> Iterator[Function]:
    """The range that a number is in tells a category: an index of mass and its class, marks and a grade."""
    columns = {name: np.asarray(values.numbers(name)) for name in numbers}
    for own in columns_of(values, kept, CATEGORICAL):
        codes, found = values.codes(own)
        sizes = np.bincount(codes[codes >= 0], minlength=len(found))
        if len(found) > MOST_CUTS or len(codes) - sizes.max() < BROKEN:
            continue
        rules = [_cut(own, name, codes, x) for name, x in columns.items() if name != own]
        if fit := [rule for rule in rules if rule is not None and rule.cuts != (0.0,)]:  # that is a sign
            yield min(fit, key=lambda rule: len(rule.cuts))


def _cut(own: Any, name: Any, codes: Array, x: Array) -> Function | None:
    """The ranges of a number in which all rows hold the same value; None where these are many, or small."""
    there = ~np.isnan(x) & (codes >= 0)
    order = np.argsort(x[there], kind="stable")
    low, said = x[there][order], codes[there][order]
    ends = np.flatnonzero(said[1:] != said[:-1]) + 1
    sizes = np.diff([0, *ends, len(low)])
    small = not 0 < len(ends) <= MOST_CUTS or sizes.min() < LEAST or len(low) < LEAST_ROWS
    if small or (low[ends] == low[ends - 1]).any() or len(np.unique(low)) < 2 * len(sizes):
        return None
    return Function(own, name, cuts=tuple(_between(low[at - 1], low[at]) for at in ends))


def _between(low: float, high: float) -> float:
    """The shortest number above low that is not above high."""
    for digits in range(-12, 12):
        found = float(np.floor(high * 10.0**digits) / 10.0**digits)
        if low < found <= high:
            return round(found, max(digits, 0))
    return float(high)


def of_dates(values: Values, kept: list[Any], rng: np.random.Generator) -> Iterator[Rule]:
    """A part of a date tells another column: its season, its day of the week, its fiscal year."""
    names = columns_of(values, kept, (*CATEGORICAL, NUMBER, "compound"))
    for date in columns_of(values, kept, (DATE,)):
        seconds = values.numbers(date)
        if seconds is None:
            continue
        for part, shift in KEYS:
            keys, parts = keys_of_date(seconds, part, shift)
            if not 2 <= len(parts) <= values.rows / ROWS_A_PART:
                continue
            for own in [*names]:
                codes, found = values.codes(own)
                if len(found) <= len(parts) and _determined(keys, codes, len(found), rng) is not None:
                    yield Function(own, date, part, shift)
                    names.remove(own)


def _determined(keys: Array, codes: Array, height: int, rng: np.random.Generator) -> float | None:
    """The share of rows, in thousandths, whose value is not that of their key; None where it is many, or
    no fewer than with the values shuffled.
    """
    there = keys >= 0
    keys, codes = keys[there], codes[there]
    few = min(len(keys), 400)
    for rows in (few, len(keys)):
        own, said = keys[:rows], codes[:rows]
        purity, of = _purity(own, said, height)
        if of < LEAST_ROWS // 2 or purity < LEAST_SUPPORT:
            return None
    by_chance, _ = _purity(keys, codes[rng.permutation(len(codes))], height)
    found = 1 - purity <= BY_CHANCE / 2 * (1 - by_chance) and (1 - by_chance) * of >= BROKEN
    return round(1 - purity, 3) if found else None


def _purity(keys: Array, codes: Array, height: int) -> tuple[float, int]:
    """The share of rows that hold the most frequent value of their key, and the rows: of keys of two or
    more.
    """
    pair, counts, best = modes(keys, codes, height)
    sizes = np.bincount(keys)
    several = sizes[pair[best] // (height + 1)] > 1
    total = int(sizes[sizes > 1].sum())
    return (float(counts[best][several].sum() / total) if total else 1.0), total
