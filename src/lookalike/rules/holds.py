"""Which rows keep a rule, and what a rule says that a column's values are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array
from lookalike.rules.codes import WAY, is_of_code, part_of_text, parts_in, parts_of, plain
from lookalike.rules.date_parts import keys_of_date, part_of
from lookalike.rules.months import later
from lookalike.rules.traits import fits, going
from lookalike.rules.values import CLOSE, Values, rounded, same, step
from lookalike.table.dates import write_dates
from lookalike.table.rule import (
    Combination,
    Copy,
    EmptyTogether,
    EmptyWhen,
    Function,
    Joined,
    OneOf,
    Order,
    Rule,
    Trait,
    Unlike,
    Within,
)
from lookalike.table.rule_formulas import Extreme, Linear, Part, Product, Term, Times, Transform, reciprocal

Formula = Linear | Extreme | Product | Part | Term | Transform
FORMULAS = (Linear, Extreme, Product, Part, Term, Transform)  # their numbers or dates can be computed
HALF = 1e-6  # of a tick, that a half is off one as floats
TWICE = 2  # rows of a text that may be written again
LEAST = 5  # rows that a value of a function, or a combination, has
EMPTY, APART = "\x1e", "\x1f"  # in the text of several values: a missing cell; what parts them


def computed(rule: Formula, values: Values, exact: bool = False) -> Array:
    """(rows,) float64, as of `values.as_floats`: what the rule says of its column; nan where a part is
    missing. exact: not rounded, nor put at an end.
    """
    column = values.column(rule.column)
    if isinstance(rule, Part):
        found = part_of(_numbers(values, rule.of), rule.part, rule.first, rule.shift)
        return found if exact else rounded(found, column, "down")
    if isinstance(rule, Term):
        many = np.full(values.rows, float(rule.apart)) if rule.by is None else _numbers(values, rule.by)
        found = later(_numbers(values, rule.of), many, rule.unit, rule.days, rule.ends)
        return found if exact else rounded(found, column, "down")
    if isinstance(rule, Transform):
        found = rule.factor * transformed(rule.function, _numbers(values, rule.of) + rule.shift)
    elif isinstance(rule, Extreme):
        parts = np.stack([_numbers(values, name) for name in rule.of])
        found = parts.max(0) if rule.largest else parts.min(0)
    elif isinstance(rule, Product):
        found = sum_of(rule.terms, rule, values) + rule.constant
    else:
        found, filled = np.zeros(values.rows), _filled(rule, values)
        for name, factor in rule.of:
            found = found + factor * filled[name]
        found = (found + rule.constant) / rule.divisor
        if rule.clipped and not exact:
            found = np.clip(found, rule.least, rule.most)
    return np.asarray(found) if exact else rounded(found, column, rule.rounding)


def agree(rule: Formula, values: Values, said: Array, of: Values | None = None) -> Array:
    """(rows,) bool: where the rule's column is what was computed; both may be missing.

    of: what it was computed of. As floats round it, a half may then be on either side: that depends on what
    was multiplied first.
    """
    own, exact = _numbers(values, rule.column), values.close(rule.column)
    size = step(values.column(rule.column))
    if of is not None and size and getattr(rule, "rounding", "") == "as floats":
        whole, half, left = halves(rule, of, said)
        said = np.where(half & (np.abs(whole - own) <= size / 2 + left), own, said)
    if exact == CLOSE:
        return same(said, own)
    if isinstance(rule, Linear):  # a difference of two large numbers is as exact as these
        filled = _filled(rule, values)
        parts = [
            abs(factor) * np.abs(filled[name])
            for name, factor in rule.of
            if not values.column(name).is_date  # dates are exact
        ]
        least = (np.sum(parts, axis=0) + abs(rule.constant)) / abs(rule.divisor)
    else:
        least = abs(rule.constant) if isinstance(rule, Product) else float(_is_log(rule))
    return same(said, own, exact, least)


def halves(rule: Formula, values: Values, said: Array) -> tuple[Array, Array, Array]:
    """(rows,) each: what a formula comes to before it is rounded, whether that is half a tick off what was
    computed, and by how much floats may miss a half. said: of `computed`.
    """
    size = step(values.column(rule.column)) or 0.0
    whole = computed(rule, values, exact=True)
    if getattr(rule, "clipped", False):
        whole = np.clip(whole, rule.least, rule.most)  # type: ignore[union-attr]
    left = HALF * size + CLOSE * np.abs(whole)
    return whole, np.abs(np.abs(whole - said) - size / 2) <= left, left


def _is_log(rule: Any) -> bool:
    return isinstance(rule, Transform) and rule.function.startswith("log")


def transformed(function: str, numbers: Array) -> Array:
    """(...) float64: a function, one of `TRANSFORMS`, of numbers; nan where it has no value."""
    with np.errstate(all="ignore"):
        if function == "reciprocal":
            found = 1 / numbers
        elif function in ("square", "cube"):
            found = numbers ** (2 if function == "square" else 3)
        else:
            found = {"log": np.log, "log10": np.log10, "log2": np.log2, "root": np.sqrt}[function](numbers)
    return np.asarray(np.where(np.isfinite(found), found, np.nan))


def untransformed(function: str, numbers: Array) -> Array:
    """(...) float64: the numbers, not below 0 for a square, that a function comes to these at."""
    with np.errstate(all="ignore"):
        if function == "reciprocal":
            return np.asarray(1 / numbers)
        if function == "cube":
            return np.asarray(np.cbrt(numbers))
        base = {"log": np.e, "log10": 10.0, "log2": 2.0}.get(function)
        if base is not None:
            return np.asarray(base**numbers)
        return np.asarray(np.sqrt(numbers) if function == "square" else numbers**2)


def solved(rule: Linear | Product | Transform, part: Any, goal: Array, values: Values) -> Array:
    """(rows,) float64: where a part of a formula has to be for the formula to come to its goal, not rounded;
    not finite where it cannot.
    """
    if isinstance(rule, Linear):
        said = computed(rule, values, exact=True)
        return np.asarray(_numbers(values, part) + (goal - said) * rule.divisor / dict(rule.of)[part])
    if isinstance(rule, Transform):
        return untransformed(rule.function, goal / rule.factor) - rule.shift
    with_it = [times for times in rule.terms if any(name == part for name, _, _ in times[1])]
    ways = {one[1:] for _, parts in with_it for one in parts if one[0] == part}
    if len(ways) != 1:  # a square and the number itself
        return np.full(values.rows, np.nan)
    others = tuple(times for times in rule.terms if times not in with_it)
    per = tuple((factor, tuple(one for one in parts if one[0] != part)) for factor, parts in with_it)
    (power, unit), left = ways.pop(), goal - rule.constant
    left = left - sum_of(others, rule, values) if others else left
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        wanted = (left / sum_of(per, rule, values)) ** (1 / power)
    return np.asarray((wanted - 1) * unit if unit else wanted)


def sum_of(terms: tuple[Times, ...], rule: Product, values: Values) -> Array:
    """(rows,) float64: the sum of terms of a product; nan where one is unknown, or divides by 0."""
    found, filled = np.zeros(values.rows), _filled(rule, values)
    for factor, parts in terms:
        own = np.full(values.rows, factor if abs(factor) > 1 else np.sign(factor))
        for name, power, unit in parts:
            numbers = 1 + filled[name] / unit if unit else filled[name]
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                for _ in range(abs(power)):
                    own = own * numbers if power > 0 else own / numbers
        found = found + (own if abs(factor) >= 1 else own / abs(reciprocal(factor)))  # as x / 100 is rounded
    return np.where(np.isfinite(found), found, np.nan)


def _filled(rule: Linear | Product, values: Values) -> dict[Any, Array]:
    """The numbers of each part, 0 where it is empty and that is what the rule says."""
    found = {name: _numbers(values, name) for name in rule.columns[1:]}
    if not rule.zeros:
        return found
    gone = {name: np.isnan(own) for name, own in found.items()}
    some = ~np.all([*gone.values()], axis=0)
    return {name: np.where(gone[name] & some, 0.0, own) for name, own in found.items()}


def _numbers(values: Values, name: Any) -> Array:
    found = values.numbers(name)
    return np.full(values.rows, np.nan) if found is None else found


def ways(text: str, way: str) -> str:
    """A text as it stands in a joined one."""
    if way == "lower":
        return text.lower()
    if way == "upper":
        return text.upper()
    if way == "first letter of":
        return text[:1]
    if way == "lower first letter of":
        return text[:1].lower()
    return part_of_text(text, way) if WAY.fullmatch(way) else text


def written_dates(values: Values, name: Any, form: str) -> Array:
    """(rows,) str: a date in another format, such as %A for its day of the week; "" where it is missing."""
    seconds = _numbers(values, name)
    gone = np.isnan(seconds)
    texts = write_dates(np.where(gone, 0, np.floor(seconds)).astype("M8[s]"), form)
    texts[gone] = ""
    return texts


def joined(rule: Joined, values: Values) -> Array:
    """(rows,) str, None where a part is missing."""
    found: Array = np.full(values.rows, "", dtype=object)
    gone = np.zeros(values.rows, dtype=bool)
    for way, own in rule.template:
        if way == "text":
            found = found + str(own)
            continue
        gone |= values.missing(own)
        if "%" in way:
            gone |= np.isnan(_numbers(values, own))
            found = found + written_dates(values, own, way)
            continue
        texts = values.texts(own)
        found = found + np.array(["" if t is None else ways(t, way) for t in texts], dtype=object)
    found[gone] = None
    if values.column(rule.column).is_number and is_of_code(rule):
        found = np.array([None if text is None else plain(text) for text in found], dtype=object)
    return found


def texts_of(rule: Joined, values: Values) -> Array:
    """(rows,) str, None where missing: the rule's column, as the rule says it."""
    return parts_in(values, rule.column) if is_of_code(rule) else values.texts(rule.column)


