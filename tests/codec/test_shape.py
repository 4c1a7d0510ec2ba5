"""The shape of JSON: true of what it came from, silent about single rows, readable by the grammar library."""

import json
from typing import Any

import pandas as pd
import pytest
from jsonschema import Draft202012Validator

from lookalike.codec.grammar import Grammar, byte_tokenizer
from lookalike.codec.shape import DEEPEST, ENUM, canonical, check_shape, infer_shape
from lookalike.errors import SchemaError
from lookalike.texts.syntax import exact
from tests.paths import DATA

BFCL = [json.loads(line) for line in (DATA / "bfcl.jsonl").open(encoding="utf-8")]
LETTERS = byte_tokenizer([b"", *(bytes([b]) for b in range(256))], 0, [0], lambda text: [b + 1 for b in text])


def accepts(schema: dict[str, Any], text: str) -> bool:
    matcher = Grammar(schema, LETTERS, 257).start
    tokens = [byte + 1 for byte in text.encode()]
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


@pytest.mark.parametrize("field", ["function", "call"])
def test_real_values_satisfy_their_shape_and_its_grammar(field: str) -> None:
    values = [row[field] for row in BFCL if row[field] is not None]
    shape = infer_shape(values)
    validator = Draft202012Validator(shape)
    for value in values:
        assert validator.is_valid(value)
        text = canonical(value, shape)
        assert json.loads(text) == value
        assert accepts(shape, text)


def test_the_shape_of_tool_specifications() -> None:
    tool = infer_shape([row["function"] for row in BFCL])["items"]
    assert list(tool["properties"]) == ["name", "description", "parameters"] == tool["required"]
    assert tool["additionalProperties"] is False
    parameters = tool["properties"]["parameters"]
    assert parameters["properties"]["type"] == {"enum": ["dict"]}
    arguments = parameters["properties"]["properties"]  # names of arguments: a map
    assert arguments["properties"] == {} and arguments["maxProperties"] >= 5
    assert {"type", "description"} <= set(arguments["additionalProperties"]["required"])


def test_nothing_of_fewer_rows_than_the_threshold_is_repeated() -> None:
    rows: list[Any] = [{"kind": "ab"[i % 2], "id": i} for i in range(100)]
    shape = infer_shape(rows)
    assert shape["properties"]["kind"] == {"enum": ["a", "b"]}
    assert shape["properties"]["id"] == {"type": "integer", "minimum": 0, "maximum": 99}
    for row in rows[:4]:
        row["secret"] = 12_345
        row["kind"] = "Mrs Smith"
    text = json.dumps(shape := infer_shape(rows))
    assert "secret" not in text and "Smith" not in text and "12345" not in text
    assert shape["additionalProperties"] == {"type": "integer", "minimum": 12_000, "maximum": 13_000}
    assert all(Draft202012Validator(shape).is_valid(row) for row in rows)
    rows[4]["secret"] = 1
    assert "secret" in infer_shape(rows)["properties"]


