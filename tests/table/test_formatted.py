"""Formats found in the cells of a column, and what is no number."""

import numpy as np
import pandas as pd
import pytest

from lookalike.errors import SchemaError
from lookalike.table import formatted
from lookalike.table.inferring import infer

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["$1,234.50", "$9.76", "-$3.10"], ["$#,##0.00"]),
        (["1.234,50", "3,20"], ["#.##0,00"]),
        (["₹1,23,456", "₹12,345", "₹99"], ["₹#,##,##0"]),
        (["Rs. 1,23,45,678.50", "Rs. 345.00"], ["Rs. #,##,##0.00"]),
        (["535,56", "3,20"], ["0,00"]),
        (["1,234", "12,345", "7"], ["#,##0"]),
        (["1.234", "2.345"], ["0.000"]),
        (["12.5%", "3.0%"], ["0.0%"]),
        (["70.1 kg", "3.0 kg"], ["0.0 kg"]),
        (["1.2e-08", "3.0e-11"], ["0.0e00"]),
        (["2E6", "1E5"], ["0E0"]),
        (["1e+06", "2.5e+10"], ["0.#e+00"]),
        (["007", "123", "010"], ["000"]),
        (["-0.0", "0.1", "-0.3"], ["0.0;-0.0;-0.0"]),
        (["(1,234)", "5", "12,345"], ["#,##0;(#,##0)"]),
        (["+5", "-3", "0"], ["+0;-0;0"]),
        (["1,234.50-", "3.10", "9.76-"], ["#,##0.00;#,##0.00-"]),
        (["1,234.50 DR", "3.10 CR"], ["#,##0.00 CR;#,##0.00 DR"]),
        (["1,234.50 DR", "3.10 DR"], ["#,##0.00 DR"]),
        (["1 234,50 €", "2,00 €"], ["# ##0,00 €"]),
        (["1'000.50", "2.00"], ["#'##0.00"]),
        (["1_000", "5"], ["#_##0"]),
        (["$ -5.00", "$ 5.00"], ["$ 0.00;$ -0.00"]),
        (["0.59", "1.8", "26", "0.052"], ["0.###"]),
        (["0.59", "1.8", "26.0"], ["0.0#"]),
        ([".50", "1.25"], ["#.00"]),
        (["1.1", "1.10", "2.3", "2.30"], ["0.0", "0.00"]),
        (["$5", "5", "$6", "7"], ["$0", "0"]),
    ],
)
def test_formats_of_cells(cells: list[str], found: list[str]) -> None:
    result = formatted.find(cells, [5] * len(cells), 5)
    assert result is not None and result[0] == found and (result[1] >= 0).all()


def test_a_minus_behind_the_number_is_its_sign() -> None:
    amounts = np.round(RNG.normal(0, 3000, 300), 2)
    table = pd.DataFrame({"amount": [f"{abs(a):,.2f}" + ("-" if a < 0 else "") for a in amounts]})
    column = infer(table)["amount"]
    ticks, _, odd = formatted.read_column(table["amount"], column)
    assert column.kind == "number" and (odd == 0).all() and ticks.tolist() == np.rint(amounts * 100).tolist()


@pytest.mark.parametrize(
    ("cells", "forms", "exceptions"),
    [
        ([f"{i % 90 / 10:.1f}" for i in range(300)] + ["<0.5", ">9.9"] * 9, ["0.0"], ["<0.5", ">9.9"]),
        ([str(i % 72 + 18) for i in range(300)] + ["90+"] * 9, ["0"], ["90+"]),
        ([f"{i % 30 + 2} yrs" for i in range(300)] + ["1 yr"] * 9, ["0 yrs"], ["1 yr"]),
        ([f"<{i % 30}" if i % 3 else str(i % 70) for i in range(300)], ["0", "<0"], None),  # many limits
        ([str(i % 70) for i in range(300)] + ["<5"] * 2, ["0"], None),  # which few rows have
    ],
)
def test_a_limit_is_an_exception(cells: list[str], forms: list[str], exceptions: list[str] | None) -> None:
    column = infer(pd.DataFrame({"x": cells}))["x"]
    assert column.kind == "number" and sorted(column.formats) == sorted(forms)
    assert column.exceptions == exceptions


