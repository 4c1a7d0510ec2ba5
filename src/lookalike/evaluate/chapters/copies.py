"""How many synthetic rows are copies of real rows, and how many would be by chance?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.evaluate.columns import ComparedColumn
from lookalike.evaluate.section import Entry, Section, share
from lookalike.evaluate.view import View

Array = npt.NDArray[Any]

NATURAL = 0.75  # share of copies among fresh real rows, up to which copies mean something
REST = 0.8  # of the rows that are no copies by nature, up to which copies can be excused at all
FEWEST = 200  # rows of a holdout, below which the real table says what is natural


def measure(view: View) -> Section:
    """The entries `exact_copies` and `near_copies`, among all real rows."""
    return Section({"privacy": copies(view.columns)})


def copies(columns: list[ComparedColumn]) -> dict[str, Entry]:
    """`exact_copies` and `near_copies`: shares of the rows that equal a real row in every column but unique
    ids, or in all of them but one.

    By chance (where no holdout of some rows says it): the share of the real rows that have such a twin among
    the other real rows. allowed: (good, fair) shares. A table of few categories has equal rows by nature, and
    a model of it makes the frequent ones more often; but where they are not three in four by nature, a table
    of hardly anything else is a copy.
    """
    kept = [column for column in columns if not column.is_made]
    out: dict[str, Entry] = {}
    for name, found in (("exact_copies", twins(kept)), ("near_copies", twins(kept, 1))):
        if not found:
            out[name] = Entry()
            continue
        held = found.get("holdout")
        natural = float(found["real"].mean()) if held is None or len(held) < FEWEST else float(held.mean())
        rest = natural + REST * (1 - natural) if natural <= NATURAL else 1.0
        allowed = min(1.25 * natural, rest), min(2 * natural, rest)
        out[name] = replace(share(found["synthetic"], held, natural), allowed=allowed)
    return out


def twins(columns: list[ComparedColumn], but: int = 0, of: str = "real") -> dict[str, Array]:
    """table -> (rows,) whether a row has an equal in the table `of`, another one if it is a row of it itself;
    equal but for at most `but` columns, 0 or 1. Empty where too few columns would be left to compare."""
    if len(columns) < 1 + 2 * but:
        return {}
    whole = {table: np.zeros(len(codes), dtype=np.uint64) for table, codes in columns[0].identity.items()}
    for number, column in enumerate(columns):
        for table, key in whole.items():
            key += mixed(column.identity[table], number)
    out: dict[str, Array] = {table: np.zeros(len(key), dtype=bool) for table, key in whole.items()}
    for number, left_out in enumerate(columns) if but else [(0, None)]:
        some = {
            table: key if left_out is None else key - mixed(left_out.identity[table], number)
            for table, key in whole.items()
        }
        among = pd.Series(some[of])
        for table, flags in out.items():
            again = among.duplicated(keep=False) if table == of else pd.Series(some[table]).isin(among)
            out[table] = flags | again.to_numpy()
    return out


def mixed(codes: Array, salt: int) -> Array:
    """(rows,) uint64 of codes, scattered by splitmix64; sums of them over columns tell rows apart."""
    with np.errstate(over="ignore"):
        key = codes.astype(np.uint64) + np.uint64(salt + 1) * np.array(0x9E3779B97F4A7C15, dtype=np.uint64)
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))
