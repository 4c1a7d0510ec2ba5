"""Flags that say how two numbers or dates compare: late = arrival > due, a result by two scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import BROKEN, BY_CHANCE, LEAST_ROWS
from lookalike.rules.fits import EXACT
from lookalike.rules.holds import LEAST, support
from lookalike.rules.sums import DISTINCT, LARGEST
from lookalike.rules.values import Values, columns_of
from lookalike.table.kind_groups import CATEGORICAL, NUMBER
from lookalike.table.rule import Function
from lookalike.table.rule_formulas import UNITS

BEGUN, FEW = 4, 16  # rows of each value that a pair is seen in first, and then
LOOSE, GLANCED = 0.85, 0.95  # of those, that it tells the value of
MISSED = 0.02  # of the rows, that a shuffled column tells wrongly at least, where a factor is chosen
OTHERS = 3  # values of a number that is compared, at least


def comparisons(values: Values, kept: list[Any], numbers: list[Any]) -> Iterator[Function]:
    """The flags of two or three values that a comparison tells: of each the pair that tells it best.

    numbers: the columns of numbers and dates that vary.
    """
    x = {name: values.numbers(name) for name in numbers}
    sizes_of = {name: 0 if own is None else len(np.unique(own[~np.isnan(own)])) for name, own in x.items()}
    some = [name for name, size in sizes_of.items() if size >= OTHERS][:LARGEST]
    if len(some) < 2:
        return
    both = np.array([x[name] for name in some])
    dated = np.array([values.column(name).is_date for name in some])
    large = np.array([sizes_of[name] >= DISTINCT for name in some])
    first, second = np.triu_indices(len(some), 1)
    alike = (dated[first] == dated[second]) & (large[first] | large[second])
    first, second = first[alike], second[alike]
    for own in columns_of(values, kept, (NUMBER, *CATEGORICAL)):
        codes, found = values.codes(own)
        sizes = np.bincount(codes[codes >= 0], minlength=len(found))
        if not 2 <= len(found) <= 3 or sizes.sum() - sizes.max() < BROKEN or sizes.min() < LEAST:
            continue
        rows = np.concatenate([_spread(np.flatnonzero(codes == at)) for at in range(len(found))])
        itself = some.index(own) if own in some else -1
        pairs = np.flatnonzero((first != itself) & (second != itself))
        for some_rows, share in ((rows[:: FEW // BEGUN], LOOSE), (rows, GLANCED)):
            few = both[:, some_rows]
            pairs = pairs[_told(few, codes[some_rows], first[pairs], second[pairs], share)]
        fits = [_judged(codes, both[first[at]], both[second[at]]) for at in pairs]
        sure = [(fit[0], at, fit[1]) for fit, at in zip(fits, pairs, strict=True) if fit is not None]
        if sure:
            _, at, sides = max(sure, key=lambda one: (one[0], -one[1]))
            yield _rule(own, some[first[at]], some[second[at]], sides, [str(one) for one in found])
        elif len(found) == 2:
            free = np.flatnonzero((first != itself) & (second != itself))
            moved = (_Moved(values, own, codes, rows, some, both, dated), first[free], second[free])
            yield from _with_a_factor(*moved)


def _spread(rows: Array) -> Array:
    return rows[np.linspace(0, len(rows) - 1, min(FEW, len(rows))).astype(int)]


def _told(few: Array, codes: Array, first: Array, second: Array, share: float) -> Array:
    """(pairs,) bool: whose order tells the value in such a share of a few rows. few: (columns, rows)."""
    with np.errstate(invalid="ignore"):
        apart = few[first] - few[second]
        signs = np.stack([apart > 0, apart == 0, apart < 0]).astype(np.float32)
    is_value = (codes[:, None] == np.unique(codes)).astype(np.float32)
    counts = signs @ is_value  # (signs, pairs, values)
    there = counts.sum((0, 2))
    return np.asarray((counts.max(2).sum(0) >= share * there) & (there >= len(codes) / 2))


def _judged(codes: Array, a: Array, b: Array) -> tuple[float, tuple[int, int, int]] | None:
    """The share of the rows whose value the comparison tells, and the value where a is below b, at it and
    above it, -1 for none; None where chance may tell as many.
    """
    apart = a - b
    there = (apart == apart) & (codes >= 0)
    signs, said = np.sign(apart[there]).astype(np.int64) + 1, codes[there]
    height = int(codes.max()) + 1
    counts = np.bincount(signs * height + said, minlength=3 * height).reshape(3, height)
    rows, seldom = len(said), len(said) - int(counts.sum(0).max())
    wrong = rows - int(counts.max(1).sum())
    if rows < LEAST_ROWS or seldom < BROKEN or wrong > min((1 - EXACT) * rows, BY_CHANCE / 2 * seldom):
        return None
    sides = [int(own.argmax()) if own.sum() else -1 for own in counts]
    if sides[0] == sides[2] or min(counts[0].sum(), counts[2].sum()) < LEAST:
        return None  # a tie alone tells it
    a, b = a[there], b[there]
    mixed = np.random.default_rng(0).permutation(rows)
    for x, y in ((a[mixed], b), (a, b[mixed])):  # one of the two may tell it alone
        by_chance = np.count_nonzero(np.array(sides)[np.sign(x - y).astype(np.int64) + 1] != said)
        if by_chance < BROKEN or wrong > BY_CHANCE * by_chance:
            return None
    return 1 - wrong / rows, (sides[0], sides[1], sides[2])


def _rule(own: Any, a: Any, b: Any, sides: tuple[int, int, int], found: list[str]) -> Function:
    """The comparison as a person says it: what is larger where the flag is on."""
    below, tie, above = sides
    if tie not in (-1, below, above):
        return Function(own, a, than=b, compared="sign")
    if _is_off(found[above], found[below]):
        a, b, below, above = b, a, above, below
    return Function(own, a, than=b, compared=">=" if tie == above else ">")


def _is_off(text: str, other: str) -> bool:
    """Whether one of two words says no, such as False, 0, no, N, or the other one with "not" before."""
    text, other = text.strip().lower(), other.strip().lower()
    return text in ("false", "f", "0", "0.0", "no", "n") or text.removeprefix("not ") == other


@dataclass(frozen=True)
class _Moved:
    """A flag, and the columns that may tell it once one is multiplied, or something is added to it.

    codes: (rows,) of the flag; few: rows in which pairs are seen first; names, x, dated: of the columns.
    """

    values: Values
    own: Any
    codes: Array
    few: Array
    names: list[Any]
    x: Array
    dated: Array


def _with_a_factor(of: _Moved, first: Array, second: Array) -> Iterator[Function]:
    """a > f b and a > b + d, of a round f or d, where all rows say so, and none would by chance: of those
    that hold the one whose number is the roundest.
    """
    positive = np.array([bool(np.nanmin(one) >= 0 and np.nanmax(one) > 0) for one in of.x])
    ratios = ~of.dated[first] & positive[first] & positive[second]
    found: list[tuple[tuple[int, ...], Function]] = []
    for divided, pairs in ((True, np.flatnonzero(ratios)), (False, np.arange(len(first)))):
        few = _apart(of.x[first[pairs]][:, of.few], of.x[second[pairs]][:, of.few], divided)
        for at in pairs[_parted(few, of.codes[of.few])]:
            for a, b in (
                ((first[at], second[at]), (second[at], first[at])) if divided else ((first[at], second[at]),)
            ):
                rule = _moved_rule(of, int(a), int(b), divided)
                if rule is not None:
                    size = rule.factor if divided else abs(rule.apart)
                    found.append(((_digits(size), not divided, len(found)), rule))
    if found:
        yield min(found, key=lambda one: one[0])[1]


def _apart(a: Array, b: Array, divided: bool) -> Array:
    """How two columns compare: their ratio, or their difference; nan where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(b > 0, a / b, np.nan) if divided else a - b


