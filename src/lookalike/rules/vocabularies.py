"""Vocabularies: strings that other columns follow from, such as cities, products or codes of diagnoses.

Most of them come seldom, and are public all the same: what follows from them says that they name a thing, not
a row. Without them hardly any of the others would be right, so all values of two rows or more are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from lookalike.rules.codes import WAY
from lookalike.rules.holds import TWICE
from lookalike.rules.values import is_text
from lookalike.table.column import Column
from lookalike.table.missing import masked
from lookalike.table.repeats import LARGEST, RARE
from lookalike.table.rule import Function, Joined, Rule
from lookalike.table.schema import Schema

RARE_ROWS = 0.1  # of the rows, that a category loses at least
ONCE_ROWS = 0.2  # of the rows, that hold a value of their own at most
NAMED = 3  # columns that a sentence names
WORDS = 8  # of a value, on average, beyond which it is a sentence that somebody wrote
ENDED = r"\S+\s+\S.*\s[^\sA-Z][^\s.]*[.!?]"  # three words or more, and how a sentence ends (not "Ltd.")


def with_vocabularies(table: pd.DataFrame, schema: Schema, rules: Sequence[Rule]) -> Schema:
    """The schema, in which columns of strings are categories of the values that two rows hold, where other
    columns follow from them by a rule, most of their values come in fewer than five rows, and none of these
    columns looks personal. What a user has set stays. The same schema where there are none.
    """
    told = {column.name: _told(column, rules) for column in schema.columns}
    columns = [
        _as_vocabulary(column, told[column.name])
        if _is_vocabulary(column, told[column.name], schema, table)
        else column
        for column in schema.columns
    ]
    return schema if columns == schema.columns else replace(schema, columns=columns)


def _told(column: Column, rules: Sequence[Rule]) -> list[str]:
    """The columns that follow from the values of a column."""
    plain: list[Function | Joined]
    plain = [one for one in rules if isinstance(one, Function) and not one.cuts and one.than is None]
    plain += [one for one in rules if isinstance(one, Joined) and WAY.fullmatch(one.template[0][0])]
    return [str(one.column) for one in plain if one.columns[1] == column.name]


def _is_vocabulary(column: Column, told: list[str], schema: Schema, table: pd.DataFrame) -> bool:
    names = {str(one.name): one for one in schema.columns}
    personal = any(names[name].personal is not None for name in told) or column.personal is not None
    inferred = column.kind == "category" or (column.kind == "text" and (column.note or ("",))[0] == "text")
    if not told or personal or not inferred or not is_text(column) or column.min_rows is not None:
        return False
    counts = masked(table, column, schema).value_counts()
    rows = counts.to_numpy()[counts.to_numpy() > 0]
    if _sentences(counts.index[counts > 0].astype(str)):
        return False
    rare, total = rows < RARE, int(rows.sum())
    often = np.count_nonzero(rare) <= len(rows) / 2 or rows[rare].sum() <= RARE_ROWS * total
    return not often and rows[rows == 1].sum() <= ONCE_ROWS * total and len(rows) <= LARGEST


def _sentences(values: pd.Index) -> bool:
    """Whether most values are sentences, which may tell of persons whatever follows from them."""
    words = values.str.count(r"\S+")
    ended = values.str.strip().str.fullmatch(ENDED)
    return len(values) > 0 and bool(words.to_numpy().mean() > WORDS or np.mean(ended) > 0.5)


def _as_vocabulary(column: Column, told: list[str]) -> Column:
    names = ", ".join(f"'{name}'" for name in told[:NAMED])
    names += f" and {len(told) - NAMED} more" if len(told) > NAMED else ""
    why = (
        f"is learned as a category whose values are drawn where {TWICE} rows hold them, not {RARE}, because "
        f"{names} {'follows' if len(told) == 1 else 'follow'} from it, as from a city or a product: set its "
        f'kind to "category" and its min_rows to {RARE} in the schema if its values may tell of persons'
    )
    return replace(column, kind="category", min_rows=TWICE, note=("category", why))
