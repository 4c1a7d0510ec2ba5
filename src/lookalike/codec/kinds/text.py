"""Text columns (and code, which is text in a language): spans of sub-words and phrases of `vocabulary.py`.

Tokens: 0 = stop (the text ends), 1 = missing, then the vocabulary. A text is a span of them: it takes
as many slots as it needs, up to `LONGEST`; what is longer is cut. Any bytes can be written, so no word is
unknown. Decoding gives valid UTF-8 whatever the tokens: broken bytes are dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.celltext import Asked, Extent, JsonSchema, asked_shape, asked_values, distinct, literal
from lookalike.codec.learned import LEARNED
from lookalike.codec.slot import Array, Slot, plain_slot
from lookalike.codec.vocabulary import Vocabulary
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError
from lookalike.table.column import Column
from lookalike.table.dtypes import restore

LONGEST = 2048  # tokens of a text
STOP, MISSING, FIRST = 0, 1, 2
LETTERS = 8 * LONGEST  # longer strings are cut before they are read


SPACELESS = 15.0  # letters a word, on average: above it the language puts no spaces between words


@dataclass(frozen=True)
class Params:
    """What is learned of texts.

    vocabulary: its `text`; width: slots, `LONGEST` in all columns; longer: how many texts were cut; counts:
    (2, tokens) training rows of each token at the first slot, and at all the others.
    """

    vocabulary: str
    width: int
    longer: int
    counts: Array


@dataclass(frozen=True)
class Draft:
    """A column of texts that has been read; the columns of a record are learned together, by `learn`.

    texts: what is written as sub-words; formal: whether it is code or JSON; room: slots for texts of up to so
    many; finish: what is learned of the texts -> the Params of the column's kind.
    """

    texts: pd.Series
    formal: bool
    room: Callable[[int], int]
    finish: Callable[[Params], Any]


def of(facts: dict[str, Any]) -> Params:
    return Params(**facts)


def analyse(series: pd.Series, column: Column, rare: int) -> Draft:
    return Draft(series, column.kind == "code", lambda longest: longest, lambda words: words)


def extent_of(series: pd.Series) -> Extent:
    lengths = series.dropna().map(lambda text: len(str(text)))
    shortest, longest = (int(lengths.min()), int(lengths.max())) if len(lengths) else (0, 0)
    return Extent(bool(series.isna().any()), shortest, longest)


def learn(drafts: Sequence[Draft], rare: int) -> list[Any]:
    """The Params of each column. They share one vocabulary, so that one can take up words of another."""
    missing = [draft.texts.isna().to_numpy(bool) for draft in drafts]
    texts = [_strings(draft.texts[~gone]) for draft, gone in zip(drafts, missing, strict=True)]
    vocabulary = Vocabulary.learn(texts, [draft.formal for draft in drafts], rare)
    read = [_encode_distinct(vocabulary, own) for own in texts]
    longest = [1 + max(map(len, encoded), default=0) for encoded, _ in read]
    widths = _narrowed([draft.room(most) for draft, most in zip(drafts, longest, strict=True)])
    found: list[Any] = []
    for draft, own, (encoded, codes), gone, width in zip(drafts, texts, read, missing, widths, strict=True):
        rows = np.bincount(codes, minlength=len(encoded))
        counts = np.zeros((2, vocabulary.size + FIRST))
        counts[0, MISSING] = gone.sum()
        for ids, n in zip(encoded, rows, strict=True):  # a matrix of all rows may not fit the memory
            span = _span(ids, width)
            counts[0, span[0]] += n
            np.add.at(counts[1], span[1:], n)
        longer = [len(text) >= LETTERS or len(encoded[i]) > width for text, i in zip(own, codes, strict=True)]
        found.append(draft.finish(Params(vocabulary.text, width, sum(longer), counts)))
    return found


def _narrowed(asked: list[int]) -> list[int]:
    """Widths of columns that ask for more slots than a record has: those that ask for most get as many."""
    left = LONGEST
    for done, width in enumerate(sorted(asked)):
        share = left // (len(asked) - done)
        if width > share:
            return [min(own, max(1, share)) for own in asked]
        left -= width
    return asked


def _strings(series: pd.Series) -> list[str]:
    # lone surrogates cannot be written as UTF-8
    return [str(s)[:LETTERS].encode("utf-8", "ignore").decode() for s in series]


def token_pieces(vocabulary: str) -> list[bytes]:
    """The bytes of every token; those of stop and missing are empty."""
    return [b""] * FIRST + Vocabulary.of(vocabulary).pieces


def slots(params: Params, column: Column) -> list[Slot]:
    first, rest = params.counts
    seen = first + rest
    seen[[STOP, MISSING]] = 0
    # a sub-word may stand where the training rows happen not to have it
    both = [np.where((counts == 0) & (seen > 0), 0.01, counts) for counts in (first, rest)]
    found = [plain_slot(column.name, "", counts, ends=(STOP, MISSING), span=True) for counts in both]
    return [found[min(i, 1)] for i in range(params.width)]


def _encode_distinct(vocabulary: Vocabulary, strings: list[str]) -> tuple[list[list[int]], Array]:
    """Tokens of the distinct strings, and which of them every string is."""
    codes, distinct = pd.factorize(np.array([*strings, None], dtype=object)[:-1])
    return vocabulary.encode(list(distinct)), codes


def _span(ids: list[int], width: int) -> Array:
    """The tokens of one text, with its stop if there is room for it."""
    span = np.array(ids[:width] + [STOP - FIRST] * (len(ids) < width), dtype=np.int32)
    return span + np.int32(FIRST)


def _tokens(encoded: list[list[int]], codes: Array, width: int, missing: Array) -> Array:
    """(rows, width) tokens of rows that are missing or one of the encoded strings."""
    table = np.full((len(encoded) + 1, width), -1, dtype=np.int32)
    for row, ids in zip(table, encoded, strict=False):
        span = _span(ids, width)
        row[: len(span)] = span
    tokens = np.full((len(missing), width), -1, dtype=np.int32)
    tokens[~missing] = table[codes]
    tokens[missing, 0] = MISSING
    return tokens


def encode(params: Params, series: pd.Series, column: Column) -> tuple[Array, Array]:
    missing = series.isna().to_numpy(bool)
    encoded, codes = _encode_distinct(Vocabulary.of(params.vocabulary), _strings(series[~missing]))
    tokens = _tokens(encoded, codes, params.width, missing)
    if params.counts[0, MISSING] == 0:
        tokens[missing, 0] = -1
    return tokens, np.zeros(tokens.shape, dtype=np.int16)


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    ended = np.cumsum((tokens < FIRST) | (tokens < 0), axis=1) > 0
    pieces = token_pieces(params.vocabulary)
    rows = np.where(ended, 0, tokens).tolist()  # the pieces of stop and missing are empty
    get = pieces.__getitem__
    texts: list[str | None] = [b"".join(map(get, row)).decode("utf-8", "ignore") for row in rows]
    for row in np.flatnonzero(tokens[:, 0] == MISSING):
        texts[row] = None
    return restore(pd.Series(texts, dtype=object), column)


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    tokens = params.counts.shape[1]
    nullable = params.counts[0, MISSING] > 0
    if condition.missing and not nullable:
        raise ConditionError(f"no value of column '{column.name}' is missing.")
    if condition.low is not None or condition.high is not None:
        raise ConditionError(f"column '{column.name}' holds text, which has no range: name one exact value.")
    values = condition.values
    if values is None or not values:
        share = np.full((tokens, 1), float(values is None))
        share[MISSING] = condition.missing
        return {0: share}
    if len(values) > 1 or condition.missing:
        raise ConditionError(
            f"column '{column.name}' holds text, of which one exact value can be asked for at a time."
        )
    wanted, _ = encode(params, pd.Series([str(values[0])], dtype=object), column)
    back = decode(params, column, wanted, wanted, np.random.default_rng(0), None).iloc[0]
    possible = [
        slot.counts[token, 0] > 0
        for slot, token in zip(slots(params, column), wanted[0], strict=True)
        if token >= 0
    ]
    if str(back) != str(values[0]) or not all(possible):
        raise ConditionError(
            f"the value {values[0]!r} of column '{column.name}' is unlike the texts that were learned: "
            "it cannot be made."
        )
    return {i: np.eye(tokens)[:, [token]] for i, token in enumerate(wanted[0]) if token >= 0}


# --- JSON text -----------------------------------------------------------------------------------------


def literals(params: Params, column: Column) -> list[str]:
    return []


def check(column: Column, condition: Condition, known: Extent) -> None:
    """Raises ConditionError for what no text of a grammar can be; of one, several exact values can be
    asked.
    """
    if condition.low is not None or condition.high is not None:
        raise ConditionError(f"column '{column.name}' holds text, which has no range: name exact values.")
    if condition.missing and not known.nullable:
        raise ConditionError(f"no value of column '{column.name}' is missing.")


def shape(
    params: Params | Asked, column: Column, condition: Condition | None = None, extent: Extent | None = None
) -> JsonSchema:
    if isinstance(params, Asked):
        return asked_shape(params, column.nullable)
    if condition is not None and condition.values is not None:
        wanted: list[Any] = [json.loads(literal(str(value))) for value in condition.values]
        return {"enum": [*wanted, *([None] if condition.missing else [])]}
    known = extent or Extent(True, 0, LETTERS)
    nullable = known.nullable and (condition is None or condition.missing)
    found: JsonSchema = {"type": ["string", "null"] if nullable else "string", "maxLength": known.longest}
    return {**found, "minLength": 1} if known.shortest else found


def write(params: Any, column: Column, series: pd.Series) -> Array:
    missing = series.isna().to_numpy(bool)
    return distinct(series.astype(object), lambda text: literal(str(text)), missing)


def read(
    params: Any,
    column: Column,
    cells: Array,
    rng: np.random.Generator | None = None,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    if isinstance(params, Asked):
        return restore(asked_values(params, cells), column)
    codes, found = pd.factorize(cells)
    texts = np.array([*(json.loads(text) for text in found), None], dtype=object)
    return restore(pd.Series(texts[codes], dtype=object), column)


def asked(series: pd.Series, column: Column, label: bool = False) -> Asked | str:
    """How long the texts are, in words: between the 5th and the 95th percentile; no word of them."""
    texts = series.dropna().map(str)
    words, letters = texts.str.split().str.len(), texts.str.len()
    unit, counts = "words", words
    if letters.sum() > SPACELESS * max(words.sum(), 1):
        unit, counts = "characters", letters
    low, high = (int(x) for x in np.percentile(counts, [5, 95])) if len(counts) else (1, 50)
    said = f"a text of about {max(low, 1)} to {max(high, 2)} {unit}"
    return Asked("string", said, lambda written: str(written).strip())


# --- what was learned ----------------------------------------------------------------------------------


def learned(params: Any, column: Column, values: pd.Series) -> Array:
    return np.full(len(values), LEARNED)


def choices(params: Any, column: Column, value: object) -> str:
    return "it holds text"


def note(params: Params, column: Column, names: bool = True) -> str | None:
    if not params.longer:
        return None
    return (
        f"column '{column.name}': {params.longer:,} of its texts are longer than {params.width:,} sub-words "
        f"or {LETTERS:,} letters, the rest of them is cut off"
    )
