"""Columns that count the rows of each entity are found, and count them again in drawn rows."""

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import RecordCodec
from lookalike.table import counters
from lookalike.table.inferring import infer


def _visits(rng, start=1):
    sizes = rng.integers(1, 7, 80)
    whose = np.repeat(np.arange(101, 181), sizes)
    visit = np.concatenate([start + np.arange(size) for size in sizes])
    score = (50 + 2 * visit + rng.normal(0, 1, len(visit))).round(1)
    return pd.DataFrame({"subject": whose, "visit": visit, "score": score})


def test_whole_numbers_count_within_groups_or_do_not():
    groups = np.repeat(np.arange(30), 3)
    ahead = np.tile([1.0, 2.0, 3.0], 30)
    assert counters.start_of(groups, ahead) == 1
    assert counters.start_of(groups, ahead - 1) == 0
    assert counters.start_of(groups, np.where(np.arange(90) == 5, 4.0, ahead)) is None
    assert counters.start_of(groups, np.where(np.arange(90) == 5, np.nan, ahead)) is None
    assert counters.start_of(np.arange(90), np.ones(90)) is None


@pytest.mark.parametrize("start", [0, 1])
def test_rows_of_an_entity_are_counted_again(start):
    rng = np.random.default_rng(0)
    table = _visits(rng, start)
    schema = infer(table)
    assert schema["subject"].kind == "key"
    codec = RecordCodec.fit(table, schema)
    tokens, cells = codec.encode(table)
    mixed = rng.permutation(len(table))
    drawn = codec.fill(codec.decode(tokens[mixed], cells[mixed], rng), rng)
    assert drawn.dtypes.equals(table.dtypes) and not drawn["subject"].isin(table["subject"]).any()
    for _, own in drawn.groupby("subject"):
        assert sorted(own["visit"]) == [*range(start, start + len(own))]
    assert np.corrcoef(drawn["visit"], drawn["score"])[0, 1] > 0.5
    as_drawn = codec.decode(tokens[mixed], cells[mixed], rng)
    filled = codec.fill(as_drawn.copy(), rng, asked={"visit"})
    assert filled["visit"].tolist() == as_drawn["visit"].tolist()


def test_ranks_within_years_make_no_keys_of_the_years():
    rank = np.tile(np.arange(1, 11), 30)
    table = pd.DataFrame({"year": np.repeat(np.arange(1990, 2020), 10), "rank": rank})
    assert infer(table)["year"].kind == "number"
