"""A time that comes once in the table comes once in the rows of a call."""

from threading import Thread

import numpy as np
import pandas as pd
import pytest

from lookalike.difflm import DiffLM
from lookalike.difflm.sampling.times import Times
from lookalike.difflm.training.threads import Threads
from tests.difflm.conftest import Quick

pytestmark = pytest.mark.usefixtures("few_candidates")

ROWS = 1500
TIME = ["year", "month", "day", "hour"]


def weather(rows: int = ROWS) -> pd.DataFrame:
    """A heat that wanders by the hour."""
    heat = pd.Series(np.random.default_rng(0).normal(size=rows)).cumsum().round(1)
    time = pd.Series(pd.date_range("2011-01-01", periods=rows, freq="7h"))
    parts = {part: getattr(time.dt, part) for part in TIME}
    return pd.DataFrame({**parts, "heat": heat - heat.rolling(400, min_periods=1, center=True).mean()})


@pytest.fixture(scope="module")
def model(quick: Quick) -> DiffLM:
    return quick(threads=1, seed=0).fit(weather())


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.difflm.small.records.CHUNK", 400)
    monkeypatch.setattr("lookalike.difflm.small.records.BLOCK", 100)


def test_records_whose_time_is_taken_are_drawn_anew() -> None:
    times, asked = Times(), []

    def draw(rows: int) -> np.ndarray:
        asked.append(rows)
        return np.arange(rows) + 2.0

    def own(records: np.ndarray) -> np.ndarray:
        return records

    made = times.apart(np.array([3.0, 1.0, 3.0, 1.0]), own, draw)
    assert made.tolist() == [3, 1, 2, 2] and asked == [2, 1, 1] and not times.over
    made = times.apart(np.array([9.0, 3.0]), own, draw)
    assert made.tolist() == [9, 2] and asked == [2, 1, 1, 1, 1, 1]
    assert times.taken.tolist() == [1, 2, 3, 9]
    same = np.array([9.0, 9.0])
    assert times.apart(same, lambda records: None, draw).tolist() == [9, 9]
    assert Times().apart(same[:0], own, draw).tolist() == []


def test_turns_come_in_their_order() -> None:
    times, order = Times(), []
    assert [times.claim(3), times.claim(2)] == [0, 3]

    def block(number: int) -> None:
        with times.turn(number):
            order.append(number)
            times.take(np.arange(100.0) + 90 * number)

    threads = [Thread(target=block, args=(number,)) for number in (3, 1, 4, 0, 2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert order == [0, 1, 2, 3, 4] and len(times.taken) == 460
    assert times.free(np.array([[0.0, 460.0], [470.0, 7.5]])).tolist() == [[False, True], [True, True]]
    assert times.take(np.array([7.0, 1000.0, 1001.0, 1000.0]), 1).tolist() == [False, True, False, False]


def test_none_waits_for_a_block_that_failed() -> None:
    times, done = Times(), []

    def second() -> None:
        with times.watched(), times.turn(1):
            done.append(1)

    waiting = Thread(target=second, daemon=True)
    waiting.start()
    with pytest.raises(MemoryError), times.watched():
        raise MemoryError
    waiting.join(20)
    assert done == [1]


def test_no_time_comes_twice_in_the_rows_of_a_call(model: DiffLM) -> None:
    axis = model.fitted.records.vae.axis
    made = model.sample(1000, seed=1)
    assert made.duplicated(TIME).mean() < 0.002 and made["heat"].std() > 0.5
    assert model.sample(1000, seed=2).merge(made, on=TIME).shape[0] > 50  # another call has them again
    try:
        axis.once.fill_(False)
        before = model.sample(1000, seed=1)
    finally:
        axis.once.fill_(True)
    assert before.duplicated(TIME).mean() > 0.02
    for part in TIME:  # and what is drawn at all is as before
        shares = [table[part].value_counts(normalize=True) for table in (before, made)]
        assert float((shares[0] - shares[1]).abs().sum()) / 2 < 0.15


def test_rows_that_are_refined_have_a_time_each(quick: Quick) -> None:
    model = quick(steps=2, denoiser_steps=2, threads=1, refine=True).fit(weather())
    assert model.fitted.selector is not None
    made = model.sample(1000, seed=0)
    assert len(made) == 1000 and made.duplicated(TIME).mean() < 0.005
    assert made.iloc[:400].equals(model.sample(400, seed=0))


@pytest.mark.parametrize("limit", [("sampling.times.MOST", 500), ("sampling.times.USED_UP", -1)])
def test_times_that_are_used_up_come_again(
    model: DiffLM, monkeypatch: pytest.MonkeyPatch, limit: tuple[str, float]
) -> None:
    monkeypatch.setattr(f"lookalike.difflm.{limit[0]}", limit[1])
    made = model.sample(2400, seed=1)
    assert len(made) == 2400 and made.duplicated(TIME).sum() > 30
    assert not made.iloc[:100].duplicated(TIME).any()


def test_rows_of_once_do_not_depend_on_the_number_of_threads(
    model: DiffLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for count in (1, 3):
        monkeypatch.setattr(model.fitted, "threads", Threads(count))
        monkeypatch.setattr(model.fitted.records, "threads", model.fitted.threads)
        made.append(model.sample(800, seed=1))
    pd.testing.assert_frame_equal(*made)


def test_conditions_and_given_cells_hold(model: DiffLM, tmp_path_factory: pytest.TempPathFactory) -> None:
    made = model.sample(300, where={"heat": (0, None), "hour": 7}, seed=1)
    assert len(made) == 300 and (made["heat"] >= 0).all() and (made["hour"] == 7).all()
    given = weather()[TIME].head(50)
    pd.testing.assert_frame_equal(model.sample(given=given, seed=1)[TIME], given)
    place = tmp_path_factory.mktemp("once") / "a.model"
    model.save(place)
    again = DiffLM.load(place, progress=False, threads=1)
    pd.testing.assert_frame_equal(again.sample(500, seed=3), model.sample(500, seed=3))


def test_a_time_that_comes_again_is_drawn_again(quick: Quick) -> None:
    """Two places at each time, and a text beside."""
    table = weather()
    table = pd.concat([table.assign(place=place) for place in "ab"])
    axis = quick(steps=2, denoiser_steps=2, threads=1).fit(table).fitted.records.vae.axis
    assert axis is not None and not axis.once
    texts = weather().assign(said=[f"it was {'warm' if i % 3 else 'cold'} on day {i}" for i in range(ROWS)])
    made = quick(steps=2, denoiser_steps=2, threads=1).fit(texts).sample(300, seed=0)
    assert not made.duplicated(TIME).any()
