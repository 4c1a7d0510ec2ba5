"""The loop that writes texts, with a stand-in for the language model whose probabilities are known."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lookalike import Schema
from lookalike.codec.grammar import Grammar, byte_tokenizer
from lookalike.difflm.pretrained import cache, writer
from lookalike.difflm.pretrained.vae import VARIANTS
from lookalike.difflm.pretrained.writer import Draft as TrueDraft
from lookalike.difflm.pretrained.writer import _draw, _FieldCounts, write
from lookalike.difflm.sampling.drawing import Drawing
from lookalike.errors import SchemaError
from tests.difflm.pretrained.models import made, untrained

PIECES = [b"", *(bytes([byte]) for byte in range(256))]  # token 0 ends a text
TOKENIZER = byte_tokenizer(PIECES, 0, [], lambda text: [byte + 1 for byte in text])
A = ord("a") + 1


class Draft:
    """What `writer.Draft` is to `write`; the first letter's log odds against all others are the latent."""

    kept: list[torch.Tensor]

    def __init__(self, vae: Any, latent: torch.Tensor, prefix: list[list[int]]):
        self.latent, self.tokens = latent, [list(own) for own in prefix]
        Draft.kept = []

    @property
    def logits(self) -> torch.Tensor:
        found = torch.zeros(len(self.latent), len(PIECES))
        found[:, A] = self.latent[:, 0]
        return found

    def put(self, tokens: torch.Tensor) -> None:
        for own, token in zip(self.tokens, tokens.tolist(), strict=True):
            own.append(token)

    def select(self, rows: torch.Tensor) -> None:
        Draft.kept.append(rows)
        self.latent, self.tokens = self.latent[rows], [list(self.tokens[row]) for row in rows.tolist()]


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "Draft", Draft)


def grammar(first: list[str]) -> Grammar:
    """Records of two columns, the first of which is one of these letters."""
    properties = {"c": {"enum": first}, "d": {"type": "string", "maxLength": 30}}
    schema = {
        "type": "object",
        "properties": properties,
        "required": ["c", "d"],
        "additionalProperties": False,
    }
    return Grammar(schema, TOKENIZER, len(PIECES))


def written(rows: int, latent: torch.Tensor, **more: Any) -> list[bytes]:
    options = {"free": grammar(["a", "b"]), "limit": 1000, "seed": 0} | more
    rules = options.pop("rules", options["free"])
    generator = torch.Generator().manual_seed(options.pop("seed"))
    vae, texts = SimpleNamespace(end=0), [False, True]
    found = write(vae, rules, PIECES, texts, latent, rows, generator, **options)  # type: ignore[arg-type]
    return [b"".join(PIECES[token] for token in tokens) for tokens in found]


def test_candidates_are_taken_as_the_condition_is_likely_for_them() -> None:
    latent = torch.linspace(-3, 3, 400).unsqueeze(1)
    texts = written(200, latent, rules=grammar(["a"]), early=1)
    assert len(texts) == 200 and all(text.startswith(b'{"c":"a","d":"') for text in texts)
    taken = latent[Draft.kept[0], 0]
    weight = torch.sigmoid(latent[:, 0])  # p(a | z), where a and b are possible
    assert float(taken.mean()) == pytest.approx(float((weight * latent[:, 0]).sum() / weight.sum()), abs=0.02)


def test_rows_that_have_one_candidate_keep_it() -> None:
    latent = torch.linspace(-3, 3, 30).unsqueeze(1)
    texts = written(30, latent, rules=grammar(["a"]), early=1)
    assert len(texts) == 30 and all(text.startswith(b'{"c":"a"') for text in texts)
    assert all((rows.diff() > 0).all() for rows in Draft.kept)  # only put aside, never drawn anew