def told_by(rule: Function, values: Values, otherwise: int = LEAST) -> int:
    """Rows that a key and its value need to be told: as many as the key alone, where it is a text or a
    category with fewer than `LEAST`.
    """
    column = values.column(rule.of)
    if rule.part or rule.cuts or rule.than is not None:
        return otherwise
    if column.kind == "text":
        return TWICE
    least = column.min_rows or LEAST
    return least if column.is_categorical and TWICE <= least < LEAST else otherwise


def lookup(rule: Function, values: Values, least: int | None = None) -> dict[Any, Any]:
    """key -> its value, for the keys whose most frequent value at least so many rows hold."""
    least = told_by(rule, values) if least is None else least
    (keys, key_of), (codes, value_of) = keys_in(rule, values), values.codes(rule.column)
    pair, counts, best = modes(keys, codes, len(value_of))
    found = {}
    for own, rows in zip(pair[best], counts[best], strict=True):
        if rows >= least:
            found[key_of[own // (len(value_of) + 1)]] = _value(value_of, own % (len(value_of) + 1))
    return found


def keys_in(rule: Function, values: Values) -> tuple[Array, pd.Index]:
    """(rows,) the number of the key in each row, -1 where it is missing; and the keys."""
    if rule.cuts:
        own = _numbers(values, rule.of)
        ranges = np.searchsorted(np.array(rule.cuts), own, side="right")
        return np.where(np.isnan(own), -1, ranges), pd.Index(range(len(rule.cuts) + 1))
    if rule.than is not None:
        apart = over(rule, _numbers(values, rule.of), _numbers(values, rule.than))
        signs = np.where(np.isnan(apart), 0, np.sign(apart)).astype(np.int64)
        held = signs + 1 if rule.compared == "sign" else signs > (0 if rule.compared == ">" else -1)
        keys = (-1, 0, 1) if rule.compared == "sign" else (False, True)
        return np.where(np.isnan(apart), -1, held), pd.Index(keys, dtype=object)
    if not rule.part:
        return values.codes(rule.of)
    if WAY.fullmatch(rule.part):
        return parts_of(values, rule.of, rule.part)
    return keys_of_date(_numbers(values, rule.of), rule.part, rule.shift)


def over(rule: Function, own: Array, than: Array) -> Array:
    """(rows,) float64: how far a number or date is above what it is compared with; 0 where floats say so."""
    other = rule.factor * than + rule.distance
    apart = own - other
    if rule.factor == 1 and not rule.apart:
        return apart
    return np.where(np.abs(apart) <= CLOSE * np.maximum(np.abs(own), np.abs(other)), 0.0, apart)


def _value(value_of: pd.Index, code: int) -> Any:
    return None if code == len(value_of) else value_of[code]


def modes(keys: Array, codes: Array, values: int) -> tuple[Array, Array, Array]:
    """(pairs, their rows, which of them is the most frequent of its key): a pair is the key's number times
    (values + 1) plus the value's, missing being the last; rows without a key are left aside.
    """
    there = keys >= 0
    own = np.where(codes < 0, values, codes)[there].astype(np.int64)
    pair, counts = np.unique(keys[there].astype(np.int64) * (values + 1) + own, return_counts=True)
    order = np.lexsort((-counts, pair // (values + 1)))
    key = pair[order] // (values + 1)
    first = np.ones(len(order), dtype=bool)
    first[1:] = key[1:] != key[:-1]
    return pair, counts, order[first]


def equal(first: Any, second: Any, values: Values) -> Array:
    """(rows,) bool: where two columns hold the same number, or string."""
    if values.column(first).is_number and values.column(second).is_number:
        return np.asarray(_numbers(values, first) == _numbers(values, second))
    return np.asarray(values.texts(first) == values.texts(second))


def on(rule: OneOf, values: Values) -> Array:
    """(rows,) how many of the columns hold their value."""
    found = np.zeros(values.rows, dtype=np.int64)
    for name, value in zip(rule.columns, rule.on, strict=True):
        codes, own = values.codes(name)
        at = [i for i, one in enumerate(own) if one == value or str(one) == str(value)]
        found += np.isin(codes, at)
    return found


def combined(columns: tuple[Any, ...], values: Values) -> Array:
    """(rows,) str: the values of several columns as one."""
    texts = [np.where(values.missing(name), EMPTY, values.texts(name)) for name in columns]
    found = texts[0]
    for own in texts[1:]:
        found = found + APART + own
    return np.asarray(found)


def holds(rule: Rule, values: Values, real: Values | None = None) -> tuple[Array, Array]:
    """(rows,) bool: the rows that keep the rule, and those that it speaks of (where nothing is missing).

    real: the rows that a function or the combinations are taken from; None: the same.
    """
    everywhere = np.ones(values.rows, dtype=bool)
    real = real or values
    if isinstance(rule, Order):
        low, high = _numbers(values, rule.low), _numbers(values, rule.high)
        speaks = ~(np.isnan(low) | np.isnan(high))
        if rule.apart:  # decimals that are added are off by a float's last digits
            over = high - low - rule.distance
            near = np.abs(over) <= CLOSE * np.maximum(np.abs(low), np.abs(high))
            return np.where(speaks, near & (not rule.strict) | ~near & (over > 0), True), speaks
        return np.where(speaks, low < high if rule.strict else low <= high, True), speaks
    if isinstance(rule, FORMULAS):
        said, own = computed(rule, values), _numbers(values, rule.column)
        speaks = ~(np.isnan(said) | np.isnan(own))
        return np.where(speaks, agree(rule, values, said, values), True), speaks
    if isinstance(rule, Copy | Joined):
        texts = values.texts(rule.column) if isinstance(rule, Copy) else texts_of(rule, values)
        said = values.texts(rule.of) if isinstance(rule, Copy) else joined(rule, values)
        there = np.array([one is not None for one in said], dtype=bool)
        speaks = everywhere if isinstance(rule, Copy) else there
        return np.where(speaks, texts == said, True), speaks
    if isinstance(rule, Function):
        known = lookup(rule, real)
        keys, key_of = keys_in(rule, values)
        codes, value_of = values.codes(rule.column)
        number = {value: i for i, value in enumerate(value_of)} | {None: -1}
        said = np.array([number.get(known[k], -2) if k in known else -3 for k in key_of] + [-3])[keys]
        speaks = said != -3
        return np.where(speaks, said == codes, True), speaks
    if isinstance(rule, Trait):
        return fits(rule, values, going(rule, real))
    if isinstance(rule, Within):
        return _within(rule, values, real)
    if isinstance(rule, Combination):
        found, counts = np.unique(combined(rule.columns, real), return_counts=True)
        known_ones = set(found[counts >= LEAST])
        return np.array([one in known_ones for one in combined(rule.columns, values)], dtype=bool), everywhere
    if isinstance(rule, Unlike):
        speaks = ~(values.missing(rule.columns[0]) | values.missing(rule.columns[1]))
        return ~(equal(*rule.columns, values) & speaks), speaks
    if isinstance(rule, OneOf):
        return np.asarray(on(rule, values) == 1), everywhere
    if isinstance(rule, EmptyTogether):
        gone = np.stack([values.missing(name) for name in rule.columns])
        alike = gone.all(0) | ~gone.any(0)
        return np.asarray(~alike if rule.apart else alike), everywhere
    assert isinstance(rule, EmptyWhen)
    return empty(rule, values) == said_empty(rule, values), everywhere


def _within(rule: Within, values: Values, real: Values) -> tuple[Array, Array]:
    """As `holds`, of a part of a code."""
    keys, parts = parts_of(values, rule.column, rule.part)
    codes, found = values.codes(rule.of)
    speaks = (keys >= 0) & (codes >= 0)
    if rule.same:
        number = values.column(rule.of).is_number
        said = np.array([*(plain(one) if number else one for one in parts), None], dtype=object)[keys]
        return np.where(speaks, said == parts_in(values, rule.of), True), speaks
    known = parts_told(rule, real)
    speaks &= np.append(np.array([str(one) in known for one in found], dtype=bool), False)[codes]
    goes = np.zeros((len(found) + 1, len(parts) + 1), dtype=bool)
    for at, value in enumerate(found):
        goes[at, : len(parts)] = [part in known.get(str(value), {}) for part in parts]
    return np.where(speaks, goes[codes, keys], True), speaks


def parts_told(rule: Within, values: Values, least: int = LEAST) -> dict[str, dict[str, int]]:
    """Value -> the parts of codes that go with it, each with its rows, of those that so many rows have."""
    keys, parts = parts_of(values, rule.column, rule.part)
    codes, found = values.codes(rule.of)
    there = (keys >= 0) & (codes >= 0)
    pair, counts = np.unique(codes[there].astype(np.int64) * len(parts) + keys[there], return_counts=True)
    told: dict[str, dict[str, int]] = {}
    for own, rows in zip(pair, counts, strict=True):
        if rows >= least:
            told.setdefault(str(found[own // len(parts)]), {})[str(parts[own % len(parts)])] = int(rows)
    return told


def empty(rule: EmptyWhen, values: Values) -> Array:
    """(rows,) bool: where the column is empty, or holds its sign for it."""
    gone = values.missing(rule.column)
    if rule.value is None:
        return gone
    return np.asarray((values.texts(rule.column) == rule.value) & ~gone)


def said_empty(rule: EmptyWhen, values: Values) -> Array:
    """(rows,) bool: where the rule says so."""
    codes, found = values.codes(rule.of)
    known = {str(value) for value in rule.values}
    return np.append(np.array([str(value) in known for value in found], dtype=bool), False)[codes]


def support(rule: Rule, values: Values, real: Values | None = None) -> float:
    """The share of the rows that keep the rule, of those that it speaks of."""
    kept, speaks = holds(rule, values, real)
    return float(kept[speaks].mean()) if speaks.any() else 1.0