def kind_of(values: list[str]) -> str:
    return infer(pd.DataFrame({"x": values}))["x"].kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([f"${i * 7.31:.2f}" for i in range(300)], "number"),  # unique, but measured
        ([f"₹{i},{i % 90 + 10},{i * 7 % 1000:03d}" for i in range(1, 90)], "number"),
        ([f"Q{i % 40}" for i in range(300)], "category"),
        ([f"user{i}" for i in range(300)], "id"),
        ([f"{i % 30}th" for i in range(300)], "category"),
        (
            [f"{i % 30 + 1}" + ("*" if i % 7 == 0 else "?" if i % 9 == 0 else "") for i in range(300)],
            "number",
        ),
        (
            [
                f"c. {i * 7 % 120 + 1700}"
                if i % 3 == 0
                else f"[{i * 7 % 120 + 1700}]"
                if i % 5 == 0
                else f"{i * 7 % 120 + 1700}"
                for i in range(300)
            ],
            "number",
        ),
        ([f"{i % 59 + 1} {('days', 'hours', 'minutes')[i % 3]} ago" for i in range(300)], "number"),
        ([(f"${i * 7}", f"US${i * 7}", f"{i * 7} USD")[i % 3] for i in range(300)], "number"),
        ([f"{i * 7}.\u2013" for i in range(300)], "number"),
        (
            [
                f"{i * 7 % 97}"
                + ("th" if i * 7 % 97 // 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(i * 7 % 97 % 10, "th"))
                for i in range(300)
            ],
            "number",
        ),
        ([f"{i % 5 + 4}th" for i in range(300)], "category"),
        ([f"{i:06d}" for i in range(300)], "id"),
        ([str(10_000_000 + i * i * 97) for i in range(300)], "id"),
        ([str(i * i * 97) for i in range(300)], "number"),
        ([f"{(i + 1) * 37 % 9973 / 1e4:.4f}" if i % 9 else "#N/A" for i in range(900)], "number"),
        ([f"{i * i * 7} kg" for i in range(300)], "number"),
        ([f"{i * 7 % 23}{['B', 'KB', 'MB', 'GB'][i % 4]}" for i in range(300)], "number"),
        ([f"{i * 7 % 23}{'ABCD'[i % 4]}" for i in range(300)], "text"),  # seats
        ([f"{i % 25:03d}" for i in range(300)], "category"),
        ([f"{i * 97 % 99_991:05d}" for i in range(250)] * 2, "key"),
        ([f"{i * 7 % 211:03d}" for i in range(250)] * 2, "number"),
    ],
)
def test_measures_are_told_from_codes(cells: list[str], kind: str) -> None:
    assert kind_of(cells) == kind


def test_blanks_and_frequent_words_are_exceptions_and_rare_words_are_lost() -> None:
    cells = [f"{i / 7:.2f}" for i in range(300)]
    cells[:2], cells[2:10], cells[10:12] = [" "] * 2, ["unclear"] * 8, ["one", "two"]
    column = infer(pd.DataFrame({"x": cells}))["x"]
    assert (column.kind, column.format, column.exceptions) == ("number", "0.00", ["unclear", " "])
    _, _, odd = formatted.read_column(pd.Series(cells), column)
    assert odd[:13].tolist() == [2, 2, *[1] * 8, -1, -1, 0]
    column.exceptions = None
    cells[20:60] = ["three"] * 40
    with pytest.raises(SchemaError, match=r"holds 'three', which is not written as 0\.00"):
        formatted.describe(pd.Series(cells), column, 5)


def test_the_range_is_that_of_the_fifth_values() -> None:
    column = infer(pd.DataFrame({"x": [f"{i + 1_000:,}" for i in range(0, 900, 3)]}))["x"]
    assert (column.minimum, column.maximum, column.decimals) == (1012, 1885, 0)


def test_zeros_of_floats_below_zero() -> None:
    mixed = infer(pd.DataFrame({"x": [-0.0] * 9 + [0.0] * 9 + [0.5, 1.5] * 9}))["x"]
    assert mixed.exceptions == ["-0.0"] and mixed.format is None
    assert infer(pd.DataFrame({"x": [-0.0] * 9 + [0.5, -1.5] * 9}))["x"].format == "0.0;-0.0;-0.0"
    assert infer(pd.DataFrame({"x": [0.0] * 9 + [0.5, -1.5] * 9}))["x"].format is None


def test_codes_of_several_levels_are_no_numbers() -> None:
    levels = [
        f"{a:02}{b}{c}"
        for a in range(1, 40)
        for b in ("", ".1", ".2", ".3")
        for c in ("", "0", "1")
        if b or not c
    ]
    assert infer(pd.DataFrame({"code": ["A", *levels]}))["code"].kind != "number"
    assert infer(pd.DataFrame({"code": [f"{n % 90:02}.5" for n in range(200)]}))["code"].kind == "number"
