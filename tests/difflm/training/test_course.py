"""A training says how long it will take, whether it was cut short, and ends when the user wants it to."""

import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lookalike.cli.main import main
from lookalike.difflm import DiffLM
from lookalike.difflm.training import course
from lookalike.difflm.training.course import Clock, Course, shortfall
from lookalike.difflm.training.rate import RateController
from lookalike.errors import ModelError

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame({"x": RNG.normal(size=300).round(2), "kind": RNG.choice(list("abc"), 300)})


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still unless a test moves it."""
    at = [50.0]
    monkeypatch.setattr(course.time, "perf_counter", lambda: at[0])
    return at


def run(one: Course, now: list[float], seconds: float, waits_from: int = 10**9) -> int:
    """The steps that a course makes, of so many seconds each."""
    step = one.first
    while not one.over(step, step >= waits_from):
        now[0] += seconds
        step += 1
    return step


def begin(now: list[float], limit: float | None, steps: int = 1000, kept: float = 0.0) -> Course:
    return Course("the model", steps, Clock(limit), 0.0, kept, start=now[0])


def test_what_is_not_cut_says_nothing(now: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    one = begin(now, limit=None)
    facts = one.facts(run(one, now, 0.005))
    assert facts == {
        **{"stage": "the model", "steps": 1000, "planned": 1000, "ended": "steps", "needed": None},
        "seconds": 5.0,
    }
    assert shortfall([facts]) is None
    assert capsys.readouterr().err == ""  # it takes 5 seconds


def test_a_long_training_is_announced(now: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    run(begin(now, limit=None), now, 0.25)
    assert capsys.readouterr().err == "training the model: 1,000 steps, about 4 min 10 s at most\n"


def test_a_limit_that_is_too_short_is_said_before_and_after(
    now: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    one = begin(now, limit=60.0, kept=0.1)
    step = run(one, now, 1.0)
    assert step == 54
    assert capsys.readouterr().err == (
        "training the model: the time limit of 60 s is enough for about 5% of 1,000 steps, which take about "
        "16 min 40 s; what is learned by then is hardly usable\n"
    )
    assert shortfall([{"bound": 3.0}, one.facts(step)]) == (
        "the training was cut short by the time limit: the model had 54 of 1,000 steps (5%), all of which "
        "take about 16 min 40 s; what was learned is hardly usable."
    )


def test_the_limit_that_is_said_is_the_one_that_was_asked_for(
    now: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where a part of it is left for what follows the training."""
    one = begin(now, 60.0)
    one.clock.limit = 48.0
    run(one, now, 1.0)
    assert "the time limit of 60 s is enough for about 5%" in capsys.readouterr().err
    other = begin(now, 60.0)
    other.clock.limit = 48.0
    other.plan(4, 48)
    assert "the time limit of 60 s is enough for about 5%" in capsys.readouterr().err


def test_half_of_the_steps_are_said_to_be_half(now: list[float]) -> None:
    one = begin(now, limit=60.0)
    sentence = shortfall([one.facts(run(one, now, 0.1))])
    assert sentence is not None and "of 1,000 steps (60%)" in sentence and "hardly" not in sentence


def test_no_gain_is_not_cut_short(now: list[float]) -> None:
    one = begin(now, limit=60.0)
    step = run(one, now, 0.01, waits_from=300)
    assert (step, one.facts(step)["ended"], shortfall([one.facts(step)])) == (300, "no gain", None)


def test_a_stopped_clock_leaves_time_for_what_follows(now: list[float]) -> None:
    clock = Clock(None)
    now[0] += 88.0
    clock.stop(0.12)
    assert clock.done(0.1, begun=0.0, kept=0.12) == pytest.approx(1.0)
    assert clock.limit == pytest.approx(100.0)


def test_time_is_left_to_draw_rows_in_and_taken_back(now: list[float]) -> None:
    clock = Clock(100.0)
    assert clock.left_for(1.0) == 0.0
    clock.leave(0.2, 40)
    assert (clock.limit, clock.asked, clock.drawing) == (80.0, 100.0, 40)
    assert clock.left_for(2.0) == pytest.approx(1.0) and clock.left_for(8.0) == pytest.approx(0.25)
    clock.take_back()
    assert (clock.limit, clock.drawing) == (100.0, 0)
    clock.leave(0.2, 40)
    clock.stop(0.0)
    clock.take_back()
    assert clock.limit == pytest.approx(0.0)  # whoever stops a fit does not wait for more of it
    without = Clock(None)
    without.leave(0.2, 40)
    assert (without.limit, without.drawing, without.left_for(1.0)) == (None, 0, 0.0)


@pytest.fixture
def interrupt_at(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Ctrl-C in these steps of the training."""
    update = RateController.update

    def set_to(*steps: int) -> None:
        seen = [0]

        def count(self: RateController, rate: float) -> None:
            seen[0] += 1
            if seen[0] in steps:
                os.kill(os.getpid(), signal.SIGINT)
            update(self, rate)

        monkeypatch.setattr(RateController, "update", count)

    return set_to


def test_ctrl_c_once_gives_a_model_and_the_same_call_goes_on(  # type: ignore[no-untyped-def]
    quick, interrupt_at, tmp_path: Path
) -> None:
    interrupt_at(7)
    first = quick(30).fit(TABLE, checkpoint=tmp_path / "kept")
    assert first.stopped
    assert (
        first.shortfall is not None and "by Ctrl-C: the language model had 7 of 30 steps" in first.shortfall
    )
    assert len(first.sample(20)) == 20
    interrupt_at()
    second = quick(30).fit(TABLE, checkpoint=tmp_path / "kept")
    whole = quick(30).fit(TABLE)
    assert not second.stopped and second.shortfall is None
    pd.testing.assert_frame_equal(second.sample(50, seed=1), whole.sample(50, seed=1))


def test_ctrl_c_twice_stops(quick, interrupt_at) -> None:  # type: ignore[no-untyped-def]
    from lookalike.difflm import learning

    assert "Ctrl-C again" in learning.FINISHING
    interrupt_at(7)
    hear = signal.getsignal(signal.SIGINT)

    def again(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Clock, "stop", again)
        with pytest.raises(KeyboardInterrupt):
            quick(30).fit(TABLE)
    assert signal.getsignal(signal.SIGINT) is hear


def test_another_tables_model_is_not_replaced_unasked(
    small_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, other = tmp_path / "m", tmp_path / "other.csv"
    fit = ["-o", str(folder), "--max-time", "1s", "--quiet"]
    assert main(["fit", str(small_csv), *fit]) == 0
    assert main(["fit", str(small_csv), *fit]) == 0  # the same table
    TABLE.to_csv(other, index=False)
    capsys.readouterr()
    assert main(["fit", str(other), *fit]) == 2
    said = capsys.readouterr().err
    assert "another table" in said and "'age'" in said and "--force" in said
    assert "age" in DiffLM.load(folder).schema.names
    assert main(["fit", str(other), *fit, "--force"]) == 0
    assert DiffLM.load(folder).schema.names == ["x", "kind"]


def test_a_table_is_told_from_one_with_other_cells(quick, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from lookalike.difflm.storage import check_same_table

    quick(2, 2).fit(TABLE).save(tmp_path)
    check_same_table(tmp_path, TABLE.copy())
    check_same_table(tmp_path / "none", TABLE)
    changed = TABLE.copy()
    changed.loc[5, "x"] += 1
    for other in (changed, TABLE.iloc[1:], TABLE.rename(columns={"x": "z"}), TABLE[["kind", "x"]]):
        with pytest.raises(ModelError, match="another table"):
            check_same_table(tmp_path, other)
