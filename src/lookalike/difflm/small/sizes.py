"""Sizes of the networks of a record, for tables and for texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class VAEConfig:
    """Sizes of the VAE.

    width: of every vector; layers, heads, expansion: of the language model (expansion = feed-forward width /
    width); mixtures: logistics per number; latent_tokens x latent_width: size of the latent; prompts: vectors
    that the latent becomes for the language model, or keys and values of a layer (one teaches as much as
    four in less time: Magic, 1,000 steps, 62.46 and 62.47 nats); dropout: in the language model;
    word_dropout: share of the words of texts that the language model does not see while it is trained
    (Bowman et al., Generating Sentences from a Continuous Space, 2016, section 3.1).
    based: the network corrects a base (`base.py`), which `VAE.base` is set to before it is used.
    axis: the slots of the time of a record, coarsest first (`axis.py`), () for none; knots: on it, 0 to have
    them counted; near: stretches of rows of which the means are told (`near.py`), 0 for none; with them the
    time comes first.
    anchors: what numbers may lie near (`anchors.py`), by slots.
    """

    width: int = 64
    layers: int = 2
    heads: int = 2
    expansion: int = 2
    mixtures: int = 10
    latent_tokens: int = 4
    latent_width: int = 4
    prompts: int = 1
    dropout: float = 0.0
    word_dropout: float = 0.0
    injection: str = "soft_prompt"
    based: bool = False
    axis: tuple[int, ...] = ()
    knots: int = 0
    near: int = 0
    anchors: tuple[tuple[int, int, float, float], ...] = ()


TEXT_SIZES: dict[str, Any] = {  # instead of the defaults above where a record has texts
    "width": 128,
    "layers": 3,
    "heads": 4,
    "expansion": 4,
    "prompts": 4,
    "word_dropout": 0.3,
}
