"""What the simulated server writes for `bench.recipes.peers`: messages, questions, answers, verdicts."""

from __future__ import annotations

import json
import random
from typing import Any

from bench.recipes.writer import WORDS


def write(messages: list[dict[str, Any]], schema: dict[str, Any] | None, rng: random.Random) -> str:
    """By what is asked for, and as JSON where a schema is given or the prompt asks for it."""
    said = " ".join(str(one["content"]) for one in messages)
    text = " ".join(rng.choice(WORDS) for _ in range(12))
    if "How good" not in said and schema is None:
        return text
    verdict = {"reason": text, "score": 4, "reasoning": text, "quality": {"reasoning": text, "score": 4}}
    return json.dumps(verdict if schema is None else _filled(schema, schema, rng, text))


def _filled(schema: dict[str, Any], whole: dict[str, Any], rng: random.Random, text: str) -> Any:
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        return schema["enum"][-1]
    if schema.get("type") == "object" or "properties" in schema:
        return {name: _filled(one, whole, rng, text) for name, one in schema.get("properties", {}).items()}
    return 4 if schema.get("type") in ("integer", "number") else text
