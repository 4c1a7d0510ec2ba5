"""JSON is found wherever a reply has it; nothing is made up."""

from __future__ import annotations

import pytest

from lookalike.llm.values import answers_in, is_cut, pieces, values_in


@pytest.mark.parametrize(
    ("text", "values", "loose"),
    [
        ('```json\n{"a": 1}\n```', [{"a": 1}], False),
        ('Sure: {"a": 1, "b": [1, 2,],} Bye.', [{"a": 1, "b": [1, 2]}], True),
        ("{'a': 'it'}", [{"a": "it"}], True),
        ('[{"a": "x } y"},]', [[{"a": "x } y"}]], True),
        ('{"a": 1}\n{"a": 2}', [{"a": 1}, {"a": 2}], False),
        ('The "rows" [as asked]:\n```\n[{"a": 1}]\n```', [[{"a": 1}]], False),
        ('Like {"a": [...]}, so: {"a": [2]}', [{"a": [2]}], False),
        ('I began [ and then {"a": 1}', [{"a": 1}], False),
        ('{"rows": [{"a": 1}, {"a": "hal', [{"a": 1}], False),
    ],
)
def test_values_are_found_and_loose_ones_repaired(text: str, values: list[object], loose: bool) -> None:
    assert values_in(text) == (values, loose)


@pytest.mark.parametrize("text", ['{"a": "half a sent', '{"a": [1, 2', "no JSON here", "", "[as asked]"])
def test_what_is_cut_or_missing_is_not_made_up(text: str) -> None:
    assert values_in(text)[0] == []
    assert is_cut(text) == text.startswith("{")


def test_the_answer_stands_behind_the_thinking() -> None:
    assert answers_in("<think>{1}</think>{2}") == ["{2}", "<think>{1}</think>{2}"]
    assert answers_in("{1}\n</THINKING>\n{2}")[0] == "\n{2}"
    assert answers_in('{"a": 1}') == ['{"a": 1}']
    assert answers_in('{"a": 1}</think>\n') == ['{"a": 1}</think>\n']


def test_many_open_brackets_take_no_time() -> None:
    assert list(pieces("[" * 200_000)) == [] and is_cut("[" * 200_000)