def test_types_keys_lengths_and_limits() -> None:
    rows = [{"a": 1, "b": [1.5, 2]}, {"b": [], "a": None, "c": True}, {"a": "x", "b": [-1234.5]}] * 5
    assert infer_shape(rows) == {
        "type": "object",
        "properties": {
            "a": {
                "anyOf": [{"type": "integer", "minimum": 1, "maximum": 1}, {"type": "null"}, {"enum": ["x"]}]
            },
            "b": {
                "type": "array",
                "items": {"type": "number", "minimum": -1300, "maximum": 2, "multipleOf": 0.1},
                "maxItems": 2,
            },
            "c": {"type": "boolean"},
        },
        "required": ["a", "b"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "values",
    [
        [[i % 2 == 0, i * 10**20, i * 1e-12, -0.0] for i in range(20)],
        [[0.1 * i, 1e6 * i, i] for i in range(20)],
        [{"t": 'del\x7f \x00\x1f"\\/ 日本 😀\u2028'[i % 5 :], "k\x7f": i} for i in range(20)],
        [{"t": "del\x7f"} for _ in range(20)],
        [{f"key {i}": {"é\n": i}} for i in range(20)],
        [{} for _ in range(20)],
        [[] for _ in range(20)],
        [[[[i]]] for i in range(20)],
        [{"a": 1}],
    ],
    ids=lambda values: repr(values[1 % len(values)])[:40],
)
def test_odd_values_are_written_as_the_grammar_reads_them(values: list[Any]) -> None:
    shape = infer_shape(values)
    for value in values:
        text = canonical(value, shape)
        assert json.loads(text) == value
        assert accepts(shape, text), (text, shape)
        assert exact(Draft202012Validator)(shape).is_valid(value)


@pytest.mark.parametrize(
    ("values", "fits", "odd"),
    [
        ([0.07, 2.5, 12.25], ["0.07", "2.0", "9.13"], ["2.005", "0.125"]),
        ([0.2, 0.25, 0.1], ["0.2", "0.25", "0.12"], ["0.201"]),  # the library: 0.2 is not below 0.25
        ([3.0, 3.0], ["3.0"], ["3.01", "2.0"]),
        ([-0.5, 0.0], ["0.0", "-0.1"], ["-0.12"]),
        ([12.0, 40.0], ["12.0", "13.0"], ["12.25"]),
    ],
)
def test_numbers_have_the_decimals_of_the_real_ones(
    values: list[float], fits: list[str], odd: list[str]
) -> None:
    shape = infer_shape([{"price": value} for value in values])
    taken = {text: accepts(shape, f'{{"price":{text}}}') for text in [*map(repr, values), *fits, *odd]}
    assert [text for text, ok in taken.items() if not ok] == odd
    assert all(exact(Draft202012Validator)(shape).is_valid({"price": value}) for value in values)


def test_floats_that_are_no_decimal_fractions_have_any_digits() -> None:
    assert "multipleOf" not in infer_shape([0.1 + 0.2, 1 / 3])


def test_an_enum_is_short() -> None:
    assert len(infer_shape([f"{i % ENUM}" for i in range(5 * ENUM)])["enum"]) == ENUM
    assert "enum" not in infer_shape([f"{i % (ENUM + 1)}" for i in range(5 * ENUM + 5)])
    assert "enum" not in infer_shape(["x" * 101] * 50)


def test_below_the_deepest_level_any_json_is_allowed() -> None:
    deep: Any = 1
    for _ in range(DEEPEST + 5):
        deep = [deep]
    shape = infer_shape([deep] * 5)
    assert json.dumps(shape).count('"items": {}') == 1
    assert Draft202012Validator(shape).is_valid(deep) and accepts(shape, canonical(deep, shape))


def test_keys_come_in_the_order_of_the_schema() -> None:
    tree = {
        "$defs": {"node": {"type": "object", "properties": {"name": {}, "child": {"$ref": "#/$defs/node"}}}},
        "anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}],
    }
    value = {"child": {"extra": 1, "child": None, "name": "b"}, "name": "a"}
    assert canonical(value, tree) == '{"name":"a","child":{"name":"b","child":null,"extra":1}}'
    assert canonical({"n": 2.0}, {"properties": {"n": {"type": "integer"}}}) == '{"n":2}'


SMALL = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}, "required": ["n"]}


def test_a_value_that_contradicts_its_schema_is_named() -> None:
    check_shape(pd.Series([{"n": 3}, {"n": 9}]), SMALL, "data")
    with pytest.raises(SchemaError, match=r"'data'.* row 7 at \$\.n: 12 is greater than the maximum of 9"):
        check_shape(pd.Series([{"n": 3}, {"n": 12}], index=[6, 7]), SMALL, "data")


def test_what_the_grammar_refuses_although_it_is_valid_is_said_so() -> None:
    schema = {"type": "object", "properties": {"n": {"const": 1}}}
    check_shape(pd.Series([{"n": 1}]), schema, "data")
    with pytest.raises(
        SchemaError, match=r"'data' satisfies its JSON schema in row 3, but .*'\{\"n\":1\.0\}'"
    ):
        check_shape(pd.Series([{"n": 1.0}], index=[3]), schema, "data")


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (
            {"type": "object", "patternProperties": {"^x-": {"type": "integer"}}, "properties": {"b": {}}},
            {"x-a": 1, "b": "c"},
        ),
        (
            {
                "allOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}}],
                "type": "object",
            },
            {"b": 1, "a": 2},
        ),
        ({"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "number"}}]}, [1, 2.5, 1e-9]),
        ({"enum": [{"b": 1, "a": 2}, None]}, {"a": 2, "b": 1}),
        (
            {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
            ["a", 2],
        ),
        ({"type": "string", "format": "date-time"}, "2024-02-29T10:00:00Z"),
        ({"type": "integer", "multipleOf": 5, "exclusiveMinimum": 0}, 15),
        ({"type": "number", "multipleOf": 0.01, "maximum": 1}, 0.07),
        ({"type": ["number", "null"], "minimum": -1, "maximum": 1}, -0.0),
        ({}, {"any": ["thing", {"": None}]}),
    ],
    ids=lambda value: str(value)[:50],
)
def test_schemas_as_people_write_them(schema: dict[str, Any], value: Any) -> None:
    check_shape(pd.Series([value]), schema, "data")


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "strin"}, r"\$\.type"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"not": {"type": "string"}}, "not"),
        ({"$ref": "#/$defs/a"}, "/\\$defs/a"),
        ({"type": "string", "pattern": "(?=a)b"}, "regex"),
        ({"properties": {"n": {"type": "number", "exclusiveMinimum": 0}}}, "exclusiveMinimum"),
    ],
)
def test_an_unusable_schema_is_said_so(schema: dict[str, Any], said: str) -> None:
    with pytest.raises(SchemaError, match=f"'data'.*{said}"):
        check_shape(pd.Series(["b"]), schema, "data")
