"""The record codec: a table <-> tokens, all its columns in order."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.codecs import CODECS, SPANS
from lookalike.codec.grammar import Grammar
from lookalike.codec.kinds import category, number, structure
from lookalike.codec.kinds.text import Draft, learn
from lookalike.codec.made import entities
from lookalike.codec.packing import pack, unpack
from lookalike.codec.slot import Array, Slot
from lookalike.codec.where import Where, read_where
from lookalike.errors import DataError
from lookalike.table.column import Column
from lookalike.table.dtypes import dtype_name
from lookalike.table.inferring import check_table, describe
from lookalike.table.missing import is_missing, masked
from lookalike.table.repeats import RARE
from lookalike.table.schema import Schema, check_kind


@dataclasses.dataclass
class RecordCodec:
    """Turns rows into records of tokens and back.

    slots: one per position of a record, in order. columns: the slot indices of every modelled column, in
    order (ids, keys, pseudonyms and constants without missing values have none). params: what was learned of
    each column of the schema, the `Params` of its kind. hiders: column -> the columns that tell where it says
    nothing, those that tell most first.
    """

    schema: Schema
    params: list[Any]
    slots: list[Slot]
    columns: list[list[int]]
    hiders: dict[Any, list[Any]] = dataclasses.field(default_factory=dict)

    @classmethod
    def fit(cls, table: pd.DataFrame, schema: Schema, rare: int = RARE, seed: int = 0) -> RecordCodec:
        """Learns how to encode `table`.

        rare: values of fewer rows than this are not reproduced (the privacy threshold), unless the column
        has its own `min_rows`.
        Raises DataError for a table that lacks a column, SchemaError where the table contradicts the schema.
        """
        check_table(table)
        for column in schema.columns:
            check_kind(column)
        _need_columns(table, schema.kept)
        columns = [dataclasses.replace(column) for column in schema.columns]
        fitted = dataclasses.replace(schema, columns=columns)
        series = [_read(table, column, fitted) for column in columns]
        params = [
            CODECS[column.kind].analyse(own, column, rare)
            for column, own in zip(columns, series, strict=True)
        ]
        params = entities.learn(columns, params, series, rare)
        drafts: dict[int, Draft] = {i: params[i] for i, column in enumerate(columns) if column.kind in SPANS}
        if drafts:
            for i, own in zip(drafts, learn(list(drafts.values()), rare), strict=True):
                params[i] = own
        codec = cls._of(fitted, params)
        for grammar in codec.grammars().values():
            grammar.walk(1).ending(0)  # a schema that has no end is better found now
        return codec

    @classmethod
    def _of(cls, schema: Schema, params: list[Any]) -> RecordCodec:
        slots: list[Slot] = []
        columns: list[list[int]] = []
        for column, learned in zip(schema.columns, params, strict=True):
            own = CODECS[column.kind].slots(learned, column)
            if own:
                columns.append(list(range(len(slots), len(slots) + len(own))))
            slots += own
        return cls(schema, params, slots, columns)

    def _spans(self) -> list[tuple[int, int]]:
        """First slot and one past the last slot of every column of the schema."""
        widths = {self.slots[own[0]].column: len(own) for own in self.columns}
        ends = np.cumsum([widths.get(name, 0) for name in self.schema.names])
        return [
            (int(end) - widths.get(name, 0), int(end))
            for name, end in zip(self.schema.names, ends, strict=True)
        ]

    def encode(self, table: pd.DataFrame, partial: bool = False) -> tuple[Array, Array]:
        """(tokens int32, cells int16), each (rows, slots).

        Token -1 is an empty slot: after an `ends` token, in the slots of a column that the table lacks (only
        with `partial`), and for a missing value where the training table had none. Categories that were not
        seen get the rare token, or the most frequent one where there is none; numbers the nearest cell.
        Raises DataError for a table that lacks a column.
        """
        if not partial:
            _need_columns(table, self.schema.kept)
        tokens = np.full((len(table), len(self.slots)), -1, dtype=np.int32)
        cells = np.zeros((len(table), len(self.slots)), dtype=np.int16)
        for column, params, (start, stop) in zip(
            self.schema.columns, self.params, self._spans(), strict=True
        ):
            if start < stop and column.name in table.columns:
                own = CODECS[column.kind].encode(params, masked(table, column, self.schema), column)
                tokens[:, start:stop], cells[:, start:stop] = own
        return tokens, cells

    def decode(
        self,
        tokens: Array,
        cells: Array,
        rng: np.random.Generator,
        where: Where | None = None,
        offset: int = 0,
    ) -> pd.DataFrame:
        """The table of (rows, slots) tokens and cells, with the exact dtypes of the schema; every value is
        valid. Keys and pseudonyms are marks, which `fill` replaces.

        where: conditions that numbers and datetimes are drawn within (the tokens must already be `allowed`).
        offset: how many rows were decoded before, so that ids stay unique from chunk to chunk.
        """
        conditions = read_where(where, self.schema)
        table = {}
        for column, params, (start, stop) in zip(
            self.schema.columns, self.params, self._spans(), strict=True
        ):
            if column.kind == "drop":
                continue
            own = (tokens[:, start:stop], cells[:, start:stop], rng)
            condition = conditions.get(column.name)
            table[column.name] = CODECS[column.kind].decode(params, column, *own, condition, offset)
        return pd.DataFrame(table, index=pd.RangeIndex(len(tokens)))

    @property
    def filled(self) -> bool:
        """Whether there are columns that `fill` makes."""
        return any(column.is_of_entities for column in self.schema.columns)

    def fill(
        self,
        table: pd.DataFrame,
        rng: np.random.Generator,
        offset: int = 0,
        held: Collection[Any] = (),
        asked: Collection[Any] = (),
    ) -> pd.DataFrame:
        """A decoded table with its keys and pseudonyms; as `entities.fill`."""
        return entities.fill(self.schema.columns, self.params, table, rng, offset, held, asked)

    def allowed(self, where: Where | None) -> dict[int, Array]:
        """slot index -> (tokens, cells): the share of each cell, in [0, 1], that satisfies the conditions.

        Slots that are not named are free. Raises ConditionError for what never occurs.
        """
        found = {}
        conditions = read_where(where, self.schema)
        for column, params, (start, _) in zip(self.schema.columns, self.params, self._spans(), strict=True):
            if column.name in conditions:
                shares = CODECS[column.kind].allowed(params, column, conditions[column.name])
                found.update({start + part: share for part, share in shares.items()})
        return found

    def missing(self, table: pd.DataFrame) -> Array:
        """(rows, columns of the schema) bool: the cells that are missing or hold a declared sentinel."""
        _need_columns(table, self.schema.kept)
        return np.stack(
            [is_missing(table[name], self.schema.missing).to_numpy(bool) for name in self.schema.kept],
            axis=1,
        )

    def known(self) -> dict[Any, list[Any]]:
        """The values of every category, boolean and number of few values, most frequent first."""
        found = {}
        for column, params in zip(self.schema.columns, self.params, strict=True):
            values = None
            if isinstance(params, number.Params):
                values = number.known(params, column)
            elif isinstance(params, category.Params):
                values = params.values
            if values is not None:
                found[column.name] = values
        return found

    def grammars(self) -> dict[int, Grammar]:
        """First slot of a span -> the grammar that its tokens keep to, for the columns that have one."""
        return {
            start: structure.grammar(params, column)
            for column, params, (start, _) in zip(
                self.schema.columns, self.params, self._spans(), strict=True
            )
            if column.kind == "json"
        }

    def dropped(self) -> dict[Any, dict[str, int]]:
        """What is not reproduced of the categories and booleans.

        By column: values, of_values, how many were dropped and of how many; rows, of_rows, that hold them.
        """
        found = {
            column.name: category.dropped(params)
            for column, params in zip(self.schema.columns, self.params, strict=True)
            if isinstance(params, category.Params)
        }
        return {name: counts for name, counts in found.items() if counts is not None}

    def notes(self, names: bool = True) -> list[str]:
        """A sentence, without its full stop, for each column of which not everything was read, or is
        reproduced.

        names: whether a sentence names some of the values that are not reproduced; False for a report, which
        shows no rare value.
        """
        found = [
            CODECS[column.kind].note(params, column, names)
            for column, params in zip(self.schema.columns, self.params, strict=True)
        ]
        return [note for note in found if note is not None]

    def params_of(self, name: Any) -> Any:
        """What was learned of a column: the `Params` of its kind."""
        return self.params[self.schema.names.index(name)]

    def to_dict(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """(JSON values, arrays by name), without the values that were dropped; `from_dict` reads both."""
        arrays: dict[str, Array] = {}
        params = [pack(learned, f"{i}", arrays) for i, learned in enumerate(self.params)]
        return {"schema": self.schema.to_dict(), "params": params}, arrays

    @classmethod
    def from_dict(cls, facts: dict[str, Any], arrays: dict[str, Array]) -> RecordCodec:
        """Reads `to_dict`. Raises KeyError, TypeError or ValueError for what is damaged."""
        schema = Schema.from_dict(facts["schema"])
        params = [
            CODECS[column.kind].of(unpack(packed, arrays))
            for column, packed in zip(schema.columns, facts["params"], strict=True)
        ]
        return cls._of(schema, params)


def _read(table: pd.DataFrame, column: Column, schema: Schema) -> pd.Series:
    """A column of the table; what the schema does not say of it yet is set in `column`."""
    series = pd.Series(dtype=object) if column.kind == "drop" else masked(table, column, schema)
    if column.is_of_entities and isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(series.dtype.categories.dtype)  # what is made is no category
        column.dtype, column.categories, column.ordered = dtype_name(series), None, False
    gone = series.isna()
    column.nullable = column.nullable or bool(gone.any())
    describe(series[~gone] if gone.any() else series, column)
    return series


def dropped_notes(table: pd.DataFrame, schema: Schema) -> list[str]:
    """What `RecordCodec.notes` will say of dropped values, before anything is learned."""
    found = [
        CODECS[column.kind].note(
            CODECS[column.kind].analyse(masked(table, column, schema), column, RARE), column
        )
        for column in schema.columns
        if column.is_categorical or column.kind == "constant"
    ]
    return [note for note in found if note is not None]


def _need_columns(table: pd.DataFrame, names: list[Any]) -> None:
    for name in names:
        if name not in table.columns:
            raise DataError(f"the table has no column '{name}', which the model was fitted on: add it.")
