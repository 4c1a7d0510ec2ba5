"""Columns of ranges are told from codes, scores and pairs of measures."""

import datetime

import numpy as np
import pandas as pd
import pytest

from lookalike.table.inferring import infer

N = 300
RNG = np.random.default_rng(0)
DAYS = [datetime.date(2018, 1, 1) + datetime.timedelta(int(n)) for n in RNG.integers(0, 900, N)]
ENDS = [day + datetime.timedelta(int(n)) for day, n in zip(DAYS, RNG.integers(0, 25, N), strict=True)]
LOW = RNG.integers(20, 90, N)
HIGH = LOW + RNG.integers(1, 30, N)


def dated(form: str, other: str, sign: str) -> list[str]:
    pairs = zip(DAYS, ENDS, strict=True)
    cells = [f"{a:{form}}{sign}{b:{other}}" for a, b in pairs]
    return [cell.replace(" 0", " ").removeprefix("0") for cell in cells] if "%B" in form + other else cells


@pytest.mark.parametrize(
    ("cells", "form", "exceptions"),
    [
        (dated("%Y-%m-%d", "%Y-%m-%d", " / "), "{%Y-%m-%d} / {%Y-%m-%d}", None),
        (dated("%d.%m.%Y", "%d.%m.%Y", "\u2013"), "{%d.%m.%Y}\u2013{%d.%m.%Y}", None),
        (dated("%m/%d/%Y", "%m/%d/%Y", "-"), "{%m/%d/%Y}-{%m/%d/%Y}", None),
        (dated("%B %d", "%B %d, %Y", " - "), "{%B %-d} - {%B %-d, %Y}", None),
        ([f"{a // 11}:{a % 4}0-{b // 8 + 8}:{b % 4}5" for a, b in zip(LOW, HIGH, strict=True)],
         "{%-H:%M}-{%-H:%M}", None),
        ([f"${a},000 - ${b},000" for a, b in zip(LOW, HIGH, strict=True)], "{$#,##0} - {$#,##0}", None),
        ([f"{a}-{b} kg" for a, b in zip(LOW, HIGH, strict=True)], "{0}-{0} kg", None),
        ([f"{a}.5 to {b} years" for a, b in zip(LOW, HIGH, strict=True)], "{0.0} to {0} years", None),
        ([f"{a}-{b}" for a, b in zip(1900 + LOW, 1900 + HIGH, strict=True)], "{0}-{0}", None),
        ([f"{b}/{a}" for a, b in zip(LOW, HIGH, strict=True)], "{0}/{0}", None),
        ([f"{a}-{b} kg" for a, b in zip(LOW, HIGH, strict=True)] + ["on request"] * 30,
         "{0}-{0} kg", ["on request"]),
        ([f"{a}-{b} kg" if a % 3 else f"{a}+ kg" for a, b in zip(LOW, HIGH, strict=True)],
         ["{0}-{0} kg", "{0}+ kg"], None),
        (dated("%m/%d/%Y", "%m/%d/%Y", " - ") + [f"{day:%m/%d/%Y}" for day in ENDS],
         ["{%m/%d/%Y} - {%m/%d/%Y}", "{%m/%d/%Y}"], None),
    ],
)  # fmt: skip
def test_ranges_are_found_with_their_formats(cells: list[str], form: object, exceptions: object) -> None:
    column = infer(pd.DataFrame({"x": cells}))["x"]
    assert (column.kind, column.format, column.exceptions) == ("range", form, exceptions)


@pytest.mark.parametrize(
    "cells",
    [
        [f"{a}-{b}" for a, b in zip(LOW % 9, HIGH % 8, strict=True)],  # goals
        [f"{a % 17}-{1000 + i * 7}" for i, a in enumerate(LOW)],  # codes
        [f"555-{1000 + i * 7}" for i in range(N)],  # phones
        [f"2021-{i:04d}" for i in range(N)],  # papers
        [f"{13 + a / 100:.2f}, {177 + b / 100:.2f}" for a, b in zip(LOW, HIGH, strict=True)],  # places
        [f"{a}-{b}" for a, b in RNG.choice([18, 25, 35], (N, 2))],  # few values: a category
        [f"INV-{i}/{i + 7}" for i in range(N)],
    ],
)
def test_other_cells_of_two_numbers_are_no_ranges(cells: list[str]) -> None:
    assert infer(pd.DataFrame({"x": cells}))["x"].kind != "range"
