"""Whether a formula fits: with which rounding, and whether each of its parts matters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import LEAST_FORMULA, LEAST_ROWS, beats_chance
from lookalike.rules.holds import agree, computed, halves, holds, support
from lookalike.rules.values import CLOSE, SINGLE, Values, step
from lookalike.table.rule_formulas import ROUNDINGS, Extreme, Linear, Product, Transform

CUTS = (0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6)  # factors that cut digits off a whole number
EXACT = 0.995  # support of a formula that is no approximation
ALL_HALVES = 0.75  # of the rows: half of the rows of a mean of two whole numbers come to a half


@dataclass(frozen=True)
class Searched:
    """The numbers and dates among which formulas are sought.

    values: of some rows; many: of more, in which a part that is seldom at work is seen. x: (rows, columns)
    float64; of each column: names, dated (bool), distinct (values), sizes (one tick).
    """

    values: Values
    many: Values
    names: list[Any]
    x: Array
    dated: Array
    distinct: Array
    sizes: list[float | None]

    @classmethod
    def of(cls, values: Values, names: list[Any], many: Values) -> Searched:
        columns = [values.numbers(name) for name in names]
        x = np.stack([own for own in columns if own is not None], 1) if names else np.zeros((values.rows, 0))
        dated = np.array([values.column(name).is_date for name in names], dtype=bool)
        distinct = np.array([len(np.unique(own[~np.isnan(own)])) for own in x.T])
        return cls(values, many, names, x, dated, distinct, [step(values.column(name)) for name in names])

    @property
    def plain(self) -> Array:
        """The columns that are no dates."""
        return np.flatnonzero(~self.dated)

    def telling(self, own: int) -> Array:
        """(rows, columns) the rows that hold a number other than 0 in a column: of more rows, where these are
        few.
        """
        x = self.x
        full = np.flatnonzero(~np.isnan(x[:, own]) & (x[:, own] != 0))
        if len(full) < LEAST_ROWS and self.many is not self.values:
            numbers = np.asarray(self.many.numbers(self.names[own]))
            full = np.flatnonzero(~np.isnan(numbers) & (numbers != 0))
            columns = (np.asarray(self.many.numbers(name))[full] for name in self.names)
            return np.stack([*columns], 1)
        return x[full]

    def error(self, own: int) -> float:
        """The relative error of the numbers of a column, in a first look."""
        return 1e-7 if self.values.close(self.names[own]) == CLOSE else SINGLE

    def near(self, own: int, target: Array, least: float = 0.0) -> Array:
        """How far numbers of a column may be off in a first look: half a tick, and their relative error, of
        `least` where that is larger.
        """
        error = self.error(own) * np.maximum(np.abs(target), least)
        return np.asarray(0.5 * (self.sizes[own] or 0.0) * 1.02 + error)


def judged(rule: Any, values: Values) -> Any:
    """The rule with the rounding that fits best; None where it does not hold."""
    best, most = None, LEAST_FORMULA
    cut = isinstance(rule, Linear) and any(factor in CUTS for _, factor in rule.of)  # 20240131 -> 202401
    ways = [(one, False) for one in (("down", *ROUNDINGS) if cut else ROUNDINGS)]
    for rounding, either in (*ways, ("as floats", True)):
        own = replace(rule, rounding=rounding)
        if (most == 1 and best is not None) or (either and _all_halves(own, values)):
            break
        share = support(own, values) if either or rounding != "as floats" else _exact(own, values)
        if share > most or (best is None and share >= most):
            best, most = replace(own, support=share), share
    if best is None:
        return None
    if getattr(best, "rounding", "") == "as floats" and most < 1 and not _all_halves(best, values):
        best = replace(best, support=support(best, values))
    return best if isinstance(best, Transform | Extreme) else _with_zeros(best, values)


def _all_halves(rule: Any, values: Values) -> bool:
    """Whether nearly all rows come to a half, which two numbers would keep: a + 5.5 of whole numbers."""
    said = computed(rule, values)
    there = ~np.isnan(said)
    half = halves(rule, values, said)[1] & there
    return bool(step(values.column(rule.column))) and int(half.sum()) > ALL_HALVES * int(there.sum())


def _exact(rule: Any, values: Values) -> float:
    """The share of the rows that keep a rule as it is rounded here, and not as a half may be."""
    said = computed(rule, values)
    speaks = ~np.isnan(said + np.asarray(values.numbers(rule.column)))
    return float(agree(rule, values, said)[speaks].mean()) if speaks.any() else 1.0


def by_halves(rule: Any, values: Values) -> bool:
    """Whether some rows keep a rule only as a half may be rounded to either side."""
    return getattr(rule, "rounding", "") == "as floats" and _exact(rule, values) < support(rule, values)


def _with_zeros(rule: Any, values: Values) -> Any:
    """The rule with empty parts as 0, where it holds in rows with empty parts, too."""
    parts = [values.numbers(name) for name in rule.columns[1:]]
    own = replace(rule, zeros=True)
    blank = np.any([np.isnan(part) for part in parts if part is not None], axis=0)
    kept, speaks = holds(own, values)
    told = blank & speaks
    if told.sum() < LEAST_ROWS // 2 or kept[told].mean() < LEAST_FORMULA:
        return rule
    return replace(own, support=float(kept[speaks].mean()))


def all_count(rule: Any, values: Values, many: Values) -> bool:
    """Whether every part matters: in rows where it is not 0 (or 1, in a product) the rule holds, and is
    broken where the part is shuffled. many: looked at where the part is at work in too few of the rows.
    """
    for name in rule.columns[1:]:
        some = ((own, at_work(rule, name, own)) for own in (values, many))
        here, rows = next(((own, rows) for own, rows in some if rows.sum() >= LEAST_ROWS // 2), (None, None))
        if here is None or rows is None:
            return False
        kept = agree(rule, here, computed(rule, here), here)[rows]
        if kept.mean() < LEAST_FORMULA:
            return False
        shuffled = np.random.default_rng(0).permutation(here.rows)
        chance = here.having(name, np.asarray(here.numbers(name))[shuffled])
        if not beats_chance(kept, agree(rule, here, computed(rule, chance), chance)[rows]):
            return False
    return True


def varies(rule: Linear | Transform, values: Values) -> bool:
    """Whether a line holds, not by chance, in the rows that are not at the most frequent value of both
    columns, too: of two columns that are mostly 0 it says nothing that it holds there.
    """
    own, of = (np.asarray(values.numbers(name)) for name in rule.columns)
    there = ~np.isnan(own + of)
    usual = np.ones(len(own), dtype=bool)
    for numbers in (own, of):
        found, counts = np.unique(numbers[there], return_counts=True)
        usual &= numbers == found[counts.argmax()]
    told = there & ~usual
    if told.sum() < LEAST_ROWS:
        return False
    said = computed(rule, values)
    kept = agree(rule, values, said, values)[told]
    said[told] = said[told][np.random.default_rng(0).permutation(told.sum())]
    return bool(kept.mean() >= LEAST_FORMULA) and beats_chance(kept, agree(rule, values, said)[told])


def at_work(rule: Any, name: Any, values: Values) -> Array:
    """(rows,) bool: where a part of the rule changes what it says."""
    found = {one: values.numbers(one) for one in rule.columns}
    if any(one is None for one in found.values()):
        return np.zeros(values.rows, dtype=bool)
    x = {one: np.asarray(numbers) for one, numbers in found.items()}
    if getattr(rule, "zeros", False):  # what is empty is not at work, and what else is there is
        told = ~np.all([np.isnan(x[one]) for one in rule.columns[1:]], axis=0)
        x |= {one: np.where(np.isnan(x[one]) & told, 0.0, x[one]) for one in rule.columns[1:]}
    at_work = ~np.isnan(sum(x.values())) & (x[name] != 0)
    if isinstance(rule, Extreme):
        at_work &= x[name] == x[rule.column]
        at_work &= np.any([x[one] != x[name] for one in rule.of], axis=0)
    if isinstance(rule, Linear) and rule.clipped:
        said = computed(rule, values, exact=True)
        at_work &= np.clip(said, rule.least, rule.most) == said
    if isinstance(rule, Product):
        plain = {one for _, parts in rule.terms for one, _, unit in parts if not unit}
        at_work &= (x[name] != 1) | (name not in plain)
        terms = [
            [one for one, _, unit in parts if not unit]
            for _, parts in rule.terms
            if name in {own[0] for own in parts}
        ]
        at_work &= np.any([np.all([x[one] != 0 for one in some], axis=0) for some in terms], axis=0)
    return np.asarray(at_work)
