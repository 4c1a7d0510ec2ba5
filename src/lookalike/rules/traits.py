"""What a category tells of a number: its sign, or which of the column's formats it is written in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array
from lookalike.codec.ticks import dates, numbers
from lookalike.rules.chance import BROKEN, BY_CHANCE, LEAST_SUPPORT
from lookalike.rules.values import Values
from lookalike.table.missing import masked
from lookalike.table.rule import Trait

SIGNS = {-1: "below 0", 0: "0", 1: "above 0"}
MOST_KEYS = 100  # values of a category that tells a trait
SOME = 0.05  # of the rows of a value, that have a trait which goes with it
LEAST = 5  # rows of a value that tells a trait
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


def traits(values: Values, keys: list[Any], numbers_: list[Any]) -> Iterator[Trait]:
    """The rules that hold, of the categories `keys` and the numbers and dates of a table."""
    keys = [name for name in keys if 2 <= len(values.codes(name)[1]) <= MOST_KEYS]
    keys.sort(key=lambda name: len(values.codes(name)[1]))
    own: dict[tuple[Any, str], Array] = {}
    for name in numbers_ if keys else ():
        column = values.column(name)
        for trait in (*(("format",) if len(column.formats) > 1 else ()), *(("sign",) * column.is_number)):
            found = traits_of(Trait(name, name, trait), values)
            if _varies(found):
                own[name, trait] = found
    told = _told([values.codes(name) for name in keys], [*own.values()], [trait for _, trait in own])
    for (name, trait), tells in zip(own, told.T, strict=True):
        fit = [Trait(name, keys[at], trait) for at in np.flatnonzero(tells) if keys[at] != name]
        if fit:  # a currency tells more than a unit that it goes with
            yield max(fit, key=lambda rule: _sureness(rule, values))


def _varies(own: Array) -> bool:
    """Whether enough rows have another trait than most."""
    return bool(np.sort(np.unique(own[own != -2], return_counts=True)[1])[:-1].sum() >= BROKEN)


def _told(keys: list[tuple[Array, pd.Index]], own: list[Array], sorts: list[str]) -> Array:
    """(keys, columns) bool: whether the values of a key tell a trait.

    keys: as of `Values.codes`; own: (rows,) each, as of `traits_of`; sorts: of these traits.
    """
    found = np.zeros((len(keys), len(own)), dtype=bool)
    share = max(1, BLOCK // max(len(own[0]), 1)) if own else 1
    for at in range(0, len(own), share):
        part = np.stack(own[at : at + share], 1)  # (rows, columns)
        kinds = np.unique(part[part != -2])
        has = np.concatenate([part == kind for kind in kinds], 1).astype(np.float32)
        zero = (kinds[:, None] == 0) & (np.array(sorts[at : at + share]) == "sign")
        for row, (codes, values) in enumerate(keys):
            is_key = (codes == np.arange(len(values))[:, None]).astype(np.float32)
            counts = (is_key @ has).astype(np.float64).reshape(len(values), len(kinds), -1)
            found[row, at : at + share] = _tells(counts, zero, (part != -2).sum(0))
    return found


def _tells(counts: Array, zero: Array, there: Array) -> Array:
    """(columns,) bool: whether far fewer rows break a rule than with the category shuffled.

    counts: (values, traits, columns) rows; zero: (traits, columns) which is that of a 0; there: (columns,)
    rows that have a trait.
    """
    rows = counts.sum(1)
    known = rows >= LEAST
    goes, speaks = _going(counts, rows[:, None], zero), (rows * known).sum(0)
    kept = ((counts * goes).sum(1) * known).sum(0)
    share = (counts * known[:, None]).sum(0) / np.maximum(speaks, 1)
    by_chance = (rows * known * (~goes * share).sum(1)).sum(0)  # rows that would break it, shuffled
    enough = (kept >= LEAST_SUPPORT * speaks) & (speaks >= LEAST_SUPPORT * there)
    return np.asarray(enough & (speaks - kept <= BY_CHANCE * by_chance) & (by_chance >= BROKEN))


def _sureness(rule: Trait, values: Values) -> float:
    """How often a trait would be guessed right from the value alone."""
    codes, found = values.codes(rule.of)
    rows = np.bincount(codes[codes >= 0], minlength=len(found))
    known = going(rule, values)
    best = np.array([max(known.get(str(value), {0: 0.0}).values()) for value in found])
    return float((best * rows).sum())
