"""The ends of a range that may be told: rounded outwards where only few rows hold them."""

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lookalike.codec.ticks.ends import told_dates, told_numbers
from lookalike.table.inferring import infer

DAYS = pd.Series(pd.date_range("2015-02-03", periods=900, freq="D"))


def numbers(values: Any, least: int = 5) -> tuple[Any, Any]:
    series = pd.Series(values)
    return told_numbers(series, infer(pd.DataFrame({"x": series}))["x"], least)


def dates(values: Any, least: int = 5) -> tuple[Any, Any]:
    series = pd.Series(values)
    return told_dates(series, infer(pd.DataFrame({"x": series}))["x"], least)


def test_an_end_that_enough_rows_hold_is_told_as_it_is() -> None:
    assert numbers([17, 90] * 5 + [40] * 30) == (17, 90)
    assert numbers(np.arange(40) / 7.3, least=1) == (4 / 7.3, 35 / 7.3)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1234 + 37 * i for i in range(60)], (1300, 3300)),
        ([0.1234 + 0.37 * i for i in range(60)], (1.0, 21.0)),
        ([Decimal(1234 + 37 * i) / 100 for i in range(60)], (Decimal("13.00"), Decimal("33.00"))),
        ([-1234 - 37 * i for i in range(60)], (-3300, -1300)),
        (np.arange(60) * 1.37e30, (5e30, 7.6e31)),
        (pd.to_timedelta(np.arange(60) * 37, "min"), ("0 days 01:40:00", "1 days 11:00:00")),
    ],
    ids=["whole", "float", "decimal", "negative", "huge", "timedelta"],
)
def test_an_end_that_few_rows_hold_is_rounded_outwards(values: Any, told: tuple[Any, Any]) -> None:
    low, high = numbers(values)
    assert (low, high) == told and type(low) is type(told[0])


def test_a_rounded_end_is_no_value_of_few_rows_either() -> None:
    for values in (range(8), [3, 5, 8, 13, 21], np.arange(30) * 10, np.arange(7) * 0.5):
        counts = pd.Series(values).value_counts()
        assert all(counts.get(end, 0) == 0 for end in numbers(values))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (DAYS, ("2015-02-01", "2017-07-31")),
        (pd.concat([DAYS] * 5), ("2015-02-03", "2017-07-21")),
        (DAYS.dt.strftime("%d.%m.%Y"), ("01.02.2015", "31.07.2017")),
        (DAYS + pd.to_timedelta(np.arange(900), "min"), ("2015-02-01T00:00", "2017-07-31T23:59")),
        (DAYS[::30], ("2015-06-01", "2017-02-28")),
        (pd.Series(pd.date_range("1950-03-04", periods=40, freq="730D")), ("1958-01-01", "2020-12-31")),
    ],
    ids=["days", "held by many", "written", "minutes", "months", "years"],
)
def test_dates_that_few_rows_hold_become_the_ends_of_their_month_or_year(
    values: Any, told: tuple[str, str]
) -> None:
    assert dates(values) == told


def test_a_rounded_date_is_no_date_of_few_rows_either() -> None:
    days = pd.Series(pd.date_range("2015-01-01", periods=8, freq="D"))
    assert dates(days) == ("2014-12-31", "2015-01-09")


def test_times_stay_within_their_day() -> None:
    times = pd.Series(pd.date_range("2015-01-01 00:01", periods=470, freq="3min")).dt.strftime("%H:%M")
    low, high = dates(times)
    assert (low, high) == ("00:00", "23:59")
