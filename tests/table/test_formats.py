"""Formats of numbers: read, written, refused."""

import numpy as np
import pytest

from lookalike.errors import SchemaError
from lookalike.table import formats

CASES = [  # format, decimals, cells and their ticks
    ("$#,##0.00", 2, {"$1,234.50": 123450, "$9.76": 976, "-$3.10": -310, "$0.00": 0}),
    ("#.##0,00 €", 2, {"1.234,50 €": 123450, "9,76 €": 976}),
    ("0.0%", 1, {"12.5%": 125, "-0.5%": -5}),
    ("000", 0, {"007": 7, "123": 123, "1234": 1234}),
    ("0.0##", 3, {"1.0": 1000, "1.25": 1250, "0.052": 52}),
    ("0.0;-0.0;-0.0", 1, {"-0.0": 0, "-0.1": -1, "0.1": 1}),
    ("#,##0;(#,##0)", 0, {"1,234": 1234, "(1,234)": -1234, "5": 5}),
    ("+0;-0;0", 0, {"+5": 5, "-3": -3, "0": 0}),
    ("#.00", 2, {".50": 50, "1.25": 125}),
    ("#'##0 CHF", 0, {"1'234 CHF": 1234}),
    ("₹#,##,##0", 0, {"₹1,23,456": 123456, "₹12,34,56,789": 123456789, "₹1,234": 1234, "-₹56": -56}),
    ("#,##,##0.00", 2, {"1,00,000.50": 10000050, "0.05": 5}),
    ("0.\u2013", 0, {"3255.\u2013": 3255, "0.\u2013": 0}),
    ("0,- €", 0, {"45,- €": 45}),
    ("0th", 0, {"1st": 1, "2nd": 2, "3rd": 3, "11th": 11, "12th": 12, "21st": 21, "113th": 113, "0th": 0}),
    ("#,##0th", 0, {"1,002nd": 1002, "1,012th": 1012}),
    ("0E0", 0, {"2E6": 2_000_000, "5E0": 5}),
    ("0.0e00", None, {"1.2e-08": 1.2e-08, "-3.0e11": -3e11}),
    ("0.000E+00", None, {"1.500E+03": 1500.0, "1.500E-12": 1.5e-12}),
    ("0.0###############", None, {"0.1234567890123456": 0.1234567890123456, "0.5": 0.5}),
]


@pytest.mark.parametrize(("form", "decimals", "cells"), CASES)
def test_cells_are_read_and_written_alike(
    form: str, decimals: int | None, cells: dict[str, float | int]
) -> None:
    ticks, which = formats.read(list(cells), [form], decimals)
    assert ticks.tolist() == list(cells.values()) and not which.any()
    assert formats.write(ticks, which, [form], decimals).tolist() == list(cells)


@pytest.mark.parametrize(
    ("form", "cell"),
    [
        ("$#,##0.00", "$1234.50"),
        ("$#,##0.00", "$1,234.5"),
        ("#,##,##0", "123,456"),
        ("#,##0", "1,23,456"),
        ("0.##", "1.50"),
        ("0.00", "1.5"),
        ("0.0", "-0.0"),
        ("0", "007"),
        ("000", "07"),
        ("#,##0;(#,##0)", "-5"),
        ("0.0e00", "12.0e-08"),
        ("0", "5 "),
        ("0th", "1th"),
        ("0th", "11st"),
        ("0", ""),
    ],
)
def test_a_cell_that_would_be_written_otherwise_has_not_the_format(form: str, cell: str) -> None:
    assert formats.read([cell], [form], 2)[1].tolist() == [-1]


def test_the_first_of_several_formats_is_that_of_a_cell() -> None:
    several = ["$0.00", "0.00", "0"]
    ticks, which = formats.read(["$1.50", "1.50", "2"], several, 2)
    assert which.tolist() == [0, 1, 2] and ticks.tolist() == [150, 150, 200]
    assert formats.write(np.array([155]), np.array([2]), several, 2).tolist() == ["2"]  # rounded


def test_counts_beyond_64_bits_are_exact() -> None:
    cell = "1234567890123456789012.50"
    ticks, which = formats.read([cell], ["0.00"], 2)
    assert ticks[0] == 123456789012345678901250
    assert formats.write(ticks, which, ["0.00"], 2).tolist() == [cell]


@pytest.mark.parametrize("form", ["", "kg", "0;0;0;0", "0 0", "%Y-%m-%d"])
def test_what_is_no_format_is_one_sentence(form: str) -> None:
    with pytest.raises(SchemaError, match="is not a format of numbers: write one such as") as error:
        formats.parsed(form)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("several", "decimals"), [(["0.00", "0.#"], 2), (["0", "0.0e00"], None), (["000"], 0)]
)
def test_decimals_are_those_of_the_finest_format(several: list[str], decimals: int | None) -> None:
    assert formats.decimals_of(several) == decimals


def test_a_number_that_no_float_holds_is_not_read() -> None:
    assert formats.read(["1e400", "1e300"], ["0e000"], None)[1].tolist() == [-1, 0]
