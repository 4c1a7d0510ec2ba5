"""Columns of durations of several layouts: their format is found, and every drawn cell has it."""

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import RecordCodec
from lookalike.table import durations
from lookalike.table.inferring import infer


def _race(seconds):
    return f"{seconds // 60}:{seconds % 60:02d}" if seconds < 3600 else _long(seconds)


def _long(seconds):
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"


def _shift(seconds):
    minutes = seconds // 60
    return f"{minutes}m" if minutes < 60 else f"{minutes // 60}h {minutes % 60}m"


def _swim(seconds):
    whole, places = divmod(seconds, 100)
    return f"{whole}.{places:02d}" if whole < 60 else f"{whole // 60}:{whole % 60:02d}.{places:02d}"


def _uptime(seconds):
    hours = seconds // 60
    clock = f"{hours % 1440 // 60:02d}:{hours % 60:02d}"
    return clock if hours < 1440 else f"{hours // 1440}d {clock}"


@pytest.mark.parametrize(
    ("write", "form", "middle"),
    [
        (_race, "[m]:ss;[h]:mm:ss", 3_500),
        (_shift, '[m]"m";[h]"h" m"m"', 4_000),
        (_swim, "[s].00;[m]:ss.00", 6_000),
        (_uptime, '[hh]:mm;[d]"d" hh:mm', 90_000),
    ],
)
def test_durations_of_two_layouts_are_numbers(write, form, middle):
    rng = np.random.default_rng(0)
    seconds = (middle * np.exp(rng.normal(0, 0.6, 500))).astype(int)
    table = pd.DataFrame({"time": [write(one) for one in seconds], "size": rng.integers(0, 9, 500)})
    schema = infer(table)
    assert (schema["time"].kind, schema["time"].format) == ("number", form)
    codec = RecordCodec.fit(table, schema)
    drawn = codec.decode(*codec.encode(table), rng)["time"]
    own = durations.sections(form)
    counts = [durations.read(cell, own) for cell in drawn]
    real = [durations.read(cell, own) for cell in table["time"]]
    assert None not in counts and np.corrcoef(counts, real)[0, 1] > 0.9


def test_times_of_the_day_and_sizes_are_no_durations():
    rng = np.random.default_rng(0)
    clock = [f"{h}:{m:02d}" if s < 9 else f"{h}:{m:02d}:{s:02d}" for h, m, s in rng.integers(1, 23, (300, 3))]
    sizes = [f"{n} S" if n < 30 else f"{n} M" for n in rng.integers(1, 60, 300)]
    schema = infer(pd.DataFrame({"clock": clock, "size": sizes}))
    assert not any(durations.is_of_durations(str(column.format)) for column in schema.columns)
