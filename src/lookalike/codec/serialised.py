"""A record as JSON text, for pretrained language models (DiffLM, section 3.1), and its JSON Schema.

    {"age":39,"workclass":"Private","born":"1985-03-02","income":null}

Numbers stand as they are (decimals without trailing zeros), datetimes as ISO text, missing values as null,
in any order of the columns. Ids, keys, pseudonyms and constants have no place in it: they are made or
restored afterwards, only whether one is missing is written. What the schema lets through is what the codecs
would make: no category of fewer rows than the privacy threshold, numbers and datetimes within the range of
the table's schema, null only where values are missing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.celltext import Extent, JsonSchema, literal
from lookalike.codec.codecs import CODECS, SPANS
from lookalike.codec.kinds.text import check, extent_of
from lookalike.codec.record import RecordCodec
from lookalike.codec.slot import Array
from lookalike.codec.where import Condition, Where, read_where
from lookalike.errors import DataError
from lookalike.table.column import Column
from lookalike.table.missing import masked

_DECODER = json.JSONDecoder()


@dataclass
class Serialised:
    """The records of a fitted `RecordCodec` as JSON text.

    columns: the columns that are written, in order: those of text, code and JSON come last, so that a
    language model writes them knowing the others (a text of its class, and not the class of a text). facts:
    for columns of text what their codec does not keep: nullable, shortest and longest (letters of the
    longest text).
    """

    codec: RecordCodec
    columns: list[Column]
    facts: dict[str, dict[str, Any]]

    @classmethod
    def fit(cls, codec: RecordCodec, table: pd.DataFrame) -> Serialised:
        """Takes the facts of the columns of text from the table that `codec` was fitted on."""
        facts = {}
        for column in codec.schema.columns:
            if column.kind in SPANS:
                facts[str(column.name)] = asdict(extent_of(masked(table, column, codec.schema)))
        return cls.of(codec, facts)

    @classmethod
    def of(
        cls, codec: RecordCodec, facts: dict[str, dict[str, Any]], order: Sequence[str] | None = None
    ) -> Serialised:
        """The serialisation with known facts and names of the columns in order, as a saved model has them."""
        written = {codec.slots[slots[0]].column for slots in codec.columns}
        columns = [column for column in codec.schema.columns if column.name in written]
        if order is None:
            return cls(codec, sorted(columns, key=lambda column: column.kind in SPANS), facts)
        return cls(codec, sorted(columns, key=lambda column: order.index(str(column.name))), facts)

    @property
    def names(self) -> list[Any]:
        """The names of the columns that are written, in order."""
        return [column.name for column in self.columns]

    def cells(self, table: pd.DataFrame, partial: bool = False) -> Array:
        """(rows, columns) JSON text of every cell; None where the table lacks a column (with `partial`).

        Raises DataError for a table that lacks a column.
        """
        found = np.full((len(table), len(self.columns)), None, dtype=object)
        for place, column in enumerate(self.columns):
            if column.name in table.columns:
                series = masked(table, column, self.codec.schema)
                found[:, place] = CODECS[column.kind].write(self._params(column), column, series)
            elif not partial:
                raise DataError(
                    f"the table has no column '{column.name}', which the model was fitted on: add it."
                )
        return found

    def fragment(self, place: int, cell: str, first: bool) -> str:
        """One field of a record's text: a record is its fields one after the other, and "}"."""
        return f"{'{' if first else ','}{literal(str(self.columns[place].name))}:{cell}"

    def ending(self, short: int) -> int:
        """Bytes that the fields of a record take at most when every one is ended at once.

        short: bytes of a number, a date, or the end of a text.
        """
        found = 1
        for place, column in enumerate(self.columns):
            choices = CODECS[column.kind].literals(self._params(column), column)
            cell = max((len(choice.encode()) for choice in choices), default=short)
            found += len(self.fragment(place, "", False).encode()) + cell
        return found

    def text(self, cells: Sequence[str], order: Iterable[int]) -> str:
        """A record's text with the columns in this order."""
        return self.begun(cells, order) + "}"

    def begun(self, cells: Sequence[str], order: Iterable[int]) -> str:
        """How the text of a record begins whose first columns are these: its fields, one after the other."""
        return "".join(self.fragment(place, cells[place], i == 0) for i, place in enumerate(order))

    def conditions(self, where: Where | None) -> dict[Any, Condition]:
        """The conditions of a `where`, checked. Raises ConditionError for what can never be."""
        found = read_where(where, self.codec.schema)
        for column in self.codec.schema.columns:
            if column.name in found:
                if column.kind in SPANS:
                    check(column, found[column.name], Extent(**self.facts[str(column.name)]))
                else:
                    CODECS[column.kind].allowed(self._params(column), column, found[column.name])
        return found

    def schema(
        self, order: Iterable[int], where: Where | None = None, given: Collection[int] = ()
    ) -> JsonSchema:
        """JSON Schema of records with the columns in this order, narrowed by the conditions.

        given: columns whose values are forced, so that anything may stand there. Raises ConditionError for
        conditions that nothing satisfies.
        """
        conditions, properties = self.conditions(where), {}
        for place in order:
            column = self.columns[place]
            properties[str(column.name)] = (
                {} if place in given else self._shape(column, conditions.get(column.name))
            )
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def read(self, text: str) -> list[str | None]:
        """The cells of a record's text, in the order of `columns`; None where a column is not in it.

        Raises ValueError for text that is no such record.
        """
        found: dict[str, str] = {}
        at = 0
        while text[at : at + 1] in ("{", ","):
            name, end = _DECODER.raw_decode(text, at + 1)
            _, after = _DECODER.raw_decode(text, end + 1)
            found[name] = text[end + 1 : after]
            at = after
        if text[at:] != "}":
            raise ValueError(text)
        return [found.get(str(column.name)) for column in self.columns]

    def decode(
        self, cells: Array, rng: np.random.Generator, where: Where | None = None, offset: int = 0
    ) -> pd.DataFrame:
        """The table of (rows, columns) cells, with its exact dtypes; ids are fresh, constants restored,
        keys and pseudonyms are marks, which `RecordCodec.fill` replaces.

        where: the conditions that the cells were made under: numbers and datetimes are moved into their
        ranges. offset: how many rows were decoded before, so that ids stay unique from chunk to chunk.
        """
        conditions, table = self.conditions(where), {}
        places = {column.name: place for place, column in enumerate(self.columns)}
        for column, params in zip(self.codec.schema.columns, self.codec.params, strict=True):
            if column.kind == "drop":
                continue
            own = cells[:, places[column.name]] if column.name in places else np.full(len(cells), None)
            table[column.name] = CODECS[column.kind].read(
                params, column, own, rng, conditions.get(column.name), offset
            )
        return pd.DataFrame(table, index=pd.RangeIndex(len(cells)))

    def _shape(self, column: Column, condition: Condition | None) -> JsonSchema:
        facts = self.facts.get(str(column.name))
        extent = None if facts is None else Extent(**facts)
        return CODECS[column.kind].shape(self._params(column), column, condition, extent)

    def _params(self, column: Column) -> Any:
        return self.codec.params_of(column.name)


def first_columns(where: Mapping[Any, Any], given: Collection[int], names: Sequence[Any]) -> list[int]:
    """Places of the columns as they are written: what is given, what has a condition, the others."""
    asked = [place for place, name in enumerate(names) if name in where and place not in given]
    rest = [place for place in range(len(names)) if place not in given and place not in asked]
    return [*sorted(given), *asked, *rest]
