"""One column tells another: functions of values, of the range of a number, of a part of a date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import BROKEN, BY_CHANCE, LEAST_ROWS, LEAST_SUPPORT
from lookalike.rules.date_parts import keys_of_date
from lookalike.rules.holds import LEAST, modes, told_by
from lookalike.rules.sums import DISTINCT
from lookalike.rules.values import Values, columns_of, is_text
from lookalike.table.kind_groups import CATEGORICAL, DATE, NUMBER
from lookalike.table.repeats import LARGEST
from lookalike.table.rule import Function, Rule

TOLD = (
    *CATEGORICAL,
    NUMBER,
    DATE,
    "compound",
    "range",
    "list",
    "text",
)  # kinds of columns that one value tells
SHIFTS = (0, *range(1, 7), *range(-5, 0))  # months that a fiscal year begins earlier, or later
KEYS = [
    *((part, 0) for part in ("quarter", "weekday", "month", "hour")),
    *((part, shift) for part in ("year", "first of quarter") for shift in SHIFTS),
    ("week", 0),
]  # parts of a date that tell another column, those of few values first
ROWS_A_PART = 8  # of a date that tells another column
MOST_CUTS = 30  # ranges of a number that tell another column, less one
PLAIN_CUTS = 12  # the same, where a value has several ranges
FLAGS = 6  # values that a number has which the range of another one tells, such as 0 and 1, at most
MANY = 25  # values of that one, at least: each of fewer tells it by itself
SURE = 300  # rows in which a range tells a number: of fewer two groups may lie apart by chance
MOST_KEYS = 1_000  # values of a column that determines another
OFTEN, OFTEN_TEXTS = 0.9, 0.5  # share of the rows whose number, or text, comes again in a column that does
A_NUMBER, A_TEXT = 3, 2  # rows a number, or a text, in such a column
OTHERS, MADE_OF = 3, 0.5  # values of a part, at least; of a total's, that the rest of it has at most
COLLIDING = 0.005  # of the rows of a number that tells a column, that may hold another value
LOOKED_UP = 0.4  # of the rows, that hold a number of several rows, where it determines another column
GLANCE = 400  # rows in which it is seen whether a column may determine another
CELLS = 32  # times as many pairs of values as rows, of which all are counted at once
BLOCK = 1 << 20  # cells of columns that are counted at once
TOGETHER = 0.5  # of the seldom values in these, those that the next row of the key has, too


def functions(
    values: Values, kept: list[Any], rng: np.random.Generator, keys: dict[Any, Array] | None = None
) -> list[Function]:
    """One column tells another, each told by the one with the fewest values that tell it.

    keys: the columns that may tell others, with their codes; None: those of `MOST_KEYS` values or fewer.
    """
    keys = _keys(values, kept, MOST_KEYS) if keys is None else keys
    best: dict[Any, tuple[float, int, Function]] = {}
    place = {name: at for at, name in enumerate(kept)}
    told = _Told.of(values, kept, TOLD)
    order = np.array([place[name] for name in told.names], dtype=int)
    for key, seen in zip(keys, _may_tell([*keys.values()], told.codes), strict=True):
        width = len(values.codes(key)[1])
        seen &= (told.heights < width) | ((told.heights == width) & (order > place[key]))
        for at, least in told.nearly(keys[key], width, np.flatnonzero(seen)):
            own = told.names[at]
            if own in best and best[own][:2] <= (least, width):
                continue
            wrong = _determined(keys[key], told.codes[at], int(told.heights[at]), rng)
            if wrong is not None and (_is_chance(values, key, wrong) or _is_made_of(values, key, own)):
                continue
            if wrong is not None and (own not in best or (wrong, width) < best[own][:2]):
                best[own] = wrong, width, Function(own, key)
    rules = [best[own] for own in told.names if own in best]
    return [rule for _, _, rule in sorted(rules, key=lambda own: own[1])]  # an item tells its price


def wide_functions(
    values: Values, small: Values, kept: list[Any], rng: np.random.Generator
) -> list[Function]:
    """The same for strings of so many values that few rows hold any of them twice: of each such column all
    rows of some of its values are looked at, as many rows as `small` has.
    """
    known = _keys(small, kept, MOST_KEYS)
    wide = {
        name: codes
        for name, codes in _keys(values, kept, LARGEST).items()
        if name not in known and is_text(values.column(name))
    }
    told = _Told.of(values, kept if wide else [], TOLD)
    found: list[Function] = []
    for name, codes in wide.items():
        sizes = np.bincount(codes[codes >= 0])
        order = rng.permutation(len(sizes))
        some = order[: np.searchsorted(sizes[order].cumsum(), small.rows)]
        rows = np.flatnonzero(np.isin(codes, some))
        seen = _may_tell([codes[rows]], told.codes[:, rows])[0]
        names = [one for one, may in zip(told.names, seen, strict=True) if may and one != name]
        if names:
            part = Values(values.table[[name, *names]].iloc[rows].reset_index(drop=True), values.schema)
            found += functions(
                part, [one for one in kept if one in (name, *names)], rng, {name: part.codes(name)[0]}
            )
    return found


def _keys(values: Values, kept: list[Any], most: int) -> dict[Any, Array]:
    """The columns that may tell others, of `most` values at most, with their codes."""
    keys = {}
    for name in columns_of(values, kept, (*CATEGORICAL, NUMBER, "text", "constant")):
        codes, found = values.codes(name)
        sizes = np.bincount(codes[codes >= 0])
        again, rows = (OFTEN_TEXTS, A_TEXT) if is_text(values.column(name)) else (OFTEN, A_NUMBER)
        often = sizes[sizes >= 2].sum() >= again * (codes >= 0).sum()
        if often and 2 <= len(found) <= min(most, values.rows / rows):
            keys[name] = codes
    return keys


def _is_chance(values: Values, key: Any, wrong: float) -> bool:
    """Whether a number tells another column but for rows in which two values come to the same number."""
    return values.column(key).is_number and values.numbers(key) is not None and wrong > COLLIDING


def _is_made_of(values: Values, key: Any, own: Any) -> bool:
    """Whether a number is the product, or the sum, of another and of few values that are not in the table: a
    total of guests and a price tells the guests, but follows from them. So does one of nights and the price
    of a room, which the name of the room stands for. One that ranges tell is none.
    """
    whole, part = values.numbers(key), values.numbers(own)
    if whole is None or not values.column(key).is_number:
        return False
    named = part is None or not values.column(own).is_number
    part = np.where(values.missing(own), np.nan, values.codes(own)[0]) if named else part
    assert part is not None
    both = np.unique(np.stack([whole, part], 1)[~np.isnan(whole + part)], axis=0)
    whole, part = both[:, 0], both[:, 1]
    if len(both) < DISTINCT or len(np.unique(part)) < OTHERS:
        return False
    if as_ranges(Function(own, key), values).cuts:
        return False
    if named:  # the least of each value is its price, or so
        least = np.array([whole[part == one].min() for one in np.unique(part)])
        part = least[np.searchsorted(np.unique(part), part)]
        if not (least > 0).all():
            return False
    there = part != 0
    others = [whole[there] / part[there], *(() if named else (whole - part,))]
    few = min(len(np.unique(np.round(one, 6))) + np.count_nonzero(~there) for one in others)
    return bool(few <= MADE_OF * len(np.unique(whole)))


def are_told(rule: Any, values: Values) -> bool:
    """Whether enough rows hold a key that others have, too, to be looked up: a number that hardly comes again
    tells another by accident.
    """
    if rule.part or rule.cuts or rule.than is not None or not values.column(rule.of).is_number:
        return True
    codes = values.codes(rule.of)[0]
    sizes = np.bincount(codes[codes >= 0])
    return bool(sizes[sizes >= told_by(rule, values)].sum() >= LOOKED_UP * sizes.sum())


class _Told:
    """The columns that another may tell. names: of these; codes: (columns, rows), -1 where missing; heights:
    (columns,) how many values each has.
    """

    def __init__(self, names: list[Any], codes: list[Array], heights: list[int], rows: int):
        sizes = [np.bincount(own + 1).max() for own in codes]
        some = [at for at, most in enumerate(sizes) if rows - most >= BROKEN]  # else chance tells it as well
        self.names = [names[at] for at in some]
        self.codes = np.array([codes[at] for at in some], dtype=np.int32).reshape(len(some), rows)
        self.heights = np.array([heights[at] for at in some], dtype=np.int64)

    @classmethod
    def of(cls, values: Values, kept: list[Any], kinds: tuple[str, ...]) -> _Told:
        names = columns_of(values, kept, kinds)
        names = [name for name in names if len(values.codes(name)[1]) <= values.rows / 2]
        both = [values.codes(name) for name in names]
        return cls(names, [codes for codes, _ in both], [len(found) for _, found in both], values.rows)

    def nearly(self, keys: Array, width: int, some: Array) -> list[tuple[int, float]]:
        """Those of the columns `some` of which so few rows hold another value than most of their key that
        chance may not say it, each with the share of these rows in thousandths, or less.

        keys: (rows,) -1 where missing; width: how many there are.
        """
        sizes = np.bincount(keys[keys >= 0], minlength=width)
        rows = np.flatnonzero(np.append(sizes, 0)[keys] > 1)
        few = width * (self.heights[some] + 1) <= CELLS * len(rows)
        found = [(int(at), 0.0) for at in some[~few]]
        for height in np.unique(self.heights[some[few]]):
            own = some[few & (self.heights[some] == height)]
            size = width * (int(height) + 1)
            share = max(1, BLOCK // max(len(rows), size))
            base = keys[rows].astype(np.int64) * (int(height) + 1) + 1
            for at in range(0, len(own), share):
                part = own[at : at + share]
                pairs = self.codes[part][:, rows] + base + size * np.arange(len(part))[:, None]
                counts = np.bincount(pairs.ravel(), minlength=size * len(part))
                counts = counts.reshape(len(part), width, -1)
                wrong = len(rows) - counts.max(2).sum(1)
                seldom = sizes.sum() - counts.sum(1).max(1)  # rows that chance says wrongly, at most
                near = (wrong <= BY_CHANCE / 2 * seldom) & (seldom >= BROKEN)
                found += zip(part[near].tolist(), np.round(wrong[near] / len(rows), 3).tolist(), strict=True)
        return sorted(found)


def _may_tell(keys: list[Array], columns: Sequence[Array] | Array) -> Array:
    """(keys, columns) bool: whether a key may tell a column, by a glance at some rows.

    A row whose value is not the most frequent one has it together with the next row of its key, if the key
    tells the column. Where there are too few such rows to say, it may.
    """
    if not keys or not len(columns):
        return np.ones((len(keys), len(columns)), dtype=bool)
    some = np.linspace(0, len(keys[0]) - 1, min(len(keys[0]), GLANCE)).astype(int)
    codes = np.ascontiguousarray(np.asarray(columns)[:, some].T)
    usual = np.array([np.bincount(own[own >= 0], minlength=1).argmax() for own in codes.T])
    rare = (codes != usual) & (codes >= 0)
    found = np.empty((len(keys), len(columns)), dtype=bool)
    for at, key in enumerate(keys):
        own = key[some]
        rows = np.argsort(own, kind="stable")
        rows = rows[own[rows] >= 0]
        follows = own[rows[1:]] == own[rows[:-1]]
        first, second = rows[:-1][follows], rows[1:][follows]
        seen = rare[first]
        alike = np.count_nonzero(seen & (codes[first] == codes[second]), axis=0)
        rows_seen = np.count_nonzero(seen, axis=0)
        found[at] = (alike >= TOGETHER * rows_seen) | (rows_seen < LEAST)
    return found


def cuts(values: Values, kept: list[Any], numbers: list[Any]) -> Iterator[Function]:
    """The range that a number is in tells a category or a flag: an index of mass and its class, an age and
    whether it is 65 or more.
    """
    columns = {name: np.asarray(values.numbers(name)) for name in numbers}
    names = []
    for own in columns_of(values, kept, (*CATEGORICAL, NUMBER)):
        codes, found = values.codes(own)
        sizes = np.bincount(codes[codes >= 0], minlength=len(found))
        most = MOST_CUTS if not values.column(own).is_number else FLAGS if values.rows >= SURE else 0
        if len(found) <= most and len(codes) - sizes.max() >= BROKEN:
            names.append(own)
    may = _may_cut([values.codes(own)[0] for own in names], [*columns.values()])
    for own, seen in zip(names, may, strict=True):
        codes = values.codes(own)[0]
        many = MANY if values.column(own).is_number else 0
        rules = [
            _cut(own, name, codes, x)
            for (name, x), likely in zip(columns.items(), seen, strict=True)
            if likely and name != own and len(values.codes(name)[1]) >= many
        ]
        if fit := [rule for rule in rules if rule is not None and rule.cuts != (0.0,)]:  # that is a sign
            yield min(fit, key=lambda rule: len(rule.cuts))


def _may_cut(codes: list[Array], numbers: list[Array]) -> Array:
    """(categories, numbers) bool: whether a category changes seldom in the rows in the order of a number."""
    found = np.zeros((len(codes), len(numbers)), dtype=bool)
    own = np.array(codes, dtype=np.int32).T  # (rows, categories)
    for at, x in enumerate(numbers) if codes else ():
        said = own[np.argsort(x, kind="stable")[: np.count_nonzero(x == x)]]
        changed = (said[1:] != said[:-1]) & (said[1:] >= 0) & (said[:-1] >= 0)
        found[:, at] = np.count_nonzero(changed, axis=0) <= MOST_CUTS
    return found


def _cut(own: Any, name: Any, codes: Array, x: Array) -> Function | None:
    """The ranges of a number in which all rows hold the same value; None where these are many, or small."""
    there = ~np.isnan(x) & (codes >= 0)
    order = np.argsort(x[there], kind="stable")
    low, said = x[there][order], codes[there][order]
    ends = np.flatnonzero(said[1:] != said[:-1]) + 1
    sizes = np.diff([0, *ends, len(low)])
    most = MOST_CUTS if len(ends) < len(np.unique(said)) else PLAIN_CUTS
    small = not 0 < len(ends) <= most or sizes.min() < LEAST or len(low) < LEAST_ROWS
    if small or (low[ends] == low[ends - 1]).any() or len(np.unique(low)) < 2 * len(sizes):
        return None
    return Function(own, name, cuts=tuple(_between(low[at - 1], low[at]) for at in ends))


def as_ranges(rule: Function, values: Values) -> Function:
    """The same rule by the range of its number, where each value of the column has one range: so that numbers
    which were never seen have their value, too.
    """
    x, (codes, found) = values.numbers(rule.of), values.codes(rule.column)
    if (
        rule.part
        or x is None
        or not values.column(rule.of).is_number
        or len(values.codes(rule.of)[1]) < DISTINCT
    ):
        return rule
    cut = _cut(rule.column, rule.of, codes, x)
    if cut is None or len(cut.cuts) >= len(found) or cut.cuts == (0.0,):
        return rule
    sizes = np.bincount(np.searchsorted(np.array(cut.cuts), np.unique(x[~np.isnan(x)]), side="right"))
    return cut if sizes.min() > 1 else rule  # a range of one number is that number


def _between(low: float, high: float) -> float:
    """The shortest number above low that is not above high."""
    for digits in range(-12, 12):
        found = float(np.floor(high * 10.0**digits) / 10.0**digits)
        if low < found <= high:
            return round(found, max(digits, 0))
    return float(high)


def of_dates(values: Values, kept: list[Any], rng: np.random.Generator) -> Iterator[Rule]:
    """A part of a date tells another column: its season, its day of the week, its fiscal year."""
    told = _Told.of(values, kept, (*CATEGORICAL, NUMBER, "compound", "range", "list"))
    left = np.ones(len(told.names), dtype=bool)
    for date in columns_of(values, kept, (DATE,)):
        seconds = values.numbers(date)
        if seconds is None:
            continue
        for part, shift in KEYS:
            keys, parts = keys_of_date(seconds, part, shift)
            if not 2 <= len(parts) <= values.rows / ROWS_A_PART:
                continue
            some = np.flatnonzero(left & (told.heights <= len(parts)))
            for at, _ in told.nearly(keys, len(parts), some):
                if _determined(keys, told.codes[at], int(told.heights[at]), rng) is not None:
                    yield Function(told.names[at], date, part, shift)
                    left[at] = False


def _determined(keys: Array, codes: Array, height: int, rng: np.random.Generator) -> float | None:
    """The share of rows, in thousandths, whose value is not that of their key; None where it is many, or
    no fewer than with the values shuffled.
    """
    there = keys >= 0
    keys, codes = keys[there], codes[there]
    few = min(len(keys), 400)
    for rows in (few, len(keys)):
        own, said = keys[:rows], codes[:rows]
        pure, of = purity(own, said, height)
        if of < LEAST_ROWS // 2 or pure < LEAST_SUPPORT:
            return None
    by_chance, _ = purity(keys, codes[rng.permutation(len(codes))], height)
    found = 1 - pure <= BY_CHANCE / 2 * (1 - by_chance) and (1 - by_chance) * of >= BROKEN
    return round(1 - pure, 3) if found and _says_more(keys, codes, height) else None


def _says_more(keys: Array, codes: Array, height: int) -> bool:
    """Whether keys of two rows or more tell more than one value: else that is the usual one, and keys of
    single rows, which any column tells, have the others.
    """
    pair, counts, best = modes(keys, codes, height)
    several = np.bincount(keys)[pair[best] // (height + 1)] > 1
    told = np.bincount(pair[best][several] % (height + 1), counts[best][several], minlength=1)
    return bool(told.sum() - told.max() >= LEAST)


def purity(keys: Array, codes: Array, height: int) -> tuple[float, int]:
    """The share of rows that hold the most frequent value of their key, and the rows: of keys of two or
    more. height: how many values there are.
    """
    pair, counts, best = modes(keys, codes, height)
    sizes = np.bincount(keys)
    several = sizes[pair[best] // (height + 1)] > 1
    total = int(sizes[sizes > 1].sum())
    return (float(counts[best][several].sum() / total) if total else 1.0), total