def test_without_a_condition_every_candidate_is_as_good() -> None:
    latent = torch.linspace(-3, 3, 400).unsqueeze(1)
    texts = written(400, latent)
    share = np.mean([text.startswith(b'{"c":"a"') for text in texts])
    assert share == pytest.approx(0.5, abs=0.06)
    assert len(Draft.kept[0]) < 400  # rows that are done are put aside


def test_each_row_has_candidates_of_its_own_where_cells_are_given() -> None:
    prefix = [list(b'{"c":"a","d'), list(b'{"c":"b","d')]
    tokens = [[byte + 1 for byte in own] for own in prefix for _ in range(3)]
    latent = torch.zeros(6, 1)
    weight = torch.tensor([-100.0, 0.0, -100.0, -100.0, -100.0, 0.0])  # the second, the sixth
    seen: list[list[list[int]]] = []
    original = Draft.__init__

    def spy(self: Draft, vae: Any, latent: torch.Tensor, prefix: list[list[int]]) -> None:
        seen.append(prefix)
        original(self, vae, latent, prefix)

    Draft.__init__ = spy  # type: ignore[method-assign]
    try:
        marked = latent + torch.arange(6).unsqueeze(1) * 1e-6
        texts = written(2, marked, prefix=tokens, log_weight=weight, rules=grammar(["a", "b"]))
    finally:
        Draft.__init__ = original  # type: ignore[method-assign]
    assert [text[:8] for text in texts] == [b'{"c":"a"', b'{"c":"b"']
    assert seen == [[tokens[1], tokens[5]]]


def test_rows_near_the_limit_are_closed() -> None:
    texts = written(20, torch.zeros(20, 1), limit=16)
    assert all(
        len(text) <= 16 + 3 + 2 and text.endswith(b'"}') for text in texts
    )  # a letter may need 3 bytes more
    assert max(map(len, written(20, torch.zeros(20, 1)))) > 30


def test_a_row_that_never_ends_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MOST_OVER", 50)
    properties = {"c": {"enum": ["a"]}, "d": {"type": "string", "pattern": "^[0-9]([0-9 ]*[0-9])? to 5$"}}
    schema = {"type": "object", "properties": properties, "required": ["c", "d"]}
    rules = Grammar(schema | {"additionalProperties": False}, TOKENIZER, len(PIECES))
    monkeypatch.setattr(rules, "rank", np.where([piece in b"to" for piece in PIECES], 20, rules.rank))
    with pytest.raises(SchemaError, match="does not come to an end, 50 tokens after"):
        written(4, torch.zeros(4, 1), free=rules, limit=16)


def test_the_same_seed_writes_the_same() -> None:
    latent = torch.zeros(5, 1)
    assert written(5, latent, seed=3) == written(5, latent, seed=3) != written(5, latent, seed=4)


@pytest.mark.parametrize(
    ("text", "complete"),
    [('{"a":1', 0), ('{"a":1,', 1), ('{"a":"x,y', 0), 
     ('{"a":"\\",', 0), ('{"a":[1,2],"b":{"c":1,"d":2}', 1), ('{"a":1,"b":2}', 2)],
)  # fmt: skip
def test_fields_are_counted_outside_of_values(text: str, complete: int) -> None:
    fields = _FieldCounts(PIECES, [b""])
    for byte in text.encode():
        fields.put([byte + 1])
    assert fields.complete() == [complete]
    assert _FieldCounts(PIECES, [text.encode()]).complete() == [complete]


def test_temperature_and_top_p() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]]).repeat(4000, 1)
    allowed = torch.full((4000, 1), 0b0111, dtype=torch.int32)  # the last token may not come
    generator = torch.Generator().manual_seed(0)
    texts = torch.arange(8000) < 4000
    both = _draw(logits.repeat(2, 1), allowed.repeat(2, 1), Drawing(0.01), texts, generator)
    assert not both[:4000].any() and both[4000:].unique().tolist() == [0, 1, 2]  # others are not shaped
    for drawing, keep in [(Drawing(), 3), (Drawing(0.5), 3), (Drawing(2.0, 0.8), 2)]:
        drawn = _draw(logits, allowed, drawing, texts[:4000], generator)
        shares = torch.bincount(drawn, minlength=4) / 4000
        exact = (logits[0, :keep] / drawing.temperature).softmax(0)
        assert shares[:keep].tolist() == pytest.approx(exact.tolist(), abs=0.03)
        assert shares[keep:].sum() == 0


