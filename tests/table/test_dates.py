"""Dates written as strings: one format for all, and back again to the letter."""

import numpy as np
import pandas as pd
import pytest

from lookalike.table.date_formats import date_format
from lookalike.table.dates import read_dates, write_dates

STAMPS = pd.date_range("2019-01-01", periods=700, freq="61min")


@pytest.mark.parametrize(
    "form",
    [
        *["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%Y-%m", "%d-%b-%y", "%b %d, %Y"],
        *["%d %B %Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+00:00"],
        *["%m/%d/%Y %I:%M %p", "%H:%M", "%I:%M %p"],
    ],
)
def test_a_format_is_found_and_written_back(form: str) -> None:
    strings = pd.Series(STAMPS.strftime(form)).drop_duplicates().to_numpy(object)
    found = date_format(strings)
    assert found == form
    assert (write_dates(read_dates(strings, found), found) == strings).all()


@pytest.mark.parametrize(
    ("strings", "form"),
    [
        (["1/16/2015 0:00", "12/1/2014 13:05"], "%-m/%-d/%Y %-H:%M"),
        (["7:55", "15:00"], "%-H:%M"),
        (["2020-01-01 10:00:00.123", "2020-01-02 11:30:00.004"], "%Y-%m-%d %H:%M:%S.%3f"),
        (["2020-01-01T10:00:00.123456"], "%Y-%m-%dT%H:%M:%S.%6f"),
    ],
)
def test_numbers_without_zeros_and_fractions(strings: list[str], form: str) -> None:
    values = np.array(strings, dtype=object)
    assert date_format(values) == form
    assert write_dates(read_dates(values, form), form).tolist() == strings


@pytest.mark.parametrize(
    "strings",
    [
        ["2020-01-01", "2020-02-30"],
        ["2020-01-01", "1/2/2020"],
        ["24:10"],
        ["1.5", "2.5"],
        ["abc"],
        [""],
        ["201501"],
    ],
)
def test_what_is_no_date_has_no_format(strings: list[str]) -> None:
    assert date_format(np.array(strings, dtype=object)) is None


def test_missing_dates_are_written_as_none() -> None:
    assert write_dates(np.array(["NaT", "2020-03-04"], dtype="M8[us]"), "%Y-%m-%d").tolist() == [
        None,
        "2020-03-04",
    ]
