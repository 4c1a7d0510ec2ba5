"""What the chapters look at: made once, and the same rows whichever chapter asks first."""

import numpy as np
import pandas as pd
import pytest

from lookalike.evaluate import space
from lookalike.evaluate.columns import read_columns
from lookalike.evaluate.view import View


def tables(**rows: int) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(0)
    return {
        name: pd.DataFrame({"x": rng.normal(size=n), "c": rng.choice(list("abc"), n)})
        for name, n in rows.items()
    }


def view(**rows: int) -> View:
    some = tables(**rows)
    return View(some, read_columns(some), seed=3, only=("fidelity",), quick=True)


def test_the_rows_are_the_same_whichever_is_asked_for_first() -> None:
    one, two = view(real=500, synthetic=400, holdout=300), view(real=500, synthetic=400, holdout=300)
    first = [one.whole, one.matched, one.near]
    second = [two.near, two.matched, two.whole][::-1]
    for some, others in zip(first, second, strict=True):
        for column, other in zip(some, others, strict=True):
            assert column.identity.keys() == other.identity.keys()
            assert all((column.identity[t] == other.identity[t]).all() for t in column.identity)
    assert {t: len(codes) for t, codes in one.matched[0].identity.items()} == {
        "real": 500,
        "synthetic": 300,
        "holdout": 300,
    }
    assert {t: len(codes) for t, codes in one.whole[0].identity.items()} == {
        "real": 500,
        "synthetic": 400,
        "holdout": 300,
    }


def test_what_is_costly_is_made_once_and_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    points = space.points
    monkeypatch.setattr(space, "points", lambda columns: asked.append(len(columns)) or points(columns))
    some = view(real=500, synthetic=400, holdout=300)
    assert some.matched is some.matched and some.whole is some.whole
    assert asked == []
    assert some.points["real"].shape[0] == 500 and some.near_points[0]["synthetic"].shape[0] == 300
    assert asked == [2]


def test_half_of_the_real_rows_stand_in_for_a_holdout() -> None:
    some = view(real=500, synthetic=400)
    assert some.apart is not None
    halves = np.concatenate([some.apart["real"], some.apart["holdout"]])
    assert sorted(halves) == list(range(500)) and len(some.apart["holdout"]) == 250
    assert some.compared == {"real": 250, "synthetic": 250, "holdout": 250}
    real = some.columns[0].identity["real"]
    assert (some.yardstick[0].identity["holdout"] == real[some.apart["holdout"]]).all()
    few = view(real=399, synthetic=400)
    assert few.apart is None and few.yardstick is None and "no real holdout" in few.no_reference


def test_few_rows_have_no_points() -> None:
    assert view(real=500, synthetic=20).has_points
    assert not view(real=500, synthetic=19).has_points
