"""The four reasons for which Evol-Instruct eliminates an instruction."""

from __future__ import annotations

import pytest

from lookalike.prompting.growth.evolving import eliminated

BEFORE = "Name three rivers of Europe."
AFTER = "Name three rivers of Europe that cross at least four countries, and their lengths."


@pytest.mark.parametrize(
    ("after", "response", "gains", "reason"),
    [
        (AFTER, None, None, None),
        (AFTER, "The Danube (2,850 km), the Rhine (1,230 km) ...", True, None),
        (AFTER, None, False, "no gain"),
        ("name THREE rivers, of Europe!", None, None, "no gain"),
        ("  ", None, None, "no gain"),
        ("Rewritten prompt: name three rivers of Asia", None, None, "leaked"),
        ("#Rewritten Prompt#: name three rivers of Asia", None, None, "leaked"),
        ("Name three rivers as the given prompt asks for", None, None, "leaked"),
        (AFTER, "I'm sorry, I cannot tell.", None, "sorry"),
        (AFTER, "I am sorry. " + "The Danube crosses many countries. " * 20, None, None),
        (AFTER, "and the of, ...!", None, "no content"),
        (AFTER, "", None, "no content"),
    ],
)
def test_each_reason(after: str, response: str | None, gains: bool | None, reason: str | None) -> None:
    assert eliminated(BEFORE, after, response, gains) == reason


def test_an_instruction_that_is_about_prompts_leaks_nothing() -> None:
    assert eliminated("Improve the given prompt.", "Improve the given prompt by examples.") is None
