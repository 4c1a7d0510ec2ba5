"""What `curate` does with a shard by itself, and what makes rows of several shards comparable.

The checks of single rows need no other rows. For those that repeat others a row becomes numbers that depend
on it alone: a hash of all its cells, and of each text the hashes of its MinHash bands.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.curate.checks import CHECKS, Decision, Rows
from lookalike.texts.near import bands
from lookalike.texts.shingles import normal, shingles_of

Array = npt.NDArray[Any]

WHOLE = ("semantic", "labels", "outlier")  # checks that need the table as a whole
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], dtype=np.uint64)
_EXACT = 2**53  # whole numbers up to which floats tell them apart


def singles(rows: Rows, names: Sequence[str], undone: Collection[str]) -> list[Decision]:
    """The decisions of the checks of single rows, of those names; undone: checks that only report."""
    found = []
    for name in names:
        for decision in CHECKS[name](rows) if name in CHECKS else ():
            found.append(decision | ({"action": "report"} if decision["check"] in undone else {}))
    return found


def row_hashes(table: pd.DataFrame) -> Array:
    """(rows, 2) uint64: equal for equal rows, whatever the dtypes; by chance for one pair in 2^128."""
    found = np.zeros((len(table), 2), dtype=np.uint64)
    for at in range(table.shape[1]):
        cells = _hashes(table.iloc[:, at])
        found = (found ^ cells[:, None]) * _MIX
        found ^= found >> np.uint64(31)
    return found


def _hashes(series: pd.Series) -> Array:
    """(rows,) uint64, 0 where missing."""
    gone = series.isna().to_numpy(bool)
    values: Any
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(object)
    if series.dtype.kind in "iufb" and _small(series):
        values = series.to_numpy(np.float64, na_value=np.nan) + 0.0  # no -0.0
    elif series.dtype.kind in "Mm" and getattr(series.dtype, "tz", None) is None:
        values = series.to_numpy().astype(f"{series.dtype.kind}8[ns]").astype(np.int64)
    else:
        plain = series.astype(object)
        values = plain.map(lambda cell: cell if isinstance(cell, str) else repr(cell)).to_numpy(object)
    hashed = np.asarray(pd.util.hash_array(values, categorize=True), dtype=np.uint64)
    return np.where(gone, np.uint64(0), hashed)


def _small(series: pd.Series) -> bool:
    """Whether floats tell all its numbers apart."""
    if series.dtype.kind not in "iu":
        return True
    some = series.dropna()
    return not len(some) or (int(some.max()) < _EXACT and int(some.min()) > -_EXACT)


def band_hashes(texts: Sequence[str], words: bool) -> Array:
    """(texts, bands) uint64: texts that share one of a band are candidates for near-duplicates; 0 throughout
    for a text with nothing in it. words: whether shingles are of words.
    """
    shingles = shingles_of([normal(text) for text in texts], words)
    found = np.stack(list(bands(shingles)), axis=1) if len(texts) else np.zeros((0, 32), np.uint64)
    found[shingles.sizes == 0] = 0
    return found


def repeats(hashes: Array, rows: Array) -> tuple[Array, Array]:
    """(rows that equal an earlier one, the first that each equals), ascending.

    hashes: (n, 2) as of `row_hashes`; rows: (n,) their numbers.
    """
    order = np.lexsort((rows, hashes[:, 1], hashes[:, 0]))
    ranked, numbers = hashes[order], rows[order]
    again = np.zeros(len(rows), dtype=bool)
    again[1:] = (ranked[1:] == ranked[:-1]).all(axis=1)
    starts = np.maximum.accumulate(np.where(again, 0, np.arange(len(rows))))
    found, first = numbers[again], numbers[starts[again]]
    turn = np.argsort(found, kind="stable")
    return found[turn], first[turn]


def linked(band: Array, rows: Array) -> tuple[Array, Array]:
    """(rows that share a band with an earlier one, the first that has it), of those with a hash but 0."""
    there = band != 0
    band, rows = band[there], rows[there]
    order = np.lexsort((rows, band))
    ranked, numbers = band[order], rows[order]
    again = np.zeros(len(rows), dtype=bool)
    again[1:] = ranked[1:] == ranked[:-1]
    starts = (
        np.maximum.accumulate(np.where(again, 0, np.arange(len(rows)))) if len(rows) else np.zeros(0, int)
    )
    return numbers[again], numbers[starts[again]]


def groups(ends: Array) -> tuple[Array, Array]:
    """(rows, ascending; the group of each): rows that links hold together. ends: (links, 2) their rows."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    rows, places = np.unique(ends, return_inverse=True)
    if not len(rows):
        return rows, rows
    left, right = places.reshape(ends.shape).T
    links = coo_matrix((np.ones(len(left), bool), (left, right)), shape=(len(rows), len(rows)))
    return rows, connected_components(links, directed=False)[1]
