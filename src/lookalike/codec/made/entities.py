"""Entities: the rows that belong to one key. Keys and pseudonyms are made for an entity, not for a row.

A column of keys (or of pseudonyms that no key determines) is an *anchor*: its entities have as many rows as
the real ones, and what it determined in the real table (customer id -> name, city) it determines again. The
rows are sorted by the learned columns that the anchor determines and cut into entities; where an entity's
rows differ in such a column, all take the value of the row in the middle.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.kinds import compound, ids, keys
from lookalike.codec.kinds.keys import TO_MAKE
from lookalike.codec.made import combined, mails, pseudonyms
from lookalike.codec.slot import Array
from lookalike.table import counters, kinds
from lookalike.table.column import Column, without_exceptions
from lookalike.table.compound import join, split
from lookalike.table.dtypes import restore
from lookalike.table.nested import flat
from lookalike.table.repeats import RARE

NEAR = 0.9  # of the entities of a key, that those are which it determines of another
_FREE = ("id", "constant", "drop")  # kinds that nothing can be said of


def learn(
    columns: Sequence[Column], params: Sequence[Any], series: Sequence[pd.Series], rare: int = RARE
) -> list[Any]:
    """The params of all columns; those of keys and pseudonyms with what their entities are like."""
    learned = list(params)
    series = [
        without_exceptions(own, column) if column.is_of_entities else own
        for own, column in zip(series, columns, strict=True)
    ]
    made = [i for i, column in enumerate(columns) if column.is_of_entities]
    codes = {i: _codes(series[i]) for i, column in enumerate(columns) if made and column.kind not in _FREE}
    for i in made:
        own = codes[i]
        sizes, counts = np.unique(np.bincount(own[own >= 0]), return_counts=True)
        if getattr(learned[i].fresh, "form", "") == "mail":
            learned[i] = replace(learned[i], fresh=_with_names(i, learned[i].fresh, columns, series, rare))
        others = [j for j in codes if j != i and (sizes.max(initial=0) > 1 or j in made)]
        found = [j for j in others if _determines(own, codes[j])]
        learned[i] = replace(
            learned[i],
            distinct=int(own.max(initial=-1)) + 1,
            sizes=sizes.astype(np.int64),
            counts=counts.astype(np.int64),
            determines=found,
            gaps=[j for j in found if _determines(own, (codes[j] < 0).astype(np.int64))],
            counters=_counters(own, columns, series),
        )
    return learned


def _counters(own: Array, columns: Sequence[Column], series: Sequence[pd.Series]) -> list[list[int]]:
    """[column, 0 or 1] of those that count the rows of each key from there. own: (rows,) which key."""
    found, there = [], own >= 0
    for j, column in enumerate(columns):
        numbers = counters.counted(series[j], column)
        start = None if numbers is None else counters.start_of(own[there], numbers[there])
        found += [] if start is None else [[j, start]]
    return found


def _with_names(
    own: int, fresh: ids.Params, columns: Sequence[Column], series: Sequence[pd.Series], rare: int
) -> ids.Params:
    """How addresses are made, with the columns of names that they are made of."""
    there = series[own].notna().to_numpy(bool)
    names = {
        j: series[j][there]
        for j, column in enumerate(columns)
        if column.kind in ("category", "compound", "text", "pseudonym")
        and kinds.is_strings(series[j].dropna())
    }
    return replace(fresh, mail=mails.learn(series[own][there], names, rare))


def _codes(series: pd.Series) -> Array:
    """(rows,) the number of the distinct value; -1 where missing."""
    if series.dtype == object:
        series = series.map(flat, na_action="ignore")
    return np.asarray(pd.factorize(series)[0], dtype=np.int64)


def _determines(keys: Array, values: Array) -> bool:
    """Whether all rows of a key have the same value, rows that lack one of the two aside."""
    both = (keys >= 0) & (values >= 0)
    first = np.full(keys.max(initial=-1) + 1, -1)
    first[keys[both][::-1]] = values[both][::-1]
    return bool((first[keys[both]] == values[both]).all())


@dataclass
class _Anchor:
    """An anchor's number, those of what is made for its entities (itself first), and the entity of each row.

    labels: (rows,) -1 where the anchor is missing.
    """

    column: int
    made: list[int]
    labels: Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def _anchors(columns: Sequence[Column], params: Sequence[Any]) -> list[_Anchor]:
    """Keys first, those of few entities before others: what determines them is cut out of their rows. A key
    of which nearly each belongs to a single one of a finer key (mail and phone of a person) is made for that.
    """
    numbers = sorted((i for i, c in enumerate(columns) if c.kind == "key"), key=lambda i: params[i].distinct)
    names = [i for i, c in enumerate(columns) if c.kind == "pseudonym"]
    finer = {
        i for at, i in enumerate(numbers) for k in numbers[at + 1 :] if _is_nearly(params[i], i, params[k])
    }
    first = [i for i in numbers if i not in finer]
    found: list[_Anchor] = []
    for i in [*first, *sorted(finer), *sorted(names, key=lambda i: -params[i].distinct)]:
        of = [anchor for anchor in found if i in params[anchor.column].determines]
        if i in finer:
            of = [anchor for anchor in of if _is_nearly(params[i], i, params[anchor.column])]
        if not of:
            found.append(_Anchor(i, [i]))
        else:
            of[0].made.append(i)
    return found


def _is_nearly(own: keys.Params, i: int, finer: keys.Params) -> bool:
    """Whether a key, number i, is determined by one that has hardly more entities."""
    return i in finer.determines and NEAR * finer.distinct <= own.distinct < finer.distinct


def fill(
    columns: Sequence[Column],
    params: Sequence[Any],
    table: pd.DataFrame,
    rng: np.random.Generator,
    offset: int = 0,
    held: Collection[Any] = (),
    asked: Collection[Any] = (),
) -> pd.DataFrame:
    """The table with keys and pseudonyms in place of the marks TO_MAKE.

    table: as the record is decoded, rows numbered from 0; keys and pseudonyms that are given stay as they
    are, and their rows are one entity. offset: rows that came before, so that no key comes again. held: names
    of the columns that may not be changed; asked: of those whose values were asked for, which count nothing.
    """
    anchors = _anchors(columns, params)
    if not anchors or not len(table):
        return table
    table, drawn = table.copy(), table
    made = [column.name for column in columns if column.is_of_entities]
    for column in columns:  # N/A is no entity
        if column.is_of_entities:
            table[column.name] = without_exceptions(table[column.name], column)
    held = {*held, *(name for name in made if (table[name].notna() & (table[name] != TO_MAKE)).any())}
    for number, anchor in enumerate(anchors):
        _group(anchor, anchors[:number], columns, params, table, rng, held)
    for anchor in anchors:
        _make(anchor, columns, params, table, rng, offset)
        for j, start in params[anchor.column].counters:
            if columns[j].name not in {*held, *asked}:
                _count(anchor.labels, columns[j], start, table, rng)
    for column in columns:
        if column.is_of_entities and column.exceptions:
            table[column.name] = _with_exceptions(table[column.name], drawn[column.name], column)
    return table


def _with_exceptions(cells: pd.Series, drawn: pd.Series, column: Column) -> pd.Series:
    """The cells with the exceptions that were drawn."""
    there = drawn.astype(object).isin(column.exceptions or []).to_numpy(bool)
    values = cells.astype(object).mask(there, drawn.astype(object))
    return restore(values, column).set_axis(cells.index)


def _count(labels: Array, column: Column, start: int, table: pd.DataFrame, rng: np.random.Generator) -> None:
    """Numbers the rows of each entity from start on, in the order of what was drawn."""
    drawn = table[column.name].to_numpy(np.float64, na_value=np.nan)
    numbers = drawn.astype(object)
    order = np.lexsort((rng.random(len(labels)), drawn, labels))
    order = order[labels[order] >= 0]
    first = np.flatnonzero(np.diff(labels[order], prepend=-1))
    sizes = np.diff(first, append=len(order))
    numbers[order] = start + np.arange(len(order)) - np.repeat(first, sizes)
    cells = [None if number != number else int(number) for number in numbers.tolist()]
    table[column.name] = restore(pd.Series(cells, dtype=object), column).set_axis(table.index)


def _group(
    anchor: _Anchor,
    before: Sequence[_Anchor],
    columns: Sequence[Column],
    params: Sequence[Any],
    table: pd.DataFrame,
    rng: np.random.Generator,
    held: Collection[Any],
) -> None:
    """Cuts the rows into entities, and gives those of each one value of what the anchor determines."""
    own = params[anchor.column]
    cells = table[columns[anchor.column].name]
    to_make = (cells == TO_MAKE).to_numpy(bool)
    given = cells.notna().to_numpy(bool) & ~to_make
    outer = [a for a in before if a.column in own.determines]
    others = {j for a in before if a not in outer for j in params[a.column].determines}
    learned = [j for j in own.determines if not columns[j].is_of_entities]
    fixed = [j for j in learned if j in others or columns[j].name in held]
    gaps = [j for j in own.gaps if columns[j].is_of_entities]
    codes = {j: _codes(table[columns[j].name]) for j in learned}
    codes |= {j: table[columns[j].name].isna().to_numpy() for j in gaps}
    codes |= {a.column: a.labels for a in outer}
    order = sorted(codes, key=lambda j: (j not in fixed, len(np.unique(codes[j]))))
    rows = rng.permutation(np.flatnonzero(to_make))
    places = np.stack([codes[j][rows] for j in order] or [np.zeros(len(rows), dtype=np.int64)])
    sort = np.lexsort(places[::-1])
    rows, places = rows[sort], places[:, sort]
    borders = np.flatnonzero((np.diff(places[: len(fixed)], axis=1) != 0).any(0)) + 1
    parts = np.diff([0, *borders, len(rows)])
    lengths = np.array([size for part in parts for size in _lengths(int(part), own, rng)], dtype=np.int64)
    middle = np.cumsum(lengths) - (lengths + 1) // 2
    anchor.labels = np.full(len(table), -1, dtype=np.int64)
    anchor.labels[rows] = np.repeat(np.arange(len(lengths)), lengths)
    source = np.arange(len(table))
    source[rows] = rows[np.repeat(middle, lengths)]
    if given.any():
        groups = pd.factorize(cells[given])[0]
        anchor.labels[given] = len(lengths) + groups
        first = np.unique(groups, return_index=True)[1]
        source[given] = np.flatnonzero(given)[first][groups]
    for a in outer:
        if columns[a.column].name not in held:
            a.labels = a.labels[source]
    for j in [*learned, *gaps]:
        name = columns[j].name
        if j not in fixed and name not in held:
            table[name] = table[name].take(source).set_axis(table.index)
            if isinstance(params[j], compound.Params) and params[j].single is not None:
                table[name] = _apart(table[name], anchor.labels, columns[j], params[j], own.distinct, rng)


def _apart(
    cells: pd.Series,
    labels: Array,
    column: Column,
    own: compound.Params,
    entities: int,
    rng: np.random.Generator,
) -> pd.Series:
    """Cells of words, one of each entity: as many entities share one as real ones do, of which there were so
    many.
    """
    there, first = np.unique(labels, return_index=True)
    first = first[there >= 0]
    again = max(0.0, 1 - own.distinct / max(entities, 1))
    form, single = str(column.format), own.single
    members = split(cells.iloc[first].astype(object).where(cells.iloc[first].notna(), None).to_numpy(), form)
    if single is None or not len(first) or (pd.isna(members[0]) & cells.iloc[first].notna().to_numpy()).any():
        return cells
    made = join(combined.as_often(members, form, single, again, rng), form)
    values = cells.astype(object).to_numpy(copy=True)
    rows = labels >= 0
    values[rows] = made[np.searchsorted(there[there >= 0], labels[rows])]
    return restore(pd.Series(values, dtype=object), column).set_axis(cells.index)


def _lengths(rows: int, own: keys.Params, rng: np.random.Generator) -> list[int]:
    """Rows of each entity, as the real ones have them, `rows` altogether; the last one may be cut short."""
    if not rows:
        return []
    sizes, counts = own.sizes, own.counts.astype(np.float64)
    if not len(sizes):
        return [1] * rows
    wanted = int(np.ceil(rows * counts.sum() / (sizes * counts).sum()))
    places = (np.arange(wanted) + rng.random()) / wanted  # whole shares: chance adds little
    at = np.searchsorted(np.cumsum(counts) / counts.sum(), places).clip(max=len(sizes) - 1)
    drawn = rng.permutation(sizes[at])
    ends = np.cumsum(drawn)
    while ends[-1] < rows:
        ends = np.append(ends, ends[-1] + rng.choice(sizes, p=counts / counts.sum()))
    ends = np.append(ends[ends < rows], rows)
    return [int(length) for length in np.diff(ends, prepend=0)]


def _make(
    anchor: _Anchor,
    columns: Sequence[Column],
    params: Sequence[Any],
    table: pd.DataFrame,
    rng: np.random.Generator,
    offset: int,
) -> None:
    """Values for the anchor and all that it determines, one for each entity."""
    labels = anchor.labels.copy()
    alone = np.flatnonzero(labels < 0)  # without a key every row is an entity
    labels[alone] = labels.max(initial=-1) + 1 + np.arange(len(alone))
    total = int(labels.max(initial=-1)) + 1
    cells = {j: table[columns[j].name].to_numpy(object, copy=True) for j in anchor.made}
    wanted = {j: np.array([cell is TO_MAKE for cell in cells[j]]) for j in anchor.made}
    known: dict[int, dict[int, Any]] = {j: {} for j in anchor.made}
    for j in anchor.made:
        for row in np.flatnonzero(~wanted[j]):
            if cells[j][row] is not None and not pd.isna(cells[j][row]):
                known[j].setdefault(int(labels[row]), cells[j][row])
        if columns[j].kind == "key" and wanted[j].any():
            if params[j].fresh.form == "mail":
                there, rows = np.unique(labels, return_index=True)
                fresh = _mails(columns, params[j].fresh, table, rows, rng, offset)
                known[j] = dict(zip(there.tolist(), fresh, strict=True)) | known[j]
                continue
            fresh = _keys(columns[j], params[j].fresh, total, set(known[j].values()), rng, offset)
            known[j] = dict(enumerate(fresh)) | known[j]
    names = [j for j in anchor.made if columns[j].kind == "pseudonym" and params[j].fresh is not None]
    needed = sorted({int(label) for j in names for label in labels[wanted[j]]})
    persons = [label for label in needed if any(label not in known[j] for j in names)]
    made = pseudonyms.make(
        [(columns[j], params[j].fresh, params[j].distinct >= params[anchor.column].distinct) for j in names],
        [offset + label for label in persons],
        rng,
    )
    for j, values in zip(names, made, strict=True):
        known[j] = dict(zip(persons, values, strict=True)) | known[j]
    for j in anchor.made:
        cells[j][wanted[j]] = [known[j][label] for label in labels[wanted[j]].tolist()]
        table[columns[j].name] = restore(pd.Series(cells[j], dtype=object), columns[j]).set_axis(table.index)


def _mails(
    columns: Sequence[Column],
    params: ids.Params,
    table: pd.DataFrame,
    rows: Array,
    rng: np.random.Generator,
    offset: int,
) -> list[str]:
    """An address for each entity, which agrees with the names in one of its rows."""
    sources = params.mail.sources if params.mail is not None else []
    names = [columns[i].name for i in sources if columns[i].name in table.columns]
    cells = table[names].iloc[rows].itertuples(index=False, name=None) if names else [()] * len(rows)
    words = [tuple(cell for cell in row if isinstance(cell, str)) for row in cells]
    return ids.mail_addresses(params, words, rng, offset, again=True)


def _keys(
    column: Column, params: ids.Params, total: int, given: set[Any], rng: np.random.Generator, offset: int
) -> list[Any]:
    """`total` fresh keys, none of which is given."""
    rows = total + len(given)
    none = np.zeros((rows, 0), dtype=np.int64)
    made = ids.decode(params, column, none, none, rng, offset=offset).astype(object)
    return [key for key in made if key not in given][:total]
