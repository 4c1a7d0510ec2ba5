"""Replies that follow a JSON schema: asked for by `response_format` or in the prompt, repaired, validated."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from lookalike.arguments import choice
from lookalike.characters import sound
from lookalike.errors import MissingDependency, OptionError, first_line

INSTRUCTION = "\n\nAnswer with one JSON value only, no other words, that fits this JSON schema:\n"
COMBINATIONS = ("anyOf", "oneOf", "allOf")
WAYS = ("response_format", "json_object", "prompt")  # from the best to the one that all servers take
DEAF = 3  # replies in a row against the schema after which a server counts as one that ignores it


class Malformed(ValueError):
    """A reply that holds no JSON value of the schema; the message says why."""


class Ways:
    """Which way of asking for a schema a server takes, as it turns out (`request.in_words` writes them).

    wanted: one of `WAYS`, or "auto" to begin with the first; now: the way to ask in. Raises OptionError.
    """

    def __init__(self, wanted: str) -> None:
        choice("structured", wanted, ("auto", *WAYS))
        self.now = WAYS[0] if wanted == "auto" else wanted
        self._auto = wanted == "auto"
        self._ignored = 0  # replies in a row; -1 once one has fitted

    def refused(self, way: str) -> bool:
        """Goes on to the next way after the server has refused one; False where none is left."""
        if not self._auto or way not in WAYS[:-1]:
            return False
        if way == self.now:  # of several calls at once only the first changes it
            self.now = WAYS[WAYS.index(way) + 1]
        return True

    def answered(self, way: str, fits: bool) -> None:
        """Learns whether the server follows response_format or only swallows it."""
        if self._auto and way == WAYS[0]:
            self._ignored = -1 if fits or self._ignored < 0 else self._ignored + 1
            if self._ignored >= DEAF:
                self.now = WAYS[-1]


class Form:
    """A JSON schema made ready once for many requests.

    response_format: what is sent to a server that takes schemas; instruction: what is put behind the prompt
    for one that does not.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        """Raises OptionError where `schema` is not a JSON schema."""
        try:
            from jsonschema.exceptions import SchemaError
            from jsonschema.validators import validator_for
        except ImportError:
            raise MissingDependency("jsonschema", extra="llm") from None
        kind = validator_for(schema)
        try:
            kind.check_schema(schema)
        except SchemaError as error:
            raise OptionError(f"the schema of the reply is not a JSON schema: {first_line(error)}.") from None
        self.schema = schema
        self._validator = kind(countless(schema))
        self.instruction = INSTRUCTION + json.dumps(schema, ensure_ascii=False)
        self.response_format = {
            "type": "json_schema",
            "json_schema": {"name": "reply", "strict": is_strict(schema), "schema": schema},
        }

    def parse(self, text: str) -> tuple[Any, bool]:
        """The JSON value in a reply, and whether it had to be repaired.

        Raises Malformed for a reply that is cut short, holds no JSON or does not fit the schema. What is cut
        short is never repaired: it would end in half a sentence that looks like a whole one.
        """
        if text.lstrip().startswith("<think>"):
            text = text.rpartition("</think>")[2]
        try:
            return self._valid(text)
        except RecursionError:
            raise Malformed("is nested too deep") from None

    def _valid(self, text: str) -> tuple[Any, bool]:
        repaired = False
        try:
            value = json.loads(text)
        except ValueError:
            value, repaired = repair(text), True
        value = sound(value)  # a reply of JSON can spell half a character as an escape
        if not self._validator.is_valid(value):
            error = next(self._validator.iter_errors(value))
            where = "/".join(str(step) for step in error.absolute_path) or "its top"
            raise Malformed(f"does not fit the schema at {where}: {first_line(error)[:200]}")
        return value, repaired


def form(schema: dict[str, Any]) -> Form:
    """The `Form` of a schema, made once for equal schemas."""
    return _form(json.dumps(schema))


@lru_cache(256)
def _form(text: str) -> Form:
    return Form(json.loads(text))


def repair(text: str) -> Any:
    """The JSON value in a text with code fences, words around it, loose quotes or commas.

    Raises Malformed where there is none, or where it stops before its last bracket.
    """
    start = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    if start < 0:
        raise Malformed("holds no JSON")
    if is_cut(text, start):
        raise Malformed("is cut short")
    try:
        from json_repair import loads
    except ImportError:
        raise MissingDependency("json-repair", extra="llm") from None
    try:
        value = loads(text[start:], skip_json_loads=True)
    except (ValueError, RecursionError):
        value = ""
    if value == "":
        raise Malformed("holds no JSON")
    return value


def is_cut(text: str, start: int) -> bool:
    """Whether the bracket at `start` is still open at the end of the text; brackets inside "strings" do not
    count.
    """
    depth, quoted, at = 0, False, start
    while at < len(text):
        letter = text[at]
        if quoted:
            if letter == "\\":
                at += 1
            elif letter == '"':
                quoted = False
        elif letter == '"':
            quoted = True
        elif letter in "{[":
            depth += 1
        elif letter in "}]":
            depth -= 1
            if depth == 0:
                return False
        at += 1
    return True


def countless(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a reply of records, whatever their number: a server that can is to keep to it, but one
    record too few or too many is no reason to lose the others.
    """
    properties = schema.get("properties", {})
    if schema.get("type") != "object" or len(properties) != 1:
        return schema
    name, inner = next(iter(properties.items()))
    if not isinstance(inner, dict) or inner.get("type") != "array" or inner.get("minItems", 1) < 1:
        return schema
    kept = {key: value for key, value in inner.items() if key != "maxItems"} | {"minItems": 1}
    return {**schema, "properties": {name: kept}}


def is_strict(schema: Any) -> bool:
    """Whether OpenAI's strict mode takes the schema: every object closed, all of its properties required."""
    if isinstance(schema, list):
        return all(is_strict(one) for one in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        closed = schema.get("additionalProperties") is False
        if not closed or set(schema.get("required", ())) != set(schema.get("properties", {})):
            return False
    inner = [schema[name] for name in (*COMBINATIONS, "items") if name in schema]
    inner += [one for name in ("properties", "$defs") for one in schema.get(name, {}).values()]
    return all(is_strict(one) for one in inner)
