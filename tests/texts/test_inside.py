"""JSON by its values, and the texts in it."""

from lookalike.texts.inside import canonical, texts_inside


def test_json_is_equal_by_its_values() -> None:
    assert canonical('{"b": [1, "x"], "a": null}') == canonical('{"a":null,"b":[1,"x"]}')
    assert canonical({"b": 2, "a": 1}) == canonical('{"a": 1, "b": 2}')
    assert canonical('{"a": 1}') != canonical('{"a": "1"}') != canonical('{"a": 2}')
    assert canonical('{"a": ') == '{"a": ' and canonical("17") == "17" and canonical(None) is None
    assert canonical({1: 2, "a": 3}) == {1: 2, "a": 3}


def test_only_strings_of_words_are_texts() -> None:
    assert texts_inside('{"city": "New York City", "days": 3, "tags": ["a", "b"]}') is None
    assert texts_inside([1, {"q": "why is my card late"}]) == "1\nwhy is my card late"
    assert texts_inside('{"q": "why is my card late", "id": 7}') == "7\nwhy is my card late"
    assert texts_inside("not {json") == "not {json"
