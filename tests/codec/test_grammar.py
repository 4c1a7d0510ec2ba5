"""Walks through a grammar: what is drawn from the masks is JSON of the schema, however soon it has to end."""

import json
import sys
from typing import Any

import numpy as np
import pytest
import tokenizers as tk
from jsonschema import Draft202012Validator

from lookalike.codec.grammar import Grammar, byte_tokenizer
from lookalike.codec.shape import canonical, infer_shape
from lookalike.codec.vocabulary import _pieces
from lookalike.errors import MissingDependency, SchemaError
from tests.paths import DATA

BFCL = [json.loads(line) for line in (DATA / "bfcl.jsonl").open(encoding="utf-8")]
FUNCTIONS = [row["function"] for row in BFCL]
SHAPE = infer_shape(FUNCTIONS)
GIVEN = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[a-z]{2}-[0-9]{3}$"},
        "when": {"type": "string", "format": "date"},
        "price": {"type": "number", "minimum": 0.001, "maximum": 0.05},
        "tags": {"type": "array", "items": {"type": "string", "minLength": 3}, "minItems": 2},
        "tree": {"$ref": "#/$defs/tree"},
        "any": {},
    },
    "required": ["id", "when", "price", "tags", "any"],
    "additionalProperties": False,
    "$defs": {
        "tree": {
            "type": "object",
            "properties": {"left": {"$ref": "#/$defs/tree"}, "size": {"enum": [1, 25, None]}},
            "additionalProperties": False,
        }
    },
}


def vocabulary() -> tuple[list[bytes], Any]:
    """800 sub-words of BFCL at the places 2 and on, as in the slots of a text."""
    tokenizer = tk.Tokenizer(tk.models.BPE())
    tokenizer.pre_tokenizer = tk.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = tk.trainers.BpeTrainer(
        vocab_size=800, show_progress=False, initial_alphabet=tk.pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator([canonical(value, SHAPE) for value in FUNCTIONS], trainer)
    return [b"", b"", *_pieces(tokenizer)], tokenizer


PIECES, BPE = vocabulary()


def encode(text: bytes) -> list[int]:
    return [token + 2 for token in BPE.encode(text.decode("utf-8", "ignore")).ids]


TOKENIZER = byte_tokenizer(PIECES, 0, [0, 1], encode)
GRAMMARS = {
    "inferred": Grammar(SHAPE, TOKENIZER, len(PIECES)),
    "given": Grammar(GIVEN, TOKENIZER, len(PIECES)),
}
VALID = {"inferred": Draft202012Validator(SHAPE), "given": Draft202012Validator(GIVEN)}


def drawn(name: str, rows: int, free: int, rng: np.random.Generator, most: int = 600) -> list[bytes]:
    """Random texts that have to end after `free` tokens; fails if one does not within `most` more."""
    walk = GRAMMARS[name].walk(rows)
    texts, live = [b""] * rows, np.arange(rows)
    for step in range(free + most):
        mask = walk.mask(live, np.full(len(live), step >= free))
        assert mask.shape == (len(live), len(PIECES)) and not mask[:, 1].any()
        tokens = np.where(mask, rng.random(mask.shape), -1).argmax(axis=1)
        walk.take(live, tokens)
        for row, token in zip(live, tokens, strict=True):
            texts[row] += PIECES[token]
        live = live[tokens != 0]
        if not len(live):
            return texts
    raise AssertionError(f"{len(live)} rows did not end: {[texts[row] for row in live[:3]]}")


@pytest.mark.parametrize("name", GRAMMARS)
def test_a_walk_that_closes_anywhere_ends_in_valid_json(name: str) -> None:
    rng = np.random.default_rng(0)
    made = [text for free in [*range(40), *range(40, 300, 20)] for text in drawn(name, 8, free, rng)]
    assert len(set(made)) > 300
    for text in made:
        assert VALID[name].is_valid(json.loads(text)), text


def test_what_closes_is_short() -> None:
    """Values that take 100 tokens and more are over in few."""
    walk = GRAMMARS["inferred"].walk(1)
    longest = max(FUNCTIONS, key=lambda value: len(canonical(value, SHAPE)))
    tokens = encode(canonical(longest, SHAPE).encode())
    assert len(tokens) > 200
    left = []
    for token in tokens:
        left.append(len(walk.ending(0)))
        walk.take(np.array([0]), np.array([token]))
    assert max(left) < 60 and walk.ending(0) == []
    assert np.flatnonzero(walk.mask(np.array([0]))[0]).tolist() == [0]


def test_real_values_can_be_walked_and_nothing_else() -> None:
    for value in FUNCTIONS[:20]:
        walk = GRAMMARS["inferred"].walk(1)
        for token in [*encode(canonical(value, SHAPE).encode()), 0]:
            assert walk.mask(np.array([0]))[0, token]
            walk.take(np.array([0]), np.array([token]))
    walk = GRAMMARS["inferred"].walk(3)
    with pytest.raises(ValueError, match="row 2"):
        walk.take(np.array([1, 2]), np.array([PIECES.index(b"["), PIECES.index(b"{")]))


def test_rows_are_kept_dropped_and_doubled() -> None:
    walk = GRAMMARS["given"].walk(3)
    prefixes = [b'{"id":"ab-123"', b'{"id":"a', b"{"]
    for row, text in enumerate(prefixes):
        for token in encode(text):
            walk.take(np.array([row]), np.array([token]))
    before = walk.mask(np.arange(3))
    walk.select(np.array([2, 0, 0]))
    assert (walk.mask(np.arange(3)) == before[[2, 0, 0]]).all()
    comma = PIECES.index(b",")
    walk.take(np.array([1]), np.array([comma]))  # its double stays where it is
    after = walk.mask(np.arange(3))
    assert not after[1, comma] and (after[2] == before[0]).all()
    text = prefixes[0] + b"," + b"".join(PIECES[token] for token in walk.ending(1))
    assert VALID["given"].is_valid(json.loads(text))
    assert len(walk.mask(np.zeros(0, int))) == 0


def test_what_cannot_be_compiled_is_said_so() -> None:
    with pytest.raises(SchemaError, match="uniqueItems"):
        Grammar({"type": "array", "uniqueItems": True}, TOKENIZER, len(PIECES))


def test_an_end_that_never_comes_is_said_so() -> None:
    endless = {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}
    with pytest.raises(SchemaError, match="Too many items"):
        Grammar(endless, TOKENIZER, len(PIECES)).walk(1).ending(0)


def test_without_llguidance_the_error_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llguidance", None)
    with pytest.raises(MissingDependency, match=r"pip install '\.\[difflm\]'"):
        byte_tokenizer(PIECES, 0, [0, 1], encode)
