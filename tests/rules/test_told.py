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


def test_a_rule_between_dates_of_several_formats_is_not_called_kept() -> None:
    day = pd.Series(pd.date_range("2020-01-01", periods=200, freq="7h"))
    mixed = day.dt.strftime("%Y-%m-%d %H:%M:%S").where(
        day.index % 2 == 0, day.dt.strftime("%d.%m.%Y %H:%M:%S")
    )
    table = pd.DataFrame({"utc": day.dt.strftime("%Y-%m-%d %H:%M:%S"), "mixed": mixed})
    (one,) = said(table, "mixed >= utc")
    assert one.startswith("rules that nothing is done to keep") and "several formats" in one
