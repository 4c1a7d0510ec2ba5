"""Matrices move as torch's own Muon moves them, one after the other."""

import pytest
import torch

from lookalike.difflm.training.muon import Muon, orthogonal

SHAPES = [(24, 8), (8, 8), (16, 8), (8, 16), (8, 24), (16, 8)]


@pytest.mark.parametrize("multiplies", [True, False])
def test_matrices_become_orthogonal(multiplies: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.difflm.half.HALF", multiplies)
    torch.manual_seed(0)
    for matrix, found in zip(
        given := [torch.randn(shape) for shape in SHAPES], orthogonal(given, 5), strict=True
    ):
        assert found.shape == matrix.shape
        wanted = torch.bfloat16 if multiplies else torch.float32  # many times as slow otherwise
        assert found.dtype == wanted
        values = torch.linalg.svdvals(found.float())
        assert float(values.min()) > 0.3 and float(values.max()) < 1.4  # what five steps of it reach
        u, _, v = torch.linalg.svd(matrix, full_matrices=False)
        assert float((found.float() * (u @ v)).sum()) > 0.8 * min(matrix.shape)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon")
def test_steps_are_those_of_torch() -> None:
    torch.manual_seed(0)
    begun = [torch.randn(shape) for shape in SHAPES]
    own, other = ([torch.nn.Parameter(one.clone()) for one in begun] for _ in range(2))
    ours = Muon(own, 0.1, 0.05, 5)
    theirs = torch.optim.Muon(other, 0.1, weight_decay=0.05, ns_steps=5, adjust_lr_fn="match_rms_adamw")
    for step in range(4):
        for parameters in (own, other):
            torch.manual_seed(step)
            for one in parameters:
                one.grad = torch.randn_like(one)
        ours.step()
        theirs.step()
    for before, mine, known in zip(begun, own, other, strict=True):
        missed = (mine - known).norm() / (known - before).norm()
        assert missed.item() < 0.03  # rounded otherwise
