"""What no file takes is replaced, and nothing else."""

import json

import pytest

from lookalike.characters import sound


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain ç😀\n\t\x01", "plain ç😀\n\t\x01"),
        ("half \ud83d", "half \ufffd"),
        ("\ude00 other half", "\ufffd other half"),
        ("two halves \ud83d\ude00", "two halves 😀"),
        ("the wrong way \ude00\ud83d", "the wrong way \ufffd\ufffd"),
        ("a\x00b", "a\ufffdb"),
        ("\ud83dx😀", "\ufffdx😀"),
    ],
)
def test_texts(text: str, expected: str) -> None:
    assert sound(text) == expected


def test_json_values_with_their_keys() -> None:
    value = json.loads('{"\\ud83d": ["\\ud83d\\ude00", {"a": "\\u0000"}, 1, null, true, 2.5]}')
    assert sound(value) == {"\ufffd": ["😀", {"a": "\ufffd"}, 1, None, True, 2.5]}
    assert sound(json.loads(b'["\xed\xa0\xbd\xed\xb8\x80", "\xed\xa0\xbd"]')) == ["😀", "\ufffd"]  # as CESU-8


def test_a_value_that_is_nested_too_deep_is_told() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecursionError):
        sound(deep)
