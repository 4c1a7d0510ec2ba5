import numpy as np
import pandas as pd
import pytest

import lookalike

pytestmark = pytest.mark.usefixtures("few_trees")


def test_broken_rules_are_shown_beside_real_rows(bookings: pd.DataFrame) -> None:
    real, holdout, fresh = bookings[:200], bookings[200:400], bookings[400:]
    report = lookalike.evaluate(real, fresh, holdout, only=["fidelity"], quick=True).to_dict()
    assert report["fidelity"]["rules_broken"]["value"] == 0
    assert report["fidelity"]["rules_broken"]["reference"] == 0
    assert {one["words"] for one in report["rules"]} >= {"total = room + tax", "city -> country"}

    broken = fresh.assign(total=np.where(np.arange(len(fresh)) % 5 == 0, 7, fresh.total))
    report = lookalike.evaluate(real, broken, holdout, only=["fidelity"], quick=True)
    worst = report.to_dict()["rules"][0]
    assert (worst["words"], worst["synthetic"], worst["real"]) == ("total = room + tax", 0.2, 0)
    assert report.to_dict()["fidelity"]["rules_broken"]["value"] == 0.2
    assert "impossible" in report.figures.verdict.headline
    assert "total = room + tax" in report._repr_html_()


def test_without_rules_nothing_is_said() -> None:
    rng = np.random.default_rng(0)
    real = pd.DataFrame({"a": rng.normal(size=300).round(2), "b": rng.choice(["x", "y"], 300)})
    report = lookalike.evaluate(real[:150], real[150:], only=["fidelity"], quick=True)
    assert report.to_dict()["rules"] == []
    assert report.to_dict()["fidelity"].get("rules_broken", {"value": None})["value"] is None
