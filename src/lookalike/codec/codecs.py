"""Which file holds a kind of column, and what each of them holds."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pandas as pd

from lookalike.codec.celltext import Asked, Extent, JsonSchema
from lookalike.codec.kinds import (
    category,
    compound,
    constant,
    datetime,
    drop,
    ids,
    keys,
    lists,
    number,
    ranges,
    structure,
    text,
)
from lookalike.codec.slot import Array, Slot
from lookalike.codec.where import Condition
from lookalike.table.column import Column
from lookalike.table.kind_groups import DATE, TEXTUAL


class Kind(Protocol):
    """What the file of a kind holds. `params` is always what its `analyse` gave, a frozen dataclass `Params`.

    Its functions in three groups: tokens, JSON text, and what can be said of the column.
    """

    def analyse(self, series: pd.Series, column: Column, rare: int) -> Any:
        """What is learned of a column. Of texts: a `text.Draft`, which `text.learn` turns into it.

        rare: values of fewer rows are not reproduced, unless the column has its own `min_rows`.
        """

    def of(self, facts: dict[str, Any]) -> Any:
        """The Params of a saved model, whose fields are `facts`."""

    def slots(self, params: Any, column: Column) -> list[Slot]:
        """The column's positions in a record."""

    def encode(self, params: Any, series: pd.Series, column: Column) -> tuple[Array, Array]:
        """Tokens int32 and cells int16, each (rows, slots of the column)."""

    def decode(
        self,
        params: Any,
        column: Column,
        tokens: Array,
        cells: Array,
        rng: np.random.Generator,
        condition: Condition | None = None,
        offset: int = 0,
    ) -> Any:
        """The column of tokens and cells. condition: what numbers and dates are drawn within; offset: how
        many rows were decoded before, so that ids stay unique.
        """

    def allowed(self, params: Any, column: Column, condition: Condition) -> dict[int, Array]:
        """Slot of the column -> (tokens, cells) share of each cell, 0..1, that satisfies a condition.

        Raises ConditionError for what never occurs.
        """

    def shape(
        self, params: Any, column: Column, condition: Condition | None = None, extent: Extent | None = None
    ) -> JsonSchema:
        """The JSON Schema of a cell: of Params all that is known of the values, for a grammar; of `Asked`
        their type and what may be told. extent: of spans, what Params do not hold. Raises ConditionError for
        what never occurs.
        """

    def write(self, params: Any, column: Column, series: pd.Series) -> Array:
        """(rows,) JSON text of the cells; of Params in the one form that the grammar of `shape` lets
        through.
        """

    def read(
        self,
        params: Any,
        column: Column,
        cells: Array,
        rng: np.random.Generator | None = None,
        condition: Condition | None = None,
        offset: int = 0,
    ) -> Any:
        """The column of (rows,) JSON texts; None stands for a missing value. With `Asked`, ValueError for a
        text that cannot stand in the column; with Params it is moved to the nearest value that can.
        """

    def asked(self, series: pd.Series, column: Column, label: bool = False) -> Asked | str:
        """What a language model that is asked in words is told of a column; or, in a sentence, why nothing
        can be told. label: it is the column of the class.
        """

    def literals(self, params: Any, column: Column) -> list[str]:
        """JSON text of every token, "" for one that is never written; [] where a token is not a value."""

    def learned(self, params: Any, column: Column, values: pd.Series) -> Array:
        """(rows,) of values, none missing: LEARNED, OUTSIDE, FAR or UNKNOWN (`learned.py`)."""

    def choices(self, params: Any, column: Column, value: object) -> str:
        """What was learned, to end a sentence on a value that was not."""

    def note(self, params: Any, column: Column, names: bool = True) -> str | None:
        """A sentence on what was not read, or is not reproduced; names: with the values themselves."""


CODECS: dict[str, Kind] = {
    "category": category,
    "boolean": category,
    "number": number,
    DATE: datetime,
    "compound": compound,
    "range": ranges,
    "list": lists,
    "text": text,
    "code": text,
    "json": structure,
    "id": ids,
    "constant": constant,
    "key": keys,
    "pseudonym": keys,
    "drop": drop,
}
SPANS = TEXTUAL  # their slots are spans: as many are in use as a text needs
