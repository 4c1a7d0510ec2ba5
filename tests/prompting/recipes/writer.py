"""What the local server writes in these tests (see server.py --writer): words, or JSON of the schema."""

from __future__ import annotations

import json
import random
import re
from typing import Any

WORDS = (
    "rain", "snow", "sun", "wind", "cloud", "storm", "river", "hill", "light", "dark", "warm", "cold",
    "wide", "bird", "tree", "house", "door", "lamp", "road", "city", "field", "stone", "bread", "salt",
    "glass", "map", "clock", "chair", "paper", "garden", "winter", "summer"
)  # fmt: skip


def good(messages: list[dict[str, Any]], schema: dict[str, Any] | None, rng: random.Random) -> str:
    """Fresh words; a judge gives what stands in the text as "worth N", else 5."""
    prompt = str(messages[-1]["content"])
    if schema is None:
        return words(rng, prompt)
    if "score" in schema["properties"]:
        worth = re.findall(r"worth (\d)", prompt)
        return json.dumps({"reason": "it is plain", "score": int(worth[-1]) if worth else 5})
    return json.dumps({name: instance(one, rng, prompt) for name, one in schema["properties"].items()})


def words(rng: random.Random, prompt: str) -> str:
    text = " ".join(rng.choice(WORDS) for _ in range(14))
    if "END at once" in prompt:
        return "[END]"
    if "worth" in prompt:  # drafts of 1, then 4, then 2
        drafts = len(re.findall(r"worth \d", prompt.partition("earlier answer")[2]))
        last = re.findall(r"worth (\d)", prompt)
        return f"{text} worth {1 if not drafts else 4 if last[-1] == '1' else 2}"
    return text


def instance(schema: dict[str, Any], rng: random.Random, prompt: str) -> Any:
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if schema.get("type") == "object":
        return {name: instance(one, rng, prompt) for name, one in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [words(rng, "") for _ in range(2)]
    return rng.randint(1, 9) if schema.get("type") in ("integer", "number") else words(rng, "")


def half_refusing(messages: list[dict[str, Any]], schema: dict[str, Any] | None, rng: random.Random) -> str:
    """Every second text is a refusal."""
    refused = schema is None and rng.random() < 0.5
    return "I'm sorry, but I can't help with that." if refused else good(messages, schema, rng)


def same(messages: list[dict[str, Any]], schema: dict[str, Any] | None, rng: random.Random) -> str:
    """Always the same text."""
    return good(messages, schema, random.Random(0))


def some_refused(messages: list[dict[str, Any]], schema: dict[str, Any] | None, rng: random.Random) -> str:
    """A fifth of the turns are refusals."""
    refused = rng.random() < 0.2
    return "I'm sorry, but I can't help with that." if refused else good(messages, schema, rng)


def sentences(messages: list[dict[str, Any]], schema: dict[str, Any] | None, rng: random.Random) -> str:
    """Ten sentences of three words, or one long one that has no end where the prompt says so."""
    if "no end" in str(messages[-1]["content"]):
        return " ".join(rng.choice(WORDS) for _ in range(60))
    return " ".join(f"{' '.join(rng.choice(WORDS) for _ in range(3)).capitalize()}." for _ in range(10))
