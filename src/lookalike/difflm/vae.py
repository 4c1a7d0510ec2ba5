"""The variational autoencoder over records (DiffLM, section 3.1): encoder, injection, language model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..codec import Slot
from .backbone import Backbone
from .encoder import Encoder
from .fields import Fields
from .injection import Injection


@dataclass(frozen=True)
class VAEConfig:
    """Sizes of the VAE.

    width: of every vector; layers, heads, expansion: of the language model (expansion = feed-forward width /
    width); mixtures: logistics per number; latent_tokens x latent_width: size of the latent; dropout: in the
    language model.
    """

    width: int = 64
    layers: int = 2
    heads: int = 2
    expansion: int = 2
    mixtures: int = 10
    latent_tokens: int = 4
    latent_width: int = 4
    dropout: float = 0.0
    injection: str = "soft_prompt"


class VAE(nn.Module):
    """p(record | latent) and q(latent | record).

    columns: for every modelled column the indices of its slots, in order. The *canonical order* of a record
    puts columns of few values first: what they say is then known when those that are hard to draw are drawn.
    """

    def __init__(self, slots: list[Slot], columns: list[list[int]], config: VAEConfig):
        super().__init__()
        self.config, self.columns = config, columns
        self.ends = [slot.ends for slot in slots]
        width = config.width
        self.fields = Fields(slots, width, config.mixtures)
        self.encoder = Encoder(len(slots), width, config.latent_tokens, config.latent_width)
        self.injection = Injection(
            config.injection, config.latent_tokens, config.latent_width, width, config.layers, config.heads
        )
        self.backbone = Backbone(width, config.layers, config.heads, config.expansion, config.dropout)
        self.next_slot = nn.Parameter(torch.randn(len(slots), width) * 0.3)
        choices = [float(np.log(np.count_nonzero(slots[c[0]].counts))) + 100 * (len(c) > 8) for c in columns]
        canonical = [s for c in np.argsort(choices, kind="stable") for s in columns[c]]
        column_of = [next(c for c, own in enumerate(columns) if s in own) for s in range(len(slots))]
        self.column_of: Tensor
        self.place: Tensor  # of every slot in the canonical order
        self.register_buffer("column_of", torch.tensor(column_of), persistent=False)
        self.register_buffer("place", torch.tensor(canonical).argsort(), persistent=False)

    @property
    def latent_size(self) -> int:
        return self.config.latent_tokens * self.config.latent_width

    def order(self, first: Tensor) -> Tensor:
        """Slot indices in the order they are written: columns `first`, then the others, both canonical.

        first: (rows, columns), bool. Returns (rows, slots).
        """
        later = ~first[:, self.column_of]
        return (self.place + later * len(self.place)).argsort(1)

    def posterior(self, tokens: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        """(rows, slots) -> mean and log variance of the latent, each (rows, latent size)."""
        mean, log_variance = self.encoder(self.fields.embed(tokens, cells))
        return mean, log_variance

    def forward(self, tokens: Tensor, cells: Tensor, order: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The two terms of the evidence bound, in nats.

        tokens, cells: (rows, slots); order: of every row's slots, likewise; noise: (rows, latent size),
        standard normal. Returns the negative log likelihood of every slot, (rows, slots), and the KL of
        every latent dimension from N(0, 1), (rows, latent size).
        """
        embedded = self.fields.embed(tokens, cells)
        mean, log_variance = self.encoder(embedded)
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
        latent = mean + noise * (0.5 * log_variance).exp()
        prefix = self.injection.prefix(latent)
        following = F.embedding(order, self.next_slot)
        inputs = torch.cat(
            [
                prefix[:, :-1],
                prefix[:, -1:] + following[:, :1],
                _pick(embedded, order[:, :-1]) + following[:, 1:] + self.injection.added(latent),
            ],
            1,
        )
        hidden = self.backbone(inputs, memory=self.injection.memory(latent))[:, prefix.shape[1] - 1 :]
        return self.fields.nll(_pick(hidden, order.argsort(1)), tokens, cells), kl


def _pick(x: Tensor, index: Tensor) -> Tensor:
    """(rows, slots, width), (rows, n) -> (rows, n, width)."""
    return x.gather(1, index.unsqueeze(-1).expand(-1, -1, x.shape[-1]))


class RateController:
    """Holds the rate (KL of the posterior from N(0, I), nats per row) at a target by moving beta.

    Dual ascent on the constraint KL = target: beta rises while the rate is above it and falls while it is
    below. A fixed small beta, as in the paper, lets the latent hold the whole record (63 nats on Adult),
    which the prior then has to model; beta = 1 leaves it unused. The rate-constrained view: Alemi et al.,
    Fixing a Broken ELBO (2018), section 3.
    """

    GAIN, LOWEST, HIGHEST = 0.02, math.log(0.01), math.log(3.0)

    def __init__(self, target: float):
        self.target = target
        self.log_beta = 0.0

    @property
    def beta(self) -> float:
        return math.exp(self.log_beta)

    def update(self, rate: float) -> None:
        error = min(1.0, max(-1.0, rate / self.target - 1)) if self.target > 0 else 1.0
        self.log_beta = min(self.HIGHEST, max(self.LOWEST, self.log_beta + self.GAIN * error))
