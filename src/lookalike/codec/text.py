"""Text columns (and code, which is text in a language): runs of the sub-words and phrases of `vocabulary.py`.

Tokens: 0 = stop (the text ends), 1 = missing, then those of the vocabulary. A text is a run of them: it takes
as many slots as it needs, up to `LONGEST`; what is longer is cut. Any bytes can be written, so no word is
unknown. Decoding gives valid UTF-8 whatever the tokens: broken bytes are dropped.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array, Params, Slot, plain_slot
from lookalike.codec.vocabulary import Vocabulary
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError
from lookalike.table.column import Column
from lookalike.table.dtypes import restore

LONGEST = 2048  # tokens of a text
STOP, MISSING, FIRST = 0, 1, 2
LETTERS = 8 * LONGEST  # longer strings are cut before they are read


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    """texts: what is written as sub-words; those of a record are learned together, by `learn`."""
    return {"texts": series}


def room(longest: int) -> int:
    """Slots for texts of up to so many."""
    return longest


def learn(
    columns: list[pd.Series], formal: list[bool], rooms: list[Callable[[int], int]], rare: int
) -> list[Params]:
    """What is learned of the texts of each column.

    They share one vocabulary, so that one can take up words of another. formal: which are code or JSON;
    rooms: the `room` of each. vocabulary: its `text`; width: slots, `LONGEST` in all; longer: how many texts
    were cut; counts: (2, tokens) training rows of each token at the first slot, and at all the others.
    """
    missing = [series.isna().to_numpy(bool) for series in columns]
    texts = [_strings(series[~gone]) for series, gone in zip(columns, missing, strict=True)]
    vocabulary = Vocabulary.learn(texts, formal, rare)
    read = [_encode_distinct(vocabulary, own) for own in texts]
    longest = [1 + max(map(len, encoded), default=0) for encoded, _ in read]
    widths = _narrowed([room(most) for room, most in zip(rooms, longest, strict=True)])
    found: list[Params] = []
    for own, (encoded, codes), gone, width in zip(texts, read, missing, widths, strict=True):
        rows = np.bincount(codes, minlength=len(encoded))
        counts = np.zeros((2, vocabulary.size + FIRST))
        counts[0, MISSING] = gone.sum()
        for ids, n in zip(encoded, rows, strict=True):  # a matrix of all rows may not fit the memory
            run = _run(ids, width)
            counts[0, run[0]] += n
            np.add.at(counts[1], run[1:], n)
        longer = [len(text) >= LETTERS or len(encoded[i]) > width for text, i in zip(own, codes, strict=True)]
        found.append({"vocabulary": vocabulary.text, "width": width, "longer": sum(longer), "counts": counts})
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
    first, rest = params["counts"]
    seen = first + rest
    seen[[STOP, MISSING]] = 0
    # a sub-word may stand where the training rows happen not to have it
    both = [np.where((counts == 0) & (seen > 0), 0.01, counts) for counts in (first, rest)]
    found = [plain_slot(column.name, "", counts, ends=(STOP, MISSING), run=True) for counts in both]
    return [found[min(i, 1)] for i in range(params["width"])]


def _encode_distinct(vocabulary: Vocabulary, strings: list[str]) -> tuple[list[list[int]], Array]:
    """Tokens of the distinct strings, and which of them every string is."""
    codes, distinct = pd.factorize(np.array([*strings, None], dtype=object)[:-1])
    return vocabulary.encode(list(distinct)), codes


def _run(ids: list[int], width: int) -> Array:
    """The tokens of one text, with its stop if there is room for it."""
    run = np.array(ids[:width] + [STOP - FIRST] * (len(ids) < width), dtype=np.int32)
    return run + np.int32(FIRST)


def _tokens(encoded: list[list[int]], codes: Array, width: int, missing: Array) -> Array:
    """(rows, width) tokens of rows that are missing or one of the encoded strings."""
    table = np.full((len(encoded) + 1, width), -1, dtype=np.int32)
    for row, ids in zip(table, encoded, strict=False):
        run = _run(ids, width)
        row[: len(run)] = run
    tokens = np.full((len(missing), width), -1, dtype=np.int32)
    tokens[~missing] = table[codes]
    tokens[missing, 0] = MISSING
    return tokens


def encode(params: Params, series: pd.Series, column: Column) -> tuple[Array, Array]:
    missing = series.isna().to_numpy(bool)
    encoded, codes = _encode_distinct(Vocabulary.of(params["vocabulary"]), _strings(series[~missing]))
    tokens = _tokens(encoded, codes, params["width"], missing)
    if params["counts"][0, MISSING] == 0:
        tokens[missing, 0] = -1
    return tokens, np.zeros(tokens.shape, dtype=np.int16)


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None,
) -> pd.Series:
    ended = np.cumsum((tokens < FIRST) | (tokens < 0), axis=1) > 0
    pieces = token_pieces(params["vocabulary"])
    rows = np.where(ended, 0, tokens).tolist()  # the pieces of stop and missing are empty
    get = pieces.__getitem__
    texts: list[str | None] = [b"".join(map(get, row)).decode("utf-8", "ignore") for row in rows]
    for row in np.flatnonzero(tokens[:, 0] == MISSING):
        texts[row] = None
    return restore(pd.Series(texts, dtype=object), column)


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    tokens = params["counts"].shape[1]
    nullable = params["counts"][0, MISSING] > 0
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
