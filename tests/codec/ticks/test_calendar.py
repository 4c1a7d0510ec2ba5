"""Dates of a calendar: what real dates keep (business days, ends of months, steps, once each) is kept."""

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import RecordCodec
from lookalike.table.inferring import infer

CALENDARS = {
    "business days": pd.bdate_range("2015-01-01", periods=300),
    "ends of months": pd.date_range("1995-01-01", periods=300, freq="ME"),
    "weeks": pd.date_range("2010-01-04", periods=300, freq="7D"),
    "quarters of an hour": pd.date_range("2020-01-01 00:15", periods=300, freq="15min"),
    "half days": pd.date_range("2020-01-01", periods=300, freq="12h"),
}


@pytest.mark.parametrize("name", CALENDARS)
def test_dates_that_come_once_do_so_on_their_calendar(name):
    dates = CALENDARS[name]
    table = pd.DataFrame({"date": dates.strftime("%Y-%m-%d %H:%M:%S")})
    codec = RecordCodec.fit(table, infer(table))
    drawn = pd.to_datetime(codec.decode(*codec.encode(table), np.random.default_rng(0))["date"])
    inside = dates[4:-4]  # the range that a schema tells
    assert drawn.isin(inside).all() and drawn.nunique() == len(inside)
    some = codec.encode(table.iloc[::2])
    drawn = pd.to_datetime(codec.decode(*some, np.random.default_rng(1))["date"])
    assert drawn.is_unique and drawn.isin(inside).all()
    off = drawn.to_numpy() - dates[::2].to_numpy()
    assert np.median(np.abs(off)) <= 8 * (dates[1] - dates[0])


def test_dates_that_come_again_and_days_of_the_whole_week_are_left_alone():
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 100, 300), unit="D")
    table = pd.DataFrame({"date": days.strftime("%Y-%m-%d")})
    codec = RecordCodec.fit(table, infer(table))
    drawn = codec.decode(*codec.encode(table), np.random.default_rng(0))["date"]
    assert drawn.nunique() < 110 and set(pd.to_datetime(drawn).dt.day_of_week) == set(range(7))
