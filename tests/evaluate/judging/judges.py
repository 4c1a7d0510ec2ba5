"""Judges that the local server plays (see tests/llm/server.py --writer): one that knows, one that is partial.

The file that JUDGE_KNOWS names holds all records that are real: a record is as good as the share of its cells
that this file has in the same column, and worth nothing under a label that is not its own.
"""

from __future__ import annotations

import csv
import json
import os
import random
import re
from functools import cache
from typing import Any

Messages = list[dict[str, Any]]
Schema = dict[str, Any]
PAIR = re.compile(r"Record A:\n(.*?)\n\nRecord B:\n(.*?)\n\n(?:One of|Which)", re.DOTALL)
ROW = re.compile(r"Record:\n(.*?)\n\nRate it", re.DOTALL)
GIVEN = re.compile(r"What the record is to be: (\w+) = (.*)")
NOISE = 0.2  # of the votes of `partial`, a coin's


@cache
def known() -> list[dict[str, str]]:
    with open(os.environ["JUDGE_KNOWS"], encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def values(column: str | None) -> set[str]:
    return {row[name] for row in known() for name in ([column] if column in row else row)}


def worth(record: str, prompt: str) -> float:
    given = GIVEN.search(prompt)
    whole = [row for row in known() if record in row.values()]
    if given and whole and all(row[given[1]] != given[2] for row in whole):
        return 0.0
    lines = [line.partition(": ") for line in record.split("\n")]
    cells = [(name, cell) if colon else (None, name) for name, colon, cell in lines]
    return sum(cell in values(name) for name, cell in cells) / len(cells)


def knows(messages: Messages, schema: Schema | None, rng: random.Random) -> str:
    """Says what is true, and that it cannot tell where both are as good."""
    prompt = messages[-1]["content"]
    if pair := PAIR.search(prompt):
        a, b = (worth(record, prompt) for record in pair.groups())
        return _verdict("tie" if a == b else "A" if a > b else "B")
    record = ROW.search(prompt)
    assert record is not None and schema is not None
    score = 1 + round(4 * worth(record[1], prompt))
    return json.dumps({name: {"reason": "so it is", "score": score} for name in schema["properties"]})


def first(messages: Messages, schema: Schema | None, rng: random.Random) -> str:
    """Prefers whatever stands first."""
    return _verdict("A") if PAIR.search(messages[-1]["content"]) else knows(messages, schema, rng)


def chatters(messages: Messages, schema: Schema | None, rng: random.Random) -> str:
    """Never comes to a verdict."""
    return "Well, that is a difficult question."


def _verdict(said: str) -> str:
    return json.dumps({"reason": "it looks like it", "verdict": said})
