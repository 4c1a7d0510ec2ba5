"""What a language model is asked for a label, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lookalike
from lookalike.annotator import FORMS, Annotator
from lookalike.errors import OptionError
from lookalike.llm import LLM

LABELLER = Path(__file__).parent / "curate" / "labeller.py"


def test_the_prompt_shows_neighbours_and_every_label_and_forms_differ() -> None:
    asks = Annotator(
        LLM("m", "http://127.0.0.1:1/v1"), "messages to a bank", votes=len(FORMS), progress=False
    )
    near = [({"text": "where is it"}, "late"), ({"text": "too dear"}, "fee")]
    made = [asks.request({"text": "x" * 9000}, near, ["fee", "late"], form) for form in range(len(FORMS))]
    assert len({str(one.messages) for one in made}) == len(FORMS)
    for one in made:
        assert isinstance(one.messages, str) and one.schema is not None
        assert "text: where is it\nLabel: late" in one.messages and "messages to a bank" in one.messages
        assert set(one.schema["properties"]["label"]["enum"]) == {"fee", "late"}
        assert len(one.messages) < 4000
    assert made[0].messages.index('"fee", "late"') > 0  # type: ignore[union-attr]
    assert made[1].messages.index('"late", "fee"') > 0  # type: ignore[union-attr]


def test_answers_come_in_order_a_form_each(serve: Callable[..., Any], banking: Any) -> None:
    rows = banking.drop_duplicates("text")[::40].head(4)
    asks = lookalike.Annotator(LLM("m", serve("--writer", f"{LABELLER}:right").url), votes=2, progress=False)
    records = [{"text": text} for text in rows.text]
    told = asks(records, [[]] * len(records), sorted(set(rows.category)))
    assert told == [[name, name] for name in rows.category] and asks.answers == 8


def test_a_number_of_forms_that_there_is_not() -> None:
    with pytest.raises(OptionError, match="votes"):
        Annotator(LLM("m", "http://127.0.0.1:1/v1"), votes=9)
