import pandas as pd

import lookalike
from lookalike.codec import RecordCodec
from lookalike.rules import Plan, rules_of
from lookalike.rules.told import sentences


def said(table: pd.DataFrame, *words: str) -> list[str]:
    schema = lookalike.infer(table)
    schema.rules = list(words)
    codec = RecordCodec.fit(table, schema)
    rules = rules_of(table, codec.schema)
    return sentences(rules, Plan.fit(table, codec, rules))


def test_a_rule_that_is_kept_is_named(bookings: pd.DataFrame) -> None:
    (kept,) = said(bookings, "end >= start")
    assert kept.startswith("rules that are kept: end >= start")


def test_a_rule_that_hardly_a_row_keeps_is_warned_of(bookings: pd.DataFrame) -> None:
    found = said(bookings, "start > end")
    assert "only 0% of the real rows keep the rule 'start > end" in found[-1] and "mend it" in found[-1]


def test_a_rule_whose_columns_follow_from_others_is_not_called_kept(bookings: pd.DataFrame) -> None:
    kept, others = said(bookings, "total = room + tax", "total = 1.1 * room")
    assert kept == "rules that are kept: total = room + tax"
    assert others.startswith("rules that nothing is done to keep") and "1.1" in others
