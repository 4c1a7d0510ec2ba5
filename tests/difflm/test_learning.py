"""`max_time` limits everything that a fit does."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

from lookalike.codec import RecordCodec
from lookalike.difflm import DiffLM
from lookalike.difflm.small.records import TokenRecords
from lookalike.difflm.training import course
from lookalike.difflm.training.course import Clock

STEP, PREPARATION = 0.0625, 0.25  # seconds on the clock of these tests, exact in binary


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """A clock that only work moves: a step of an optimizer, or a table that is encoded."""
    at = [50.0]
    encode = RecordCodec.encode

    def encoded(codec: RecordCodec, table: pd.DataFrame, **options: bool) -> object:
        at[0] += PREPARATION
        return encode(codec, table, **options)

    def stepped(*_: object) -> None:
        at[0] += STEP

    monkeypatch.setattr(course.time, "perf_counter", lambda: at[0])
    monkeypatch.setattr(RecordCodec, "encode", encoded)
    hook = register_optimizer_step_post_hook(stepped)
    yield at
    hook.remove()


@pytest.mark.parametrize("limit", [2.0, "4s"])
def test_a_fit_ends_in_time(adult: pd.DataFrame, now: list[float], limit: float | str) -> None:
    model = DiffLM(max_time=limit, progress=False).fit(adult.iloc[:1000])
    spent, allowed = now[0] - 50.0, float(str(limit).rstrip("s"))
    active = next(entry["active_dimensions"] for entry in model.history if "active_dimensions" in entry)
    least = allowed - 2 * STEP if active else 0.85 * allowed  # a latent at rest needs no denoiser
    assert least <= spent <= allowed + 0.5  # it is used, and each training has half a second
    steps = max(entry.get("step", 0) for entry in model.history)
    denoiser = next(entry["denoiser_steps"] for entry in model.history if "denoiser_steps" in entry)
    assert denoiser > 5 if active else denoiser == 0  # the first training left time for the second
    assert steps < model.train_config.steps[0]
    assert model.sample(100).dtypes.equals(adult.dtypes)


def test_a_fit_that_refines_keeps_time_for_it(
    adult: pd.DataFrame, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The networks end early; rows are drawn until half of what is left then is over."""
    monkeypatch.setattr("lookalike.difflm.learning.SELECTOR_ROWS", 10**9)
    drawn, draw = [], TokenRecords.draw

    def slowly(records: TokenRecords, latent: Tensor, rows: int, *others: Any, **options: Any) -> Any:
        now[0] += 0.25
        drawn.append(now[0] - 50.0)
        return draw(records, latent, rows, *others, **options)

    monkeypatch.setattr(TokenRecords, "draw", slowly)
    monkeypatch.setattr(TokenRecords, "chunk", 200)
    DiffLM(max_time=10.0, refine=True, progress=False).fit(adult.iloc[:1500])
    assert 7.0 < drawn[0] < 9.0 and 8.5 < drawn[-1] <= 9.5 and len(drawn) < 15
    drawn.clear()
    now[0] = 50.0
    monkeypatch.setattr(TokenRecords, "chunk", 50)  # too few in the time: that is seen at once
    model = DiffLM(max_time=10.0, refine=True, progress=False).fit(adult.iloc[:1500])
    assert model.fitted.selector is None and len(drawn) == 2


def test_a_fit_without_time_still_gives_a_model(adult: pd.DataFrame) -> None:
    model = DiffLM(max_time=0.01, progress=False).fit(adult.iloc[:200])
    assert len(model.sample(20)) == 20


def test_the_clock_goes_on_from_what_was_spent(now: list[float]) -> None:
    clock = Clock(10.0, spent=7.0)
    assert clock.spent() == 7.0
    now[0] += 2.0
    assert clock.spent() == 9.0
