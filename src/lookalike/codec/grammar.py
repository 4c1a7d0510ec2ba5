"""Which tokens may come next, so that what is decoded is JSON of a schema: by the library llguidance.

The JSON is compact: no white space, keys in the order of the schema's `properties`. A walk follows many rows
at once. A row can be told to come to an end: of what the grammar allows, only what ends soonest is left.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.errors import MissingDependency, SchemaError, first_line

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

_ENDING = 10_000  # tokens; an ending that is longer than this does not come
_OUTSIDE, _INSIDE, _ESCAPED = range(3)  # of a JSON string; after its backslash
_NEVER = 127
_REFUSED = "doesn't satisfy the grammar"  # in what llguidance says of a token that is not allowed
_WRITTEN = {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}


def _library() -> Any:
    try:
        import llguidance
        import llguidance.numpy
    except ImportError:
        raise MissingDependency("llguidance") from None
    return llguidance


class _Vocabulary:
    """What llguidance asks of a tokenizer."""

    bos_token_id = None

    def __init__(
        self, pieces: list[bytes], stop: int, special: list[int], encode: Callable[[bytes], list[int]]
    ) -> None:
        self.tokens, self.eos_token_id, self.special_token_ids = pieces, stop, special
        self.encode = encode

    def __call__(self, text: bytes) -> list[int]:
        return self.encode(text)


def byte_tokenizer(
    pieces: list[bytes], stop: int, special: Collection[int], encode: Callable[[bytes], list[int]]
) -> LLTokenizer:
    """A vocabulary as llguidance knows it; ids are places in `pieces`.

    pieces: the bytes of every token, b"" of those that stand for no text. stop: the token that ends a text.
    special: tokens that no text holds. encode: bytes -> tokens.
    Raises MissingDependency without llguidance.
    """
    library = _library()
    vocabulary = _Vocabulary(pieces, stop, sorted({*special, stop}), encode)
    return library.LLTokenizer(
        library.TokenizerWrapper(vocabulary),
        n_vocab=len(pieces),
        eos_token=stop,
        slices=library.LLTokenizer.json_slices(),
    )


class Grammar:
    """The compact JSON texts of a JSON Schema, as tokens of a vocabulary; compiled once, for many walks.

    tokens: how many tokens a mask has; those beyond the tokenizer's are never allowed.
    Raises SchemaError for a schema that is invalid or uses what llguidance cannot compile.
    """

    def __init__(self, schema: dict[str, Any], tokenizer: LLTokenizer, tokens: int) -> None:
        library = _library()
        try:
            text = library.LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=_WRITTEN)
        except ValueError as error:
            raise SchemaError(_unusable(first_line(error))) from None
        self.start: LLMatcher = library.LLMatcher(tokenizer, text, log_level=0)
        if self.start.is_error():
            raise SchemaError(_unusable(first_line(Exception(self.start.get_error()))))
        self.tokens = tokens
        self.stop = tokenizer.eos_token
        self.executor = library.LLExecutor()
        self.width = (tokenizer.vocab_size + 31) // 32  # 32-bit words of a mask
        pieces = [
            b"" if tokenizer.is_special_token(token) else tokenizer.decode_bytes([token])
            for token in range(min(tokens, tokenizer.vocab_size))
        ]
        pieces += [b""] * (tokens - len(pieces))
        self.after = _after(pieces)
        self.rank = _rank(pieces, self.stop)

    def walk(self, rows: int) -> Walk:
        """Rows that are at the beginning."""
        return Walk(self, [self.start.deep_copy() for _ in range(rows)])


class Walk:
    """Where each of many rows is in a grammar."""

    def __init__(self, grammar: Grammar, matchers: list[LLMatcher]) -> None:
        self.grammar = grammar
        self.matchers = matchers
        self.inside = np.zeros(len(matchers), dtype=np.int8)  # of a string, see _OUTSIDE

    def mask(self, rows: Array, closing: Array | None = None) -> Array:
        """(len(rows), tokens) bool: the tokens that may come next, as `bits`."""
        return _unpacked(self.bits(rows, closing), self.grammar.tokens)

    def bits(self, rows: Array, closing: Array | None = None) -> Array:
        """(len(rows), words) int32: the tokens that may come next; the stop token where the JSON is complete.

        Token t is bit t % 32 of word t // 32. rows: row numbers. closing: (len(rows),) bool, rows that have
        to come to an end: of their tokens only those that end soonest are left. Raises SchemaError where
        the schema is too intricate to follow.
        """
        grammar = self.grammar
        numbers = [int(row) for row in rows]
        bits = np.zeros((len(numbers), grammar.width), dtype=np.int32)
        if numbers:
            jobs = [(self.matchers[row], place) for place, row in enumerate(numbers)]
            _library().numpy.fill_next_token_bitmask_par(grammar.executor, jobs, bits)
        some = bits.any(axis=1)
        if not some.all():
            self._explain(numbers[int(np.argmin(some))])
        if closing is not None and closing.any():
            ends = np.flatnonzero(closing)
            allowed = _unpacked(bits[ends], grammar.tokens)
            rank = np.where(allowed, grammar.rank[self.inside[np.asarray(numbers)[ends]]], _NEVER)
            bits[ends] = _packed(rank == rank.min(axis=1, keepdims=True), grammar.width)
        return bits

    def take(self, rows: Array, tokens: Array) -> None:
        """Goes on by one token in each of the rows.

        Raises ValueError for a token that was not allowed, SchemaError as `mask`.
        """
        numbers = [int(row) for row in rows]
        jobs = [(self.matchers[row], int(token)) for row, token in zip(numbers, tokens, strict=True)]
        taken = self.grammar.executor.consume_token_par(jobs) if jobs else []
        if not all(taken):
            at = taken.index(False)
            if _REFUSED not in self.matchers[numbers[at]].get_error():
                self._explain(numbers[at])
            raise ValueError(f"token {int(tokens[at])} may not come next in row {numbers[at]}")
        self.inside[numbers] = self.grammar.after[self.inside[numbers], np.asarray(tokens, dtype=np.int64)]

    def select(self, rows: Array) -> None:
        """Keeps these rows in this order; a row may come twice."""
        numbers = [int(row) for row in rows]
        seen: set[int] = set()
        kept = []
        for row in numbers:
            kept.append(self.matchers[row].deep_copy() if row in seen else self.matchers[row])
            seen.add(row)
        self.matchers, self.inside = kept, self.inside[numbers]

    def ending(self, row: int) -> list[int]:
        """The tokens that end a row from where it is, without the stop token; the row stays where it is."""
        alone = Walk(self.grammar, [self.matchers[row].deep_copy()])
        alone.inside = self.inside[[row]]
        only, closing = np.zeros(1, dtype=np.int64), np.ones(1, dtype=bool)
        tokens: list[int] = []
        while len(tokens) < _ENDING:
            token = int(alone.mask(only, closing)[0].argmax())
            if token == self.grammar.stop:
                return tokens
            alone.take(only, np.array([token]))
            tokens.append(token)
        raise SchemaError("the JSON schema never comes to an end: let no part of it require itself.")

    def _explain(self, row: int) -> None:
        said = first_line(Exception(self.matchers[row].get_error() or "nothing may come next"))
        raise SchemaError(_unusable(said))


def _unpacked(bits: Array, tokens: int) -> Array:
    """(rows, words) int32 -> (rows, tokens) bool."""
    allowed = np.zeros((len(bits), tokens), dtype=bool)
    unpacked = np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little")
    known = min(tokens, unpacked.shape[1])
    allowed[:, :known] = unpacked[:, :known]
    return allowed


def _packed(allowed: Array, words: int) -> Array:
    """(rows, tokens) bool -> (rows, words) int32."""
    found = np.zeros((len(allowed), 4 * words), dtype=np.uint8)
    packed = np.packbits(allowed, axis=1, bitorder="little")
    found[:, : packed.shape[1]] = packed
    return found.view(np.int32)


def _unusable(reason: str) -> str:
    return f"the JSON schema cannot be followed by the grammar library llguidance ({reason}): simplify it."


def _after(pieces: list[bytes]) -> Array:
    """(3, tokens) where a token that is read _OUTSIDE, _INSIDE or _ESCAPED leaves the row."""
    after = np.zeros((3, len(pieces)), dtype=np.int8)
    for token, piece in enumerate(pieces):
        for start in range(3):
            state = start
            for byte in piece:
                if state == _ESCAPED:
                    state = _INSIDE
                elif byte == ord('"'):
                    state = _OUTSIDE if state == _INSIDE else _INSIDE
                elif byte == ord("\\") and state == _INSIDE:
                    state = _ESCAPED
            after[start, token] = state
    return after


def _rank(pieces: list[bytes], stop: int) -> Array:
    """(3, tokens) how soon a token leads to the end, 0 = it is the end; by the states of `_after`."""
    first = {
        letter: rank for rank, letters in enumerate(["123456789", "0.", "-", "[", "{"]) for letter in letters
    }
    rank = np.full((3, len(pieces)), 20, dtype=np.int8)
    for token, piece in enumerate(pieces):
        if not piece:
            rank[:, token] = _NEVER
            continue
        text = piece.decode("latin-1")
        # outside of strings: what closes; the empty string; what has to stand between; the shortest values
        if not text.strip("]}"):
            rank[_OUTSIDE, token] = 1
        elif text.startswith('""') and not text[2:].strip("]}"):
            rank[_OUTSIDE, token] = 2
        elif text == '"':
            rank[_OUTSIDE, token] = 3
        elif text in (",", ":"):
            rank[_OUTSIDE, token] = 4
        elif text in ("true", "false", "null"):
            rank[_OUTSIDE, token] = 5
        elif len(text) == 1:
            rank[_OUTSIDE, token] = 6 + first.get(text, 2)
        # inside: the quote; where it may not come, a key or the like goes on, which long tokens do soonest;
        # but single bytes complete a letter of several
        if text[0] == '"':
            rank[_INSIDE, token] = 1 if not text[1:].strip("]}") else 2
        elif text[0] != "\\":
            rank[_INSIDE, token] = 3 + max(0, 8 - len(text)) if text.isascii() else 12 + (len(text) > 1)
        if len(text) == 1:
            rank[_ESCAPED, token] = 2 if text == "u" else 1
    rank[:, stop] = 0
    return rank
