"""The rate is held at its target, whatever the table."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lookalike.difflm import DiffLM
from lookalike.difflm.training.rate import RateController


def test_the_controller_moves_beta_towards_the_target() -> None:
    controller = RateController(4.0)
    controller.update(8.0)
    risen = controller.beta
    assert risen > 1
    for _ in range(2):
        controller.update(0.0)
    assert controller.beta < 1
    for _ in range(10_000):
        controller.update(0.0)
    lowest = controller.beta
    assert 0 < lowest < 0.1  # it does not run away
    for _ in range(10_000):
        controller.update(100.0)
    assert 1 < controller.beta < 10


def test_the_controller_finds_the_beta_of_a_known_trade_off() -> None:
    controller = RateController(4.0)
    for _ in range(3000):
        controller.update(2.0 / controller.beta)  # a posterior whose rate falls with beta
    assert controller.beta == pytest.approx(0.5, rel=0.02)


@pytest.fixture(scope="module")
def fitted(quick) -> DiffLM:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=1000), rng.normal(size=1000)
    table = pd.DataFrame(
        {
            "a": a,
            "sum": a + b + 0.2 * rng.normal(size=1000),
            "difference": a - b + 0.2 * rng.normal(size=1000),
        }
    )
    table["sign"] = np.where(a > 0, "plus", "minus")
    table["level"] = pd.cut(b, 5, labels=list("vwxyz")).astype(str)
    made = quick(steps=350, rate=3.0, batch=64)
    made.vae_config = replace(made.vae_config, width=32, layers=2)
    return made.fit(table)


def test_a_fit_holds_the_rate(fitted: DiffLM) -> None:
    rates = [entry["rate"] for entry in fitted.history if "rate" in entry]
    assert rates[-1] == pytest.approx(3.0, rel=0.25)


def test_several_dimensions_are_active(fitted: DiffLM) -> None:
    active = next(entry["active_dimensions"] for entry in fitted.history if "active_dimensions" in entry)
    assert active >= 2
