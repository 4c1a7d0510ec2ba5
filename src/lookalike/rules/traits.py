"""What a category tells of a number: its sign, or which of the column's formats it is written in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array
from lookalike.codec.ticks import dates, numbers
from lookalike.rules.chance import BROKEN, BY_CHANCE, LEAST_SUPPORT, beats_chance
from lookalike.rules.values import Values
from lookalike.table.missing import masked
from lookalike.table.rule import Trait

SIGNS = {-1: "below 0", 0: "0", 1: "above 0"}
MOST_KEYS = 100  # values of a category that tells a trait
SOME = 0.05  # of the rows of a value, that have a trait which goes with it
LEAST = 5  # rows of a value that tells a trait
LOOSE = 1.5  # times as many rows may break a rule in a look at all pairs as in the end
BLOCK = 1 << 20  # cells of columns that are looked at at once
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
    some = _going(counts, rows, (kinds == 0) & (rule.trait == "sign"))
    shares = counts / np.maximum(rows, 1)
    return {
        str(value): {int(kinds[at]): float(shares[row, at]) for at in np.flatnonzero(some[row])}
        for row, value in enumerate(found)
        if rows[row, 0] >= LEAST
    }


def _going(counts: Array, rows: Array, zero: Array) -> Array:
    """(values, traits, ...) bool: the traits that go with each value. counts: (values, traits, ...) rows;
    rows: their sum over the traits; zero: (traits, ...) which is that of a 0.
    """
    found = (counts >= np.maximum(SOME * rows, 1)) | ((counts > 0) & zero)
    total = np.maximum(counts.sum((0, 1)), 1)
    with np.errstate(divide="ignore", invalid="ignore"):  # a value of few rows may lack a trait by chance
        found |= (counts == 0) & (rows * np.log1p(-counts.sum(0) / total) > np.log(CHANCE))
    return np.asarray(found)


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
    signs = {name: traits_of(Trait(name, name, "sign"), values) for name in numbers_ if keys}
    signs = {name: own for name, own in signs.items() if values.column(name).is_number and _varies(own)}
    may = _may_tell([values.codes(name) for name in keys], [*signs.values()])
    told = {name: [keys[at] for at in np.flatnonzero(own)] for name, own in zip(signs, may.T, strict=True)}
    for name in numbers_ if keys else ():
        several = len(values.column(name).formats) > 1
        if several and not _varies(traits_of(Trait(name, name, "format"), values)):
            several = False
        for trait, some in (("format", keys if several else []), ("sign", told.get(name, []))):
            rules = (Trait(name, of, trait) for of in some if of != name)
            fit = [rule for rule in rules if _tells(rule, values, rng)]
            if fit:  # a currency tells more than a unit that it goes with
                yield max(fit, key=lambda rule: _sureness(rule, values))


def _varies(own: Array) -> bool:
    """Whether enough rows have another trait than most."""
    return bool(np.sort(np.unique(own[own != -2], return_counts=True)[1])[:-1].sum() >= BROKEN)


def _may_tell(keys: list[tuple[Array, pd.Index]], signs: list[Array]) -> Array:
    """(keys, columns) bool: whether a key tells a sign nearly always, and chance may not say it. keys: as of
    `Values.codes`; signs: (rows,) each, -2 where there is none.
    """
    found = np.zeros((len(keys), len(signs)), dtype=bool)
    share = max(1, BLOCK // max(len(signs[0]), 1)) if signs else 1
    for at in range(0, len(signs), share):
        own = np.stack(signs[at : at + share], 1)  # (rows, columns)
        is_sign = np.concatenate([own == sign for sign in SIGNS], 1).astype(np.float32)
        for row, (codes, values) in enumerate(keys):
            is_key = (codes == np.arange(len(values))[:, None]).astype(np.float32)
            counts = (is_key @ is_sign).astype(np.float64).reshape(len(values), len(SIGNS), -1)
            found[row, at : at + share] = _likely(counts, (own != -2).sum(0))
    return found


def _likely(counts: Array, there: Array) -> Array:
    """(columns,) bool: whether a rule may hold, by the rows of each value with each sign.

    counts: (values, signs, columns); there: (columns,) rows that have a sign.
    """
    rows = counts.sum(1)
    goes = _going(counts, rows[:, None], np.array([*SIGNS])[:, None] == 0)
    known = rows >= LEAST
    speaks, kept = (rows * known).sum(0), (counts * goes).sum(1)
    kept = (kept * known).sum(0)
    share = (counts * known[:, None]).sum(0) / np.maximum(speaks, 1)
    other = ((~goes) * share).sum(1)  # of the rows, shuffled, that would break the rule at each value
    by_chance = (rows * known * other).sum(0)
    enough = (kept >= LEAST_SUPPORT * speaks) & (speaks >= LEAST_SUPPORT * there)
    return np.asarray(
        enough & (speaks - kept <= LOOSE * BY_CHANCE * by_chance) & (LOOSE * by_chance >= BROKEN)
    )


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
