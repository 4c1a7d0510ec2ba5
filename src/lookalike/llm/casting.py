"""A JSON value brought to a schema, where only one meaning is possible: keys and choices in another case,
numbers as text, keys that nobody asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
NOTHING = ("", "null", "none")
TRUTH = {"true": True, "false": False}


def cast(value: Any, schema: Mapping[str, Any]) -> Any:
    """The value as the schema wants it as far as that is plain; what is not plain stays as it is."""
    if "enum" in schema:
        return _chosen(value, schema["enum"])
    types = schema.get("type", ())
    types = [types] if isinstance(types, str) else list(types)
    if "properties" in schema and isinstance(value, dict):
        return _object(value, schema)
    if "array" in types and isinstance(value, list):
        items = schema.get("items", {})
        return [cast(one, items) if isinstance(items, Mapping) else one for one in value]
    return _scalar(value, types)


def nullable(schema: Mapping[str, Any]) -> bool:
    """Whether null may stand for the value."""
    types = schema.get("type", ())
    return "null" in ([types] if isinstance(types, str) else types) or None in schema.get("enum", ())


def key(name: str) -> str:
    """A key as it counts where its spelling differs: "Question Text" is question_text."""
    return re.sub(r"[\W_]+", "", name).casefold()


def _object(value: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    properties: Mapping[str, Any] = schema["properties"]
    alike: dict[str, list[str]] = {}
    for name in value:
        if name not in properties:
            alike.setdefault(key(name), []).append(name)
    found = {}
    used = set(properties)
    for name, one in properties.items():
        written = name
        if name not in value:
            others = alike.get(key(name), [])
            if len(others) == 1 and sum(key(own) == key(name) for own in properties) == 1:
                written = others[0]
                used.add(written)
        if written in value:
            found[name] = cast(value[written], one)
        elif nullable(one):
            found[name] = None
    if schema.get("additionalProperties") is not False:
        found |= {name: one for name, one in value.items() if name not in used}
    return found


def _chosen(value: Any, choices: list[Any]) -> Any:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if any(type(one) is type(value) and one == value for one in choices):
        return value
    if not isinstance(value, str | int | float):
        return value
    said = str(value).strip().casefold()
    like = [one for one in choices if one is not None and str(one).strip().casefold() == said]
    if not like:
        like = [one for one in choices if isinstance(one, str) and key(one) and key(one) == key(said)]
    if not like and None in choices and said in NOTHING:
        return None
    return like[0] if len(like) == 1 else value


def _scalar(value: Any, types: list[str]) -> Any:
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], dict | list):
        value = value[0]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if "string" in types:
        return str(value) if number and not {"number", "integer"} & set(types) else value
    if isinstance(value, float) and "integer" in types and "number" not in types:
        return int(value) if value.is_integer() else value
    if not isinstance(value, str):
        return value
    said = value.strip()
    if "boolean" in types and said.lower() in TRUTH:
        return TRUTH[said.lower()]
    if {"number", "integer"} & set(types) and NUMBER.fullmatch(said):
        whole = float(said)
        if "integer" in types and whole.is_integer():
            return int(said) if re.fullmatch(r"[+-]?\d+", said) else int(whole)
        return whole if "number" in types else value
    return None if "null" in types and said.lower() in NOTHING else value
