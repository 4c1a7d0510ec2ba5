"""What is computed of a text, what each record is to be like, and what is kept of a description."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lookalike.prompting.arms import Place
from lookalike.prompting.facts import Facts, asked_of, described, names_label

TEXTS = [
    "Where is my card?",
    "where is the app",
    "WHERE IS MY 2ND CARD!",
    "I lost my card, what now?",
    "I lost 20 pounds.",
    "I lost the app again ...",
]
LABELS = ["a", "a", "a", "b", "b", "b"]


@pytest.fixture
def facts() -> Facts:
    return Facts(TEXTS, list(LABELS))


def test_what_can_be_counted_is_counted(facts: Facts) -> None:
    assert facts.of(0) == {"form": "a question", "ending": "ends with ?"}
    assert facts.of(1) == {
        "form": "a statement", "ending": "ends without a mark", "case": "small letters only"
    }  # fmt: skip
    assert facts.of(2) == {
        "form": "a statement", "ending": "ends with !", "case": "capitals only", "numbers": "names a number"
    }  # fmt: skip
    assert facts.of(4)["numbers"] == "names a number" and "case" not in facts.of(4)


def test_the_language_is_told_where_there_are_several() -> None:
    texts = ["Wo ist die Karte, die ich nicht habe?", "Where is the card that I have not?"]
    assert [Facts(texts, [None, None]).of(row).get("language") for row in (0, 1)] == ["German", "English"]
    assert "language" not in Facts(texts[:1] * 2, [None, None]).of(0)


def test_each_record_of_a_call_has_the_length_and_opening_of_a_real_row_of_the_class(facts: Facts) -> None:
    plan = facts.plan(Place("b"), 3, np.random.default_rng(0))
    assert sorted(line.split(", ")[0] for line in plan) == [
        "about 4 words", "about 6 words", "about 6 words"
    ]  # fmt: skip
    assert [line.partition("begins with ")[2] for line in plan if "begins" in line] == ['"I lost"']
    assert facts.plan(Place("b"), 3, np.random.default_rng(0)) == plan
    more = facts.plan(Place("b"), 7, np.random.default_rng(0))
    assert len(more) == 7 and more[:3] == plan


def test_the_plan_follows_the_form_of_the_place(banking: pd.DataFrame) -> None:
    facts = Facts(banking.text.tolist(), [None] * len(banking))
    asks = [text.rstrip().endswith("?") for text in banking.text]
    lengths = [len(text.split()) for text in banking.text]
    for row in (asks.index(True), asks.index(False)):
        of_form = {f"about {n} words" for n, own in zip(lengths, asks, strict=True) if own == asks[row]}
        plan = facts.plan(Place(None, row), 10, np.random.default_rng(1))
        assert {line.split(",")[0] for line in plan} <= of_form
        openings = [line.partition("begins with ")[2] for line in plan if "begins" in line]
        assert len(openings) >= 3 and len(set(openings)) == len(openings)


def test_scripts_without_spaces_are_counted_in_characters() -> None:
    facts = Facts(
        ["我的银行卡丢失了我应该怎么办请帮助我谢谢", "我想知道今天的汇率是多少可以告诉我吗"], [None, None]
    )
    assert set(facts.plan(Place(None), 2, np.random.default_rng(0))) == {
        "about 20 characters",
        "about 18 characters",
    }


def test_attributes_that_quote_the_record_are_dropped() -> None:
    text = "My card was declined twice in Rome, what now?"
    said = {
        "topic": "a refused\n payment",
        "details": "it says: CARD was declined twice in rome",
        "tone": "card was declined twice",
        "length": " ",
    }
    assert described(said, text, None) == {"topic": "a refused payment", "tone": "card was declined twice"}
    assert described({"topic": "Where now?!"}, "where now", None) == {}
    assert len(described({"topic": "x" * 1000}, text, None)["topic"]) == 300


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("The text is about a late delivery", "late delivery"),
        ("This customer review expresses a great joy over a phone", "great joy over a phone"),
        ("The record describes the loss of a wallet", "loss of a wallet"),
        ("worried, but polite", "worried, but polite"),
        ("the tone of the review is angry", None),
        ("It is labelled as a complaint", None),
        ("what the author of the text wants", None),
        ("happy: the label says so", None),
        ("sounds positively glad", None),
        ("very positive", None),
        ("positivity", None),
        ("composite materials", "composite materials"),
    ],
)
def test_attributes_that_speak_of_the_text_or_name_its_label_are_dropped(said: str, kept: str | None) -> None:
    assert described({"x": said}, "My phone came late.", "positive") == ({} if kept is None else {"x": kept})


@pytest.mark.parametrize(
    ("said", "label", "named"),
    [
        ("the arrival of a card", "card_arrival", False),
        ("card arrivals", "card_arrival", True),
        ("a card", "card_arrival", False),
        ("1 of 2", "1", False),
        ("anything", None, False),
    ],
)
def test_a_label_of_several_words_is_named_by_all_of_them(said: str, label: str | None, named: bool) -> None:
    assert names_label(said.split(), label) == named


def test_what_is_computed_is_not_asked_for() -> None:
    assert asked_of(["topic", "Length", "punctuation", "word count", "tone"]) == ["topic", "tone"]
