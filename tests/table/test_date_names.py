"""Names of months and days in other languages."""

import numpy as np
import pytest

from lookalike.table.date_formats import date_format
from lookalike.table.date_names import names_of
from lookalike.table.dates import read_dates, write_dates

DAYS = np.arange("2019-01-05", "2020-12-20", 11, dtype="M8[D]").astype("M8[us]")


@pytest.mark.parametrize(
    "form",
    [
        *["%d. %{de}B %Y", "%-d %{fr}B %Y", "%-d %{fr}b %Y", "%d-%{es}b-%y", "%{it}A %d %{it}B %Y"],
        *["%d de %{pt}B de %Y", "%d %{nl}b %Y %H:%M", "%d-%^{de}b-%Y", "%{Es}B %-d, %Y", "%d %{pt}A %m %Y"],
    ],
)
def test_a_format_of_another_language_is_found_and_written_back(form: str) -> None:
    cells = write_dates(DAYS, form)
    found = date_format(np.unique(cells))
    assert found == form
    assert (write_dates(read_dates(cells, found), found) == cells).all()


def test_what_german_dates_look_like() -> None:
    dates = np.array(["2021-03-07", "2021-12-24"], dtype="M8[us]")
    assert write_dates(dates, "%-d. %{de}B %Y").tolist() == ["7. März 2021", "24. Dezember 2021"]
    assert read_dates(["7. März 2021", "7. Mars 2021"], "%-d. %{de}B %Y").astype(str).tolist() == [
        "2021-03-07T00:00:00.000000",
        "NaT",
    ]


@pytest.mark.parametrize("language", ["de", "fr", "es", "it", "pt", "nl", "Fr"])
def test_a_language_has_twelve_months_and_seven_days(language: str) -> None:
    assert [len(set(names_of(letter, language))) for letter in "BbA"] == [12, 12, 7]


def test_names_that_english_has_stay_english() -> None:
    assert date_format(np.array(["11 Nov 2020", "03 Apr 2021", "05 Jan 2021"], dtype=object)) == "%d %b %Y"
    assert names_of("B", "xx") == []
    assert np.isnat(read_dates(["1 Mai 2020"], "%-d %{xx}B %Y")).all()
