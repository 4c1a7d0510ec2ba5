"""Datetime columns: their slots, and exact ranges after decoding."""

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import RecordCodec
from lookalike.table.inferring import infer

RNG = np.random.default_rng(0)
ROWS = 10_000
STAMPS = pd.Series(np.datetime64("2015-01-01", "s") + RNG.integers(0, 10**8, ROWS))
Stamp = pd.Timestamp


def codec_of(series: pd.Series) -> RecordCodec:
    table = pd.DataFrame({"x": series})
    return RecordCodec.fit(table, infer(table))


def parts(series: pd.Series) -> list[str]:
    return [slot.part for slot in codec_of(series).slots]


def test_slots_are_the_parts_that_vary() -> None:
    assert parts(STAMPS) == ["day", "hour", "minute", "second"]
    assert parts(STAMPS.dt.floor("h")) == ["day", "hour"]
    assert parts(STAMPS.dt.floor("D")) == ["day"]
    assert parts(STAMPS.dt.floor("D") + pd.Timedelta("9h")) == ["day"]  # always at nine
    assert parts(STAMPS.astype("M8[ms]") + pd.to_timedelta(np.arange(ROWS), unit="ms")) == [
        "day", "hour", "minute", "second", "ms",
    ]  # fmt: skip
    assert parts(STAMPS.dt.to_period("M").dt.to_timestamp()) == ["month"]
    assert parts(STAMPS.dt.strftime("%H:%M")) == ["hour", "minute"]


def test_the_first_slot_carries_missing_and_ends_the_column() -> None:
    holes = STAMPS.mask(np.arange(ROWS) % 4 == 0)
    codec = codec_of(holes)
    first, *others = codec.slots
    (missing,) = first.ends
    assert first.counts[missing, 0] == ROWS / 4
    assert all(slot.ends == () and slot.counts.sum() == ROWS * 3 / 4 for slot in others)
    tokens, _ = codec.encode(pd.DataFrame({"x": holes}))
    assert (tokens[::4, 0] == missing).all() and (tokens[::4, 1:] == -1).all()
    assert (tokens[1::4] >= 0).all()


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_wall_times_come_back_in_their_zone(zone: str) -> None:
    hours = pd.Series(pd.date_range("2015-01-01", periods=ROWS, freq="h", tz=zone))
    codec = codec_of(hours)
    table = pd.DataFrame({"x": hours})
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))["x"]
    assert back.dtype == hours.dtype
    assert (back.dt.hour == hours.dt.hour).mean() > 0.99
    assert (back.dt.tz_convert("UTC") - hours).abs().max() < pd.Timedelta("10D")
    midnights = pd.Series(pd.date_range("2015-01-01", periods=2000, freq="D", tz=zone))
    days = codec_of(midnights)
    made = days.decode(*days.encode(pd.DataFrame({"x": midnights})), np.random.default_rng(0))["x"]
    assert (made == made.dt.normalize()).all()


def test_times_of_day_that_never_occur_are_not_made() -> None:
    quarters = STAMPS.dt.floor("15min")
    codec = codec_of(quarters)
    back = codec.decode(*codec.encode(pd.DataFrame({"x": quarters})), np.random.default_rng(0))["x"]
    assert set(back.dt.minute) == {0, 15, 30, 45}
    assert quarters.min() <= back.min() and back.max() <= quarters.max()


def rows_that_satisfy(series: pd.Series, where: Any) -> pd.Series:
    """Decoded rows whose tokens the condition allows."""
    codec = codec_of(series)
    tokens, cells = codec.encode(pd.DataFrame({"x": series}))
    keep = np.ones(len(series), dtype=bool)
    for slot, share in codec.allowed({"x": where}).items():
        assert share.shape == codec.slots[slot].counts.shape and share.min() >= 0 and share.max() <= 1
        keep &= (tokens[:, slot] < 0) | (share[tokens[:, slot], cells[:, slot]] > 0)
    return codec.decode(tokens[keep], cells[keep], np.random.default_rng(0), where={"x": where})["x"]


@pytest.mark.parametrize(
    ("where", "low", "high"),
    [
        (("2015-03-01 12:00", "2015-03-09 06:30"), "2015-03-01 12:00:00", "2015-03-09 06:30:59"),
        (("2015-03-01 12:00", "2015-03-01 18:30"), "2015-03-01 12:00:00", "2015-03-01 18:30:59"),
        ((Stamp("2015-03-01 12:00:10.5"), Stamp("2015-04-01")), "2015-03-01 12:00:11", "2015-04-01 00:00:00"),
        ((None, "2015-01-31"), "2015-01-01", "2015-01-31 23:59:59"),
        (("2018", None), "2018-01-01", "2019-01-01"),
        ("2015-03", "2015-03-01", "2015-03-31 23:59:59"),
        (datetime.date(2015, 3, 2), "2015-03-02", "2015-03-02 23:59:59"),
    ],
)  # fmt: skip
def test_ranges_hold_to_the_second(where: Any, low: str, high: str) -> None:
    made = rows_that_satisfy(STAMPS, where)
    real = STAMPS[(low <= STAMPS) & (high >= STAMPS)]
    assert len(made) >= 0.9 * len(real) > 0
    assert made.min() >= Stamp(low) and made.max() <= Stamp(high)


def test_several_dates_hold() -> None:
    made = rows_that_satisfy(STAMPS, {"2015-03-02", "2016-05-01"})
    assert set(made.dt.date) == {datetime.date(2015, 3, 2), datetime.date(2016, 5, 1)}


def test_ranges_of_dates_written_as_strings_hold() -> None:
    made = rows_that_satisfy(STAMPS.dt.strftime("%m/%d/%Y"), ("2015-03-01", "03/10/2015"))
    assert set(made) == {f"03/{day:02d}/2015" for day in range(1, 11)}
    made = rows_that_satisfy(STAMPS.dt.strftime("%H:%M"), ("09:30", "17:15"))
    assert len(made) > 1000 and made.between("09:30", "17:15").all()


def test_ranges_in_another_zone_hold() -> None:
    berlin = STAMPS.dt.floor("h").dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")
    low, high = Stamp("2015-03-01 12:00", tz="UTC"), Stamp("2015-03-20 12:00", tz="America/New_York")
    made = rows_that_satisfy(berlin, (low, high))
    assert len(made) > 100 and made.min() >= low and made.max() <= high


def test_missing_and_not_missing() -> None:
    holes = STAMPS.mask(np.arange(ROWS) % 4 == 0)
    assert rows_that_satisfy(holes, None).isna().all()
    both = rows_that_satisfy(holes, {None, "2015-03"})
    assert both.isna().sum() == ROWS / 4 and set(both.dropna().dt.month) == {3}
