"""One query at a time says what all of them at once say, however many positions there are."""

import math

import pytest
import torch

from lookalike.difflm.small import transformer
from lookalike.difflm.small.transformer import Cache, Transformer


def attention(query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, gone: torch.Tensor | None):
    """By the definition, row by row and head by head."""
    out = torch.zeros_like(query)
    for r in range(query.shape[0]):
        for h in range(query.shape[1]):
            score = keys[:, r, h] @ query[r, h] / math.sqrt(query.shape[2])
            if gone is not None:
                score[gone[:, r]] = -math.inf
            out[r, h] = score.softmax(0) @ values[:, r, h]
    return out


@pytest.mark.parametrize("positions", [1, 5, 24, 25])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("together", [3, 8])
def test_attention_of_one_position(
    positions: int, padded: bool, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transformer, "PIECE", 24 * together)  # so many positions of the query below
    torch.manual_seed(positions)
    query, keys, values = torch.randn(3, 2, 4), *torch.randn(2, positions, 3, 2, 4)
    gone = torch.rand(positions, 3) < 0.4 if padded else None
    if gone is not None:
        gone[-1] = False  # the position itself is always seen
    found = transformer.one_query(query, keys, values, gone, Cache(1, positions))
    torch.testing.assert_close(found, attention(query, keys, values, gone))


@torch.no_grad()
def test_a_cache_that_takes_the_memory_of_another_says_the_same() -> None:
    torch.manual_seed(0)
    model = Transformer(8, 2, 2, 2, 0.0).eval()
    spare: dict[int, torch.Tensor] = {}
    for rows, positions in ((5, 6), (3, 9), (4, 2)):  # more, fewer, and again more than there is room for
        x = torch.randn(rows, positions, 8)
        cache = Cache(2, positions, spare=spare)
        steps = [model(x[:, i : i + 1], cache) for i in range(positions)]
        torch.testing.assert_close(torch.cat(steps, 1), model(x))
    assert sorted(spare) == [transformer.SCRATCH, 0, 1, 2, 3] and len(spare[0]) == 5 * 6 * 8


@torch.no_grad()
def test_a_cache_goes_on_with_rows_that_are_kept_and_put_in_place() -> None:
    torch.manual_seed(0)
    model = Transformer(8, 2, 2, 2, 0.0).eval()
    x, y = torch.randn(6, 5, 8), torch.randn(2, 5, 8)
    cache, other = Cache(2, 3), Cache(2, 3)
    model(x[:, :3], cache), model(y[:, :3], other)
    kept, rows, at = torch.tensor([4, 0, 2]), torch.tensor([2, 0]), torch.tensor([1, 0])
    cache.select(kept)
    cache.put(rows, other, at)
    both = x[kept].index_copy(0, rows, y[at])
    steps = [model(both[:, i : i + 1], cache) for i in (3, 4)]
    torch.testing.assert_close(torch.cat(steps, 1), model(both)[:, 3:])


@pytest.mark.parametrize("padded", [False, True])
@torch.no_grad()
def test_the_last_position_alone_is_as_among_all(padded: bool) -> None:
    torch.manual_seed(0)
    model = Transformer(8, 2, 2, 2, 0.0).eval()
    for weight in model.parameters():  # blocks begin as the identity
        weight.add_(torch.randn_like(weight) * 0.3)
    x, more = torch.randn(5, 6, 8), torch.randn(5, 1, 8)
    padding = torch.tensor([0, 2, 1, 5, 3]) if padded else None
    whole, alone = Cache(2, 7, padding), Cache(2, 7, padding)
    torch.testing.assert_close(model(x, alone, last=True), model(x, whole)[:, -1:])
    torch.testing.assert_close(model(more, alone), model(more, whole))
