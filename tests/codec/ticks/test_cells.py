"""The partition of ordered values into cells and bins."""

import numpy as np
import numpy.typing as npt
import pytest

from lookalike.codec.ticks.cells import Cells, draw, locate, mass, partition

RNG = np.random.default_rng(0)
Values = npt.NDArray[np.int64] | npt.NDArray[np.float64]


def fitted(values: Values, rare: int = 5) -> Cells:
    return partition(*np.unique(values, return_counts=True), rare)


CASES = {
    "continuous": np.round(RNG.normal(0, 1000, 20_000)).astype(np.int64),
    "real": RNG.normal(size=20_000),
    "zeros": np.where(RNG.random(20_000) < 0.9, 0.0, RNG.normal(size=20_000)),
    "few values": RNG.integers(0, 30, 20_000),
    "heaped": np.concatenate([RNG.integers(0, 10**6, 10_000), RNG.integers(0, 100, 10_000) * 10_000]),
    "tiny": RNG.normal(size=7),
    "pair": np.array([3, 8]),
    "wide": RNG.integers(-(2**61), 2**61, 5_000),
}


@pytest.mark.parametrize("name", ["real", "zeros", "few values", "heaped", "tiny", "pair", "wide"])
def test_cells_are_an_ordered_partition_into_bins(name: str) -> None:
    values = CASES[name]
    cells = fitted(values)
    assert (cells.low <= cells.knee).all() and (cells.knee <= cells.high).all()
    assert (cells.high[:-1] <= cells.low[1:]).all()
    if len(values) >= 20:
        assert cells.rows.min() >= 5  # no cell tells of fewer rows than the privacy threshold
    assert cells.rows.sum() == len(values)
    assert cells.tokens <= 70 and cells.place.max() < 16
    assert np.unique(np.stack([cells.token, cells.place]), axis=1).shape[1] == len(cells.low)
    assert (cells.table()[cells.token, cells.place] == np.arange(len(cells.low))).all()


@pytest.mark.parametrize("name", ["continuous", "zeros", "heaped", "tiny", "wide"])
def test_draws_stay_in_their_cell_and_in_the_data(name: str) -> None:
    values = CASES[name]
    cells = fitted(values)
    index = locate(cells.low, cells.high, values)
    drawn = draw(cells, index, np.random.default_rng(1))
    assert drawn.dtype == values.dtype
    assert (drawn >= cells.low[index]).all() and (drawn <= cells.high[index]).all()
    assert values.min() <= drawn.min() and drawn.max() <= values.max()
    again = locate(cells.low, cells.high, drawn)
    # on the border of two intervals of reals a draw may fall to either side
    assert ((again == index) | (drawn == cells.high[again])).all()
    if len(values) >= 1000:
        steps = np.quantile(values, np.linspace(0, 1, 200))
        distance = np.abs((values[:, None] <= steps).mean(0) - (drawn[:, None] <= steps).mean(0)).max()
        assert distance < 0.005


def test_no_extreme_of_a_single_row_is_told() -> None:
    values = np.concatenate([RNG.normal(size=1000), [50.0, 60.0, 70.0]])
    cells = fitted(values)
    ordered = np.sort(values)
    assert cells.low[0] == ordered[4] and cells.high[-1] == ordered[-5]


def test_heaps_are_cells_and_spikes_are_tokens_of_their_own() -> None:
    cells = fitted(CASES["heaped"])
    exact = set(cells.low[cells.low == cells.high].tolist())
    heaps = {i * 10_000 for i in range(100)}
    assert len(exact & heaps) >= 98
    spikes = fitted(CASES["zeros"])
    zero = np.flatnonzero((spikes.low == 0) & (spikes.high == 0))
    assert len(zero) == 1 and (spikes.token == spikes.token[zero[0]]).sum() == 1
    few = fitted(CASES["few values"])
    assert few.tokens == 30 and (few.low == few.high).all() and few.place.max() == 0


def test_rare_values_between_common_ones_are_not_reproduced() -> None:
    values = np.concatenate([np.repeat([10, 20, 30], 100), [14, 14, 17]])
    cells = fitted(values)
    assert cells.low.tolist() == cells.high.tolist() == [10, 20, 30]
    assert locate(cells.low, cells.high, np.array([14, 17, 99, -5])).tolist() == [0, 1, 2, 0]


def test_draws_are_as_round_as_the_data() -> None:
    rough = RNG.integers(0, 10**6, 6_000)
    values = np.concatenate([rough, RNG.integers(0, 10**4, 4_000) * 100])
    cells = fitted(values)
    drawn = draw(cells, locate(cells.low, cells.high, values), np.random.default_rng(0))
    for step in (10, 100, 1000):
        assert abs((drawn % step == 0).mean() - (values % step == 0).mean()) < 0.03


