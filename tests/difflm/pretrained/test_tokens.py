"""The records of a table as tokens of a language model's own tokenizer."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tokenizers
from tokenizers import decoders

from lookalike import Schema
from lookalike.codec.serialised import Serialised
from lookalike.difflm.pretrained import hub
from lookalike.difflm.pretrained.tokens import Tokens, lengths, padded
from lookalike.errors import ModelError
from tests.difflm.pretrained.models import made, untrained


@pytest.fixture(params=["gpt2", "mistral"])
def tokens(
    request: pytest.FixtureRequest, people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path]
) -> Tokens:
    return untrained(made(backbone(request.param)), people, schema).records.tokens


def test_a_record_is_the_tokens_of_its_text(tokens: Tokens, people: pd.DataFrame) -> None:
    serialised: Serialised = tokens.serialised
    for cells in serialised.cells(people)[:20]:
        for order in ([0, 1, 2, 3, 4], [3, 0, 4, 1, 2]):
            record = tokens.record(cells, order)
            assert record[-1] == tokens.end and tokens.end not in record[:-1]
            assert tokens.text(record[:-1]) == serialised.text(cells, order)


def test_a_record_has_the_tokens_of_its_whole_text(tokens: Tokens, people: pd.DataFrame) -> None:
    """As a language model has read such texts, and not those of its fields one by one."""
    joined = 0
    for cells in tokens.serialised.cells(people)[:20]:
        record = tokens.record(cells, range(5))
        assert record[:-1] == tokens.tokenizer.tokenize_str(tokens.serialised.text(cells, range(5)))
        joined += sum(tokens.pieces[token][:2] == b'",' for token in record)
    assert joined > 20


def test_what_is_given_has_the_tokens_that_it_has_in_a_whole_record(
    people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path]
) -> None:
    """Where a tokenizer holds words and punctuation apart, as all that read bytes do."""
    tokens = untrained(made(backbone("gpt2")), people, schema).records.tokens
    for cells in tokens.serialised.cells(people)[:20]:
        for order in ([4, 1, 0, 2, 3], [4, 1, 3, 2, 0]):
            begun = tokens.begun(cells, order[:2], order[2])
            assert begun == tokens.record(cells, order)[: len(begun)]


def test_what_is_given_ends_in_the_name_of_the_next_column(tokens: Tokens, people: pd.DataFrame) -> None:
    for cells in tokens.serialised.cells(people)[:20]:
        text = tokens.text(tokens.begun(cells, [1, 4], 2))
        assert text == tokens.serialised.text(cells, [1, 4])[:-1] + ',"pay'


def test_a_long_record_is_cut(tokens: Tokens, people: pd.DataFrame) -> None:
    cells = tokens.serialised.cells(people)[0]
    whole = tokens.record(cells, range(5))
    tokens.most = 7
    assert tokens.record(cells, range(5)) == whole[:7]


def test_texts_keep_their_spaces_where_a_tokenizer_joins_bytes_in_two_ways(
    people: pd.DataFrame,
    schema: Schema,
    backbone: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As transformers 5.17 reads the tokenizer of a GGUF file."""
    folder = Path(shutil.copytree(backbone("gpt2"), tmp_path / "own"))
    own = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    ways = [decoders.ByteFallback(), decoders.Fuse(), decoders.Replace("▁", " "), decoders.ByteLevel()]
    own.decoder = decoders.Sequence(ways)
    own.save(str(folder / "tokenizer.json"))
    tokens = untrained(made(folder), people, schema).records.tokens
    assert {b" ", b"  "} & set(tokens.pieces)
    for cells in tokens.serialised.cells(people)[:20]:
        assert tokens.text(tokens.record(cells, range(5))[:-1]) == tokens.serialised.text(cells, range(5))
    monkeypatch.setattr(hub, "_one_way_of_bytes", lambda _: None)
    with pytest.raises(ModelError, match=r"the tokenizer of .*own loses spaces"):
        untrained(made(folder), people, schema)


def test_records_of_different_lengths_are_padded_at_the_right() -> None:
    records = [[5, 6, 7], [8], [9, 10]]
    rows, mask = padded(records, 0)
    assert rows.tolist() == [[5, 6, 7], [8, 0, 0], [9, 10, 0]]
    assert mask.sum(1).tolist() == lengths(records).tolist() == [3, 1, 2]
    assert np.array_equal(mask.numpy().argmin(1)[1:], [1, 2])