@pytest.mark.parametrize(
    ("family", "injection"),
    [
        *(("llama", injection) for injection in VARIANTS),
        ("gpt2", "kv_memory"),  # it counts positions, and a memory takes some of them
        ("gpt2", "input_embed"),
        ("qwen2", "soft_prompt"),
        ("mistral", "kv_memory"),  # it attends to a window
    ],
)
def test_the_cache_changes_nothing(
    family: str,
    injection: str,
    people: pd.DataFrame,
    schema: Schema,
    backbone: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Prefixes of different lengths, and rows chosen twice, have the logits of one pass without a cache."""
    monkeypatch.setattr(cache, "ROOM", 1)  # it has to grow
    vae = untrained(made(backbone(family), injection=injection), people, schema).records.vae.eval()
    generator = torch.Generator().manual_seed(0)
    latent = torch.randn(3, vae.latent_size, generator=generator)
    rows = [[5, 6, 7, 8, 9, 10, 11], [12, 13], []]
    then = torch.tensor([[20, 21, 22], [23, 24, 25], [26, 27, 28]])
    with torch.no_grad():
        draft = TrueDraft(vae, latent, rows)
        seen = [draft.logits]
        for step in range(2):
            draft.put(then[:, step])
            seen.append(draft.logits)
        draft.select(torch.tensor([2, 0, 0]))
        draft.put(then[[2, 0, 0], 2])
        for row, own in enumerate(rows):
            for step in range(3):
                nll = -seen[step][row].log_softmax(0)
                whole = torch.tensor([[*own, *then[row, :step].tolist(), 30]])
                alone = vae(latent[row : row + 1], whole, torch.ones_like(whole, dtype=torch.bool))
                assert float(nll[30]) == pytest.approx(float(alone[0, -1]), abs=2e-4)
        whole = torch.tensor([[*rows[0], *then[0].tolist(), 30]])
        alone = vae(latent[:1], whole, torch.ones_like(whole, dtype=torch.bool))
        for row in (1, 2):
            nll = -draft.logits[row].log_softmax(0)
            assert float(nll[30]) == pytest.approx(float(alone[0, -1]), abs=2e-4)


def test_what_is_cached_stays_where_it_is(
    people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path]
) -> None:
    """To copy it at every token takes most of the time of long records."""
    vae = untrained(made(backbone("llama")), people, schema).records.vae.eval()
    with torch.no_grad():
        draft, places = TrueDraft(vae, torch.zeros(3, vae.latent_size), [[5, 6], [7], []]), set()
        for _ in range(20):
            draft.put(torch.tensor([20, 21, 22]))
            places.add(draft.cache.layers[0].keys.data_ptr())
    assert len(places) == 1
    vae(torch.zeros(1, vae.latent_size), torch.tensor([[5, 6]]), torch.ones(1, 2, dtype=torch.bool))


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_the_last_positions_of_a_prompt_lie_side_by_side(
    family: str, people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path]
) -> None:
    """Of rows that lie apart in memory the head is multiplied with each by itself: 200 times as slow."""
    vae = untrained(made(backbone(family)), people, schema).records.vae.eval()
    seen: list[torch.Tensor] = []
    head = vae.language.get_base_model().get_output_embeddings()
    head.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    with torch.no_grad():
        TrueDraft(vae, torch.zeros(3, vae.latent_size), [[5, 6], [7], []])
    assert seen[0].shape[:2] == (3, 1) and seen[0].is_contiguous()
