"""JSON columns: text whose grammar is known, so that whatever is decoded parses and satisfies its schema.

The cells are dicts and lists, or JSON text. What is learned is their canonical text (`shape.canonical`) by
the codec of texts; what a row may be is said by the grammar of the column's JSON Schema, which is given or
inferred.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec import text
from lookalike.codec.grammar import Grammar, byte_tokenizer
from lookalike.codec.shape import canonical, check_shape, infer_shape
from lookalike.codec.slot import Array, Params, Slot
from lookalike.codec.vocabulary import Vocabulary
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError, SchemaError
from lookalike.table.column import Column
from lookalike.table.dtypes import restore
from lookalike.table.nested import json_values

_LOOKED_AT = 200  # JSON texts from which their style is seen
_STYLES: list[dict[str, Any]] = [
    {"separators": [item, key], "ensure_ascii": ascii, "indent": indent}
    for indent in (None, 1, 2, 4)
    for item, key in ([(", ", ": "), (",", ":")] if indent is None else [(",", ": ")])
    for ascii in (True, False)
]


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    """texts: the canonical ones; shape: JSON of the schema; style: how JSON text is written, None for cells
    that are dicts and lists.

    Raises SchemaError for a cell that is no JSON, or that contradicts the schema that was given.
    """
    present = series.dropna()
    values = json_values(present, column.name, native(column))
    if column.json_schema is not None:
        check_shape(values, column.json_schema, column.name)
    shape = infer_shape(list(values), rare) if column.json_schema is None else column.json_schema
    return {
        "texts": _canonical(series, values, shape),
        "shape": json.dumps(shape, ensure_ascii=False),
        "style": None if native(column) else _style(present, values),
    }


def room(longest: int) -> int:
    """As `text.room`: a value that is longer than the real ones still has to come to its end."""
    return longest * 5 // 4 + 32


def native(column: Column) -> bool:
    """Whether the cells are dicts and lists."""
    return column.python == "json"


def _canonical(series: pd.Series, values: pd.Series, shape: dict[str, Any]) -> pd.Series:
    texts = pd.Series([None] * len(series), dtype=object)
    texts[series.notna().to_numpy(bool)] = [canonical(value, shape) for value in values]
    return texts


def _style(present: pd.Series, values: pd.Series) -> dict[str, Any]:
    """The arguments of `json.dumps` that write most of the texts as they are."""
    fits: Counter[int] = Counter()
    for written, value in zip(present[:_LOOKED_AT], values[:_LOOKED_AT], strict=True):
        fits.update(i for i, style in enumerate(_STYLES) if json.dumps(value, **style) == written)
    return _STYLES[fits.most_common(1)[0][0] if fits else 0]


def slots(params: Params, column: Column) -> list[Slot]:
    found = text.slots(params, column)
    for slot in found:
        words = slot.counts[text.FIRST :]
        words[words == 0] = 0.01  # the grammar may leave only a sub-word that was not seen
    return found


def encode(params: Params, series: pd.Series, column: Column) -> tuple[Array, Array]:
    """As `text.encode`. Raises SchemaError for a cell that is no JSON."""
    values = json_values(series.dropna(), column.name, native(column))
    return text.encode(params, _canonical(series, values, json.loads(params["shape"])), column)


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None,
) -> pd.Series:
    """Every value parses and satisfies the schema: from the first token that the grammar refuses, and where
    the tokens stop too soon, a row is brought to the end that comes soonest.
    """
    rules, pieces = grammar(params, column), text.token_pieces(params["vocabulary"])
    ended = np.cumsum(tokens < text.FIRST, axis=1) > 0
    values: list[Any] = []
    for row, stop in zip(tokens, ended, strict=True):
        if row[0] == text.MISSING:
            values.append(None)
            continue
        words = row[~stop].tolist()
        matcher = rules.start.deep_copy()
        taken = matcher.try_consume_tokens(words)
        written = words[:taken]
        if taken < len(words) or not matcher.is_accepting():
            written += _rest(rules, written)
        value = json.loads(b"".join(pieces[word] for word in written))
        values.append(value if params["style"] is None else json.dumps(value, **params["style"]))
    return restore(pd.Series(values, dtype=object), column)


def _rest(rules: Grammar, written: list[int]) -> list[int]:
    """The tokens that end a text that stops in the middle."""
    walk = rules.walk(1)
    walk.matchers[0].try_consume_tokens(written)
    for word in written:
        walk.inside[0] = rules.after[walk.inside[0], word]
    return walk.ending(0)


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    """As `text.allowed`; one exact value is one JSON text, however it is written."""
    if condition.values and len(condition.values) == 1:
        wanted = pd.Series([condition.values[0]], dtype=object)
        try:
            values = json_values(wanted, column.name, native(column))
        except SchemaError as error:
            raise ConditionError(str(error)) from None
        (one,) = _canonical(wanted, values, json.loads(params["shape"]))
        condition = dataclasses.replace(condition, values=(one,))
    return text.allowed(params, dataclasses.replace(column, python="str", dtype="object"), condition)


def grammar(params: Params, column: Column) -> Grammar:
    """The grammar of the column's values over the tokens of its slots; compiled once.

    Raises SchemaError for a schema that cannot be compiled.
    """
    try:
        return _grammar(params["shape"], params["vocabulary"])
    except SchemaError as error:
        raise SchemaError(f"column '{column.name}': {error}") from None


@lru_cache(maxsize=64)
def _grammar(shape: str, vocabulary: str) -> Grammar:
    pieces = text.token_pieces(vocabulary)
    words = Vocabulary.of(vocabulary)

    def encoded(letters: bytes) -> list[int]:
        return [word + text.FIRST for word in words.encode([letters.decode("utf-8", "ignore")])[0]]

    special = (text.STOP, text.MISSING)
    return Grammar(json.loads(shape), byte_tokenizer(pieces, text.STOP, special, encoded), len(pieces))
