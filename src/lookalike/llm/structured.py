"""Replies that follow a JSON schema: asked for by `response_format` or in the prompt, repaired, validated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from lookalike.characters import sound
from lookalike.errors import MissingDependency, OptionError, first_line
from lookalike.llm.casting import cast, key, nullable
from lookalike.llm.values import answers_in, is_cut, values_in
from lookalike.texts.syntax import exact

INSTRUCTION = "\n\nAnswer with one JSON value only, no other words, that fits this JSON schema:\n"
COMBINATIONS = ("anyOf", "oneOf", "allOf")
DEEP = 6  # objects, lists and texts around a record, at most


def closed(properties: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of an object of these properties, all required and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


class Malformed(ValueError):
    """A reply that holds no JSON value of the schema; the message says why."""


class Lost(NamedTuple):
    """A record that does not fit its schema: "missing" or "value", and what was written."""

    reason: str
    value: Any


class Parsed(NamedTuple):
    """What a reply says. value: of the schema; repaired: whether it had to be brought to it; lost: records
    that could not be.
    """

    value: Any
    repaired: bool
    lost: list[Lost]


class ReplyForm:
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
        kind = exact(kind)
        self._validator = kind(countless(schema))
        self.many = _many(schema)
        self._of_one = kind(schema if self.many is None else self.many[1])
        self.instruction = INSTRUCTION + json.dumps(schema, ensure_ascii=False)
        self.response_format = {
            "type": "json_schema",
            "json_schema": {"name": "reply", "strict": is_strict(schema), "schema": schema},
        }

    def parse(self, *places: str) -> Parsed:
        """The JSON value in a reply; places: where it may stand, the likeliest first.

        Every value at the top of a place is looked at. Of a schema that is a list of objects under one key,
        each object is validated by itself. Raises Malformed for a reply without a value that fits. What is
        cut short is never completed: it would end in half a sentence that looks like a whole one.
        """
        wrong: Malformed | None = None
        for place in (one for text in places for one in answers_in(text)):
            try:
                return self._parsed(place)
            except RecursionError:
                wrong = wrong or Malformed("is nested too deep")
            except Malformed as error:
                wrong = wrong or error
        raise wrong or Malformed("holds no JSON")

    def _parsed(self, text: str) -> Parsed:
        found, repaired = values_in(text)
        values: list[Any] = sound(found)  # JSON can spell half a character as an escape
        if not values:
            raise Malformed("is cut short" if is_cut(text) else "holds no JSON")
        parsed = self._one(values) if self.many is None else self._records(values)
        return parsed._replace(repaired=parsed.repaired or repaired)

    def _one(self, values: Sequence[Any]) -> Parsed:
        """The last of the values that fits, else what they say together."""
        for value in reversed(values):
            if self._validator.is_valid(value):
                return Parsed(value, False, [])
        inner = [one[0] for value in reversed(values) if len(one := _inside(value)) == 1]
        inner = [one for one in inner if isinstance(one, dict)]
        together = {name: one for value in values if isinstance(value, dict) for name, one in value.items()}
        for value in (*reversed(values), *inner, together):
            plain = cast(value, self.schema)
            if self._validator.is_valid(plain):
                return Parsed(plain, True, [])
        raise self._misfit(cast(values[-1], self.schema))

    def _records(self, values: Sequence[Any]) -> Parsed:
        """The objects of all the values that fit, and what is lost of the others."""
        assert self.many is not None
        if len(values) == 1 and self._validator.is_valid(values[0]):
            return Parsed(values[0], False, [])
        name, one = self.many
        records: list[Any] = []
        lost: list[Lost] = []
        for item in [item for value in values for item in _items(value, name, one)]:
            plain = cast(item, one)
            if self._of_one.is_valid(plain):
                records.append(plain)
            else:
                lost.append(Lost(_reason(plain, one), plain))
        whole = {name: records}
        if not records or not self._validator.is_valid(whole):
            raise self._misfit(values[-1] if not lost else {name: [lost[0].value]})
        return Parsed(whole, True, lost)

    def _misfit(self, value: Any) -> Malformed:
        error = next(self._validator.iter_errors(value), None)
        if error is None:
            return Malformed("does not fit the schema")
        where = "/".join(str(step) for step in error.absolute_path) or "its top"
        return Malformed(f"does not fit the schema at {where}: {first_line(error)[:200]}")


def _inside(value: Any) -> list[Any]:
    """What a value holds that may stand for it: of a list, or of an object with one key."""
    if isinstance(value, dict):
        return list(value.values()) if len(value) == 1 else []
    return value if isinstance(value, list) else []


def _items(value: Any, name: str, one: dict[str, Any], depth: int = DEEP) -> list[Any]:
    """The objects in a value that was to be {name: [object, ...]}, wherever it has them."""
    if not depth:
        return []
    own = {key(known) for known in one["properties"]}
    if isinstance(value, str):
        inside = [inner for inner in values_in(value)[0] if not isinstance(inner, str)]
        if not inside and len(own) == 1 and depth < DEEP:  # a list of the texts themselves
            return [{next(iter(one["properties"])): value}]
        return [item for inner in inside for item in _items(inner, name, one, depth - 1)]
    if isinstance(value, list):
        return [item for inner in value for item in _items(inner, name, one, depth - 1)]
    if not isinstance(value, dict):
        return [value]
    for written, inner in value.items():
        if key(written) == key(name) and isinstance(inner, list | dict | str) and key(written) not in own:
            return _items(inner, name, one, depth - 1)
    if any(key(written) in own for written in value):
        return [value]
    return [item for inner in value.values() if isinstance(inner, list | dict)
            for item in _items(inner, name, one, depth - 1)]  # fmt: skip


def _reason(record: Any, one: dict[str, Any]) -> str:
    """Why a record does not fit: something is missing, or of another type."""
    if not isinstance(record, dict):
        return "value"
    lacks = [name for name in one["required"] if record.get(name) is None]
    return "missing" if any(not nullable(one["properties"][name]) for name in lacks) else "value"


def _many(schema: Any) -> tuple[str, dict[str, Any]] | None:
    """Of a schema of a list of objects under one key: that key and the schema of an object."""
    properties = schema.get("properties", {})
    if schema.get("type") != "object" or len(properties) != 1:
        return None
    name, inner = next(iter(properties.items()))
    items = inner.get("items") if isinstance(inner, dict) else None
    if isinstance(items, dict) and items.get("type") == "object" and items.get("required"):
        return (name, items) if set(items["required"]) <= set(items.get("properties", {})) else None
    return None


def countless(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a reply of records, whatever their number: a server that can is to keep to it, but one
    record too few or too many is no reason to lose the others.
    """
    many = _many(schema)
    if many is None or schema["properties"][many[0]].get("minItems", 1) < 1:
        return schema
    kept = {key: value for key, value in schema["properties"][many[0]].items() if key != "maxItems"}
    return {**schema, "properties": {many[0]: kept | {"minItems": 1}}}


def form(schema: dict[str, Any]) -> ReplyForm:
    """The `ReplyForm` of a schema, made once for equal schemas."""
    return _form(json.dumps(schema))


@lru_cache(256)
def _form(text: str) -> ReplyForm:
    return ReplyForm(json.loads(text))


def is_strict(schema: Any) -> bool:
    """Whether OpenAI's strict mode takes the schema: every object closed, all of its properties required."""
    if isinstance(schema, list):
        return all(is_strict(one) for one in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        is_closed = schema.get("additionalProperties") is False
        if not is_closed or set(schema.get("required", ())) != set(schema.get("properties", {})):
            return False
    inner = [schema[name] for name in (*COMBINATIONS, "items") if name in schema]
    inner += [one for name in ("properties", "$defs") for one in schema.get(name, {}).values()]
    return all(is_strict(one) for one in inner)
