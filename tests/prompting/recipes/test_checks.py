"""Checks of single values: right ones pass, wrong ones do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lookalike.errors import OptionError
from lookalike.prompting.recipes.asking import spoken, unquoted
from lookalike.prompting.recipes.checks import calls, check_of, runs

TOOLS = [{"name": "go", "parameters": {"type": "object", "properties": {"to": {"type": "string"}},
                                       "required": ["to"]}}]  # fmt: skip
TABLE = "CREATE TABLE a (x INTEGER, y TEXT);"


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        ("refusal", "The card is lost.", "I'm sorry, but I can't help with that."),
        ("meta", "The card is lost.", "Here is a message about a lost card:"),
        ("repetition", "A card that was lost in Rome.", "no no no no no no no no no no no no no no"),
        ("evolved:topic", "Write of cats and their owners.", "Cats cats"),
        ("evolved:topic", "Name three cats of a town.", "Here is the rewritten prompt: name three cats."),
        ("answered:topic", "Cats purr.", "Sorry, there is nothing to tell of that."),
        ("answered:topic", "Cats purr.", "..."),
        ("states:topic", "Of CATS and trees.", "Of dogs."),
        ("states:topic, day", "Of cats on March 2, 2020.", "Of cats in March."),
        ("novel:shown", "A poem about rain.", "List three nice trees, please."),
        ("words:2..3", "two words", "one"),
        ("words:2..3", "three little words", "these are four words"),
        ("parses:json", '{"a": 1}', "{a: 1"),
        ("parses:python", "x = 1", "x = = 1"),
        ("value | length < 5", "abc", "abcdef"),
        ("topic in value", "on cats", "on dogs"),
        ("runs:schema", "SELECT y FROM a WHERE x > 1", "SELECT z FROM a"),
        ("calls:tools", {"name": "go", "arguments": {"to": "Rome"}}, {"name": "go", "arguments": {}}),
    ],
)
def test_what_a_check_lets_through(check: str, good: Any, bad: Any) -> None:
    found = check_of(check, lambda line: "here", Path())
    row = {
        "topic": "cats",
        "day": "2020-03-02",
        "shown": ["List three trees, please."],
        "schema": TABLE,
        "tools": TOOLS,
    }
    assert found.test is not None
    assert found.test(good, row) and not found.test(bad, row)


def test_sql_of_a_model_can_neither_attach_a_file_nor_take_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lookalike.prompting.recipes.checks.LONGEST_QUERY", 0.1)
    assert not runs(f"ATTACH '{tmp_path / 'x.db'}' AS other", TABLE)
    assert not (tmp_path / "x.db").exists()
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    assert not runs(endless, TABLE)
    assert not runs("SELECT 1; DROP TABLE a", TABLE) and not runs(None, TABLE + "nonsense")


@pytest.mark.parametrize(
    ("call", "tools", "fits"),
    [
        (json.dumps({"name": "go", "arguments": {"to": "x"}}), json.dumps(TOOLS), True),
        ({"name": "go", "arguments": {"to": "x"}}, [{"type": "function", "function": TOOLS[0]}], True),
        ({"name": "run", "arguments": {}}, TOOLS, False),
        ({"arguments": {}}, TOOLS, False),
        ([], TOOLS, False),
        ("no JSON", TOOLS, False),
        ({"name": "go", "arguments": {}}, [{"name": "go", "parameters": {"type": "strange"}}], False),
        ({"name": None, "arguments": {}}, [3], False),
    ],
)
def test_calls_of_tools(call: Any, tools: Any, fits: bool) -> None:
    assert calls(call, tools) is fits


def test_a_check_that_is_none_is_named() -> None:
    for given in (3, "", "parses:cobol", "wordy", "nowhere:f", "states:", "states: ,", "runs:"):
        with pytest.raises(OptionError, match="here"):
            check_of(given, lambda line: "here", Path())


@pytest.mark.parametrize("given", ["words:x", "words:4-80", "words:80"])
def test_a_check_of_words_that_is_no_range_is_no_function(given: str) -> None:
    with pytest.raises(OptionError, match=r"here: check .*write the fewest and the most, as words:3\.\.60"):
        check_of(given, lambda line: "here", Path())


def test_a_text_loses_the_mark_of_a_list_and_its_quotes() -> None:
    assert [unquoted(one) for one in ("- Write a poem.", '1. "Sing."', "- a\n- b", "-5", "2. b")] == [
        "Write a poem.", "Sing.", "- a\n- b", "-5", "2. b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "turn"),
    [
        ("Where is it?", "Where is it?"),
        ("Customer: Where is it?", "Where is it?"),
        ("user: Where is it?\nSupport: On its way.\nCustomer: Thanks.", "Where is it?"),
        ("It is late.\nNote: I paid.", "It is late.\nNote: I paid."),
        ("Support: On its way.", "On its way."),
    ],
)
def test_a_turn_is_what_one_says(text: str, turn: str) -> None:
    prompt = "You are a customer.\nThe chat so far:\nCustomer: Hi.\nSupport: Hello.\nWrite the next message."
    assert spoken(text, prompt, "user") == turn
