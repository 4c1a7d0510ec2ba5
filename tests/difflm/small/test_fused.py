"""The block with its gradients written out does what autograd makes of the plain one."""

from typing import cast

import pytest
import torch
from torch import Tensor

from lookalike.difflm import half as products
from lookalike.difflm.small import fused, transformer
from lookalike.difflm.small.transformer import Block, Transformer

ROWS, LENGTH, WIDTH = 7, 6, 8


@pytest.fixture
def model() -> Transformer:
    torch.manual_seed(0)
    model = Transformer(WIDTH, 2, 2, 2, 0.0)
    with torch.no_grad():
        for weight in model.parameters():  # blocks begin as the identity
            weight.add_(torch.randn_like(weight) * 0.3)
    return model


def learned(model: Transformer, x: Tensor, wanted: int, aim: Tensor) -> tuple[Tensor, list[Tensor]]:
    """What the model says at the last positions, and all gradients of its error."""
    own = x.clone().requires_grad_()
    out = model(own, wanted=wanted)
    ((out - aim) ** 2).sum().backward()
    assert own.grad is not None
    found = [own.grad, *(cast(Tensor, one.grad).clone() for one in model.parameters())]
    model.zero_grad(set_to_none=True)
    return out.detach(), found


@pytest.mark.parametrize("wanted", [LENGTH, 4, 1])
@pytest.mark.parametrize(("half", "near"), [(False, 1e-5), (True, 0.05)])
def test_it_says_and_learns_the_same(
    model: Transformer, wanted: int, half: bool, near: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, aim = torch.randn(ROWS, LENGTH, WIDTH), torch.randn(ROWS, wanted, WIDTH)
    monkeypatch.setattr(products, "HALF", half)
    out, found = learned(model, x, wanted, aim)
    monkeypatch.setattr(transformer, "LONGEST", 0)  # the plain one
    plain, expected = learned(model, x, wanted, aim)
    assert float((out - plain).norm() / plain.norm()) < near
    assert len(found) == len(expected) == 1 + len(list(model.parameters()))
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        assert float((one - other).norm() / other.norm()) < near


@pytest.mark.parametrize("half", [False, True])
def test_more_threads_have_the_same_bits(
    model: Transformer, half: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "HALF", half)
    x, aim = torch.randn(500, 17, WIDTH), torch.randn(500, 14, WIDTH)
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(learned(model, x, 14, aim))
    finally:
        torch.set_num_threads(before)
    (out, found), (again, other) = results
    assert torch.equal(out, again) and all(map(torch.equal, found, other))


def test_only_where_it_can(model: Transformer) -> None:
    block, x = cast(Block, model.blocks[0]), torch.randn(ROWS, LENGTH, WIDTH)
    assert block.learns(x, None, None)
    assert not block.learns(x, transformer.Cache(2, LENGTH), None)
    assert not block.learns(x, None, (x, x))
    assert not block.learns(torch.randn(2, fused.LONGEST + 1, WIDTH), None, None)
    assert not block.learns(x.double(), None, None)
    assert not Block(WIDTH, 2, 2, 0.1, False).learns(x, None, None)
    assert not Block(WIDTH, 2, 2, 0.0, True).learns(x, None, None)
    with torch.no_grad():
        assert not block.learns(x, None, None)


@pytest.mark.parametrize("size", [1.0, 300.0])
def test_softmax_and_its_gradient_are_those_of_torch(size: float) -> None:
    torch.manual_seed(0)
    scores = torch.randn(6, 5, 5) * size + torch.full((5, 5), -torch.inf).triu(1)
    own, grad = scores.clone().requires_grad_(), torch.randn(6, 5, 5)
    expected = own.softmax(-1)
    (expected_grad,) = torch.autograd.grad(expected, own, grad)
    share = fused.softmax(scores)
    assert torch.allclose(share, expected, atol=1e-6)
    assert torch.allclose(fused.softmax_backward(grad.clone(), share), expected_grad, atol=1e-5)
