"""The parts of a column: arrays by which its values are compared, for every table."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[Any]
Cells = tuple[Array, Array]  # (rows,) values of a column, and where they are missing

FEW = 20  # distinct values up to which a numeric column is compared value by value, like a category
LETTERS = 50  # pairs of letters of a text that are told apart
HUGE = 1e150  # numbers from here on are scaled down, or their squares would overflow
PROSE_WORDS, PROSE_SHARE = 3, 0.5  # words of a text and their share of what it is made of, at least
PROSE_TEXTS = 1000  # that are looked at
WORD = re.compile(r"\W*[^\W\d_]+(?:['\u2019-][^\W\d_]+)*\W*")
# Thai, Japanese and Chinese have no spaces between words: a sign counts as one.
UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")


@dataclass
class Part:
    """One comparable aspect of a column, for every table ("real", "synthetic", "holdout").

    codes: table -> int64 (rows,): place among `support` distinct values, sorted where `ordered`; -1 is
    missing.
    values: table -> float64 (rows,), nan where missing, divided by `scale`; None where they have no order.
    ordered: compared by the distance of distribution functions; else value by value.
    scale: 1, or the power of two that brings huge numbers down to about 1.
    """

    name: str
    codes: dict[str, Array]
    support: int
    values: dict[str, Array] | None
    ordered: bool
    labels: Array | None = None  # (support,) what the codes stand for
    scale: float = 1.0

    def by_frequency(self) -> Array:
        """(support + 1,) the place of each code by frequency in the real table; last, for missing: -1."""
        real = self.codes["real"]
        count = np.bincount(real[real >= 0], minlength=self.support)
        place = np.full(self.support + 1, -1)
        place[np.argsort(-count, kind="stable")] = np.arange(self.support)
        return place


def counts(part: Part, table: str, weights: Array | None = None) -> Array:
    """(support,) rows of each value; missing left out. weights: (rows,) how often each row counts."""
    codes = part.codes[table]
    keep = codes >= 0
    if weights is not None:
        weights = weights[keep]
    return np.bincount(codes[keep], weights=weights, minlength=part.support)


def ordered_part(name: str, keys: Mapping[str, Cells]) -> Part:
    """A part whose values have an order; of few distinct values it is compared value by value."""
    kinds = {values.dtype for values, _ in keys.values()}
    common = np.int64 if kinds == {np.dtype(np.int64)} else np.float64
    present = [values[~missing].astype(common) for values, missing in keys.values()]
    support, inverse = np.unique(np.concatenate(present), return_inverse=True)
    scale = _scale(support)
    codes, values, at = {}, {}, 0
    for (table, (_, missing)), shown in zip(keys.items(), present, strict=True):
        codes[table] = np.full(len(missing), -1, dtype=np.int64)
        codes[table][~missing] = inverse[at : at + len(shown)]
        values[table] = np.full(len(missing), np.nan)
        values[table][~missing] = shown / scale if scale != 1 else shown
        at += len(shown)
    real = codes["real"]
    distinct = len(np.unique(real[real >= 0]))
    ordered = distinct > min(FEW, len(real) // 5)
    return Part(name, codes, len(support), values, ordered, support, scale)


def _scale(support: Array) -> float:
    """1, or a power of two near the largest value, where squares of the values would overflow."""
    finite = np.abs(support[np.isfinite(support)])
    top = float(finite.max(initial=0.0)) if support.dtype.kind == "f" else 0.0
    return 1.0 if top < HUGE else float(2.0 ** np.floor(np.log2(top)))


def unordered_part(name: str, keys: Mapping[str, Cells]) -> Part:
    """A part whose values are names."""
    together = np.concatenate([texts for texts, _ in keys.values()])
    gone = np.concatenate([missing for _, missing in keys.values()])
    inverse, labels = pd.factorize(pd.Series(together, dtype=object).where(~gone, None))
    ends = np.cumsum([len(missing) for _, missing in keys.values()])[:-1]
    codes = dict(zip(keys, np.split(inverse.astype(np.int64), ends), strict=True))
    return Part(name, codes, len(labels), None, False, np.asarray(labels, dtype=object))


def clock_parts(keys: Mapping[str, Cells]) -> list[Part]:
    """Day of the week and time of day, where they vary: trees cannot see them in a count of microseconds."""
    day = 86_400_000_000
    parts = [
        ordered_part("weekday", {t: (v // day % 7, gone) for t, (v, gone) in keys.items()}),
        ordered_part("time", {t: (v % day, gone) for t, (v, gone) in keys.items()}),
    ]
    return [part for part in parts if part.support > 1]


def prose(real: Cells) -> float:
    """The mean number of words of the real texts; 0 unless they are several and most of what is there.

    Addresses of the web and of mail, keys and code are no words.
    """
    texts, gone = real
    some = [str(text) for text in texts[~gone][:PROSE_TEXTS]]
    pieces = [piece for text in some for piece in UNSPACED.sub("a ", text).split()]
    words = sum(WORD.fullmatch(piece) is not None for piece in pieces)
    if not some or words < PROSE_SHARE * len(pieces) or words < PROSE_WORDS * len(some):
        return 0.0
    return words / len(some)


def pair_of(text: str) -> str:
    """One pair of neighbouring letters of a text: of the same text, the same."""
    at = zlib.crc32(text.encode("utf-8", "replace")) % max(len(text) - 1, 1)
    return text[at : at + 2]


def text_parts(words: Mapping[str, Cells]) -> list[Part]:
    """Length, words, and one pair of neighbouring letters of each text; digits and capitals."""

    def count(name: str, of: Any) -> Part:
        keys = {
            table: (np.array([0 if m else of(t) for t, m in zip(texts, gone, strict=True)], np.int64), gone)
            for table, (texts, gone) in words.items()
        }
        return ordered_part(name, keys)

    pairs = {
        t: (np.array([pair_of(str(text)) for text in texts], object), gone)
        for t, (texts, gone) in words.items()
    }
    texts, gone = pairs["real"]
    frequent = set(pd.Series(texts[~gone]).value_counts().index[:LETTERS])
    pairs = {t: (np.array([p if p in frequent else "" for p in x], object), g) for t, (x, g) in pairs.items()}
    return [
        count("length", len),
        count("words", lambda t: len(t.split())),
        unordered_part("letters", pairs),
        count("digits", lambda t: sum(map(str.isdigit, t))),
        count("capitals", lambda t: sum(map(str.isupper, t))),
    ]
