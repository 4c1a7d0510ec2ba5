"""What a row has written while it is decoded, and can take up again: the pointer of texts (see spans.py)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from lookalike.difflm.small.vae import VAE

ROOM = 64  # slots that there is room for at first in a text that is being written


class Copied:
    """The words that every row has written and can take up again, and the keys they are found by.

    keys: (rows, n, COPYING); words: (rows, n), -1 where there is none. Both have room for more.
    """

    def __init__(self, keys: Tensor, words: Tensor):
        self.keys, self.words, self.filled = keys, words, words.shape[1]

    @classmethod
    def of(cls, vae: VAE, hidden: Tensor, tokens: Tensor, written: Tensor, padding: Tensor | None) -> Copied:
        """Of what has been written: the slots `written`, (rows, n), which come before the last of `hidden`.

        tokens: (rows, slots); padding: (rows,) positions at the start that say nothing.
        """
        words = vae.words(tokens, written)
        if padding is not None:
            back = torch.arange(words.shape[1], device=words.device) - padding[:, None]
            words = words.gather(1, back.clamp(min=0)).masked_fill(back < 0, -1)
        return cls(vae.spans.tell_copy(hidden[:, -1 - words.shape[1] : -1]), words)

    def add(self, keys: Tensor, words: Tensor) -> None:
        """Of one more slot: (rows, 1, COPYING), (rows, 1)."""
        if self.filled == self.words.shape[1]:
            room = max(ROOM, self.filled)
            self.keys = F.pad(self.keys, (0, 0, 0, room))
            self.words = F.pad(self.words, (0, room), value=-1)
        self.keys[:, self.filled : self.filled + 1] = keys
        self.words[:, self.filled : self.filled + 1] = words
        self.filled += 1

    def select(self, rows: Tensor) -> None:
        self.keys, self.words = self.keys[rows], self.words[rows]

    def mixed(self, vae: VAE, logits: Tensor, hidden: Tensor, rows: Tensor) -> Tensor:
        """What comes next in these `rows`, for which `logits` are: (rows, tokens) log probabilities."""
        keys, words = self.keys[:, : self.filled], self.words[:, : self.filled]
        if len(rows) < len(keys):
            keys, words, hidden = keys[rows], words[rows], hidden[rows]
        return vae.spans.mixed(logits, hidden, keys, words)
