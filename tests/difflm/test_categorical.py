"""One option of each row, and candidates by their weights."""

import pytest
import torch

from lookalike.difflm.categorical import IMPOSSIBLE, pick, resample


@pytest.mark.parametrize("moved", [0.0, 100.0, -100.0])  # what no float holds as a power, too
def test_an_option_is_picked_with_its_probability_and_an_impossible_one_never(moved: float) -> None:
    logits = torch.tensor([0.7, 0.0, 0.2, 0.1]).log() + moved
    logits[1] = IMPOSSIBLE
    picked = pick(logits.repeat(30_000, 1), torch.Generator().manual_seed(0))
    share = torch.bincount(picked, minlength=4) / 30_000
    torch.testing.assert_close(share, torch.tensor([0.7, 0.0, 0.2, 0.1]), atol=0.01, rtol=0)
    assert share[1] == 0


def test_a_row_keeps_a_candidate_with_the_chance_of_its_weight() -> None:
    weight = torch.tensor([0.7, 0.2, 0.1]).log().repeat(30_000) - 5
    kept = resample(weight, 30_000, True, torch.Generator().manual_seed(0))
    assert torch.equal(kept // 3, torch.arange(30_000))
    share = torch.bincount(kept % 3) / 30_000
    torch.testing.assert_close(share, torch.tensor([0.7, 0.2, 0.1]), atol=0.01, rtol=0)


def test_rows_that_share_a_condition_share_their_candidates() -> None:
    weight = torch.randn(4000, generator=torch.Generator().manual_seed(0)) * 2
    kept = resample(weight, 2000, False, torch.Generator().manual_seed(1))
    expected = weight.double().softmax(0) * 2000
    found = torch.bincount(kept, minlength=4000).double()
    assert found.sum() == 2000 and (found - expected).abs().max() <= 1.0001  # systematic: up to one


def test_an_impossible_candidate_is_never_kept() -> None:
    weight = torch.tensor([-1e9, 0.0, -1e9]).repeat(1000)
    for by_row in (True, False):
        kept = resample(weight, 1000, by_row, torch.Generator().manual_seed(0))
        assert (kept % 3 == 1).all()
