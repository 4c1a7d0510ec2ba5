"""The records of a table as tokens of a language model's own tokenizer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lookalike.codec.celltext import JsonSchema
from lookalike.codec.grammar import Grammar
from lookalike.codec.serialised import Serialised
from lookalike.codec.slot import Array
from lookalike.codec.where import Where
from lookalike.difflm.pretrained.hub import PretrainedLM
from lookalike.errors import MissingDependency, ModelError

GRAMMARS = 64  # compiled ones that are kept
SAMPLE = '{"a":"a b  c"}'  # signs that every record has


class Tokens:
    """Cells of records <-> tokens.

    Every field is tokenised by itself, so that a record that begins with given fields has the same tokens
    in training and in sampling. most: tokens of a record, longer ones are cut.
    """

    def __init__(self, serialised: Serialised, backbone: PretrainedLM, vocabulary: int, most: int):
        self.serialised, self.most, self.vocabulary = serialised, most, vocabulary
        self.end = int(backbone.tokenizer.eos_token_id)
        try:
            import llguidance.hf
        except ImportError:
            raise MissingDependency("llguidance", "pretrained") from None
        self.tokenizer = llguidance.hf.from_tokenizer(backbone.tokenizer, n_vocab=vocabulary)
        self.known: dict[tuple[int, str, bool], list[int]] = {}
        self.grammars: dict[str, Grammar] = {}
        if self.text(self._tokens(SAMPLE)) != SAMPLE:
            raise ModelError(
                f"the tokenizer of {backbone.name} loses spaces or signs of JSON: name another backbone."
            )
        self.closed = self._tokens("}")

    @cached_property
    def pieces(self) -> list[bytes]:
        """The bytes of every token; none of those that no text holds."""
        tokenizer = self.tokenizer
        return [
            b"" if tokenizer.is_special_token(token) else tokenizer.decode_bytes([token])
            for token in range(self.vocabulary)
        ]

    def _tokens(self, text: str) -> list[int]:
        tokens: list[int] = self.tokenizer.tokenize_str(text)
        if self.tokenizer.decode_bytes(tokens) != text.encode():  # a tokenizer that rewrites what it reads
            tokens = self.tokenizer.greedy_tokenize(text)
        return tokens

    def fields(self, cells: Sequence[str | None], order: Iterable[int]) -> list[int]:
        """The tokens of the fields in this order, without the end of the record."""
        found: list[int] = []
        for i, place in enumerate(order):
            key = (place, str(cells[place]), i == 0)
            tokens = self.known.get(key)
            if tokens is None:
                tokens = self.known[key] = self._tokens(self.serialised.fragment(*key))
            found += tokens
        return found

    def record(self, cells: Sequence[str | None], order: Iterable[int]) -> list[int]:
        """The tokens of a whole record, cut to `most`."""
        return [*self.fields(cells, order), *self.closed, self.end][: self.most]

    def text(self, tokens: list[int]) -> str:
        return str(self.tokenizer.decode_bytes(tokens).decode("utf-8"))

    def grammar(self, order: Sequence[int], where: Where | None, given: Collection[int]) -> Grammar:
        """The grammar of records with the columns in this order, narrowed by the conditions."""
        schema: JsonSchema = self.serialised.schema(order, where, given)
        key = repr(schema)
        if key not in self.grammars:
            if len(self.grammars) >= GRAMMARS:
                self.grammars.clear()
            self.grammars[key] = Grammar(schema, self.tokenizer, self.vocabulary)
        return self.grammars[key]


def padded(records: Sequence[Sequence[int]], pad: int) -> tuple[Tensor, Tensor]:
    """(rows, tokens) of records of different lengths, padded at the right, and where there is a token."""
    longest = max(map(len, records))
    tokens = np.full((len(records), longest), pad, dtype=np.int64)
    mask = np.zeros((len(records), longest), dtype=bool)
    for row, record in enumerate(records):
        tokens[row, : len(record)], mask[row, : len(record)] = record, True
    return torch.from_numpy(tokens), torch.from_numpy(mask)


def encoder_tokens(encoder: PretrainedLM, texts: Sequence[str], most: int) -> list[list[int]]:
    """Texts as the tokens of an encoder that was named."""
    found: Any = encoder.tokenizer(list(texts), truncation=True, max_length=most, padding=False)
    return [list(ids) for ids in found["input_ids"]]


def lengths(records: Sequence[Sequence[int]]) -> Array:
    """(rows,) tokens of each record."""
    return np.array([len(record) for record in records])
