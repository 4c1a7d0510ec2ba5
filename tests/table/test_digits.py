"""Digits of other scripts."""

# ruff: noqa: RUF001

import numpy as np
import pandas as pd
import pytest

from lookalike.table import formats, formatted
from lookalike.table.inferring import infer


@pytest.mark.parametrize(
    ("cells", "form", "ticks"),
    [
        (["४१९", "-१२", "५"], "०", [419, -12, 5]),
        (["४१.९०", "-०.०५"], "०.००", [4190, -5]),
        (["٢٢٫٧٨", "٣٫٥٠"], "٠٫٠٠", [2278, 350]),
        (["١٬٢٣٤٫٥", "٧٫٠"], "#٬##٠٫٠", [12345, 70]),
        (["١٩٪", "٧٪"], "٠٪", [19, 7]),
        (["２，２７８円", "３円"], "#，##０円", [2278, 3]),
        (["０．５０", "１２．００"], "０．００", [50, 1200]),
        (["００７", "１２３", "０１０"], "０００", [7, 123, 10]),
        (["￥2,278", "￥3"], "￥#,##0", [2278, 3]),
    ],
)
def test_numbers_are_found_read_and_written_in_their_script(
    cells: list[str], form: str, ticks: list[int]
) -> None:
    found = formatted.find(cells, [1] * len(cells), 1)
    assert found is not None and found[0] == [form]
    decimals = formats.decimals_of([form])
    read, which = formats.read(cells, [form], decimals)
    assert read.tolist() == ticks and not which.any()
    assert formats.write(read, which, [form], decimals).tolist() == cells


def test_a_column_of_two_scripts_has_two_formats_and_a_cell_has_one() -> None:
    found = formatted.find(["5", "12", "५", "१२"], [1] * 4, 1)
    assert found is not None and found[0] == ["0", "०"]
    assert formats.read(["४2"], ["०", "0"], 0)[1].tolist() == [-1]
    assert formatted.lenient("४२") == 42


def test_whole_numbers_of_another_script_are_numbers() -> None:
    rows = pd.Series(np.random.default_rng(0).integers(1, 900, 300)).astype(str)
    hindi = rows.map(lambda cell: cell.translate({48 + digit: chr(0x966 + digit) for digit in range(10)}))
    column = infer(pd.DataFrame({"x": hindi}))["x"]
    assert (column.kind, column.format) == ("number", "०")
    ticks, _, odd = formatted.read_column(hindi, column)
    assert ticks.tolist() == rows.astype(int).tolist() and not odd.any()
