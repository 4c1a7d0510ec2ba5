"""What the simulated server writes for `bench.recipes.killed`: words, one text in ten a refusal."""

from __future__ import annotations

import json
import random
from typing import Any

REFUSED = 0.1  # of the texts
WORDS = (
    "rain", "snow", "sun", "wind", "cloud", "storm", "river", "hill", "light", "dark", "warm", "cold",
    "wide", "bird", "tree", "house", "door", "lamp", "road", "city", "field", "stone", "bread", "salt",
    "glass", "map", "clock", "chair", "paper", "garden", "winter", "summer", "letter", "number",
    "window", "table"
)  # fmt: skip


def write(messages: list[dict[str, Any]], schema: dict[str, Any] | None, rng: random.Random) -> str:
    """A text, a class or an answer, by what is asked for."""
    if schema is not None:
        return json.dumps(
            {name: rng.choice(one.get("enum", WORDS)) for name, one in schema["properties"].items()}
        )
    if rng.random() < REFUSED:
        return "I'm sorry, but I can't help with that."
    return " ".join(rng.choice(WORDS) for _ in range(16))
