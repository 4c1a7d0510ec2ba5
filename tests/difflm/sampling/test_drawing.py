"""How a token of a text is drawn: temperature and nucleus."""

import pytest
import torch

from lookalike.difflm.sampling.drawing import Drawing
from lookalike.errors import OptionError


@pytest.mark.parametrize("top_p", [0.1, 0.5, 0.9, 0.999])
def test_the_nucleus_is_the_least_set_of_likely_tokens(top_p: float) -> None:
    logits = torch.randn(200, 50, generator=torch.Generator().manual_seed(0)) * 3
    kept = Drawing(top_p=top_p).shape(logits) > -1e6
    share = logits.softmax(-1)
    order = share.argsort(-1, descending=True)
    before = share.gather(1, order).cumsum(-1) - share.gather(1, order)
    expected = torch.zeros_like(kept).scatter(1, order, before < top_p)
    assert (kept != expected).float().mean() < 1e-3  # tokens that are equal to many digits
    assert torch.equal(Drawing(temperature=0.5).shape(logits), logits / 0.5)


@pytest.mark.parametrize(
    "wrong", [{"temperature": 0}, {"temperature": float("inf")}, {"top_p": 0}, {"top_p": 1.1}]
)
def test_a_drawing_that_makes_no_sense(wrong: dict) -> None:
    with pytest.raises(OptionError, match=next(iter(wrong))):
        Drawing(**wrong)
