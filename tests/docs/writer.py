"""What the local server answers on the pages of docs/: records, texts, verdicts of a judge, labels."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # the server is a program of its own

from tests.evaluate.judging import judges
from tests.prompting import writer as records
from tests.prompting.recipes import writer as texts


def answer(messages: list[dict[str, Any]], schema: dict[str, Any] | None, rng: random.Random) -> str:
    """By what is asked for."""
    properties = {} if schema is None else schema["properties"]
    if "verdict" in properties or any("properties" in one for one in properties.values()):
        return judges.knows(messages, schema, rng)
    if schema is None or any("enum" in one for one in properties.values()):
        return texts.good(messages, schema, rng)
    return records.good(messages, schema, rng)
