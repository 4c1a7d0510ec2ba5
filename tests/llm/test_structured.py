"""Loose JSON is repaired and held to its schema; nothing is made up."""

from __future__ import annotations

import json

import pytest

from lookalike.llm.structured import Malformed, form, is_strict, repair


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('Sure: {"a": 1, "b": [1, 2,],} Bye.', {"a": 1, "b": [1, 2]}),
        ("{'a': 'it'}", {"a": "it"}),
        ('[{"a": "x } y"},]', [{"a": "x } y"}]),
    ],
)
def test_loose_json_is_repaired(text: str, value: object) -> None:
    assert repair(text) == value


@pytest.mark.parametrize("text", ['{"a": "half a sent', '{"a": [1, 2', "no JSON here", ""])
def test_what_is_cut_or_missing_is_not_made_up(text: str) -> None:
    with pytest.raises(Malformed):
        repair(text)


def test_a_reply_is_held_to_its_schema() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert form(schema).parse('<think>{"n": 0}</think>{"n": 3}') == ({"n": 3}, False)
    with pytest.raises(Malformed, match="at n: 'x' is not of type"):
        form(schema).parse('{"n": "x"}')
    assert form(schema) is form(dict(schema)) and not is_strict(schema)
    assert is_strict({**schema, "additionalProperties": False})


@pytest.mark.parametrize(
    "text", ['{"a": ' + "[" * 100_000, '{"a": "x", "b": ' + "[" * 50_000 + "]" * 50_000 + "}"]
)
def test_a_reply_that_is_nested_too_deep_is_malformed(text: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    with pytest.raises(Malformed):
        form(schema).parse(text)


@pytest.mark.parametrize("records", [1, 3, 5])
def test_a_reply_of_another_number_of_records_is_no_loss(records: int) -> None:
    one = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    many = {"type": "array", "items": one, "minItems": 3, "maxItems": 3}
    asked = form({"type": "object", "properties": {"records": many}, "required": ["records"]})
    assert asked.schema["properties"]["records"]["minItems"] == 3  # what the server is told
    text = json.dumps({"records": [{"a": "x"}] * records})
    assert len(asked.parse(text)[0]["records"]) == records
    with pytest.raises(Malformed):
        asked.parse('{"records": []}')
