"""Formats found in the cells of a column of dates, and in whole numbers that are dates."""

import re

import numpy as np
import pandas as pd
import pytest

from lookalike.errors import SchemaError
from lookalike.table import date_formats
from lookalike.table.dates import read_dates, read_several, write_dates, write_several
from lookalike.table.inferring import infer

STAMPS = pd.date_range("2019-01-01 10:00:00", periods=400, freq="3701min")


@pytest.mark.parametrize(
    ("cells", "forms"),
    [
        (["21 Sep, 15", "02 Jan, 16"], ["%d %b, %y"]),
        (["2019-03-29 18:02:37 UTC"], ["%Y-%m-%d %H:%M:%S UTC"]),
        (["2019-03-29 18:02:37.0000000"], ["%Y-%m-%d %H:%M:%S.%7f"]),
        (["2019-03-29 18:02:37.1234567", "2019-03-29 18:02:38.0000001"], ["%Y-%m-%d %H:%M:%S.%7f"]),
        (["17/May/2015:10:05:03"], ["%d/%b/%Y:%H:%M:%S"]),
        (["2021-03-01T10:00:00-05:00"], ["%Y-%m-%dT%H:%M:%S-05:00"]),
        (
            ["2019-03-29 18:02:37+02:00", "2019-03-30 18:02:37+02:00", "2019-03-29 18:02:37+00:00"],
            ["%Y-%m-%d %H:%M:%S+02:00", "%Y-%m-%d %H:%M:%S+00:00"],
        ),
        (["2020-01-01T10:00:05", "2020-01-01T10:00:05.12", "2020-02-01T10:00:05"],
         ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%2f"]),
        (["05/17/2015", "01/02/2015"], ["%m/%d/%Y"]),
        (["17/05/2015", "01/02/2015"], ["%d/%m/%Y"]),
        (["01.02.15"], ["%d.%m.%y"]),
        (["10:05pm", "1:05am"], ["%-I:%M%P"]),
        (["Fri, 29 Mar 2019 18:02:37 +0000"], ["%a, %d %b %Y %H:%M:%S +0000"]),
        (["Fri Mar 29 18:02:37 +0000 2019"], ["%a %b %d %H:%M:%S +0000 %Y"]),
        (["Fri Mar 29 18:02:37 2019", "Thu Mar  7 18:02:37 2019"], ["%a %b %e %H:%M:%S %Y"]),
        (["Mar 29 18:02:37", "Mar  7 18:02:37", "Feb 29 00:00:01"], ["%b %e %H:%M:%S"]),
        (["Fri Mar 29 2019 18:02:37 GMT+0000 (Coordinated Universal Time)"],
         ["%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)"]),
        (["Mar 29, 2019 at 6:02 PM", "Mar 7, 2019 at 10:12 AM"], ["%b %-d, %Y at %-I:%M %p"]),
        (["7th July 2023", "21st May 2023", "2nd June 2023"], ["%o %B %Y"]),
        (["July 7th, 2023", "June 23rd, 2023", "June 11th, 2023"], ["%B %o, %Y"]),
        (["07-Jul", "29-Feb"], ["%d-%b"]),
        (["07-19 22:28", "02-29 05:00"], ["%m-%d %H:%M"]),
        (["24.12.", "01.02."], ["%d.%m."]),
        (["29-MAR-2019"], ["%d-%^b-%Y"]),
        (["2015-W03", "2015-W53"], ["%G-W%V"]),
        (["2015Q3", "2016Q1"], ["%YQ%q"]),
        (["20150301T101500Z"], ["%Y%m%dT%H%M%SZ"]),
        (["9999-12-31", "1555-02-17"], ["%Y-%m-%d"]),
        (["2015-03-17", "2015-03-18", "2015-03-00", "2016-04-00", "2015-00-00"],
         ["%Y-%m-%d", "%Y-%m-00", "%Y-00-00"]),
        (["17.05.2015", "18.06.2015", "00.05.2015"], ["%d.%m.%Y", "00.%m.%Y"]),
        (["3/26/1857", "12/1/1848", "3/-9/1848"], ["%-m/%-d/%Y", "%-m/-9/%Y"]),
        (["1h 30m", "12h 5m", "45m"], ["%-Hh %-Mm", "%-Mm"]),
        (["PT1H30M", "PT12H05M", "PT5H10M"], ["PT%-HH%MM"]),
        (["1 hour 5 min 9 s", "2 hours 10 min 0 s"],
         ["%-H hour %-M min %-S s", "%-H hours %-M min %-S s"]),
    ],
)  # fmt: skip
def test_formats_of_cells_which_come_back_to_the_letter(cells: list[str], forms: list[str]) -> None:
    found, which = date_formats.find(cells, np.full(len(cells), 5), 5)
    assert found == forms and (which >= 0).all()
    dates, place = read_several(cells, found)
    assert write_several(dates, place, found).tolist() == cells


@pytest.mark.parametrize(
    ("numbers", "form"),
    [
        (STAMPS.strftime("%Y%m%d"), "%Y%m%d"),
        (STAMPS.strftime("%Y%m"), "%Y%m"),
        (STAMPS.strftime("%H%M"), "%H%M"),
        (STAMPS.strftime("%Y%j"), "%Y%j"),
        (STAMPS.strftime("%y%m%d"), "%y%m%d"),
        (STAMPS.floor("10min").strftime("%H%M"), "%H%M"),
        (np.arange(200_101, 200_113), "%Y%m"),  # days of January, or months
        (np.arange(800_101, 800_131), "%y%m%d"),
        (np.arange(800_101, 800_133), None),
        (np.arange(0, 2400, 25), None),
        (np.r_[2_019_001:2_019_200, 2_020_001:2_020_180], None),  # a number that counts in each year
        (np.arange(2_000_001, 2_000_360), None),
        (np.arange(20_190_101, 20_190_501), None),
        (np.arange(190_001, 190_400), None),
        (np.arange(0, 2359, 7), None),
        (np.arange(1900, 1960), None),
        (np.arange(0, 2400, 10) // 100 * 100, None),
    ],
)
def test_whole_numbers_that_are_dates(numbers: object, form: str | None) -> None:
    table = pd.DataFrame({"x": np.array(numbers, dtype=np.int64)})
    column = infer(table)["x"]
    assert (column.kind, column.format) == ("datetime" if form else column.kind, form)
    assert (column.kind == "datetime") == (form is not None)


@pytest.mark.parametrize(
    "cells",
    [
        [f"{n * 37 % 9973 / 1e4:.4f}" for n in range(1, 400)] + ["NA"] * 40,  # decimal numbers
        [f"{n * 37 % 9973 / 1e4 + n % 12:.4f}" for n in range(1, 400)] + ["NA"] * 40,
        [f"-{n * 37 % 9973 / 1e4 + n % 12:.4f}" for n in range(1, 400)] + ["NA"] * 40,
        [f"0.{n}" for n in range(1600, 1900)] + ["NA"] * 40,
        [f"{n * 23 % 9000 + 1000}-{n % 10}" for n in range(400)],  # codes
        [f"{n % 5 + 1}.{n % 9 + 1}.{n % 20 + 1:02}" for n in range(400)],  # chapters
        ["17th", "21st"] * 200,
    ],
)
def test_decimal_numbers_codes_and_chapters_are_no_dates(cells: list[str]) -> None:
    assert infer(pd.DataFrame({"x": cells}))["x"].kind != "datetime"


def test_months_of_a_year_with_a_point_are_dates() -> None:
    cells = [f"{n % 12 + 1:02}.{1990 + n % 30}" for n in range(400)] + ["NA"] * 40
    column = infer(pd.DataFrame({"x": cells}))["x"]
    assert (column.kind, column.format, column.exceptions) == ("datetime", "%m.%Y", ["NA"])


def test_what_is_no_date_is_an_exception_where_it_recurs_or_is_blank() -> None:
    cells = list(STAMPS.strftime("%Y-%m-%d"))
    cells[:3], cells[3:12], cells[12] = ["N/A"] * 3, ["0000-00-00"] * 9, "in May"
    column = infer(pd.DataFrame({"x": cells}))["x"]
    assert (column.kind, column.exceptions) == ("datetime", ["0000-00-00", "N/A"])
    column.exceptions, column.format = None, None
    cells[20:60] = ["sometime"] * 40
    with pytest.raises(SchemaError, match="holds 'N/A', which is not written as %Y-%m-%d"):
        table = pd.DataFrame({"x": cells})
        schema = infer(table)
        schema["x"].kind, schema["x"].exceptions, schema["x"].format = "datetime", [], "%Y-%m-%d"
        from lookalike.codec import RecordCodec

        RecordCodec.fit(table, schema)


def test_months_of_one_language_are_one_format() -> None:
    """Jan, Feb and Apr are English, too; Dez, Mai and Okt are German alone, mei and mrt Dutch."""
    days = pd.date_range("2019-01-05", periods=60, freq="17D")
    for form in ("%-d. %{de}b %Y", "%d %{nl}b %Y", "%-d %{fr}B %Y"):
        cells = write_dates(days.to_numpy(), form)
        found, which = date_formats.find(cells, np.ones(len(cells), dtype=np.int64), 5)
        assert len(found) == 1 and (which == 0).all(), found
        assert (read_dates(cells, found[0]) == days.to_numpy()).all()


def test_dates_and_times_that_are_one_number_are_found() -> None:
    days = pd.date_range("2019-01-05 10:07:31", periods=60, freq="31h")
    for form in ("%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d"):
        values = np.array([int(day.strftime(form)) for day in days])
        assert date_formats.of_numbers(np.unique(values)) == form
        assert date_formats.of_numbers(np.unique(values) + 9000) is None
    assert date_formats.of_numbers(np.arange(60) * 977 + 1_600_000_000_000) is None


@pytest.mark.parametrize("form", ["%Y年%m月%d日", "%Y年%-m月%-d日", "%Y년 %m월 %d일"])
def test_dates_of_east_asia_are_found(form: str) -> None:
    days = pd.date_range("2019-01-05", periods=60, freq="17D")
    cells = write_dates(days.to_numpy(), form)
    assert date_formats.date_format(cells) == form


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([f"{n % 9}h {n % 60}m" for n in range(400)], "datetime"),
        ([f"{n % 59} min" for n in range(400)], "number"),  # one unit
        ([f"1:{2 + n % 18}" for n in range(400)], "category"),  # odds, not times
    ],
)
def test_spans_are_times_and_odds_are_not(cells: list[str], kind: str) -> None:
    assert infer(pd.DataFrame({"x": cells}))["x"].kind == kind


