"""The checks of a text by itself, with real texts and without."""

from __future__ import annotations

import pandas as pd
import pytest

from lookalike.texts.checks import TEXT_CHECKS, TextChecks


@pytest.fixture(scope="module")
def judge(banking: pd.DataFrame) -> TextChecks:
    return TextChecks(banking.text[:200].tolist())


@pytest.mark.parametrize(
    ("text", "check", "reason"),
    [
        ("Where is my card?" * 60, "length", "above"),
        ("help me please " * 8, "repetition", "share of it that repeats"),
        ("$$$ ### !!! @@@ card", "symbols", "no letters or digits"),
        ("My card is caf\u00c3\u00a9 coloured", "encoding", "its damaged signs are 1"),
        ("Ich habe meine Karte noch nicht bekommen", "language", "a language of no real text"),
        ("As an AI language model I own no card", "refusal", "it says 'As an AI"),
        ("The text expresses a negative sentiment", "meta", "it says 'The text expresses"),
    ],
)
def test_each_check_finds_what_it_is_for(judge: TextChecks, text: str, check: str, reason: str) -> None:
    hit = judge.of(check, text)
    assert hit is not None and hit.check == check and reason in hit.reason


def test_a_copy_names_its_real_text_and_other_real_texts_pass(
    judge: TextChecks, banking: pd.DataFrame
) -> None:
    hit = judge.first(banking.text[7])
    assert hit is not None and (hit.check, hit.value) == ("copy", 7)
    failed = [hit.check for text in banking.text[200:] if (hit := judge.first(text))]
    assert len(failed) <= 0.02 * len(banking.text[200:])


def test_few_real_texts_set_wide_limits_and_none_set_absolute_ones() -> None:
    few = TextChecks(["Where is my card?", "My transfer is late.", "I want a refund now"])
    assert few.first("Can somebody tell me when the money that I sent last week is going to arrive?") is None
    alone = TextChecks([])
    assert alone.first("Ich habe meine Karte noch nicht bekommen") is None
    assert [name for name in TEXT_CHECKS if alone.of(name, "a" * 200_000)] == ["length", "repetition"]


def test_code_is_not_judged_as_prose() -> None:
    code = TextChecks(["print(1)", "x = 2"], prose=False)
    assert code.of("refusal", "s = 'as an AI model'") is None


@pytest.mark.parametrize(
    ("name", "text"), [("symbols", '{"a":[1,2]}'), ("repetition", "[1,1,1,1,1,1,1,1,1,1,1,1]")]
)
def test_no_absolute_limit_of_prose_holds_for_json(name: str, text: str) -> None:
    assert TextChecks([]).of(name, text) is not None and TextChecks([], prose=False).of(name, text) is None
    assert TextChecks(["{}", '{"a":1}'] * 50, prose=False).of("symbols", "{" * 9 + "a") is None
    assert TextChecks(['{"abcdefghijkl":1}'] * 100, prose=False).of("symbols", "{{}}") is not None
