"""How the latent enters the language model (DiffLM, section 3.3: latent injection).

- soft_prompt: the latent becomes vectors before the record's first token (the default);
- kv_memory: the latent becomes keys and values of each layer, seen by all positions;
- input_embed: one vector is added to the embedding of every token.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

VARIANTS = ("soft_prompt", "kv_memory", "input_embed")


class Injection(nn.Module):
    def __init__(self, variant: str, prompts: int, size: int, width: int, layers: int, heads: int):
        super().__init__()
        self.variant, self.prompts, self.width = variant, prompts, width
        self.layers, self.heads = layers, heads
        outputs = {
            "soft_prompt": prompts * width,
            "kv_memory": 2 * layers * prompts * width,
            "input_embed": width,
        }
        self.map = nn.Linear(size, outputs[variant])
        self.begin = nn.Parameter(torch.randn(prompts if variant == "soft_prompt" else 1, width) * 0.3)

    def prefix(self, latent: Tensor) -> Tensor:
        """(rows, latent) -> the positions before the first slot: (rows, prompts or 1, width)."""
        if self.variant == "soft_prompt":
            return self.map(latent).view(len(latent), self.prompts, self.width) + self.begin
        return self.begin.expand(len(latent), -1, -1) + self.added(latent)

    def added(self, latent: Tensor) -> Tensor | float:
        """What is added to the vector of every token: (rows, 1, width), or 0."""
        return self.map(latent).unsqueeze(1) if self.variant == "input_embed" else 0.0

    def memory(self, latent: Tensor) -> list[tuple[Tensor, Tensor]] | None:
        """Keys and values of each layer, (rows, heads, prompts, head width), or None."""
        if self.variant != "kv_memory":
            return None
        shape = (len(latent), self.layers, 2, self.prompts, self.heads, self.width // self.heads)
        pairs = self.map(latent).view(*shape).permute(1, 2, 0, 4, 3, 5)
        return [(pair[0], pair[1]) for pair in pairs]
