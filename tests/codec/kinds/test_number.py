"""Number columns: what the slot says of them, and how values come back."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from lookalike.codec import RecordCodec
from lookalike.codec.kinds import number
from lookalike.table.inferring import infer

RNG = np.random.default_rng(0)
ROWS = 20_000
COLUMNS = {
    "age": pd.Series(RNG.integers(17, 91, ROWS)),
    "gain": pd.Series(np.where(RNG.random(ROWS) < 0.92, 0, RNG.choice(99_999, ROWS))),
    "price": pd.Series(RNG.lognormal(3, 1, ROWS).round(2)),
    "real": pd.Series(RNG.normal(size=ROWS)),
    "holes": pd.Series(RNG.normal(size=ROWS)).mask(RNG.random(ROWS) < 0.2),
    "infinite": pd.Series(np.where(RNG.random(ROWS) < 0.1, np.inf, RNG.normal(size=ROWS).round(1) + 0.0)),
    "both ends": pd.Series(RNG.integers(-(2**63), 2**63 - 1, ROWS)),
    "unsigned": pd.Series(RNG.integers(2**63, 2**64 - 1, ROWS, dtype=np.uint64)),
}


def codec_of(series: pd.Series) -> RecordCodec:
    table = pd.DataFrame({"x": series})
    return RecordCodec.fit(table, infer(table))


@pytest.mark.parametrize("name", ["gain", "price", "holes", "infinite", "both ends", "unsigned"])
def test_values_come_back_with_their_distribution(name: str) -> None:
    table = pd.DataFrame({"x": COLUMNS[name]})
    codec = codec_of(table["x"])
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))["x"]
    assert back.dtype == table["x"].dtype
    assert (back.isna() == table["x"].isna()).all()
    real, made = table["x"].dropna(), back.dropna()
    assert real.min() <= made.min() and made.max() <= real.max()
    assert ks_2samp(real, made, method="asymp").statistic < 0.005
    if name == "price":
        assert (made.round(2) == made).all()
        finite_difference = (made - real).abs() / real
        assert finite_difference.median() < 0.01  # a cell is a narrow place


@pytest.mark.parametrize("name", ["gain", "holes", "infinite"])
def test_the_slot_describes_its_tokens(name: str) -> None:
    series = COLUMNS[name]
    codec = codec_of(series)
    table = pd.DataFrame({"x": series})
    tokens, cells = codec.encode(table)
    (slot,) = codec.slots
    assert codec.columns == [[0]] and slot.vocabulary == "x"
    counted = np.zeros(slot.counts.shape)
    np.add.at(counted, (tokens[:, 0], cells[:, 0]), 1)
    assert (counted == slot.counts).all()
    assert slot.rank is not None and slot.value is not None
    exists = slot.counts > 0
    missing = int(series.isna().sum())
    assert np.isnan(slot.rank[exists]).sum() == np.isnan(slot.value[exists]).sum() == (missing > 0)
    rank, value = slot.rank[exists], slot.value[exists]
    order = np.argsort(value[~np.isnan(value)], kind="stable")
    assert (np.diff(rank[~np.isnan(rank)][order]) > 0).all()
    assert np.nanmin(rank) >= 0 and np.nanmax(rank) <= 1 and np.nanmax(np.abs(value)) <= 5
    weights = slot.counts[exists]
    known = ~np.isnan(rank)
    assert abs(np.average(rank[known], weights=weights[known]) - 0.5) < 1e-9  # mid-ranks


def test_full_precision_floats_and_whole_floats() -> None:
    table = pd.DataFrame({"real": COLUMNS["real"], "whole": COLUMNS["age"].astype(float)})
    codec = RecordCodec.fit(table, infer(table))
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))
    assert (back["whole"] == back["whole"].round()).all() and back["whole"].dtype == float
    assert (back["real"].round(9) != back["real"]).mean() > 0.99


def test_values_outside_the_training_range_get_the_nearest_cell() -> None:
    codec = codec_of(pd.Series([10, 20, 30] * 50))
    tokens, _ = codec.encode(pd.DataFrame({"x": [-5, 14, 26, 10**9, None]}))
    assert tokens[:, 0].tolist() == [0, 0, 2, 2, -1]  # missing has no token: it never was


def test_a_flag_of_two_values_is_two_tokens() -> None:
    (slot,) = codec_of(pd.Series([0, 1, 1] * 100)).slots
    assert slot.counts.tolist() == [[100.0], [200.0]]


def test_rare_values_of_a_flag_are_not_reproduced() -> None:
    table = pd.DataFrame({"x": [0] * 500 + [1] * 4 + [2] * 500})
    codec = codec_of(table["x"])
    assert set(codec.decode(*codec.encode(table), np.random.default_rng(0))["x"]) == {0, 2}


def test_nothing_but_infinities() -> None:
    table = pd.DataFrame({"x": [np.inf, -np.inf] * 20})
    codec = codec_of(table["x"])
    assert codec.decode(*codec.encode(table), np.random.default_rng(0)).equals(table)
    assert codec.slots[0].counts.ravel().tolist() == [0, 20, 20]


def test_time_spans_keep_their_step() -> None:
    table = pd.DataFrame({"x": pd.to_timedelta(RNG.integers(0, 5000, ROWS) * 60, unit="s")})
    codec = codec_of(table["x"])
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))["x"]
    assert (back.dt.total_seconds() % 60 == 0).all()


def test_formats_and_exceptions_have_tokens_and_come_back() -> None:
    cells = [f"${i / 7:.2f}" if i % 2 else f"{i / 7:.2f}" for i in range(1, 400)]
    cells[::10] = ["?"] * len(cells[::10])
    table = pd.DataFrame({"x": cells})
    codec = codec_of(table["x"])
    first, second = codec.slots
    assert second.part == "format" and second.counts.sum() == 399 - 40
    (token,) = codec.params[0].exceptions
    assert first.ends == (token,) and first.counts[token].sum() == 40
    tokens, places = codec.encode(table)
    assert (tokens[::10] == [token, -1]).all()
    back = codec.decode(tokens, places, np.random.default_rng(0))["x"]
    assert ((back == "?") == (table["x"] == "?")).all()
    assert (back.str.startswith("$") == table["x"].str.startswith("$")).all()
    share = codec.allowed({"x": {"?", "$10.00"}})
    assert share[0][token, 0] == 1 and share[1][:, 0].tolist() == [
        float(form.startswith("$")) for form in codec.schema["x"].formats
    ]
    unread = codec.encode(pd.DataFrame({"x": ["n/a?"]}))[0]
    assert (unread == -1).all()


def test_params_of_a_model_without_formats_are_read() -> None:
    codec = codec_of(COLUMNS["age"])
    bins = codec.params[0].bins
    old = {name: getattr(bins, name) for name in ("special", "positions", "tokens", "moments")}
    read = number.of({**old, "cells": bins.cells._asdict()})
    assert (read.cells.low == bins.cells.low).all() and not len(read.formats) and read.exceptions == []


def test_zeros_below_zero_stay_so() -> None:
    values = pd.Series(np.where(RNG.random(500) < 0.3, -0.0, np.where(RNG.random(500) < 0.3, 0.0, 1.5)))
    codec = codec_of(values)
    back = codec.decode(*codec.encode(pd.DataFrame({"x": values})), np.random.default_rng(0))["x"]
    assert (np.signbit(back) == np.signbit(values)).all() and (back == values).all()
    share = codec.allowed({"x": (-1, 1)})[0]
    assert share[codec.params[0].exceptions[0], 0] == 1


@pytest.mark.parametrize(
    ("cells", "shape"),
    [
        (
            [
                f"{n % 88 / 20 + 0.05:.2f} acres" if n % 3 else f"{n * 61 % 9000 + 2000:,} sqft"
                for n in range(900)
            ],
            r"[0-4]\.\d\d acres|\d{1,2},\d{3} sqft",
        ),
        ([f"{n % 97 + 1}" if n % 3 else f"{n % 89 / 10 + 1:.1f}K" for n in range(900)], r"\d{1,2}|1?\d\.\dK"),
        (
            [f"{n % 97 - 48}.50" if n % 3 else f"{n % 89 + 1}.00 CR" for n in range(900)],
            r"-?\d+\.[05]0|\d+\.[05]0 CR",
        ),
    ],
)
def test_a_format_is_written_with_numbers_that_it_has(cells: list[str], shape: str) -> None:
    table = pd.DataFrame({"x": cells})
    codec = RecordCodec.fit(table, infer(table))
    codec = RecordCodec.from_dict(*codec.to_dict())
    tokens, places = codec.encode(table)
    assert tokens.shape[1] == 2
    tokens[:, 1] = np.random.default_rng(0).permutation(tokens[:, 1])  # whatever was drawn
    made = codec.decode(tokens, places, np.random.default_rng(0))["x"]
    assert made.str.fullmatch(shape).all(), made[~made.str.fullmatch(shape)].head().tolist()
