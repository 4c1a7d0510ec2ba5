"""Durations: cells of each layout are read as so many seconds or minutes, and written back as they were."""

import pytest

from lookalike.table import durations, formats


@pytest.mark.parametrize(
    ("form", "cells"),
    [
        ("[m]:ss;[h]:mm:ss", {"0:07": 7, "59:58": 3598, "1:00:00": 3600, "26:02:33": 93_753}),
        ('[m]"m";[h]"h";[h]"h" m"m"', {"0m": 0, "45m": 45, "2h": 120, "30h 5m": 1805}),
        ('[hh]:mm;[d]"d" hh:mm', {"00:09": 9, "23:59": 1439, "2d 03:00": 3060}),
        ("[s].00;[m]:ss.00", {"59.58": 5958, "1:02.33": 6233}),
    ],
)
def test_every_layout_is_read_and_written_back(form, cells):
    own = durations.sections(form)
    assert {cell: durations.read(cell, own) for cell in cells} == cells
    assert {durations.write(count, own): count for count in cells.values()} == cells


def test_cells_that_would_be_written_otherwise_have_no_format():
    own = durations.sections("[m]:ss;[h]:mm:ss")
    assert [durations.read(cell, own) for cell in ("75:30", "1:2:33", "0:59:58", "1:75", "x")] == [None] * 5
    assert durations.sections("[h]:[m]") is None


def test_a_format_of_durations_is_one_of_numbers():
    ticks, which = formats.read(["59:58", "1:02:33", "-"], ["[m]:ss;[h]:mm:ss"], 0)
    assert ticks.tolist() == [3598, 3753, 0] and which.tolist() == [0, 0, -1]
    assert formats.write(ticks[:2], which[:2], ["[m]:ss;[h]:mm:ss"], 0).tolist() == ["59:58", "1:02:33"]
    assert formats.decimals_of(["[s].00;[m]:ss.00"]) == 2
