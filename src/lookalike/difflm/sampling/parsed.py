"""Rows whose code parses: those that do not parse are drawn again, at most 20 times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from lookalike.errors import OptionError
from lookalike.table.schema import Schema
from lookalike.texts.syntax import PARSERS

TRIES = 20  # draws of a row
Parser = Callable[[str], bool]


def parsers(schema: Schema) -> dict[Any, Parser]:
    """Column -> the parser of its language. Raises OptionError where no column has one."""
    found = {column.name: PARSERS[column.language] for column in schema.columns if column.language in PARSERS}
    if not found:
        raise OptionError(
            "valid_only is for columns of code, and no column is in a language that can be parsed: leave it "
            "out, or set the kind and the language of the column in the schema."
        )
    return found


def parsed(
    draw: Callable[[np.ndarray, np.random.Generator], pd.DataFrame],
    turn: np.ndarray,
    rng: np.random.Generator,
    checked: Mapping[Any, Parser],
    schema: Schema,
) -> tuple[pd.DataFrame, int, int]:
    """The rows that `draw` gives for the numbers `turn`, those that no parser refuses, and how many were
    accepted of how many that were drawn. A row that is refused `TRIES` times is left out.

    checked: column -> parser; with none all rows are accepted.
    """
    table = draw(turn, rng)
    drawn = len(table)
    ids = [column.name for column in schema.columns if column.kind == "id"]  # they are unique as they are
    for left in range(TRIES - 1, -1, -1):
        good = np.ones(len(table), dtype=bool)
        for name, parse in checked.items():
            good &= np.array([bool(pd.isna(text)) or parse(str(text)) for text in table[name]])
        bad = np.flatnonzero(~good)
        if not len(bad) or not left:
            break
        again = draw(turn[bad], rng)
        drawn += len(bad)
        again.index = table.index[bad]
        again[ids] = table.loc[again.index, ids]
        table = pd.concat([table.drop(index=again.index), again]).sort_index()
    return table[good].reset_index(drop=True), int(good.sum()), drawn
