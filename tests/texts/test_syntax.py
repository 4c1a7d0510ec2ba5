"""Which language texts are written in, and whether they parse."""

from jsonschema import Draft202012Validator

from lookalike.texts.syntax import exact, language, parse_json, parses_python, parses_sql


def test_languages_are_told_apart() -> None:
    assert language(["the cat sat on the mat", "a dog (big)"]) is None
    assert language(["select a from b"] * 5) == "sql"
    assert language(["1", "2"]) is None
    assert language([f"({i}.5, -{i})" for i in range(9)]) is None
    assert language(["f(x)", "x = 1", "import os"]) == "python"
    assert parses_sql("SELECT a FROM b") and not parses_sql("SELECT FROM WHERE (")
    assert parses_python("x = 1") and not parses_python("x = (") and not parses_python(" ")


def test_objects_and_lists_alone_are_json() -> None:
    assert parse_json('{"a": [1]}') == {"a": [1]} and parse_json("[]") == []
    assert parse_json("3") is None and parse_json('{"a": ') is None and parse_json("[" * 100_000) is None
    assert language(['{"a": 1}'] * 9 + ["broken"]) == "json"
    assert language(['{"a": 1}'] * 8 + ["broken"] * 2) is None


def test_a_validator_knows_decimals() -> None:
    schema = {"type": ["number", "boolean"], "multipleOf": 0.01}
    valid = exact(Draft202012Validator)(schema)
    fits = [0.07, 12.34, -3, 1e300, True]
    assert [value for value in [*fits, 0.075] if not valid.is_valid(value)] == [0.075]
