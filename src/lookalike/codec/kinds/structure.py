"""JSON columns: text whose grammar is known, so that whatever is decoded parses and satisfies its schema.

The cells are dicts and lists, or JSON text. What is learned is their canonical text (`shape.canonical`) by
the codec of texts; what a row may be is said by the grammar of the column's JSON Schema, which is given or
inferred.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.celltext import Asked, Extent, JsonSchema
from lookalike.codec.grammar import Grammar, byte_tokenizer
from lookalike.codec.kinds import text
from lookalike.codec.kinds.text import asked, literals, note
from lookalike.codec.learned import LEARNED, UNKNOWN
from lookalike.codec.shape import canonical, check_shape, infer_shape
from lookalike.codec.slot import Array, Slot
from lookalike.codec.vocabulary import Vocabulary
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError, SchemaError
from lookalike.table.column import Column
from lookalike.table.dtypes import restore
from lookalike.table.nested import json_values

__all__ = [
    "allowed", "analyse", "asked", "choices", "decode", "encode", "grammar", "learned", "literals", "native",
    "note", "of", "read", "shape", "slots", "write",
]  # fmt: skip

_LOOKED_AT = 200  # JSON texts from which their style is seen
_STYLES: list[dict[str, Any]] = [
    {"separators": [item, key], "ensure_ascii": ascii, "indent": indent}
    for indent in (None, 1, 2, 4)
    for item, key in ([(", ", ": "), (",", ":")] if indent is None else [(",", ": ")])
    for ascii in (True, False)
]


@dataclass(frozen=True)
class Params(text.Params):
    """What is learned of JSON: of its canonical texts, and

    shape: JSON of the schema; style: how JSON text is written, None for cells that are dicts and lists.
    """

    shape: str
    style: dict[str, Any] | None


def of(facts: dict[str, Any]) -> Params:
    return Params(**facts)


def analyse(series: pd.Series, column: Column, rare: int) -> text.Draft:
    """Raises SchemaError for a cell that is no JSON, or that contradicts the schema that was given."""
    present = series.dropna()
    values = json_values(present, column.name, native(column))
    if column.json_schema is not None:
        check_shape(values, column.json_schema, column.name)
    found = infer_shape(list(values), rare) if column.json_schema is None else column.json_schema
    written, style = (
        json.dumps(found, ensure_ascii=False),
        None if native(column) else _style(present, values),
    )

    def finish(words: text.Params) -> Params:
        return Params(words.vocabulary, words.width, words.longer, words.counts, written, style)

    return text.Draft(_canonical(series, values, found), True, room, finish)


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
    return text.encode(params, _canonical(series, values, json.loads(params.shape)), column)


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    """Every value parses and satisfies the schema: from the first token that the grammar refuses, and where
    the tokens stop too soon, a row is brought to the end that comes soonest.
    """
    rules, pieces = grammar(params, column), text.token_pieces(params.vocabulary)
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
        values.append(value if params.style is None else json.dumps(value, **params.style))
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
        (one,) = _canonical(wanted, values, json.loads(params.shape))
        condition = dataclasses.replace(condition, values=(one,))
    return text.allowed(params, dataclasses.replace(column, python="str", dtype="object"), condition)


def grammar(params: Params, column: Column) -> Grammar:
    """The grammar of the column's values over the tokens of its slots; compiled once.

    Raises SchemaError for a schema that cannot be compiled.
    """
    try:
        return _grammar(params.shape, params.vocabulary)
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


# --- JSON text -----------------------------------------------------------------------------------------


def shape(
    params: Params | Asked, column: Column, condition: Condition | None = None, extent: Extent | None = None
) -> JsonSchema:
    """With `Asked`, the type of JSON as text: none of its keys is told."""
    if isinstance(params, Asked):
        return text.shape(params, column)
    if condition is not None and condition.values is not None:
        values = json_values(pd.Series(condition.values, dtype=object), column.name, native(column))
        wanted = [json.loads(_exact(value, params)) for value in values]
        return {"enum": [*wanted, *([None] if condition.missing else [])]}
    own = json.loads(params.shape)
    nullable = extent is None or extent.nullable
    if not nullable or (condition is not None and not condition.missing):
        return _moved(own, f"#/properties/{_pointer(column)}")
    return {"anyOf": [_moved(own, f"#/properties/{_pointer(column)}/anyOf/0"), {"type": "null"}]}


def _pointer(column: Column) -> str:
    return str(column.name).replace("~", "~0").replace("/", "~1")


def _moved(shape: Any, place: str) -> Any:
    """A schema that stands inside of another one: what refers to its root refers to its place there."""
    if isinstance(shape, list):
        return [_moved(item, place) for item in shape]
    if not isinstance(shape, dict):
        return shape
    found = {key: _moved(item, place) for key, item in shape.items() if key not in ("$schema", "$id")}
    target = shape.get("$ref")
    if isinstance(target, str) and target.startswith("#"):
        found["$ref"] = place + target[1:]
    return found


def write(params: Params | Asked, column: Column, series: pd.Series) -> Array:
    """With `Asked`, a JSON string that holds the JSON text as it stands in the table."""
    if isinstance(params, Asked):
        return text.write(params, column, series)
    present = series.notna().to_numpy(bool)
    texts = np.full(len(series), "null", dtype=object)
    values = json_values(series[present], column.name, native(column))
    texts[present] = [_exact(value, params) for value in values]
    return texts


def _exact(value: Any, params: Params) -> str:
    return canonical(value, json.loads(params.shape)).replace("\x7f", "\\u007f")


def read(
    params: Params | Asked,
    column: Column,
    cells: Array,
    rng: np.random.Generator | None = None,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    if isinstance(params, Asked):
        return text.read(params, column, cells)
    style, values = params.style, []
    for cell in cells:
        value = None if cell is None else json.loads(cell)
        values.append(value if value is None or style is None else json.dumps(value, **style))
    return restore(pd.Series(values, dtype=object), column)


# --- what was learned ----------------------------------------------------------------------------------


def learned(params: Params, column: Column, values: pd.Series) -> Array:
    return np.array([LEARNED if _is_json(cell, column) else UNKNOWN for cell in values], dtype=int)


def _is_json(cell: object, column: Column) -> bool:
    try:
        json_values(pd.Series([cell], dtype=object), column.name, native(column))
    except SchemaError:
        return False
    return True


def choices(params: Params, column: Column, value: object) -> str:
    return "it holds JSON"
