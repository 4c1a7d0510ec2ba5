"""What the local server writes in these tests: plausible records, or bad ones of one kind (see server.py
--writer).
"""

from __future__ import annotations

import json
import os
import random
import re
from typing import Any

Messages = list[dict[str, Any]]
Schema = dict[str, Any]

OPENERS = ("Hi,", "Hello there,", "Good morning,", "Please help:", "So,", "Well,", "Hey,", "Excuse me,")
WHO = ("my brother", "our shop", "the cashier", "my wife", "some clerk", "the app", "your branch", "a friend")
DOES = ("told me about", "asked for", "wonders about", "lost", "complained over", "mentioned", "refused")
THINGS = (
    "a payment",
    "the fee",
    "a refund",
    "that letter",
    "the limit",
    "a transfer",
    "the number",
    "a card",
)
WHEN = ("yesterday", "last week", "on Monday", "at noon", "twice", "in June", "after lunch", "this morning")
WHERE = ("in Paris", "at the counter", "online", "abroad", "near home", "in a cafe", "by phone", "at work")


def good(messages: Messages, schema: Schema, rng: random.Random) -> str:
    """Records that differ, of the class that was asked for, and attributes in words of their own."""
    log(messages)
    return json.dumps(reply(messages[-1]["content"], schema, rng))


def log(messages: Messages) -> None:
    """Keeps the prompts in the file that LOOKALIKE_TEST_PROMPTS names, one JSON string a line."""
    if path := os.environ.get("LOOKALIKE_TEST_PROMPTS"):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(messages[-1]["content"]) + "\n")


def reply(prompt: str, schema: Schema, rng: random.Random) -> Any:
    properties = schema["properties"]
    if "records" in properties:
        return {"records": [record(prompt, properties["records"], rng) for _ in range(count(prompt))]}
    if "attributes" in properties:
        return {"attributes": ["subject", "mood", "wording"]}
    return {
        name: [f"{name} {at}" for at in range(int(re.findall(r"List (\d+) values", prompt)[0]))]
        if "items" in one
        else f"{name} of the kind {rng.randint(0, 9999)}"
        for name, one in properties.items()
    }


def count(prompt: str) -> int:
    return int(re.findall(r"Write (\d+) new records", prompt)[0])


def record(prompt: str, schema: Schema, rng: random.Random) -> dict[str, Any]:
    found = re.findall(r"^Every record has (\w+) = (.*)\.$", prompt, re.M)
    given = {name: json.loads(value) for name, value in found}
    return {
        name: given[name] if name in given else instance(one, rng)
        for name, one in schema["items"]["properties"].items()
    }


def instance(schema: Schema, rng: random.Random) -> Any:
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kind = schema["type"][0] if isinstance(schema["type"], list) else schema["type"]
    return sentence(rng) if kind == "string" else rng.randint(20, 60)


def sentence(rng: random.Random) -> str:
    parts = [rng.choice(some) for some in (OPENERS, WHO, DOES, THINGS, WHEN, WHERE)]
    rest = [rng.choice(some) for some in (WHO, DOES, THINGS, WHEN)]
    return " ".join([*parts, "and", *rest]) + "?"


def refusing(messages: Messages, schema: Schema, rng: random.Random) -> str:
    """Every record is a refusal."""
    found = reply(messages[-1]["content"], schema, rng)
    for one in found.get("records", ()):
        one["text"] = f"I'm sorry, but I can't help with that, {rng.choice(WHO)} {rng.choice(WHEN)}."
    return json.dumps(found)


def collapsing(messages: Messages, schema: Schema, rng: random.Random) -> str:
    """The same few records again and again."""
    found = reply(messages[-1]["content"], schema, rng)
    for one in found.get("records", ()):
        one["text"] = sentence(random.Random(rng.randint(0, 4)))
    return json.dumps(found)


def half_mislabelled(messages: Messages, schema: Schema, rng: random.Random) -> str:
    """Every second record has another class than was asked for."""
    found = reply(messages[-1]["content"], schema, rng)
    for one in found.get("records", ())[::2]:
        classes = schema["properties"]["records"]["items"]["properties"]["category"]["enum"]
        one["category"] = next(name for name in classes if name != one["category"])
    return json.dumps(found)


def quoting(messages: Messages, schema: Schema, rng: random.Random) -> str:
    """Attributes that quote the whole record."""
    log(messages)
    prompt = messages[-1]["content"]
    found = reply(prompt, schema, rng)
    if "records" not in found:
        shown = json.loads(prompt.splitlines()[1])
        found["details"] = f"It says: {shown['text']}"
    return json.dumps(found)


def miscounting(messages: Messages, schema: Schema, rng: random.Random) -> str:
    """Two records too few, or one too many."""
    found = reply(messages[-1]["content"], schema, rng)
    records = found.get("records", [])
    if len(records) > 2:
        found["records"] = (
            records[:-2] if rng.random() < 0.5 else [*records, found["records"][0] | {"text": sentence(rng)}]
        )
    return json.dumps(found)


def halves(messages: Messages, schema: Schema, rng: random.Random) -> str:
    """Half an emoji and a NUL in the first record of each reply."""
    found = reply(messages[-1]["content"], schema, rng)
    for one in found.get("records", ())[:1]:
        one["text"] += " \ud83d\x00"
    return json.dumps(found, ensure_ascii=False).replace("\\u0000", "\x00")


def escaped_halves(messages: Messages, schema: Schema, rng: random.Random) -> str:
    """The same, written as JSON's escapes."""
    found = reply(messages[-1]["content"], schema, rng)
    for one in found.get("records", ())[:1]:
        one["text"] += " \ud83d\x00"
    return json.dumps(found)


def telling(messages: Messages, schema: Schema, rng: random.Random) -> str:
    """Attributes that tell the record: its words, in another order."""
    prompt = messages[-1]["content"]
    if "Describe what it says" not in prompt:
        return good(messages, schema, rng)
    log(messages)
    words = json.loads(prompt.splitlines()[1])["text"].split()
    return json.dumps({name: " ".join(rng.sample(words, len(words))) for name in schema["properties"]})


def speechless(messages: Messages, schema: Schema, rng: random.Random) -> str:
    """Records as they should be, but no description."""
    return "I like it." if "Describe what it says" in messages[-1]["content"] else good(messages, schema, rng)


def drifting(messages: Messages, schema: Schema, rng: random.Random) -> str:
    """Records that begin with a word of their class, but one in ten with that of the other class."""
    found = reply(messages[-1]["content"], schema, rng)
    for one in found.get("records", ()):
        labels = schema["properties"]["records"]["items"]["properties"]["category"]["enum"]
        own = (
            one["category"] if rng.random() < 0.9 else rng.choice([x for x in labels if x != one["category"]])
        )
        one["text"] = f"{own} {own} {own} {one['text']}"
    return json.dumps(found)
