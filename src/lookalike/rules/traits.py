"""What a category tells of a number: its sign, or which of the column's formats it is written in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.codec.ticks import dates, numbers
from lookalike.rules.chance import BROKEN, LEAST_SUPPORT, beats_chance
from lookalike.rules.values import Values
from lookalike.table.missing import masked
from lookalike.table.rule import Trait

SIGNS = {-1: "below 0", 0: "0", 1: "above 0"}
MOST_KEYS = 100  # values of a category that tells a trait
SOME = 0.05  # of the rows of a value, that have a trait which goes with it
LEAST = 5  # rows of a value that tells a trait
CHANCE = 1e-3  # that no row of a value would have a trait which does not go with it


def traits_of(rule: Trait, values: Values) -> Array:
    """(rows,) int64: the sign of each number, or which format it has; -2 where there is none."""
    column = values.column(rule.column)
    if rule.trait == "sign":
        own = values.numbers(rule.column)
        own = np.full(values.rows, np.nan) if own is None else own
        return np.asarray(np.where(np.isnan(own), -2, np.sign(np.nan_to_num(own)))).astype(np.int64)
    cells = masked(values.table, column, values.schema)
    which = (numbers if column.is_number else dates).formats_of(cells, column).astype(np.int64)
    return np.asarray(np.where(which < 0, -2, which))


def going(rule: Trait, values: Values) -> dict[str, dict[int, float]]:
    """Value of the category -> the traits that go with it, each with its share of the rows of that value."""
    traits, (codes, found) = traits_of(rule, values), values.codes(rule.of)
    told = (traits != -2) & (codes >= 0)
    kinds, own = np.unique(traits[told], return_inverse=True)
    counts = np.zeros((len(found), len(kinds)))
    np.add.at(counts, (codes[told], own), 1)
    rows = counts.sum(1, keepdims=True)
    some = (counts >= np.maximum(SOME * rows, 1)) | ((counts > 0) & (kinds == 0) & (rule.trait == "sign"))
    with np.errstate(divide="ignore"):  # a value of few rows may lack a trait by chance
        some |= (counts == 0) & (rows * np.log1p(-counts.sum(0) / max(counts.sum(), 1)) > np.log(CHANCE))
    shares = counts / np.maximum(rows, 1)
    return {
        str(value): {int(kinds[at]): float(shares[row, at]) for at in np.flatnonzero(some[row])}
        for row, value in enumerate(found)
        if rows[row, 0] >= LEAST
    }


def fits(rule: Trait, values: Values, known: dict[str, dict[int, float]]) -> tuple[Array, Array]:
    """(rows,) bool: the rows whose trait goes with their value, and those of which that is known."""
    traits, (codes, found) = traits_of(rule, values), values.codes(rule.of)
    told = np.append(np.array([str(value) in known for value in found], dtype=bool), False)[codes]
    speaks = told & (traits != -2)
    kept = np.ones(values.rows, dtype=bool)
    for code in np.unique(codes[speaks]):
        rows = speaks & (codes == code)
        kept[rows] = np.isin(traits[rows], [*known[str(found[code])]])
    return kept, speaks


def traits(values: Values, keys: list[Any], numbers_: list[Any], rng: np.random.Generator) -> Iterator[Trait]:
    """The rules that hold, of the categories `keys` and the numbers and dates of a table."""
    keys = [name for name in keys if 2 <= len(values.codes(name)[1]) <= MOST_KEYS]
    keys.sort(key=lambda name: len(values.codes(name)[1]))
    for name in numbers_:
        column = values.column(name)
        for trait in (*(("format",) if len(column.formats) > 1 else ()), *(("sign",) * column.is_number)):
            rules = (Trait(name, of, trait) for of in keys if of != name)
            fit = [rule for rule in rules if _tells(rule, values, rng)]
            if fit:  # a currency tells more than a unit that it goes with
                yield max(fit, key=lambda rule: _sureness(rule, values))


def _sureness(rule: Trait, values: Values) -> float:
    """How often a trait would be guessed right from the value alone."""
    codes, found = values.codes(rule.of)
    rows = np.bincount(codes[codes >= 0], minlength=len(found))
    known = going(rule, values)
    best = np.array([max(known.get(str(value), {0: 0.0}).values()) for value in found])
    return float((best * rows).sum())


def _tells(rule: Trait, values: Values, rng: np.random.Generator) -> bool:
    """Whether far fewer rows break the rule than with the category shuffled."""
    own = traits_of(rule, values)
    if np.sort(np.unique(own[own != -2], return_counts=True)[1])[:-1].sum() < BROKEN:
        return False
    known = going(rule, values)
    kept, speaks = fits(rule, values, known)
    if kept[speaks].mean() < LEAST_SUPPORT or speaks.sum() < LEAST_SUPPORT * (own != -2).sum():
        return False
    codes, found = values.codes(rule.of)
    goes = np.zeros((len(found), int(own.max()) + 3), dtype=bool)
    for row, value in enumerate(found):
        goes[row, [trait + 1 for trait in known.get(str(value), {})]] = True
    there = codes[speaks]
    return beats_chance(kept[speaks], goes[rng.permutation(there), own[speaks] + 1])
