"""A training is fitted to its time limit: fewer steps, smaller ones, and few rows that validate."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lookalike.difflm.pretrained import plan as plan_file
from lookalike.difflm.pretrained.plan import Plan, risen, timed
from lookalike.difflm.pretrained.train import FinetuneConfig
from lookalike.difflm.training import course as course_file
from lookalike.difflm.training.checkpoint import Checkpoint
from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.course import Clock, Course
from lookalike.difflm.training.loop import Loop

SHOWN = SimpleNamespace(total=0, refresh=lambda: None)


class Timer:
    """Stands in for the clock of the machine."""

    now = 100.0


@pytest.fixture
def timer(monkeypatch: pytest.MonkeyPatch) -> Timer:
    own = Timer()
    monkeypatch.setattr(course_file.time, "perf_counter", lambda: own.now)
    return own


def trained(
    timer: Timer,
    seconds: float,
    limit: float,
    steps: int,
    rows: int = 400,
    late: float = 0.0,
    smallest: int = 4,
    first: int = 4,
) -> tuple[Loop, Course, Plan]:
    """A training whose steps of 8 rows take so many seconds, up to its end.

    late: seconds more of each of the `first` steps; smallest: as of `Plan`.
    """
    clock, config = Clock(limit), timed(TrainConfig(), Clock(limit))
    module = torch.nn.Linear(1, 1)
    loop = Loop(module, [torch.optim.AdamW(module.parameters())], steps, config, clock, Checkpoint(None, ""))
    course = loop.course("it", False)
    plan = Plan(np.full(rows, 20), np.arange(rows), 8, 0, smallest)
    while not course.over(loop.step):
        plan.bend(loop, course, SHOWN)
        at = plan.rows(loop.step)
        assert 0 < len(at) <= plan.size and len(set(at.tolist())) == len(at)
        timer.now += seconds * len(at) / 8 + (late if loop.step < first else 0.0)
        loop.step += 1
    return loop, course, plan


def test_the_steps_are_those_that_the_time_has_room_for(timer: Timer) -> None:
    loop, course, plan = trained(timer, 1.0, limit=200.0, steps=1000)
    assert plan.size == 8 and course.wanted == 1000
    assert 0.95 * loop.steps <= loop.step <= loop.steps and 150 <= loop.step <= 176  # 12% are the denoiser's


def test_few_steps_are_made_of_fewer_rows(timer: Timer) -> None:
    loop, course, plan = trained(timer, 4.0, limit=200.0, steps=300)
    assert plan.size == 4 and plan.since == 4 and course.wanted == 600
    assert 75 <= loop.step <= 85  # 44 of 8 rows would have fitted


def test_slow_first_steps_do_not_count_for_ever(timer: Timer) -> None:
    loop, course, plan = trained(timer, 0.1, limit=60.0, steps=300, late=5.0, smallest=8)
    assert plan.size == 8 and course.ended == "steps" and loop.step == loop.steps == 300


def test_a_machine_that_is_free_in_the_middle_is_used(timer: Timer) -> None:
    """Steps take half as long from step 66 on: 110 were planned before step 64, and there is room for 150."""
    begun = timer.now
    loop, _course, _plan = trained(timer, 0.5, limit=125.0, steps=1000, late=0.5, first=66)
    assert 140 <= loop.step <= 155 and timer.now - begun <= 125


def test_steps_stay_large_where_small_ones_take_as_long(timer: Timer) -> None:
    loop, _course, plan = trained(timer, 4.0, limit=200.0, steps=300, smallest=8)
    assert plan.size == 8 and plan.since == 0 and 40 <= loop.step <= 45


def test_a_plan_that_fits_stays(timer: Timer) -> None:
    loop, course, plan = trained(timer, 0.1, limit=200.0, steps=300)
    assert (loop.step, loop.steps, course.ended, plan.size) == (300, 300, "steps", 8)
    assert len(plan.seen(loop, 500)) == min(500, round(3 * plan_file.VALIDATING * 8 * loop.every))


def test_rows_come_once_in_a_pass() -> None:
    plan = Plan(np.full(50, 20), np.arange(50), 8, seed=0)
    seen = np.concatenate([plan.rows(step) for step in range(plan.per_epoch)])
    assert sorted(seen.tolist()) == list(range(50))


def test_the_rate_rises_and_the_denoiser_keeps_its_time() -> None:
    assert risen(0.0) == plan_file.RISE and risen(1.0) == risen(plan_file.RISEN) == 1.0
    assert timed(TrainConfig(), Clock(None)).denoiser_time == TrainConfig().denoiser_time
    assert timed(TrainConfig(), Clock(100)).denoiser_time == TrainConfig().denoiser_time
    assert timed(TrainConfig(), Clock(1000)).denoiser_time * 1000 == pytest.approx(plan_file.DENOISER["cpu"])


def test_small_tables_and_gpus_have_steps_of_their_own() -> None:
    config, cpu, gpu = FinetuneConfig(), torch.device("cpu"), torch.device("cuda")
    assert [config.size(rows, cpu) for rows in (5, 600, 10_000)] == [5, 8, 8]
    assert [config.size(rows, gpu) for rows in (400, 4_000, 100_000)] == [8, 80, 128]


@pytest.mark.parametrize(("speed", "limit", "drawing"), [(80.0, 600.0, 0), (200.0, 480.0, 400)])
def test_time_that_would_not_do_to_draw_rows_in_is_trained_on(
    timer: Timer, speed: float, limit: float, drawing: int
) -> None:
    """400 rows of 24 tokens at 1.2 times 80 or 200 tokens a second: 100 s or 40 s, of the 120 left."""
    clock = Clock(600.0)
    clock.leave(0.2, 400)
    module = torch.nn.Linear(1, 1)
    loop = Loop(
        module, [torch.optim.AdamW(module.parameters())], 900, TrainConfig(), clock, Checkpoint(None, "")
    )
    plan = Plan(np.full(400, 24), np.arange(400), 8, 0)
    for loop.step in range(40):
        plan.reconsider(loop, speed, "cpu")
        assert loop.step >= plan_file.RECONSIDERED or clock.limit == 480.0
    assert (clock.limit, clock.drawing) == (limit, drawing)
