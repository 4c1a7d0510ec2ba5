"""Rules between values: copies, functions, combinations, exactly one of, empty together, joined texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import BROKEN, BY_CHANCE, LEAST_ROWS, LEAST_SUPPORT, beats_chance
from lookalike.rules.date_parts import keys_of_date
from lookalike.rules.holds import LEAST, joined, modes, ways, written_dates
from lookalike.rules.values import Values, is_text
from lookalike.table.date_names import WORD, directives_of
from lookalike.table.kind_groups import CATEGORICAL, DATE, MADE, NUMBER, OF_ENTITIES
from lookalike.table.rule import (
    Combination,
    Copy,
    EmptyTogether,
    EmptyWhen,
    Function,
    Joined,
    OneOf,
    Rule,
)

SHIFTS = (0, *range(1, 7), *range(-5, 0))  # months that a fiscal year begins earlier, or later
KEYS = [
    *((part, 0) for part in ("quarter", "weekday", "month", "hour")),
    *((part, shift) for part in ("year", "first of quarter") for shift in SHIFTS),
    ("week", 0),
]  # parts of a date that tell another column, those of few values first
ROWS_A_PART = 8  # of a date that tells another column
MOST_CUTS = 12  # ranges of a number that tell a category, less one
MOST_KEYS = 1_000  # values of a column that determines another
GLANCE, TOGETHER = (
    400,
    0.5,
)  # rows in which it is seen whether it may; of the seldom values, those that it tells
ON = {"1", "1.0", "true", "t", "yes", "y", "x"}
WAYS = ("as it is", "lower", "upper", "first letter of", "lower first letter of")
DIGITS = (  # directives of a date that are numbers
    *("%Y", "%y", "%q", "%m", "%d", "%j", "%V", "%H"),
    *("%-m", "%-d", "%-j", "%-V", "%-H"),
)
TEXTS = ("category", "compound", "text", "id", "constant")
SIGNS = {"?", "-", "--", ".", "na", "n/a", "none", "null", "nan", "unknown", ""}


def _names(values: Values, kept: list[Any], kinds: tuple[str, ...] | None = None) -> list[Any]:
    """The columns that vary, of some kinds."""
    found = []
    for name in kept:
        kind = values.column(name).kind
        read = kind not in (*OF_ENTITIES, "drop", "json", "code") and (kinds is None or kind in kinds)
        if read and len(values.codes(name)[1]) > 1:
            found.append(name)
    return found


def categories(values: Values, kept: list[Any]) -> list[Any]:
    """The categories that vary."""
    return _names(values, kept, CATEGORICAL)


def copies(values: Values, kept: list[Any]) -> Iterator[Rule]:
    """Columns of the same strings."""
    names = [name for name in _names(values, kept, (*CATEGORICAL, "compound", "text")) if values.rows]
    for first, second in combinations(names, 2):
        if values.column(first).dtype != values.column(second).dtype:
            continue
        a, b = values.texts(first), values.texts(second)
        if (a[:100] == b[:100]).mean() > 0.9 and (a == b).mean() >= LEAST_SUPPORT:
            shuffled = b[np.random.default_rng(0).permutation(len(b))]
            if (a == b).mean() > 1 - BY_CHANCE * (a != shuffled).mean() and (a != shuffled).sum() >= BROKEN:
                yield Copy(second, first)


def functions(values: Values, kept: list[Any], rng: np.random.Generator) -> list[Rule]:
    """One column tells another, each told by the one with the fewest values that tell it."""
    keys = {}
    for name in _names(values, kept, (*CATEGORICAL, NUMBER, "constant")):
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
    names = _names(values, kept, (*CATEGORICAL, NUMBER, DATE, "compound", "text"))
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
    found = np.ones((len(keys), len(columns)), dtype=bool)
    for at, key in enumerate(keys):
        own = key[some]
        rows = np.argsort(own, kind="stable")
        rows = rows[own[rows] >= 0]
        follows = own[rows[1:]] == own[rows[:-1]]
        first, second = rows[:-1][follows], rows[1:][follows]
        seen = rare[:, first]
        alike = (seen & (codes[:, first] == codes[:, second])).sum(1)
        found[at] = alike >= TOGETHER * seen.sum(1)
        found[at] |= seen.sum(1) < LEAST
    return found


def cuts(values: Values, kept: list[Any], numbers: list[Any]) -> Iterator[Function]:
    """The range that a number is in tells a category: an index of mass and its class, marks and a grade."""
    columns = {name: np.asarray(values.numbers(name)) for name in numbers}
    for own in _names(values, kept, CATEGORICAL):
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
    names = _names(values, kept, (*CATEGORICAL, NUMBER, "compound"))
    for date in _names(values, kept, (DATE,)):
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


def one_of_rules(values: Values, kept: list[Any]) -> Iterator[Rule]:
    """Three columns or more of two values, of which exactly one is on."""
    flags: dict[Any, tuple[Array, Any]] = {}
    for name in _names(values, kept, (NUMBER, *CATEGORICAL)):
        codes, found = values.codes(name)
        if len(found) != 2 or (codes < 0).any():
            continue
        texts = [str(value).strip().lower() for value in found]
        which = [i for i, text in enumerate(texts) if text in ON]
        if len(which) == 1:
            value = found[which[0]]
            flags[name] = codes == which[0], value.item() if hasattr(value, "item") else value
    left = list(flags)
    while left:
        group, total = [left[0]], flags[left[0]][0].astype(int)
        for name in left[1:]:
            if _excludes(total, flags[name][0]):
                group.append(name)
                total = total + flags[name][0]
        if len(group) > 2 and (total == 1).mean() >= LEAST_SUPPORT:
            yield OneOf(tuple(group), tuple(flags[name][1] for name in group))
            left = [name for name in left if name not in group]
        else:
            left = left[1:]


def _excludes(total: Array, on: Array) -> bool:
    """Whether a flag is (nearly) never on where one of its group is, and not as both are seldom on."""
    both = float((total.astype(bool) & on).mean())
    return both <= min(1 - LEAST_SUPPORT, BY_CHANCE * total.astype(bool).mean() * on.mean())


def emptiness(values: Values, kept: list[Any]) -> Iterator[Rule]:
    """Columns that are empty in the same rows, or exactly where another holds certain values."""
    masks: dict[Any, tuple[Array, str | None]] = {}
    for name in kept:
        if values.column(name).kind not in ("drop", *MADE):
            gone = values.missing(name)
            if BROKEN <= gone.sum() <= len(gone) - BROKEN:
                masks[name] = (gone, None)
            if is_text(values.column(name)) and (sign := _sign(values, name)) is not None:
                masks[name] = (values.texts(name) == sign, sign)
    done: set[Any] = set()
    for name, (gone, sign) in masks.items():
        for of in _names(values, kept, (*CATEGORICAL, NUMBER)):
            codes, found = values.codes(of)
            if of == name or len(found) > 100 or of in masks:
                continue
            rows = np.bincount(codes[codes >= 0], minlength=len(found))
            empty = np.bincount(codes[codes >= 0], gone[codes >= 0], len(found))
            shares = empty / np.maximum(rows, 1)
            base = min(gone.mean(), 1 - gone.mean())
            if _wrong(codes, gone, empty, rows) <= BY_CHANCE / 2 * base and base * len(gone) >= LEAST:
                which = tuple(
                    v.item() if hasattr(v, "item") else v
                    for v, s in zip(found, shares, strict=True)
                    if s > 0.5
                )
                done.add(name)
                yield EmptyWhen(name, of, which, sign)
                break
    left = [name for name, (_, sign) in masks.items() if sign is None and name not in done]
    while left:
        first = masks[left[0]][0]
        group = [
            n for n in left if (first & masks[n][0]).sum() >= LEAST_SUPPORT * (first | masks[n][0]).sum()
        ]
        if len(group) > 1:
            yield EmptyTogether(tuple(group))
        elif other := next((name for name in left[1:] if _apart(first, masks[name][0])), None):
            group.append(other)
            yield EmptyTogether(tuple(group), apart=True)
        left = [name for name in left if name not in group]


def _wrong(codes: Array, gone: Array, empty: Array, rows: Array) -> float:
    """The share of rows that the other rows of their value tell wrongly; one alone of its value is told as
    most rows are. empty, rows: of each value.
    """
    others = np.append(rows, 1)[codes] - 1
    told = (np.append(empty, 0)[codes] - gone) > 0.5 * others
    usual = gone.mean() > 0.5
    return float((np.where(codes < 0, False, np.where(others > 0, told, usual)) != gone).mean())


def _apart(gone: Array, other: Array) -> bool:
    """Whether exactly one of two columns is empty, not by chance: debit and credit."""
    shuffled = other[np.random.default_rng(0).permutation(len(other))]
    kept = gone != other
    return bool(kept.mean() >= LEAST_SUPPORT) and beats_chance(kept, gone != shuffled)


def _sign(values: Values, name: Any) -> str | None:
    """A text that stands for an empty cell, such as "?" or a blank."""
    codes, found = values.codes(name)
    if len(found) < 3:
        return None
    counts = np.bincount(codes[codes >= 0], minlength=len(found))
    signs = [(counts[i], str(v)) for i, v in enumerate(found) if str(v).strip().lower() in SIGNS]
    return max(signs)[1] if signs and LEAST <= max(signs)[0] < values.rows - BROKEN else None


def combination_rules(values: Values, kept: list[Any], rng: np.random.Generator) -> Iterator[Rule]:
    """Pairs of categories of which (nearly) only some combinations occur, each in several rows."""
    names = [
        name
        for name in _names(values, kept, CATEGORICAL)
        if 3 <= len(values.codes(name)[1]) <= 200 and not values.missing(name).any()
    ]
    for pair in combinations(names, 2):
        (a, of_a), (b, of_b) = values.codes(pair[0]), values.codes(pair[1])
        own, other = a.astype(np.int64) * len(of_b) + b, a.astype(np.int64) * len(of_b) + rng.permutation(b)
        counts = np.bincount(own, minlength=len(of_a) * len(of_b))
        common = counts >= LEAST
        if common.sum() > 2 * max(len(of_a), len(of_b)) or common.sum() > 200:
            continue
        kept_rows, by_chance = common[own], common[other]
        if (~kept_rows).mean() > min(1 - LEAST_SUPPORT, BY_CHANCE / 2 * (~by_chance).mean()):
            continue
        if (~by_chance).mean() >= 0.2:
            yield Combination(pair)


def joined_texts(values: Values, kept: list[Any]) -> Iterator[Rule]:
    """Texts that are others, joined: a full name, initials, a label."""
    names = [name for name in _names(values, kept, TEXTS) if is_text(values.column(name))]
    plain = [name for name in names if values.column(name).kind != "id"]
    plain += _names(values, kept, (NUMBER,))
    dates = [name for name in _names(values, kept, (DATE,)) if values.numbers(name) is not None]
    written: dict[tuple[str, Any], Array] = {}
    for own in names:
        texts = values.texts(own)
        rows = [row for row in range(values.rows) if texts[row]][:40]
        if len(rows) < LEAST_ROWS // 2 or max(len(str(texts[row])) for row in rows) < 2:
            continue
        few = [str(texts[row]) for row in rows]
        told = {}
        for name in plain:
            cells = ["" if name == own or one is None else one for one in values.texts(name)[rows]]
            for way in WAYS:
                if sum(ways(one, way) in text for one, text in zip(cells[:4], few, strict=False)) > 2:
                    told[way, name] = [ways(one, way) for one in cells]
        for key in ((form, name) for name in dates for form in _directives(few[0])):
            if key not in written:
                written[key] = written_dates(values, key[1], key[0])
            told[key] = written[key][rows].tolist()
        rule = _template(own, few, told)
        if rule is not None:
            said = joined(rule, values)
            there = np.array([one is not None for one in said], dtype=bool)
            if there.any() and (said == texts)[there].mean() >= LEAST_SUPPORT:
                yield rule


def _directives(text: str) -> list[str]:
    """The directives that a text may hold of a date: of its year, month or day, as a number or a name."""
    names = [one for word in WORD.findall(text) for one in directives_of(word)]
    return [*dict.fromkeys(names), *(DIGITS if re.search(r"\d", text) else ())]


def _template(own: Any, texts: list[str], told: dict[tuple[str, Any], list[str]]) -> Joined | None:
    """The parts of a text, each another column or what is the same in all rows; found from left to right.

    told: (way, column) -> what that says in the same rows.
    """
    parts: list[tuple[str, Any]] = []
    left = list(texts)
    for _ in range(7):
        if not any(left):
            break
        best: tuple[float, str, Any, list[str]] | None = None
        for (way, name), said in told.items():
            begun = zip(said[:4], left[:4], strict=True)
            if sum(bool(t) and rest.startswith(t) for t, rest in begun) < 3:
                continue
            hits = [bool(s) and rest.startswith(s) for s, rest in zip(said, left, strict=True)]
            length = float(np.mean([len(s) for s in said]))
            if np.mean(hits) >= LEAST_SUPPORT and len(set(said)) > 2 and (best is None or length > best[0]):
                best = length, way, name, said
        if best is not None:
            parts.append((best[1], best[2]))
            left = [rest[len(s) :] for s, rest in zip(best[3], left, strict=True)]
            continue
        letters = {rest[:1] for rest in left}
        if len(letters) != 1:
            return None
        if parts and parts[-1][0] == "text":
            parts[-1] = ("text", parts[-1][1] + letters.pop())
        else:
            parts.append(("text", letters.pop()))
        left = [rest[1:] for rest in left]
    used = {name for way, name in parts if way != "text"}
    whole = [name for way, name in parts if way == "as it is"]
    if any(left) or not used or (len(parts) == 1 and whole):
        return None
    return Joined(own, tuple(parts))
