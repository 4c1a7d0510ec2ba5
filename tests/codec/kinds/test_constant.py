"""Constant columns: a slot where values are missing, and a value that too few rows hold."""

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import CODECS, RecordCodec, dropped_notes
from lookalike.codec.learned import LEARNED, UNKNOWN
from lookalike.codec.serialised import Serialised
from lookalike.errors import ConditionError
from lookalike.table.inferring import infer


def test_a_constant_that_is_sometimes_missing_has_a_slot() -> None:
    table = pd.DataFrame({"a": ["x", "x", None] * 9})
    codec = RecordCodec.fit(table, infer(table))
    assert codec.slots[0].counts.ravel().tolist() == [18, 9]
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))
    pd.testing.assert_frame_equal(back, table)
    assert codec.allowed({"a": None})[0].ravel().tolist() == [0, 1]
    assert codec.allowed({"a": "x"})[0].ravel().tolist() == [1, 0]


def test_a_value_that_fewer_rows_hold_than_the_threshold_is_not_reproduced() -> None:
    table = pd.DataFrame({"x": ["guillotine"] * 4 + [None] * 56, "y": range(60)})
    codec = RecordCodec.fit(table, infer(table))
    (slot,) = (slot for slot in codec.slots if slot.column == "x")
    assert slot.counts.ravel().tolist() == [4, 56] and slot.banned == (0,)
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))
    assert back["x"].isna().all() and back["x"].dtype == table["x"].dtype
    said = "column 'x': its only value occurs in fewer than 5 rows (4 of 60 rows) and is not reproduced"
    assert codec.notes() == [f"{said}: 'guillotine'; keep it with --keep-rare"]
    assert codec.notes() == dropped_notes(table, codec.schema)
    assert codec.notes(names=False) == [f"{said}; keep it with --keep-rare"]
    assert codec.allowed({"x": None})[0].ravel().tolist() == [0, 1]
    with pytest.raises(ConditionError, match="of column 'x' was dropped as rare, as fewer than 5 rows"):
        codec.allowed({"x": "guillotine"})
    records = Serialised.fit(codec, table)
    assert records.schema([0])["properties"]["x"] == {"enum": [None]}
    assert records.decode(records.cells(table), np.random.default_rng(0))["x"].isna().all()
    learned = CODECS["constant"].learned(codec.params[0], codec.schema["x"], table["x"][:1])
    assert learned.tolist() == [UNKNOWN]


@pytest.mark.parametrize(("rows", "keep_rare"), [(5, False), (4, True), (1, True)])
def test_a_value_of_enough_rows_is_reproduced(rows: int, keep_rare: bool) -> None:
    table = pd.DataFrame({"x": ["guillotine"] * rows + [None] * (60 - rows)})
    codec = RecordCodec.fit(table, infer(table, keep_rare=keep_rare))
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))
    pd.testing.assert_frame_equal(back, table)
    assert codec.notes() == [] and codec.slots[0].banned == ()
    learned = CODECS["constant"].learned(codec.params[0], codec.schema["x"], table["x"][:1])
    assert learned.tolist() == [LEARNED]


def test_the_value_of_a_tiny_table_without_gaps_is_kept() -> None:
    table = pd.DataFrame({"x": ["EUR"] * 3})
    codec = RecordCodec.fit(table, infer(table))
    assert codec.decode(*codec.encode(table), np.random.default_rng(0)).equals(table)
