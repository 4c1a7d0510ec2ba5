"""New positions of many rows say what the whole sequence says, by the definition of attention and without."""

import math

import pytest
import torch
from torch import Tensor

from lookalike.difflm import half
from lookalike.difflm.small import stepping
from lookalike.difflm.small.stepping import Attention, Known, Stepper, centred
from lookalike.difflm.small.transformer import Cache, Transformer


@pytest.fixture
def model() -> Transformer:
    torch.manual_seed(0)
    model = Transformer(8, 2, 2, 2, 0.0).eval()
    with torch.no_grad():
        for weight in model.parameters():  # blocks begin as the identity
            weight.add_(torch.randn_like(weight) * 0.3)
    return model


def expected(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """By the definition, row by row and head by head."""
    out = torch.zeros_like(query)
    for r in range(query.shape[0]):
        for h in range(query.shape[1]):
            score = keys[:, r, h] @ query[r, h] / math.sqrt(query.shape[2])
            out[r, h] = score.softmax(0) @ values[:, r, h]
    return out


@pytest.mark.parametrize("positions", [1, 5, 24])
@pytest.mark.parametrize("steep", [stepping.STEEP, 0.1])  # below it without a softmax, above it with one
def test_attention_of_one_position(positions: int, steep: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepping, "STEEP", steep)
    torch.manual_seed(positions)
    query, keys, values = torch.randn(3, 2, 4), *torch.randn(2, positions, 3, 2, 4)
    attention = Attention()
    attention(math.nan * query, keys, values, Cache(1, positions))  # what is left of it counts for nothing
    found = attention(query, keys, values, Cache(1, positions))
    torch.testing.assert_close(found, expected(query, keys, values))


def test_scores_that_no_float_holds_as_powers() -> None:
    torch.manual_seed(0)
    query, keys, values = 1e3 * torch.randn(3, 2, 4), *torch.randn(2, 5, 3, 2, 4)
    found = Attention()(query, keys, values, Cache(1, 5))
    assert found.isfinite().all()
    torch.testing.assert_close(found, expected(query, keys, values))


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(("use", "near"), [(False, 1e-5), (True, 0.05)])
@pytest.mark.parametrize("remembered", [0, 3])
@torch.no_grad()
def test_a_step_says_what_all_positions_say(
    model: Transformer, known: bool, use: bool, near: float, remembered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(half, "HALF", use)
    x, step = torch.randn(50, 5, 8), Stepper(model)
    pairs = [(torch.randn(50, 2, remembered, 4), torch.randn(50, 2, remembered, 4)) for _ in range(2)]
    memory, cache = pairs if remembered else None, Cache(2, 5 + remembered, memory=remembered)
    whole = model(x, memory=memory)
    new = centred(x).transpose(0, 1).contiguous()
    found = [step(new[:3], cache, memory=memory)]
    for i in (3, 4):
        read = Known(new[i], *step.read(new[i]).float().chunk(3, 1), torch.arange(50))
        found.append(step(new[i : i + 1], cache, read if known else None))
    assert cache.filled == [5 + remembered] * 2
    for i, one in enumerate(found):
        assert float((one - whole[:, 2 + i]).norm() / whole[:, 2 + i].norm()) < near
