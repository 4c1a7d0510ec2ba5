"""The recipes that come with lookalike can all be used as they are."""

from __future__ import annotations

import pytest

import lookalike
from lookalike.errors import OptionError
from lookalike.llm import LLM
from lookalike.prompting.recipes import shipped

CALLS = {  # of a row, at least
    "classify": 1,
    "dialogue": 4,
    "evol-instruct": 2,
    "persona": 2,
    "qa": 2,
    "self-instruct": 2,
    "text-to-sql": 2,
    "tool-calls": 2,
    "topic-tree": 3,
}


@pytest.mark.parametrize("name", CALLS)
def test_a_shipped_recipe_is_ready_to_ask(name: str) -> None:
    llm = LLM("m", "http://127.0.0.1:9/v1")
    recipe = lookalike.Recipe(shipped.FOLDER / f"{name}.toml", llm, progress=False).fit(None)
    asked = recipe.requests(6)
    assert len(asked) >= 6 * CALLS[name] and recipe.plan.task
    for request in asked:
        text = str(request.messages)
        assert "{{" not in text and "{%" not in text


def test_each_has_a_line_on_what_it_makes() -> None:
    about = shipped.about()
    assert set(about) == set(CALLS) and all(len(one) > 20 for one in about.values())
    with pytest.raises(OptionError, match="'nope' is not known: choose one of classify"):
        shipped.source("nope")
