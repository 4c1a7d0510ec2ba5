"""Which slots of a batch are in use: a text of few sub-words leaves the last slots of its span empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Used:
    """The slots of a batch that are in use, numbered anew: the fixed ones, then those of each span.

    slots: (n,) slot indices; inner: (slots,) the new number of each, -1 if it is not in use; spans: first and
    one past the last new number of every span.
    """

    slots: Tensor
    inner: Tensor
    spans: list[tuple[int, int]]

    @classmethod
    def of(
        cls, tokens: Tensor, count: int, fixed: Sequence[int], span_slots: Sequence[Sequence[int]]
    ) -> Used:
        """tokens: (rows, slots), -1 where a slot is empty; count: slots of a record; fixed: those that always
        have a token; span_slots: those of each text.
        """
        parts, spans = [torch.tensor(fixed, dtype=torch.long, device=tokens.device)], []
        stop = len(fixed)
        for span in span_slots:
            used = max(1, int(tokens[:, span[0] : span[-1] + 1].ge(0).any(0).sum()))
            parts.append(torch.arange(span[0], span[0] + used, device=tokens.device))
            spans.append((stop, stop + used))
            stop += used
        slots = torch.cat(parts) if spans else parts[0]
        inner = torch.full((count,), -1, dtype=torch.long, device=tokens.device)
        inner[slots] = torch.arange(len(slots), device=tokens.device)
        return cls(slots, inner, spans)
