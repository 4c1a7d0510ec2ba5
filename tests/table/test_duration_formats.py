"""Columns of durations of several layouts: their format is found, and every drawn cell has it."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import RecordCodec
from lookalike.rules.find import find_rules
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


def _service(seconds, form):
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return text[1:] if form[:3] == "[h]" and text[0] == "0" else text[:5] if form == "[hh]:mm" else text


@pytest.mark.parametrize("form", ["[hh]:mm:ss", "[h]:mm:ss", "[hh]:mm"])
@pytest.mark.parametrize("beyond", ["both", "departure"])
def test_times_of_a_service_day_are_written_as_they_stand(form, beyond):
    rng = np.random.default_rng(0)
    last = 27 if beyond == "both" else 23
    arrival = rng.integers(5 * 60, last * 60, 500) * 60
    departure = arrival + 60 * rng.choice([0, 1, 2, 90], 500)
    table = pd.DataFrame(
        {
            "arrival": [_service(one, form) for one in arrival],
            "departure": [_service(one, form) for one in departure],
        }
    )
    schema = infer(table)
    assert [(c.kind, c.format) for c in schema.columns] == [("number", form)] * 2
    codec = RecordCodec.fit(table, schema)
    drawn = codec.decode(*codec.encode(table), rng)
    assert not codec.notes()
    hours = drawn["departure"].str.partition(":")[0].astype(int)
    assert abs((hours >= 24).mean() - (departure >= 86_400).mean()) < 0.03 and hours.max() <= 28
    assert [rule.words for rule in find_rules(table)] == ["departure >= arrival"]


def test_scores_and_times_beside_others_are_no_times_of_a_service_day():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "handball": [f"{a}:{b}" for a, b in rng.integers(15, 40, (300, 2))],
            "opens": [f"{a:02d}:{b:02d}" for a, b in rng.integers(6, 23, (300, 2))],
        }
    )
    schema = infer(table)
    assert (schema["handball"].kind, schema["opens"].kind) == ("compound", "datetime")


def _plural(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


MINUTES = np.random.default_rng(0).gamma(2, 900, 600).astype(int) + 1


@pytest.mark.parametrize(
    ("write", "form"),
    [
        (lambda m: f"{m // 1440} days {m % 1440 // 60:02d}:{m % 60:02d}:00", '[d] "days" hh:mm:ss'),
        (
            lambda m: f"{_plural(m // 1440, 'day')} {m % 1440 // 60:02d}:{m % 60:02d}:00",
            '[d] "day" hh:mm:ss;[d] "days" hh:mm:ss',
        ),
        (
            lambda m: (
                (f"{_plural(m // 1440, 'day')}, " if m >= 1440 else "") + f"{m % 1440 // 60}:{m % 60:02d}:00"
            ),
            '[h]:mm:ss;[d] "day", h:mm:ss;[d] "days", h:mm:ss',
        ),
        (lambda m: f"P{m // 1440}DT{m % 1440 // 60}H{m % 60}M", '"P"[d]"DT"h"H"m"M"'),
        (lambda m: f"{m // 1440}d {m % 1440 // 60}h", '[d]"d" h"h"'),
        (lambda m: _plural(m // 500, "day"), '[d] "day";[d] "days"'),
    ],
)
def test_days_and_hours_are_one_number(write: Callable[[int], str], form: str) -> None:
    cells = [write(int(one)) for one in MINUTES]
    column = infer(pd.DataFrame({"x": cells}))["x"]
    assert (column.kind, column.exceptions) == ("number", None)
    assert set(str(column.format).split(";")) == set(form.split(";"))
    own = durations.sections(str(column.format)) or ()
    counts = [durations.read(cell, own) for cell in cells]
    assert None not in counts and [durations.write(count or 0, own) for count in counts] == cells


def test_iso_durations_of_several_layouts() -> None:
    cells = [
        "P" + f"{m // 1440}D" * (m >= 1440) + "T" + f"{m % 1440 // 60}H" * (m % 1440 >= 60) + f"{m % 60}M"
        for m in map(int, MINUTES)
    ]
    column = infer(pd.DataFrame({"x": cells}))["x"]
    assert column.kind == "number" and '"P"[d]"DT"h"H"m"M"' in str(column.format)
    assert durations.write(26 * 60 + 5, durations.sections(str(column.format)) or ()) == "P1DT2H5M"
