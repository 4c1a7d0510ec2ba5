"""Texts as vectors: the sub-words of a span in, their probabilities out.

All slots of all spans share one vocabulary and one table of vectors. It is both the input embedding and the
output head (Press, Wolf: Using the Output Embedding to Improve Language Models, 2017): the texts of a table
have too few words for two of them. What is rare starts at its share of the training rows (the bias), so that
the network only learns what changes it. Where a record has several texts, a word may also be copied from what
it says before.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lookalike.codec import Slot
from lookalike.codec.kinds.text import FIRST
from lookalike.difflm.categorical import IMPOSSIBLE

WAVES = 16  # sines and cosines that tell the place in a span; the slowest takes some 10,000 slots
SPREAD = (
    0.05  # standard deviation of the vectors as output head; as input embedding they are 10 times as long
)
POOLS = 4  # vectors that a span is to the encoder
LEAST = 1e-30  # probability of a word
COPYING = 64  # width of the vectors by which a word that is to be copied is found
NEIGHBOURS = 3  # sub-words that the encoder sees at once


class Spans(nn.Module):
    """The vocabularies of the spans of a record.

    spans: for each span its slots, of which the first two say all (`codec/kinds/text.py`); width: of every
    vector; latent: size of the latent.
    """

    waves: Tensor

    def __init__(self, spans: list[list[Slot]], width: int, latent: int):
        super().__init__()
        self.words = nn.Parameter(torch.randn(spans[0][0].tokens if spans else 0, width) * SPREAD)
        self.copying = len(spans) > 1
        if self.copying:
            self.ask_copy, self.tell_copy = (nn.Linear(width, COPYING, bias=False) for _ in range(2))
            self.anew = nn.Linear(width, 1)
            nn.init.constant_(self.anew.bias, 4.0)  # few words are copied at first
        self.empty = nn.Parameter(torch.randn(len(spans), width) * SPREAD)  # a missing text where none was
        self.following = nn.Parameter(torch.randn(len(spans), width) * 0.3)
        # slots that a span of the training rows fills on average
        self.typical = [
            sum(float(slot.counts.sum()) for slot in span[:2]) / max(1.0, float(span[0].counts.sum()))
            for span in spans
        ]
        longest = max((len(span) for span in spans), default=1)
        period = 1e4 ** (torch.arange(WAVES) / WAVES)
        phase = torch.arange(longest)[:, None] / period
        self.register_buffer("waves", torch.cat([phase.sin(), phase.cos()], 1), persistent=False)
        self.place = nn.Parameter(torch.randn(2 * WAVES if spans else 0, width) * 0.1)
        self.see = nn.ModuleList(nn.Conv1d(width, width, NEIGHBOURS, padding=1) for _ in spans)
        self.ask = nn.Parameter(torch.randn(len(spans), width, POOLS) / math.sqrt(width))
        self.topic = nn.ModuleList(
            nn.Sequential(nn.Linear(latent, width), nn.GELU(), nn.Linear(width, width)) for _ in spans
        )
        for r, span in enumerate(spans):
            counts = torch.stack([torch.from_numpy(slot.counts[:, 0]) for slot in (span[0], span[-1])])
            share = (counts + 0.1) / (counts + 0.1).sum(1, keepdim=True)
            gone = torch.where(counts > 0, 0.0, IMPOSSIBLE)
            gone[1, 1] = IMPOSSIBLE  # missing is said at once or not at all
            if len(span) == 1:
                gone[1] = gone[0]
            self.register_buffer(f"bias{r}", share.log().float(), persistent=False)
            self.register_buffer(f"emit{r}", gone.float(), persistent=False)

    def next(self, span: int, place: Tensor) -> Tensor:
        """What says that a slot of this span comes next: (...) places in the span -> (..., width)."""
        return self.following[span] + self.waves[place] @ self.place

    def embed(self, span: int, tokens: Tensor) -> Tensor:
        """(...) tokens, -1 where there is none -> (..., width)."""
        words = F.embedding(tokens.clamp(min=0), self.words)
        return torch.where(tokens.unsqueeze(-1) < 0, self.empty[span], words) * (0.5 / SPREAD)

    def pool(self, span: int, embedded: Tensor, tokens: Tensor) -> Tensor:
        """A span for the encoder: (rows, slots, width) and its tokens -> (rows, POOLS, width)."""
        there = (tokens >= 0) | (torch.arange(tokens.shape[1], device=tokens.device) == 0)
        x = embedded * there.unsqueeze(-1)
        x = x + F.gelu(self.see[span](x.transpose(1, 2)).transpose(1, 2))
        weight = (x @ self.ask[span]).masked_fill(~there.unsqueeze(-1), IMPOSSIBLE).softmax(1)
        return weight.transpose(1, 2) @ x

    def logits(self, span: int, hidden: Tensor, place: Tensor) -> Tensor:
        """(n, width), (n,) places in the span -> (n, tokens)."""
        bias = F.embedding(place.clamp(max=1), getattr(self, f"bias{span}"))
        return torch.addmm(bias, hidden, self.words.T)

    def nll(
        self,
        span: int,
        hidden: Tensor,
        tokens: Tensor,
        place: Tensor,
        copies: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Negative log likelihood in nats: (n, width), (n,), (n,) -> (n,); copies: of these tokens."""
        written = F.cross_entropy(self.logits(span, hidden, place), tokens, reduction="none")
        return written if copies is None else -torch.logaddexp(copies[0] - written, copies[1])

    def copies(self, hidden: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Log probabilities that every token is written anew, and that it is copied, each (rows, n).

        hidden: (rows, n, width) what each token is written by; tokens: (rows, n), -1 where there is no word.
        A word is looked for by what the ones before were written by: a text takes up the words of another
        column, or its own (Merity et al., Pointer Sentinel Mixture Models, 2017, section 2.3). WikiSQL, 360
        steps: of the values in the queries 42% are in their questions, without it 2%; 131 nats for 157.
        """
        n, words = tokens.shape[1], tokens >= FIRST
        before = torch.ones(n, n, dtype=torch.bool, device=tokens.device).tril(-1)
        scores = self.ask_copy(hidden) @ self.tell_copy(hidden).transpose(1, 2) / math.sqrt(COPYING)
        scores = scores.masked_fill(~(before & words[:, None]), IMPOSSIBLE)
        share = torch.cat([self.anew(hidden), scores], 2).log_softmax(2)
        same = before & words[:, None] & (tokens[:, :, None] == tokens[:, None])
        return share[:, :, 0], share[:, :, 1:].masked_fill(~same, IMPOSSIBLE).logsumexp(2)

    def mixed(self, logits: Tensor, hidden: Tensor, keys: Tensor, tokens: Tensor) -> Tensor:
        """(rows, tokens) log probabilities of the next word, be it written anew or copied.

        logits: (rows, tokens); hidden: (rows, width); keys: (rows, n, COPYING), `tell_copy` of what each of
        the tokens was written by; tokens: (rows, n), -1 where there is no word.
        """
        words = tokens >= FIRST
        scores = (keys @ self.ask_copy(hidden).unsqueeze(2))[:, :, 0] / math.sqrt(COPYING)
        scores = scores.masked_fill(~words, IMPOSSIBLE)
        share = torch.cat([self.anew(hidden), scores], 1).softmax(1)
        mixed = share[:, :1] * logits.softmax(1)
        return mixed.scatter_add(1, tokens.clamp(min=0), share[:, 1:] * words).clamp(min=LEAST).log()

    def bag(self, span: int, latent: Tensor, tokens: Tensor) -> Tensor:
        """Negative log likelihood of the sub-words of a text, in nats, if their order were chance.

        (rows, latent), (rows, slots) -> (rows,). The bag-of-words loss of Zhao, Zhao, Eskenazi, Learning
        Discourse-level Diversity for Neural Dialog Models (2017), section 3.3: what the latent says then is
        what a text is about. banking77, 8 nats in 16 numbers: of the texts written `like` a row at strength
        0 40% are of its class, of those of 4 nats in 64 numbers without this loss 4%.
        """
        logits = self.topic[span](latent) @ self.words.T + getattr(self, f"bias{span}")[1]
        likely = logits.log_softmax(-1).gather(1, tokens.clamp(min=0))
        return -(likely * (tokens >= FIRST)).sum(1)

    def allow(self, share: np.ndarray) -> Tensor:
        """What a condition leaves of one slot: (tokens, 1) shares in [0, 1] -> their logs, (tokens,)."""
        logs = np.where(share[:, 0] > 0, np.log(np.maximum(share[:, 0], 1e-300)), IMPOSSIBLE)
        return torch.from_numpy(logs).float().to(self.waves.device)

    def emit(self, span: int, place: Tensor) -> Tensor:
        """(n, tokens): 0, or `IMPOSSIBLE` for what no training row has there."""
        return F.embedding(place.clamp(max=1), getattr(self, f"emit{span}"))
