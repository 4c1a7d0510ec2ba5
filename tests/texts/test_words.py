"""The words and sentences of a text."""

from __future__ import annotations

import pytest

from lookalike.texts.words import first_sentences


@pytest.mark.parametrize(
    ("text", "most", "found"),
    [
        ("One. Two! Three? Four", 3, "One. Two! Three?"),
        (
            "I met Dr. Smith and J. Doe, i.e. two. We paid 3.50 euros.",
            1,
            "I met Dr. Smith and J. Doe, i.e. two.",
        ),
        ('He said "Yes." Then he left.', 1, 'He said "Yes."'),
        ("So do I. We go.", 1, "So do I."),
        ("1. Wash it.\n2. Dry it.", 1, "1. Wash it."),
        ("你好。再见！好", 2, "你好。再见！"),  # noqa: RUF001
        ("Wait... what? Go on.", 2, "Wait... what?"),
        ("no end at all", 2, "no end at all"),
        (" Two. Of three ", 3, "Two. Of three"),
        ("", 1, ""),
    ],
)
def test_a_text_ends_after_so_many_sentences(text: str, most: int, found: str) -> None:
    assert first_sentences(text, most) == found


def test_of_a_text_that_broke_off_only_whole_sentences_are_left() -> None:
    assert first_sentences("One. Two. And the thi", 5, cut=True) == "One. Two."
    assert first_sentences("One. Two. And the thi", 1, cut=True) == "One."
    assert first_sentences("It never comes to an", 5, cut=True) == ""
