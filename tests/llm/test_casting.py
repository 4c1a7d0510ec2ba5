"""Values are cast where only one meaning is possible."""

from __future__ import annotations

from typing import Any

import pytest

from lookalike.llm.casting import cast, key

LABEL = {"enum": ["Spam", "not spam", "1"]}


@pytest.mark.parametrize(
    ("value", "schema", "found"),
    [
        ("spam", LABEL, "Spam"),
        (" NOT SPAM ", LABEL, "not spam"),
        ("Not-Spam", LABEL, "not spam"),
        (1, LABEL, "1"),
        (["spam"], LABEL, "Spam"),
        ("ham", LABEL, "ham"),
        ("a", {"enum": ["A", "a ", "b"]}, "a"),  # two could be meant
        ("none", {"enum": ["x", None]}, None),
        (5, {"type": "string"}, "5"),
        (True, {"type": "string"}, True),
        (["one"], {"type": "string"}, "one"),
        (["one", "two"], {"type": "string"}, ["one", "two"]),
        ("7", {"type": "integer"}, 7),
        ("7.0", {"type": "integer"}, 7),
        (7.0, {"type": "integer"}, 7),
        (7.5, {"type": "integer"}, 7.5),
        ("1,234", {"type": "number"}, "1,234"),  # a comma is one thing here and another there
        ("-2.5e3", {"type": "number"}, -2500.0),
        ("True", {"type": "boolean"}, True),
        ("yes", {"type": "boolean"}, "yes"),
        ("null", {"type": ["number", "null"]}, None),
        ("null", {"type": ["string", "null"]}, "null"),
    ],
)
def test_values_are_cast_where_they_are_plain(value: Any, schema: dict[str, Any], found: Any) -> None:
    assert cast(value, schema) == found and type(cast(value, schema)) is type(found)


def test_keys_are_matched_and_unknown_ones_dropped() -> None:
    schema = {
        "type": "object",
        "properties": {"Question Text": {"type": "string"}, "age": {"type": ["integer", "null"]}},
        "required": ["Question Text", "age"],
        "additionalProperties": False,
    }
    assert cast({"question_text": "Why?", "id": 1}, schema) == {"Question Text": "Why?", "age": None}
    two = {"question_text": "Why?", "QuestionText": "How?"}
    assert cast(two, schema) == {"age": None}  # which of them is meant?
    assert cast({"a": 1}, {"properties": {"b": {}}}) == {"a": 1}
    assert key("Frage Text") == key("frage_text") and key("\u6587") == "\u6587"
