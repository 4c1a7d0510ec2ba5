"""Steps are those of torch, and torch's compiler is not loaded for them."""

from typing import Any

import torch

from lookalike.difflm.training.adamw import AdamW
from tests.processes import python

FITTED = """
import sys
import torch
from lookalike.difflm.training.adamw import AdamW
from lookalike.difflm.training.muon import Muon
weights = torch.nn.Parameter(torch.ones(2, 2))
for optimizer in AdamW([weights], 0.1, fused=True), Muon([weights], 0.1, 0.0, 5):
    optimizer.zero_grad()
    weights.sum().backward()
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
assert not weights.eq(1).any()
print("torch._dynamo" in sys.modules)
"""


def descended(kind: type[torch.optim.Optimizer], **options: Any) -> torch.nn.Parameter:
    """Three weights after five steps, the last three of an optimizer that was kept and read again."""
    weights = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
    groups = [{"params": [weights], "weight_decay": 0.1}]
    one = kind(groups, lr=0.1, betas=(0.9, 0.99), **options)  # type: ignore[call-arg]
    for step in range(5):
        one.zero_grad(set_to_none=True)
        (weights**2 * (step + 1)).sum().backward()
        one.step()
        if step == 1:
            kept, one = one.state_dict(), kind(groups, lr=0.1, betas=(0.9, 0.99), **options)  # type: ignore[call-arg]
            one.load_state_dict(kept)
    return weights


def test_steps_are_those_of_torch() -> None:
    for options in ({}, {"fused": True}):
        assert torch.equal(descended(AdamW, **options), descended(torch.optim.AdamW, **options))


def test_the_compiler_of_torch_is_not_loaded() -> None:
    done = python("-c", FITTED)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False"
