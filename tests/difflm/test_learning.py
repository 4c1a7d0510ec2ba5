"""`max_time` limits everything that a fit does."""

import time

import pandas as pd
import pytest

from lookalike.difflm import DiffLM
from lookalike.difflm.training.course import Clock


@pytest.mark.parametrize("limit", [2.0, "4s"])
def test_a_fit_ends_in_time(adult: pd.DataFrame, limit: float | str) -> None:
    start = time.perf_counter()
    model = DiffLM(max_time=limit, progress=False).fit(adult)
    spent = time.perf_counter() - start
    allowed = float(str(limit).rstrip("s"))
    assert spent <= allowed + 1.5
    assert spent >= 0.5 * allowed  # and the time is used
    steps = max(entry.get("step", 0) for entry in model.history)
    denoiser = next(entry["denoiser_steps"] for entry in model.history if "denoiser_steps" in entry)
    assert denoiser > 5  # the first training left time for the second
    assert steps < model.train_config.steps[0]
    assert model.sample(100).dtypes.equals(adult.dtypes)


def test_a_fit_without_time_still_gives_a_model(adult: pd.DataFrame) -> None:
    model = DiffLM(max_time=0.01, progress=False).fit(adult.iloc[:200])
    assert len(model.sample(20)) == 20


def test_the_clock_goes_on_from_what_was_spent() -> None:
    clock = Clock(10.0, spent=7.0)
    assert 7.0 <= clock.spent() < 7.5
