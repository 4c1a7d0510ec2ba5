"""What is wrong with a record: each check finds what it is for and lets held-out real rows pass."""

from __future__ import annotations

import pandas as pd
import pytest

from lookalike.embed import embedder
from lookalike.learn import ClassCheck, class_check
from lookalike.prompting.checks import Checker
from lookalike.prompting.record import form_of


@pytest.fixture(scope="module")
def check(halves: tuple[pd.DataFrame, pd.DataFrame]) -> ClassCheck | None:
    texts = halves[0].text.tolist()
    return class_check(embedder(None, texts), texts, halves[0].category.tolist(), seed=0)


def checker_of(real: pd.DataFrame, check: ClassCheck | None = None) -> Checker:
    texts = real.text.tolist()
    return Checker(form_of(real, ["text"], "category"), texts, {"text": texts}, check)


def words(checker: Checker, records: list[dict[str, object]], labels: list[str | None]) -> list[str | None]:
    return [None if one is None else one.word for one in checker.wrong(records, labels)]


def test_real_rows_that_were_held_out_pass(
    halves: tuple[pd.DataFrame, pd.DataFrame], check: ClassCheck | None
) -> None:
    real, held_out = halves
    assert check is not None
    reasons = words(checker_of(real, check), held_out.to_dict("records"), held_out.category.tolist())
    assert sum(reason is not None for reason in reasons) <= 5


@pytest.mark.parametrize(
    ("text", "category", "reason"),
    [
        ("My own text about why the plastic is late again", "pending_top_up", None),
        ("My own text about why the plastic is late again", "exchange_charge", "label"),
        ("   ", "pending_top_up", "empty"),
        ("late " * 500, "pending_top_up", "too long"),
        ("As an AI language model, I do not own a card.", "pending_top_up", "refusal"),
        ("I'm sorry, but I can't assist with that request.", "pending_top_up", "refusal"),
        ("Ich habe meine Karte noch nicht bekommen, wie lange dauert das?", "pending_top_up", "language"),
    ],
)
def test_each_reason(
    halves: tuple[pd.DataFrame, pd.DataFrame], text: str, category: str, reason: str | None
) -> None:
    record = {"text": text, "category": category}
    assert words(checker_of(halves[0]), [record], ["pending_top_up"]) == [reason]