def _parted(apart: Array, codes: Array) -> Array:
    """(pairs,) bool: whether a threshold parts the two values of a flag. apart: (pairs, rows)."""
    ends = []
    for code in (0, 1):
        own = apart[:, codes == code]
        gone = np.isnan(own)
        ends.append((np.where(gone, np.inf, own).min(1), np.where(gone, -np.inf, own).max(1)))
    (low, high), (other_low, other_high) = ends
    told = np.isfinite(low) & np.isfinite(other_low)
    return np.asarray(told & ((high < other_low) | (other_high < low)))


def _moved_rule(of: _Moved, a: int, b: int, divided: bool) -> Function | None:
    """The comparison of two columns by a round factor or distance; None where there is none, or where chance
    would keep it.
    """
    x, y = of.x[a], of.x[b]
    apart = _apart(x, y, divided)
    there = ~np.isnan(apart) & (of.codes >= 0)
    sides = [apart[there & (of.codes == code)] for code in (0, 1)]
    rows, seldom = int(there.sum()), min(map(len, sides))
    if rows < LEAST_ROWS or seldom < BROKEN or rows < EXACT * int((of.codes >= 0).sum()):
        return None
    up = int(sides[1].min() > sides[0].max())
    if not up and sides[0].min() <= sides[1].max():
        return None
    low, high = float(sides[1 - up].max()), float(sides[up].min())
    unit, size = _unit(low, high) if of.dated[a] else ("", 1.0)
    edge = _round(low / size, high / size)
    if edge is None or edge == 0 or (divided and edge == 1):  # 0 * b says nothing of b, and 1 * b is b
        return None
    compared = ">=" if edge * size >= high - 1e-12 * abs(high) else ">"
    facts: dict[str, Any] = {"factor": edge} if divided else {"apart": edge, "unit": unit}
    rule = Function(of.own, of.names[a], than=of.names[b], compared=compared, **facts)
    if not divided and edge < 0:  # due >= arrival - 15 is said as arrival > due + 15
        turned = ">" if compared == ">=" else ">="
        rule = replace(rule, of=of.names[b], than=of.names[a], compared=turned, apart=-edge)
    flag, least = of.codes[there] == up, max(BROKEN, MISSED * rows)
    for own, other in _mixed(x, y, there):
        by_chance = _apart(own, other, divided) >= edge * size
        if np.count_nonzero(by_chance != flag) < least:
            return None
    if min(_missed(x[there], flag), _missed(y[there], flag)) < least:
        return None  # one of them tells the flag alone, such as a time beside its square
    return rule if support(rule, of.values) >= EXACT else None