def test_a_few_cells_that_are_no_dates_are_exceptions() -> None:
    cells = [*STAMPS.strftime("%d/%m/%Y"), *["00/00/0000"] * 9, *["99/99/9999"] * 9]
    column = infer(pd.DataFrame({"x": cells}))["x"]
    assert column.kind == "datetime" and column.exceptions == ["00/00/0000", "99/99/9999"]


def test_dates_in_brackets_are_dates() -> None:
    hours = pd.Timestamp("2021-10-10") + pd.to_timedelta(np.arange(300) * 977, "s")
    table = pd.DataFrame(
        {
            "log": [f"[{one:%d/%b/%Y:%H:%M:%S} +0000]" for one in hours],
            "day": [f"({one:%Y-%m-%d})" for one in hours],
            "loss": [f"({n})" if n % 3 else str(n) for n in range(1_100, 1_400)],
        }
    )
    schema = infer(table)
    assert [(c.kind, c.format) for c in schema.columns][:2] == [
        ("datetime", "[%d/%b/%Y:%H:%M:%S +0000]"),
        ("datetime", "(%Y-%m-%d)"),
    ]
    assert schema["loss"].kind == "number"


OFFSETS = np.random.default_rng(0).integers(0, 2000, 600)
FIVE_YEARS = pd.Timestamp("2015-01-05") + pd.to_timedelta(OFFSETS, "D")


