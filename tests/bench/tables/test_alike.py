"""False alarms are counted against the limit of the number of rows."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from bench.tables.alike import measured, table


def test_false_alarms_are_counted() -> None:
    runs = {"a/100/4": {"auc": [0.5, 0.61, 0.63, 0.65]}, "b/100/4": {"auc": [0.5, 0.5, 0.5, 0.5]}}
    *_, line = table(runs, [100], [4], ["a", "b"]).splitlines()
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[:2] == ["100", "8"] and cells[-3:] == ["0.650", "37.5%", "12.5% (0.643)"]


def test_halves_of_one_table_are_hardly_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "coins").mkdir()
    rows = pd.DataFrame({"x": rng.normal(size=400).round(3), "side": rng.choice(["heads", "tails"], 400)})
    rows.to_csv(tmp_path / "coins" / "train.csv.gz", index=False)
    found = measured("coins", 60, 2, argparse.Namespace(data=tmp_path))["auc"]
    assert len(found) == 2 and found[0] != found[1] and all(0.25 < one < 0.75 for one in found)