def _mixed(x: Array, y: Array, there: Array) -> Iterator[tuple[Array, Array]]:
    """Both columns in the rows that count, one of them shuffled."""
    x, y = x[there], y[there]
    mixed = np.random.default_rng(0).permutation(len(x))
    yield x[mixed], y
    yield x, y[mixed]


def _missed(numbers: Array, flag: Array) -> int:
    """How many rows the best threshold of a column tells wrongly. flag: (rows,) bool."""
    order = np.argsort(numbers, kind="stable")
    ends = np.append(np.diff(numbers[order]) != 0, True)
    wrong = np.append(0, np.cumsum(np.where(flag[order], 1, -1))[ends]) + np.count_nonzero(~flag)
    return int(min(wrong.min(), len(flag) - wrong.max()))


def _unit(low: float, high: float) -> tuple[str, float]:
    """The largest unit of time in which a round number lies between two distances in seconds."""
    for name in ("days", "hours", "minutes", "seconds"):
        found = _round(low / UNITS[name], high / UNITS[name])
        if found is not None and (found == round(found) or name == "seconds"):
            return name, UNITS[name]
    return "seconds", 1.0


def _round(low: float, high: float) -> float | None:
    """The number of one or two digits between two, both included, the roundest; None where there is none."""
    for digits in (1, 2):
        top = max(abs(low), abs(high))
        power = np.floor(np.log10(top)) if top > 0 else 0.0
        for step in (
            (5.0 * 10 ** (power - digits + 1), 10 ** (power - digits + 1)) if digits > 1 else (10**power,)
        ):
            found = float(f"{np.ceil(low / step - 1e-9) * step:.12g}")
            if low * (1 - 1e-12) <= found <= high * (1 + 1e-12) or low <= found <= high:
                return found
    return None


def _digits(number: float) -> int:
    """How many digits a number has that are not zeros at its end."""
    return len(f"{number:.12g}".replace(".", "").strip("0"))
