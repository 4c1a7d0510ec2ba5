"""How the latent enters the language model (DiffLM, section 3.3: latent injection).

- soft_prompt: every latent token becomes a vector before the record's first token (the default);
- kv_memory: every latent token becomes a key and a value of each layer, seen by all positions;
- input_embed: one vector is added to the embedding of every token.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

VARIANTS = ("soft_prompt", "kv_memory", "input_embed")


class Injection(nn.Module):
    def __init__(
        self, variant: str, latent_tokens: int, latent_width: int, width: int, layers: int, heads: int
    ):
        super().__init__()
        self.variant, self.latent_tokens, self.width = variant, latent_tokens, width
        self.layers, self.heads = layers, heads
        outputs = {
            "soft_prompt": latent_tokens * width,
            "kv_memory": 2 * layers * latent_tokens * width,
            "input_embed": width,
        }
        self.map = nn.Linear(latent_tokens * latent_width, outputs[variant])
        self.begin = nn.Parameter(torch.randn(latent_tokens if variant == "soft_prompt" else 1, width) * 0.3)

    def prefix(self, latent: Tensor) -> Tensor:
        """(rows, latent) -> the positions before the first slot: (rows, latent_tokens or 1, width)."""
        if self.variant == "soft_prompt":
            return self.map(latent).view(len(latent), self.latent_tokens, self.width) + self.begin
        return self.begin.expand(len(latent), -1, -1) + self.added(latent)

    def added(self, latent: Tensor) -> Tensor | float:
        """What is added to the vector of every token: (rows, 1, width), or 0."""
        return self.map(latent).unsqueeze(1) if self.variant == "input_embed" else 0.0

    def memory(self, latent: Tensor) -> list[tuple[Tensor, Tensor]] | None:
        """Keys and values of each layer, (rows, heads, latent_tokens, head width), or None."""
        if self.variant != "kv_memory":
            return None
        shape = (len(latent), self.layers, 2, self.latent_tokens, self.heads, self.width // self.heads)
        pairs = self.map(latent).view(*shape).permute(1, 2, 0, 4, 3, 5)
        return [(pair[0], pair[1]) for pair in pairs]
