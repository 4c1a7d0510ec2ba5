"""Dates that lie whole months after another, whatever a system does at the end of a month."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from lookalike.rules import find_rules
from lookalike.rules.months import moved_by

ROWS = 600
Ends = Callable[[pd.Timestamp, int], pd.Timestamp]


def plain(day: pd.Timestamp, months: int) -> pd.Timestamp:
    return day + pd.DateOffset(months=months)


def kept(day: pd.Timestamp, months: int) -> pd.Timestamp:
    return plain(day, months) + pd.offsets.MonthEnd(0) if day.is_month_end else plain(day, months)


def over(day: pd.Timestamp, months: int) -> pd.Timestamp:
    return plain(day.replace(day=1), months) + pd.Timedelta(day.day - 1, "D")


def last(day: pd.Timestamp, months: int) -> pd.Timestamp:
    return plain(day, months) + pd.offsets.MonthEnd(0)


def starts(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2018-01-01") + pd.to_timedelta(rng.integers(0, 1800, ROWS), "D")
    return pd.DataFrame({"start": start, "term": rng.choice([1, 3, 12, 24], ROWS)})


def ended(table: pd.DataFrame, ends: Ends) -> list[pd.Timestamp]:
    return [ends(day, int(months)) for day, months in zip(table["start"], table["term"], strict=True)]


def words(table: pd.DataFrame) -> list[str]:
    return [rule.words for rule in find_rules(table)]


@pytest.mark.parametrize(
    ("ends", "rule"),
    [
        (plain, "end = start + term months"),
        (kept, "end = start + term months, last days kept"),
        (over, "end = start + term months, days over"),
        (last, "end = start + term months, last of month"),
        (lambda day, n: plain(day, n) - pd.Timedelta(1, "D"), "end = start + term months - 1 days"),
        (lambda day, n: plain(day, 12 * n), "end = start + term years"),
        (lambda day, n: plain(day, 1), "end = start + 1 months"),
        (lambda day, n: plain(day, -24), "end = start - 2 years"),
        (lambda day, n: day + pd.Timedelta(n, "W"), "term = end - start in weeks"),
    ],
)
def test_a_term_is_found(ends: Ends, rule: str) -> None:
    table = starts()
    table["end"] = ended(table, ends)
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        written = table.assign(start=table["start"].dt.strftime(form), end=table["end"].dt.strftime(form))
        assert words(written)[0] == rule


@pytest.mark.parametrize(("unit", "days"), [("days", 1), ("weeks", 7)])
def test_a_date_follows_from_a_category_of_days(unit: str, days: int) -> None:
    table = starts()
    table["end"] = table["start"] + pd.to_timedelta(days * table["term"], "D")
    table["term"] = [f"{one} {unit}" for one in table["term"]]
    assert words(table) == [f"end = start + term {unit}"]


def test_a_term_that_is_not_meant_is_not_found() -> None:
    rng, table = np.random.default_rng(1), starts()
    table["end"] = ended(table, plain)
    near = table["end"] + pd.to_timedelta(rng.integers(-3, 4, ROWS), "D")
    assert not any("months" in one for one in words(table.assign(end=near)))
    shuffled = table.assign(term=rng.permutation(table["term"]))
    assert not any("months" in one for one in words(shuffled))
    one = table.assign(term=np.where(np.arange(ROWS) < 8, 24, 12))  # hardly a row has another one
    assert words(one.assign(end=ended(one, plain)))[0] == "end = start + 1 years"


def test_empty_ends_and_exceptions() -> None:
    rng, table = np.random.default_rng(2), starts()
    table["end"] = ended(table, plain)
    table.loc[rng.random(ROWS) < 0.3, "end"] = pd.NaT
    table.loc[:5, "end"] = table["start"][:6] + pd.Timedelta(100, "D")
    found = find_rules(table)[0]
    assert found.words == "end = start + term months"
    assert found.support == pytest.approx(1 - 6 / table["end"].notna().sum())


def test_what_no_months_can_be_added_to_stays_unknown() -> None:
    at = np.array([pd.Timestamp("2024-01-31 10:30").timestamp(), np.nan, 0.0, 0.0])
    made = moved_by(at, np.array([1.0, 1.0, np.nan, 0.5]), 0, "")
    assert made[0] == pd.Timestamp("2024-02-29 10:30").timestamp()
    assert np.isnan(made[1:]).all()
