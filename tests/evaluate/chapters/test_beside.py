import numpy as np
import pandas as pd

from lookalike.evaluate import evaluate


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)
    real = pd.DataFrame(
        {
            "age": rng.integers(20, 60, 300),
            "city": rng.choice(["Kiel", "Ulm", "Bonn"], 300),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, 300), "D"),
        }
    )
    synthetic = real.iloc[[17, 40, 41, 42, 43] * 12].reset_index(drop=True)
    synthetic.loc[0, "city"] = {"Kiel": "Ulm", "Ulm": "Bonn", "Bonn": "Kiel"}[synthetic.loc[0, "city"]]
    return real, synthetic


def test_the_nearest_real_row_stands_beside_a_synthetic_one() -> None:
    real, synthetic = tables()
    report = evaluate(real, synthetic, only=["privacy"], quick=True, show_real=True)
    found = report.figures.found.beside
    assert "nearest real" in report._repr_html_()
    assert found is not None and found.of == 3 and found.rows == 300
    pairs = found.pairs
    assert pairs.agree[1:] == [3, 3, 3] and pairs.synthetic[1] == pairs.real[1]
    assert pairs.real[2] == [str(value) for value in real.iloc[41]]
    assert pairs.agree[0] == sum(pairs.equal[0]) < 3
    assert found.median == {"synthetic": 3}


def test_no_pair_is_told_unless_it_is_asked_for() -> None:
    real, synthetic = tables()
    report = evaluate(real, synthetic, real.sample(250, random_state=1), only=["privacy"], quick=True)
    found = report.figures.found.beside
    assert found.pairs is None and found.median == {"synthetic": 3, "holdout": 3}
    assert "No pair is shown" in report._repr_html_()


def test_missing_cells_and_ids() -> None:
    real, synthetic = tables()
    real["id"], synthetic["id"] = np.arange(300) + 5000, np.arange(60) + 9000
    synthetic.loc[1, "age"] = np.nan
    found = evaluate(real, synthetic, only=["privacy"], quick=True, show_real=True).figures.found.beside
    assert "id" not in found.columns
    assert found.pairs.synthetic[1][0] == "" and found.pairs.agree[1] == 2
