"""Rules between values: copies, combinations, exactly one of, empty together, joined texts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import BROKEN, BY_CHANCE, LEAST_ROWS, LEAST_SUPPORT, beats_chance
from lookalike.rules.fits import EXACT
from lookalike.rules.functions import purity
from lookalike.rules.holds import LEAST, combined, joined, ways, written_dates
from lookalike.rules.values import Values, columns_of, is_text
from lookalike.table import ranges
from lookalike.table.column import Column
from lookalike.table.date_names import WORD, directives_of
from lookalike.table.kind_groups import CATEGORICAL, DATE, MADE, NUMBER
from lookalike.table.rule import Combination, Copy, EmptyTogether, EmptyWhen, Joined, OneOf, Rule

ON = {"1", "1.0", "true", "t", "yes", "y", "x"}
WAYS = ("as it is", "lower", "upper", "first letter of", "lower first letter of")
DIGITS = (  # directives of a date that are numbers
    *("%Y", "%y", "%q", "%m", "%d", "%j", "%V", "%H"),
    *("%-m", "%-d", "%-j", "%-V", "%-H"),
)
TEXTS = ("category", "compound", "range", "list", "text", "id", "constant")
MOST_PARTS = 7  # of a joined text, whose signs between two columns are one
GLANCE, TRIED = 400, 6  # rows of a look at which columns tell another best, and so many of them
MANY_TOLD, MOST_TOLD = 8, 200  # values of a column that two others tell
SIGNS = {"?", "-", "--", ".", "na", "n/a", "none", "null", "nan", "unknown", ""}


def categories(values: Values, kept: list[Any]) -> list[Any]:
    """The categories that vary."""
    return columns_of(values, kept, CATEGORICAL)


def copies(values: Values, kept: list[Any]) -> Iterator[Rule]:
    """Columns of the same strings."""
    names = [
        name
        for name in columns_of(values, kept, (*CATEGORICAL, "compound", "range", "list", "text"))
        if values.rows
    ]
    for first, second in combinations(names, 2):
        if values.column(first).dtype != values.column(second).dtype:
            continue
        a, b = values.texts(first), values.texts(second)
        if (a[:100] == b[:100]).mean() > 0.9 and (a == b).mean() >= LEAST_SUPPORT:
            shuffled = b[np.random.default_rng(0).permutation(len(b))]
            if (a == b).mean() > 1 - BY_CHANCE * (a != shuffled).mean() and (a != shuffled).sum() >= BROKEN:
                yield Copy(second, first)


def one_of_rules(values: Values, kept: list[Any]) -> Iterator[Rule]:
    """Three columns or more of two values, of which exactly one is on."""
    flags: dict[Any, tuple[Array, Any]] = {}
    for name in columns_of(values, kept, (NUMBER, *CATEGORICAL)):
        codes, found = values.codes(name)
        if len(found) != 2 or (codes < 0).any():
            continue
        texts = [str(value).strip().lower() for value in found]
        which = [i for i, text in enumerate(texts) if text in ON]
        if len(which) == 1:
            value = found[which[0]]
            flags[name] = codes == which[0], value.item() if hasattr(value, "item") else value
    names, values_on = [*flags], [value for _, value in flags.values()]
    on = np.array([own for own, _ in flags.values()], dtype=np.float32).reshape(len(flags), values.rows)
    left, share = np.arange(len(names)), on.mean(1)
    while len(left) > 2:
        group, total = _group(on, left, share)
        if (total != 1).any():  # a flag that is seldom on joins by accident
            group = [at for at in group if on[at].sum() >= BROKEN]
            total = on[group].sum(0)
        if len(group) > 2 and (total == 1).mean() >= EXACT:
            yield OneOf(tuple(names[at] for at in group), tuple(values_on[at] for at in group))
            left = left[~np.isin(left, group)]
        else:
            left = left[1:]


def _group(on: Array, left: Array, share: Array) -> tuple[list[int], Array]:
    """The first of the flags `left`, and each of those behind it that is (nearly) never on where one of the
    group is, and not as both are seldom on; and how many of the group are on in each row. on: (flags, rows);
    share: of the rows, that each is on in.
    """
    group, total = [int(left[0])], on[left[0]].copy()
    behind = left[1:]
    while len(behind):
        any_on = (total > 0).astype(np.float32)
        both = (on[behind[0] :] @ any_on)[behind - behind[0]] / len(total)
        excludes = both <= np.minimum(1 - LEAST_SUPPORT, BY_CHANCE * any_on.mean() * share[behind])
        if not excludes.any():
            break
        first = int(excludes.argmax())
        group.append(int(behind[first]))
        total += on[behind[first]]
        behind = behind[first + 1 :]
    return group, total


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
    others = [
        name
        for name in columns_of(values, kept, (*CATEGORICAL, NUMBER))
        if len(values.codes(name)[1]) <= 100 and name not in masks
    ]
    told = _tells_empty([values.codes(of) for of in others], [gone for gone, _ in masks.values()])
    for (name, (gone, sign)), fits in zip(masks.items(), told.T, strict=True):
        if not fits.any():
            continue
        of = others[int(fits.argmax())]
        codes, found = values.codes(of)
        rows = np.bincount(codes[codes >= 0], minlength=len(found))
        shares = np.bincount(codes[codes >= 0], gone[codes >= 0], len(found)) / np.maximum(rows, 1)
        which = tuple(
            v.item() if hasattr(v, "item") else v for v, s in zip(found, shares, strict=True) if s > 0.5
        )
        done.add(name)
        yield EmptyWhen(name, of, which, sign)
    left = [name for name, (_, sign) in masks.items() if sign is None and name not in done]
    empty = np.array([masks[name][0] for name in left], dtype=np.float32).reshape(len(left), values.rows)
    both, rows = empty @ empty.T, empty.sum(1)
    alike = both >= LEAST_SUPPORT * (rows[:, None] + rows - both)
    unlike = rows[:, None] + rows - 2 * both >= LEAST_SUPPORT * values.rows
    open_ = np.ones(len(left), dtype=bool)
    for at in range(len(left)):
        if not open_[at]:
            continue
        group = np.flatnonzero(alike[at] & open_)
        apart = (i for i in np.flatnonzero(unlike[at] & open_) if _apart(empty[at] > 0, empty[i] > 0))
        if len(group) > 1:
            yield EmptyTogether(tuple(left[i] for i in group))
        elif (other := next(apart, None)) is not None:
            group = np.array([at, other])
            yield EmptyTogether((left[at], left[other]), apart=True)
        open_[group] = False


def _tells_empty(others: list[tuple[Array, Any]], masks: list[Array]) -> Array:
    """(columns, masks) bool: whether the values of a column tell which rows are empty. others: as of
    `Values.codes`; masks: (rows,) each.

    A row is told by the other rows of its value; one alone of its value is told as most rows are.
    """
    found = np.zeros((len(others), len(masks)), dtype=bool)
    if not masks:
        return found
    gone = np.stack(masks, 1).astype(np.float32)
    share = gone.mean(0)
    base, usual = np.minimum(share, 1 - share), share > 0.5
    for at, (codes, values) in enumerate(others):
        is_value = (codes == np.arange(len(values))[:, None]).astype(np.float32)
        rows, empty = is_value.sum(1)[:, None], is_value @ gone  # of each value, in each mask
        alone = rows == 1
        empty_told = np.where(alone, usual, empty - 1 > 0.5 * (rows - 1))
        full_told = np.where(alone, usual, empty > 0.5 * (rows - 1))
        wrong = (empty * ~empty_told + (rows - empty) * full_told).sum(0) + gone[codes < 0].sum(0)
        found[at] = (wrong / len(gone) <= BY_CHANCE / 2 * base) & (base * len(gone) >= LEAST)
    return found


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
        for name in columns_of(values, kept, CATEGORICAL)
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


def told_by_two(values: Values, many: Values, kept: list[Any], rng: np.random.Generator) -> Iterator[Rule]:
    """Two columns together tell a third, which neither of them does: an origin and a destination their
    distance. All three are then one choice. values: some rows, in which they are sought; many: all by which
    they are judged.
    """
    names = [
        name
        for name in columns_of(values, kept, (*CATEGORICAL, NUMBER))
        if len(values.codes(name)[1]) <= MOST_TOLD and not many.missing(name).any()
    ]
    few = {name: values.codes(name)[0][:GLANCE].astype(np.int64) for name in names}
    for own in names:
        height = len(many.codes(own)[1])
        if len(values.codes(own)[1]) < MANY_TOLD:
            continue
        alone = {name: _told(few[name], few[own], height) for name in names if name != own}
        best = sorted(alone, key=lambda name: -alone[name])[:TRIED]
        for a, b in combinations(best, 2):
            if _told(_pair(a, b, values), values.codes(own)[0], height) < LEAST_SUPPORT:
                continue
            rule = Combination((a, b, own))
            said, both = many.codes(own)[0], _pair(a, b, many)
            counts = np.unique(combined(rule.columns, many), return_counts=True)[1]
            common = counts[counts >= LEAST]
            if len(common) > MOST_TOLD * 2 or common.sum() < LEAST_SUPPORT * many.rows:
                continue
            wrong = 1 - _told(both, said, height)
            order, width = rng.permutation(many.rows), len(many.codes(b)[1])
            of_a, of_b = both // width, both % width
            shuffled = [
                1 - _told(x * width + y, said, height) for x, y in ((of_a, of_b[order]), (of_a[order], of_b))
            ]
            if wrong <= BY_CHANCE / 2 * min(shuffled) and min(shuffled) * many.rows >= BROKEN:
                yield rule
                break


def _pair(a: Any, b: Any, values: Values) -> Array:
    """(rows,) the number of the pair of values of two columns."""
    (first, _), (second, found) = values.codes(a), values.codes(b)
    return first.astype(np.int64) * len(found) + second


def _told(keys: Array, codes: Array, height: int) -> float:
    """The share of rows that hold the most frequent value of their key; 0 where no key has several rows."""
    share, rows = purity(keys, codes, height)
    return share if rows else 0.0


def joined_texts(values: Values, kept: list[Any]) -> Iterator[Rule]:
    """Texts that are others, joined: a full name, initials, a label."""
    names = [name for name in columns_of(values, kept, TEXTS) if is_text(values.column(name))]
    plain = [name for name in names if values.column(name).kind != "id"]
    plain += columns_of(values, kept, (NUMBER,))
    dates = [name for name in columns_of(values, kept, (DATE,)) if values.numbers(name) is not None]
    written: dict[tuple[str, Any], Array] = {}
    heads: dict[tuple[int, ...], list[dict[str, list[tuple[Any, str]]]]] = {}
    for own in names:
        texts = values.texts(own)
        rows = [row for row in range(values.rows) if texts[row]][:40]
        if len(rows) < LEAST_ROWS // 2 or max(len(str(texts[row])) for row in rows) < 2:
            continue
        few = [str(texts[row]) for row in rows]
        first = (*rows[:4],)
        if first not in heads:
            heads[first] = [_said_in(values, plain, row) for row in first]
        told = {
            (way, name): [ways("" if one is None else one, way) for one in values.texts(name)[rows]]
            for name, way in _within(few, heads[first], plain)
            if name != own
        }
        forms = [*_directives(few[0]), *_of_ends(values.column(own))]
        for key in ((form, name) for name in dates for form in forms):
            if key not in written:
                written[key] = written_dates(values, key[1], key[0])
            told[key] = written[key][rows].tolist()
        rule = _template(own, few, told)
        if rule is not None:
            said = joined(rule, values)
            there = np.array([one is not None for one in said], dtype=bool)
            if there.any() and (said == texts)[there].mean() >= LEAST_SUPPORT:
                yield rule


def _said_in(values: Values, names: list[Any], row: int) -> dict[str, list[tuple[Any, str]]]:
    """String -> the columns that say it in a row, each with the way in which it does."""
    found: dict[str, list[tuple[Any, str]]] = {}
    for name in names:
        cell = values.texts(name)[row]
        for way in WAYS:
            found.setdefault(ways("" if cell is None else cell, way), []).append((name, way))
    return found


def _within(
    texts: list[str], heads: list[dict[str, list[tuple[Any, str]]]], names: list[Any]
) -> list[tuple[Any, str]]:
    """The columns, each with a way, that say a part of the text in more than two of the first rows.

    heads: of each of these rows, as of `_said_in`.
    """
    count: Counter[tuple[Any, str]] = Counter()
    for text, said in zip(texts, heads, strict=False):
        size = len(text)
        parts = set(said)
        if size * size < len(said):
            parts = {text[a:b] for a in range(size) for b in range(a + 1, size + 1)} | {""}
        for part in parts:
            if part in said and part in text:
                count.update(said[part])
    kept = {key for key, times in count.items() if times > 2}
    return [(name, way) for name in names for way in WAYS if (name, way) in kept]


def _of_ends(column: Column) -> list[str]:
    """The formats of the ends of a range of dates."""
    own = ranges.layout(column.formats[0]) if column.kind == "range" else None
    return list(dict.fromkeys(own.forms)) if own is not None and own.of_dates else []


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
    while any(left) and len(parts) <= MOST_PARTS:
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
