"""The records of a table as tokens of a language model's own tokenizer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
KNOWN = 50_000  # records whose tokens are kept
SAMPLE = '{"a":"a b  c"}'  # signs that every record has


class Tokens:
    """Cells of records <-> tokens.

    A record has the tokens that the tokenizer gives its whole text, as in the texts that the language model
    was trained on: there `","` between two fields is one token, and field by field it is two others. most:
    tokens of a record, longer ones are cut.
    """

    def __init__(self, serialised: Serialised, backbone: PretrainedLM, vocabulary: int, most: int):
        self.serialised, self.most, self.vocabulary = serialised, most, vocabulary
        self.end = int(backbone.tokenizer.eos_token_id)
        try:
            import llguidance.hf
        except ImportError:
            raise MissingDependency("llguidance", "pretrained") from None
        self.tokenizer = llguidance.hf.from_tokenizer(backbone.tokenizer, n_vocab=vocabulary)
        self.known: dict[str, list[int]] = {}
        self.grammars: dict[str, Grammar] = {}
        if self.text(self._tokens(SAMPLE)) != SAMPLE:
            raise ModelError(
                f"the tokenizer of {backbone.name} loses spaces or signs of JSON: name another backbone."
            )

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

    def begun(self, cells: Sequence[str | None], given: Sequence[int], after: int) -> list[int]:
        """The tokens of a record that begins with the given columns, up to the name of the column `after`.

        The quotation mark behind the name is left out: its token is joined with what follows.
        """
        name = self.serialised.fragment(after, "", False).removesuffix('":')
        return self._tokens(self.serialised.begun([str(cell) for cell in cells], given) + name)

    def record(self, cells: Sequence[str | None], order: Sequence[int]) -> list[int]:
        """The tokens of a whole record, cut to `most`."""
        text = self.serialised.text([str(cell) for cell in cells], order)
        tokens = self.known.get(text)
        if tokens is None:
            tokens = self._tokens(text)
            if len(self.known) < KNOWN and list(order) == sorted(order):  # other orders hardly come again
                self.known[text] = tokens
        return [*tokens, self.end][: self.most]

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
