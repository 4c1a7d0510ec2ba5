"""What a model wrote is brought to its schema, record by record; nothing is made up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lookalike.llm.structured import Lost, Malformed, form, is_strict

RECORDS = {
    "type": "object",
    "properties": {
        "records": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"text": {"type": "string"}, "label": {"enum": ["A", "B"]}},
                "required": ["text", "label"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["records"],
    "additionalProperties": False,
}
ONE, TWO = {"text": "one", "label": "A"}, {"text": "two", "label": "B"}
BOTH = json.dumps([ONE, TWO])


def test_a_reply_is_held_to_its_schema() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert form(schema).parse('<think>{"n": 0}</think>{"n": 3}') == ({"n": 3}, False, [])
    with pytest.raises(Malformed, match="at n: 'x' is not of type"):
        form(schema).parse('{"n": "x"}')
    assert form(schema) is form(dict(schema)) and not is_strict(schema)
    assert is_strict({**schema, "additionalProperties": False})


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"records": [ONE, TWO]}),
        BOTH,
        f'{{"records": {BOTH}, "count": 2}}',
        f'{{"Records": {BOTH}}}',
        f'{{"data": {BOTH}}}',
        f'{{"result": {{"records": {BOTH}}}}}',
        f"{json.dumps(ONE)}\n{json.dumps(TWO)}",
        f"{json.dumps({'records': [ONE]})} and {json.dumps({'records': [TWO]})}",
        f"Here are the records [as asked]:\n```json\n{BOTH}\n```",
        f'The shape is {{"records": [...]}}, fine.\n</think>\n{BOTH}',
        json.dumps(json.dumps({"records": [ONE, TWO]})),
        json.dumps({"records": json.dumps([ONE, TWO])}),
        '{"records": [{"text": "one", "label": "a", "id": 1}, {"Text": "two", "label": ["b "]}]}',
        BOTH[:-1] + ', {"text": "half a sent',  # whole records in front of the cut
    ],
)
def test_records_are_found_wherever_and_however_they_stand(text: str) -> None:
    found = form(RECORDS).parse(text)
    assert found.value == {"records": [ONE, TWO]} and found.lost == []


def test_records_are_validated_one_by_one_and_what_is_lost_is_kept_with_its_reason() -> None:
    wrong: list[Any] = [{"label": "A"}, {"text": None, "label": "A"}, {"text": "x", "label": "C"}, 7]
    found = form(RECORDS).parse(json.dumps({"records": [ONE, *wrong, TWO]}))
    assert found.value == {"records": [ONE, TWO]} and found.repaired
    reasons = ["missing", "missing", "value", "value"]
    assert found.lost == [Lost(reason, value) for reason, value in zip(reasons, wrong, strict=True)]
    with pytest.raises(Malformed, match="at records/0: 'text' is a required property"):
        form(RECORDS).parse('{"records": [{"label": "A"}]}')


def test_texts_alone_are_records_of_one_field() -> None:
    items = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    schema = {"type": "object", "properties": {"records": {"type": "array", "items": items}}}
    for text in ('{"records": ["one", "two"]}', '["one", "two"]'):
        assert form(schema).parse(text).value == {"records": [{"text": "one"}, {"text": "two"}]}


def test_other_places_are_looked_at_in_their_order() -> None:
    assert form(RECORDS).parse("", BOTH).value == {"records": [ONE, TWO]}
    assert form(RECORDS).parse("Done.", json.dumps([ONE]), json.dumps([TWO])).value == {"records": [ONE]}
    with pytest.raises(Malformed, match="holds no JSON"):
        form(RECORDS).parse("", "")


def test_of_several_objects_the_last_that_fits_counts_else_all_together() -> None:
    both = {"a": {"type": "string"}, "b": {"type": "string"}}
    schema = {"type": "object", "properties": both, "required": ["a", "b"]}
    assert form(schema).parse('{"a": "1", "b": "2"} {"a": "3", "b": "4"}').value == {"a": "3", "b": "4"}
    assert form(schema).parse('{"a": "1"}\n{"b": "2"}').value == {"a": "1", "b": "2"}
    assert form(schema).parse('{"answer": {"a": 1, "b": "2"}}').value == {"a": "1", "b": "2"}
    assert form(schema).parse('[{"a": 1, "b": "2"}]').value == {"a": "1", "b": "2"}


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
