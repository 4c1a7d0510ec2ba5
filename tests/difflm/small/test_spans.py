"""Texts in a record: whatever stands beside them, they are read and written as they are alone."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from lookalike.codec import RecordCodec
from lookalike.codec.kinds.text import MISSING, STOP
from lookalike.difflm.small.injection import VARIANTS
from lookalike.difflm.small.sizes import VAEConfig
from lookalike.difflm.small.spans import Spans
from lookalike.difflm.small.vae import VAE
from lookalike.table.inferring import infer

ROWS = 400


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(60)]
    texts = [" ".join(rng.choice(words, rng.integers(1, 30))) for _ in range(ROWS)]
    return pd.DataFrame(
        {
            "question": texts,
            "kind": rng.choice(list("abc"), ROWS),
            "answer": [None if i % 7 == 0 else "" if i % 7 == 1 else texts[-i][:40] for i in range(ROWS)],
        }
    )


TABLE = table()
CODEC = RecordCodec.fit(TABLE, infer(TABLE))
TOKENS, CELLS = (torch.from_numpy(array.astype(np.int64)) for array in CODEC.encode(TABLE))
FREE = torch.zeros(ROWS, 3, dtype=torch.bool)


@pytest.fixture(scope="module", params=VARIANTS)
def vae(request: pytest.FixtureRequest) -> VAE:
    """Random weights, so that everything depends on everything before it."""
    torch.manual_seed(0)
    made = VAE(CODEC.slots, CODEC.columns, VAEConfig(width=16, injection=request.param)).eval()
    for weight in made.parameters():
        if weight.ndim >= 2:
            torch.nn.init.normal_(weight, std=0.3)
    return made


def terms(vae: VAE, rows: Tensor, first: Tensor = FREE) -> tuple[Tensor, Tensor, Tensor]:
    noise = torch.randn(ROWS, vae.latent_size, generator=torch.Generator().manual_seed(1))[rows]
    with torch.no_grad():
        return vae(TOKENS[rows], CELLS[rows], vae.order(first[rows], TOKENS[rows]), noise)


def test_a_record_does_not_depend_on_its_batch(vae: VAE) -> None:
    together = terms(vae, torch.arange(ROWS))
    for row in (0, 1, 2, int((TOKENS >= 0).sum(1).argmin())):
        alone = terms(vae, torch.tensor([row]))
        for one, all_ in zip(alone, together, strict=True):
            torch.testing.assert_close(one[0], all_[row], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("first", [[0], [2], [0, 2]])
def test_nor_does_it_when_texts_come_first(vae: VAE, first: list[int]) -> None:
    early = FREE.clone()
    early[:, first] = True
    together = terms(vae, torch.arange(ROWS), early)[0]
    alone = terms(vae, torch.tensor([5]), early)[0]
    torch.testing.assert_close(alone[0], together[5], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(together, terms(vae, torch.arange(ROWS))[0], atol=1e-2)


def test_empty_slots_cost_nothing_and_come_last(vae: VAE) -> None:
    nll = terms(vae, torch.arange(ROWS))[0]
    assert (nll[TOKENS < 0] == 0).all() and (nll[TOKENS >= 0] > 0).all()
    order = vae.order(FREE, TOKENS)
    lengths = vae.lengths(TOKENS)
    assert order.shape[1] == lengths.max()
    held = TOKENS.gather(1, order) >= 0
    assert torch.equal(held, torch.arange(order.shape[1]) < lengths[:, None])


def test_the_words_of_a_place_have_probability_one() -> None:
    torch.manual_seed(0)
    slots = [[CODEC.slots[s] for s in CODEC.columns[c]] for c in (0, 2)]
    spans = Spans(slots, 16, 4)
    hidden, place = torch.randn(20, 16), torch.arange(20) % 3
    for span, own in enumerate(slots):
        every = torch.arange(own[0].tokens).repeat(20)
        hiddens, places = (x.repeat_interleave(own[0].tokens, 0) for x in (hidden, place))
        nll = spans.nll(span, hiddens, every, places)
        torch.testing.assert_close((-nll).exp().view(20, -1).sum(1), torch.ones(20))
    first, later = spans.emit(1, torch.tensor([0, 4]))
    assert first[MISSING] == first[STOP] == later[STOP] == 0 and later[MISSING] < -1e6
    assert spans.emit(0, torch.tensor([0]))[0, STOP] < -1e6  # no question is empty


def test_a_word_is_written_anew_or_copied_from_before() -> None:
    torch.manual_seed(0)
    slots = [[CODEC.slots[s] for s in CODEC.columns[c]] for c in (0, 2)]
    spans = Spans(slots, 16, 4)
    assert spans.copying and not Spans(slots[:1], 16, 4).copying
    hidden, place = torch.randn(2, 6, 16), torch.arange(6)
    words = torch.tensor([[7, 9, 7, STOP, -1, 9], [5, -1, 5, 5, 8, STOP]])
    anew, copied = spans.copies(hidden, words)
    keys = spans.tell_copy(hidden)
    for row in range(2):
        for at in range(6):
            own = slice(row, row + 1)
            logits = spans.logits(0, hidden[own, at], place[at : at + 1])
            mixed = spans.mixed(logits, hidden[own, at], keys[own, :at], words[own, :at])[0].exp()
            torch.testing.assert_close(mixed.sum(), torch.tensor(1.0))
            word = words[row, at]
            if word >= 0:  # what training and writing say of it is the same
                copies = anew[own, at], copied[own, at]
                nll = spans.nll(0, hidden[own, at], word[None], place[at : at + 1], copies)
                torch.testing.assert_close(-nll[0], mixed[word].log())
            else:
                assert copied[row, at] < -1e6
            said_before = words[row, :at].tolist()
            assert (copied[row, at] > -100) == (word >= 2 and int(word) in said_before)


def test_a_bag_of_words_is_what_its_words_cost_whatever_their_order() -> None:
    torch.manual_seed(0)
    slots = [[CODEC.slots[s] for s in CODEC.columns[0]]]
    spans, latent = Spans(slots, 16, 4), torch.randn(3, 4)
    words = torch.tensor([[5, 9, 9, STOP, -1], [9, 5, 9, STOP, -1], [MISSING, -1, -1, -1, -1]])
    bags = spans.bag(0, latent[[0, 0, 2]], words)
    logits = spans.topic[0](latent[:1]) @ spans.words.T + spans.bias0[1]
    share = logits.softmax(-1)[0]
    torch.testing.assert_close(bags[0], -(share[5].log() + 2 * share[9].log()))
    torch.testing.assert_close(bags[0], bags[1])
    assert bags[2] == 0 and not torch.allclose(bags[0], spans.bag(0, latent[1:2], words[:1])[0])
