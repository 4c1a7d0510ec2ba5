"""The mean of the weights is torch's, in fewer steps; that of a large model needs no second one."""

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lookalike.difflm.training.averaging import LENGTH, Averaged, Mean


def test_the_mean_and_what_is_saved_of_it_are_those_of_torch() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2))
    mine, theirs = Averaged(model, 0.9), AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    first = torch.rand(3, 3)
    for step in range(4):
        with torch.no_grad():
            for weights in model.parameters():
                weights += torch.randn_like(weights)
        mine.update()
        theirs.update_parameters(model)
        if step == 0:
            assert torch.equal(mine.module(first), model(first))
    found, expected = mine.state_dict(), theirs.state_dict()
    assert list(found) == list(expected) and int(found["n_averaged"]) == 4
    for name, value in expected.items():
        assert torch.equal(found[name], value), name
    assert not torch.equal(mine.module(first), model(first))
    again = Averaged(model, 0.9)
    again.load_state_dict(found)
    again.update()
    theirs.update_parameters(model)
    assert torch.equal(again.module(first), theirs.module(first))


def test_the_mean_of_a_large_model_takes_the_place_of_its_weights_for_a_while() -> None:
    model, steps = nn.Linear(1, 1, bias=False), round(4 / LENGTH)
    mean, expected = Mean(model), 0.0
    for step in range(1, 7):
        with torch.no_grad():
            model.weight.fill_(step)
        mean.update(step, steps)
        expected += max(1 / step, 1 / 4) * (step - expected)  # of all so far, then of the last four or so
    with mean.in_place():
        assert float(model.weight.detach()) == pytest.approx(expected)
    assert float(model.weight.detach()) == 6
    again = Mean(nn.Linear(1, 1, bias=False))
    again.load(mean.tensors())
    with again.in_place():
        assert float(again.tensors()["mean.weight"]) == pytest.approx(expected)
