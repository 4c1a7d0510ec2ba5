"""The real row that is nearest to a row: by the shingles of its text, or by all of its cells."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.texts.shingles import by_words, normal, shingles_of

Array = npt.NDArray[Any]


class Nearest:
    """`find(row)` -> the nearest real row and how alike they are, 0..1.

    Of texts it is the Jaccard similarity of their shingles. Of other rows it is Gower's: the mean over the
    columns of 1 - |difference| / range for numbers, and of 1 or 0 for values that are equal or not.

    real, table: with the same columns. text: the column of text, None for none.
    """

    def __init__(self, real: pd.DataFrame, table: pd.DataFrame, text: Any = None) -> None:
        self._real, self._table, self._text = real, table, text

    def find(self, row: int) -> tuple[int, float]:
        """(real row, similarity) of a row of the table; the first of several that are as near."""
        alike = self._by_cells(row) if self._text is None else self._by_text(row)
        best = int(alike.argmax())
        return best, float(alike[best])

    def _by_text(self, row: int) -> Array:
        hashes, owners, sizes, words = self._index
        cell = self._table[self._text].iat[row]
        own = shingles_of([normal("" if pd.isna(cell) else str(cell))], words).hashes
        first, last = np.searchsorted(hashes, own, "left"), np.searchsorted(hashes, own, "right")
        counts = last - first
        ends = counts.cumsum()
        places = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - ends + counts, counts)
        common = np.bincount(owners[places], minlength=len(sizes))
        return common / np.maximum(len(own) + sizes - common, 1)

    @cached_property
    def _index(self) -> tuple[Array, Array, Array, bool]:
        """(shingles ascending, the real row of each, shingles of each real row, whether they are of words)"""
        cells = self._real[self._text]
        texts = [normal("" if gone else str(cell)) for cell, gone in zip(cells, cells.isna(), strict=True)]
        words = by_words(texts)
        shingles = shingles_of(texts, words)
        owners = np.repeat(np.arange(len(texts)), shingles.sizes)
        order = np.argsort(shingles.hashes, kind="stable")
        return shingles.hashes[order], owners[order], shingles.sizes, words

    def _by_cells(self, row: int) -> Array:
        total = np.zeros(len(self._real))
        for real, own, spread in self._columns:
            value = own[row]
            if spread is None:
                total += real == value
            elif np.isfinite(value):
                near = 1 - np.abs(real - value) / spread
                total += np.where(np.isfinite(near), np.clip(near, 0, 1), 0)
            else:
                total += ~np.isfinite(real)
        return total / max(len(self._columns), 1)

    @cached_property
    def _columns(self) -> list[tuple[Array, Array, float | None]]:
        """(real, own, range) a column; numbers as floats, others as codes without a range."""
        found: list[tuple[Array, Array, float | None]] = []
        for name in self._real.columns:
            pair = self._real[name], self._table[name]
            if all(_measured(one) for one in pair):
                real, own = (_floats(one) for one in pair)
                spread = np.ptp(real[np.isfinite(real)]) if np.isfinite(real).any() else 0.0
                found.append((real, own, float(spread) or 1.0))
                continue
            codes, _ = pd.factorize(pd.concat([one.map(str) for one in pair], ignore_index=True))
            found.append((codes[: len(pair[0])], codes[len(pair[0]) :], None))
        return found


def _measured(cells: pd.Series) -> bool:
    kind = cells.dtype
    return (
        pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)
    ) or pd.api.types.is_datetime64_any_dtype(kind)


def _floats(cells: pd.Series) -> Array:
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        times = pd.to_datetime(cells, utc=True)
        seconds = (times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
        return seconds.to_numpy(dtype=np.float64, na_value=np.nan)
    return cells.to_numpy(dtype=np.float64, na_value=np.nan)
