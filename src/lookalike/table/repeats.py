"""Strings that come again: whether a category or a text holds them better, and what a category loses."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[Any]

LARGEST = 5000  # values of a category, at most: those beyond the most frequent are not reproduced
RARE = 5  # values of fewer rows are not reproduced, so that no single person is told: the privacy threshold
_SOME = 0.1  # the share that it may lose although its values other than the most frequent are mostly rare
_CODES = 0.25  # the share of cells that keys may lose as a category, which would else be invented
_WORDS, _LETTERS = 5, 30  # a value of as many is a sentence
_MEASURE = r"\W*\d+([.,:]\d+)+\W*[^\W\d]{0,3}"  # 1.4, 16:30, $1,234.50, 62.5 kg
SEVERAL = 20  # fewer distinct strings are a category or a key
LITTLE = 0.05  # the share of cells that a category may always lose


def as_category(counts: pd.Series, least: int) -> tuple[float, str | None]:
    """(share of the cells that strings lose as a category, 0..1; why a text is better, None if it is not).

    counts: the rows of each string, most frequent first; least: rows that a value needs to be reproduced.
    Strings that come again and again are a category: a text of them would be slow, and invent values. A text
    is better where a category would lose more than half of the cells ("rare"; the most frequent value aside,
    which may stand for "nothing to say"), or sentences, or the ends of a range of measurements.
    """
    rows = counts.to_numpy()
    gone = rows < max(least, 2)  # half of the cells have to repeat, whatever is reproduced
    gone[LARGEST:] = True
    cells = rows[gone].sum()
    lost = float(cells / rows.sum())
    if len(rows) < SEVERAL or lost <= LITTLE:
        return lost, None
    strings = [str(value) for value in counts.index[gone][:2000]]
    words, letters = np.mean([len(s.split()) for s in strings]), np.mean([len(s) for s in strings])
    if rows[gone & (rows == 1)].sum() > cells / 2 and (words >= _WORDS or letters >= _LETTERS):
        return lost, "sentences"
    if np.mean([re.fullmatch(_MEASURE, s) is not None for s in strings]) > 0.5:
        return lost, "measurements"
    rare = lost > _SOME and cells > (rows.sum() - rows[0]) / 2
    return lost, "rare" if rare else None


def are_codes(values: pd.Series, least: int | None) -> bool:
    """Whether whole numbers whose name says that they are keys are so few that a category holds most of them:
    there is no number between two keys.
    """
    if not pd.api.types.is_integer_dtype(values.dtype):
        return False
    lost, better = as_category(values.value_counts(), least or RARE)
    return better is None and lost <= _CODES


def least_rows(counts: Array, asked: int) -> int:
    """Rows that a value of a category needs to be reproduced, where each value has so many.

    It is what was asked for; where every value is rarer (tiny tables) 2, and where all come once 1: something
    has to be written.
    """
    return next((least for least in (asked, 2) if (counts >= least).any()), 1)


def why(kind: str, better: str | None, counts: pd.Series, lost: float, least: int) -> tuple[str, str] | None:
    """(kind, why) of strings that could well have been learned otherwise; None where hardly."""
    if kind == "category":
        return kind, (
            f"is learned as a category, because most of its {len(counts):,} values repeat: no value is "
            'invented; set its kind to "text" in the schema if it should have new ones, too'
        )
    if better != "rare" or counts[counts > 1].sum() < counts.sum() / 2:
        return None
    many = int((counts >= max(least, 2)).sum()) > LARGEST
    rare = f"are not among the {LARGEST:,} most frequent" if many else f"occur in fewer than {least} rows"
    return kind, (
        f"is learned as text, which may invent values, because {lost:.0%} of its cells hold values that "
        f'{rare}: a category would not reproduce them; set its kind to "category" in the schema'
        + ("" if many else " and its min_rows to 1 (--keep-rare)")
        + " if it should have real values alone"
    )