@pytest.mark.parametrize("form", ["%b %d", "%b-%d", "%b. %d", "%B %d", "%b-%y", "%b %y", "%B %y", "%d-%b"])
@pytest.mark.parametrize("rows", [60, 600])
def test_a_number_beside_a_month_is_a_day_or_a_year(form: str, rows: int) -> None:
    column = infer(pd.DataFrame({"x": FIVE_YEARS[:rows].strftime(form)}))["x"]
    assert (column.kind, column.format) == ("datetime", form)


@pytest.mark.parametrize("form", ["%G-W%V-%u", "%G-W%V", "%G-W%-V", "W%-V %G", "W%V/%G", "%Y-%j", "%Y/%j"])
def test_weeks_and_days_of_weeks_and_years_are_dates(form: str) -> None:
    cells = [one.strftime(form.replace("%-V", "%V")) for one in FIVE_YEARS]
    cells = [re.sub(r"W0", "W", cell) for cell in cells] if "%-V" in form else cells
    column = infer(pd.DataFrame({"x": cells}))["x"]
    assert (column.kind, column.format, column.exceptions) == ("datetime", form, None)
    assert write_dates(read_dates(cells, form), form).tolist() == cells


def test_years_with_numbers_are_days_of_years_only_where_they_reach_the_end_of_the_year() -> None:
    rng = np.random.default_rng(0)
    years = rng.integers(2015, 2019, 600)
    for numbers in (rng.permutation(600) + 1, rng.integers(1, 300, 600)):
        cells = [f"{a}-{b:03d}" for a, b in zip(years, numbers, strict=True)]
        assert infer(pd.DataFrame({"x": cells}))["x"].kind != "datetime"
