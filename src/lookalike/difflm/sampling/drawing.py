"""How a token of a text is drawn from what the language model says of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from lookalike.arguments import number
from lookalike.difflm.categorical import IMPOSSIBLE


@dataclass(frozen=True)
class Drawing:
    """temperature: above 0; 1 draws as it was learned, less what is likelier. top_p: in (0, 1]: only the
    likeliest tokens that have this probability together (the nucleus).

    Raises OptionError for values that make no sense.
    """

    temperature: float = 1.0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        advice = "a number above 0, 1 writes as it was learned"
        number("temperature", self.temperature, 0, advice=advice, above=True)
        advice = "a share above 0 and up to 1, which leaves all tokens in"
        number("top_p", self.top_p, 0, 1, advice, above=True)

    def changed(self, temperature: float | None, top_p: float | None) -> Drawing:
        """None: as it is."""
        asked_for = {"temperature": temperature, "top_p": top_p}
        changes: dict[str, Any] = {name: value for name, value in asked_for.items() if value is not None}
        return replace(self, **changes)

    def shape(self, logits: Tensor) -> Tensor:
        """(rows, tokens) logits at the temperature, without what is outside the nucleus.

        Nucleus sampling: Holtzman et al., The Curious Case of Neural Text Degeneration (2020), section 3.1.
        The least probability in it is found by bisection, which needs no sorting.
        """
        logits = logits / self.temperature
        if self.top_p == 1:
            return logits
        share = logits.softmax(-1)
        low, high = torch.zeros_like(share[:, :1]), share.amax(-1, keepdim=True)
        for _ in range(24):
            middle = (low + high) / 2
            enough = (share * (share >= middle)).sum(-1, keepdim=True) >= self.top_p
            low, high = torch.where(enough, middle, low), torch.where(enough, high, middle)
        return logits.masked_fill(share < low, IMPOSSIBLE)
