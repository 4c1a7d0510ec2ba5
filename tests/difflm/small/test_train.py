"""A plan of training is shortened where held-out rows hardly gain, and only where it may be."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lookalike.difflm.small import train
from lookalike.difflm.training import loop

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame({"x": RNG.normal(size=600).round(2), "kind": RNG.choice(list("abc"), 600)})


def planned(model, table: pd.DataFrame, **changes: object) -> tuple[int, int, list[int]]:  # type: ignore[no-untyped-def]
    """Steps that were planned at last, that were made, and those of the validations."""
    model.train_config = replace(model.train_config, **changes)
    model.fit(table)
    facts = next(one for one in model.history if one.get("stage") == "the language model")
    return facts["planned"], facts["steps"], [one["step"] for one in model.history if "bound" in one]


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is gained is little, and a table of 500 rows is large."""
    monkeypatch.setattr(loop, "SETTLED", 1e9)
    monkeypatch.setattr(train, "LARGE", 500)


def test_the_rest_of_a_plan_is_short_where_little_is_gained(quick, little: None) -> None:  # type: ignore[no-untyped-def]
    assert planned(quick(100, 2, rate=0), TABLE, based_rows=0) == (60, 60, [20, 40, 60])


def test_it_is_made_whole_where_much_is_gained(quick, little: None, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(loop, "SETTLED", -1e9)
    assert planned(quick(60, 2, rate=0), TABLE, based_rows=0)[:2] == (60, 60)


def test_it_is_made_whole_for_a_small_table_and_for_passes_that_were_asked_for(
    quick,  # type: ignore[no-untyped-def]
    little: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = planned(quick(1, 2, rate=0), TABLE, based_rows=0, epochs=10.0, epochs_limits=(10.0, 10.0))
    assert asked[0] == asked[1] > 100
    monkeypatch.setattr(train, "LARGE", 10_000)
    assert planned(quick(60, 2, rate=0), TABLE, based_rows=0)[:2] == (60, 60)