@pytest.mark.parametrize(
    ("values", "step", "offset"),
    [
        (RNG.integers(80, 140, 300) * 5, 5, 0),  # 47.5, 52.0
        (RNG.integers(0, 4000, 5000) * 50, 50, 0),
        (RNG.integers(1, 900, 300) * 100 + 99, 100, 99),  # prices that end in .99
        (RNG.integers(2000, 3000, 300) * 7 + 3, 7, 3),  # a day of the week
        (np.append(RNG.integers(0, 4000, 4999) * 25, 77), 25, 0),  # but for one row
        (RNG.integers(0, 4000, 300), 1, 0),
        (np.arange(2, 26, 2), 1, 0),  # too few to tell
    ],
)
def test_draws_lie_on_the_grid_of_the_data(values: Values, step: int, offset: int) -> None:
    cells = fitted(values)
    assert (cells.step, cells.offset) == (step, offset)
    index = locate(cells.low, cells.high, np.repeat(values, 20))
    drawn = draw(cells, index, np.random.default_rng(1))
    assert ((drawn - offset) % step == 0).all()
    assert (drawn >= cells.low[index]).all() and (drawn <= cells.high[index]).all()
    assert (drawn % 100 == 0).mean() == pytest.approx((values % 100 == 0).mean(), abs=0.05)


@pytest.mark.parametrize("name", ["continuous", "real", "heaped", "wide"])
def test_mass_and_draws_of_a_range_agree(name: str) -> None:
    values = CASES[name]
    cells = fitted(values)
    low, high = sorted(values[:2].tolist())
    share = mass(cells, low, high)
    assert share.min() >= 0 and share.max() <= 1 + 1e-9
    expected = ((values >= low) & (values <= high)).mean()
    assert abs((share * cells.rows).sum() / len(values) - expected) < 0.005
    assert np.allclose(mass(cells, -np.inf, np.inf), 1)
    met = np.flatnonzero(share > 0)
    drawn = draw(cells, RNG.choice(met, 5_000), np.random.default_rng(0), [(low, high)])
    assert (drawn >= low).all() and (drawn <= high).all()


def test_several_ranges_share_a_cell_by_their_mass() -> None:
    cells = fitted(np.arange(10_000))
    first = np.flatnonzero(cells.high - cells.low >= 8)[0]
    start = int(cells.low[first])
    ranges = [(start, start), (start + 2, start + 4)]
    drawn = draw(cells, np.full(8_000, first), np.random.default_rng(0), ranges)
    found, counts = np.unique(drawn, return_counts=True)
    assert found.tolist() == [start, start + 2, start + 3, start + 4]
    assert (np.abs(counts / 8_000 - 0.25) < 0.03).all()


@pytest.mark.parametrize("whole", [True, False])
def test_no_value_of_one_row_is_drawn_again_and_again_at_an_end(whole: bool) -> None:
    """The low end is the fifth smallest value: it had half of the draws of the outermost cell."""
    values = RNG.lognormal(6, 1, 1200) * 100
    values = np.rint(values).astype(np.int64) if whole else values
    cells = fitted(values)
    drawn = draw(cells, locate(cells.low, cells.high, np.repeat(values, 10)), RNG)
    ordered = np.sort(values)
    assert ordered[4] <= drawn.min() and drawn.max() <= ordered[-5]
    for end in (ordered[4], ordered[-5]):
        assert (drawn == end).sum() <= 0.1 * len(drawn) / 1200  # a row's share of the draws is 10


def test_a_frequent_value_far_from_all_others_is_a_token_and_nothing_is_made_in_between() -> None:
    ordinary = np.rint(RNG.normal(500, 80, 1200)).astype(np.int64)
    values = np.concatenate([ordinary, [-9990] * 8, [99_999] * 30])
    cells = fitted(values)
    for value, rows in ((-9990, 8), (99_999, 30)):
        (at,) = np.flatnonzero((cells.low == value) & (cells.high == value))
        assert cells.rows[at] == rows and (cells.token == cells.token[at]).sum() == 1
    drawn = draw(cells, locate(cells.low, cells.high, np.repeat(values, 10)), RNG)
    assert np.isin(drawn[(drawn < ordinary.min()) | (drawn > ordinary.max())], [-9990, 99_999]).all()


def test_no_interval_spans_a_wide_gap() -> None:
    values = np.concatenate([RNG.uniform(0, 10, 600), RNG.uniform(500, 510, 60)])
    cells = fitted(values)
    assert not ((cells.low < 490) & (cells.high > 20)).any()
