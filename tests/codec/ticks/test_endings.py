"""Prices keep their endings, by their size; other numbers have none."""

import numpy as np
import pandas as pd
import pytest

from lookalike.codec.record import RecordCodec
from lookalike.codec.ticks.endings import endings_of, with_endings
from lookalike.table.inferring import infer


def learned(values: np.ndarray) -> RecordCodec:
    real = pd.DataFrame({"price": values})
    return RecordCodec.fit(real, infer(real))


def drawn(values: np.ndarray) -> np.ndarray:
    own = learned(values)
    real = pd.DataFrame({"price": values})
    made = own.decode(*own.encode(real), np.random.default_rng(1))["price"].to_numpy()
    saved = RecordCodec.from_dict(*own.to_dict())
    again = saved.decode(*own.encode(real), np.random.default_rng(1))["price"].to_numpy()
    assert (made == again).all()
    return made


def sizes(rows: int = 1000, scale: float = 40.0) -> np.ndarray:
    return np.random.default_rng(0).gamma(3, scale, rows) + 3


def test_endings_come_as_often_as_the_real_ones() -> None:
    ends = np.random.default_rng(2).choice([0.99, 0.95, 0.49], len(sizes()), p=[0.6, 0.25, 0.15])
    values = np.round(np.floor(sizes()) + ends, 2)
    made = np.round(drawn(values) % 1, 2)
    for end in (0.99, 0.95, 0.49):
        assert abs((made == end).mean() - (np.round(values % 1, 2) == end).mean()) < 0.05
    assert np.isin(made, [0.99, 0.95, 0.49]).mean() > 0.99
    assert len(set(drawn(values)) - set(values)) > 5  # whole numbers are new


def test_endings_depend_on_the_size() -> None:
    size = sizes()
    values = np.where(size < 100, np.floor(size) + 0.99, np.floor(size / 10) * 10 + 9)
    made = drawn(values)
    low, high = made[made < 95], made[made > 115]
    assert (np.round(low % 1, 2) == 0.99).mean() > 0.97 and (np.round(high % 10, 2) == 9).mean() > 0.94


def test_whole_numbers_have_endings_of_hundreds() -> None:
    values = np.floor(sizes(1500, 900) / 100).astype(int) * 100 + np.random.default_rng(1).choice(
        [99, 50, 0], 1500
    )
    assert np.isin(drawn(values) % 100, [99, 50, 0]).mean() > 0.98


def test_some_endings_beside_any_others() -> None:
    rng = np.random.default_rng(3)
    any_cents = np.round(sizes(3000), 2)
    values = np.where(rng.random(3000) < 0.4, np.floor(any_cents) + 0.99, any_cents)
    share = (np.round(drawn(values) % 1, 2) == 0.99).mean()
    assert abs(share - (np.round(values % 1, 2) == 0.99).mean()) < 0.05


PLAIN = {
    "any cents": np.round(sizes(), 2),
    "whole": np.round(sizes(1500, 900)),
    "fives": np.round(sizes(1500, 900) / 5) * 5,
    "mostly tens": np.where(np.arange(1500) % 3, np.round(sizes(1500, 900), -1), np.round(sizes(1500, 900))),
    "quarters": np.round(sizes() * 4) / 4,
    "quarters beside cents": np.where(np.arange(1000) % 2, np.round(sizes() * 4) / 4, np.round(sizes(), 2)),
    "all in .99": np.floor(sizes()) + 0.99,
    "ages": np.floor(sizes(1000, 10)),
    "floats": sizes(),
}


@pytest.mark.parametrize("what", PLAIN)
def test_numbers_without_endings_are_drawn_as_ever(what: str) -> None:
    assert not len(learned(PLAIN[what]).params_of("price").cells.endings)


def test_an_ending_of_few_values_is_told_by_none() -> None:
    values = np.array([100, 199, 200, 299, 300], dtype=np.int64)
    counts = np.array([4.0, 40, 4, 40, 4])
    assert endings_of(values, counts, np.zeros(5, dtype=np.int64), 1, 5) is None
    values = np.append(values, 399)
    found = endings_of(values, np.append(counts, 40), np.zeros(6, dtype=np.int64), 1, 5)
    assert found is not None and found[0].tolist() == [100] and set(found[1][0][found[2][0] > 0]) == {0, 99}


def test_a_draw_stays_in_its_range() -> None:
    rng = np.random.default_rng(0)
    n = 300
    found = (np.full(n, 100), np.tile([99, 0], (n, 1)), np.tile([0.7, 0.3], (n, 1)))
    at, low, high = np.full(n, 1150), np.full(n, 1120), np.full(n, 1230)
    made, given = with_endings(at, low, high, found, rng)
    assert given.all() and set(made.tolist()) == {1199, 1200}
    assert 0.6 < (made == 1199).mean() < 0.8
    made, given = with_endings(at, low, np.full(n, 1190), found, rng)
    assert not given.any() and (made == at).all()
    made, given = with_endings(at, low, np.full(n, 1199), found, rng)
    assert given.all() and set(made.tolist()) == {1199}
