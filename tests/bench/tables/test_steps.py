"""The bench of steps in fidelity: what is judged, on which rows, and its table."""

import numpy as np
import pandas as pd

from bench.tables.steps import HELD, VARIANTS, seen, table
from lookalike.difflm.small.sizes import VAEConfig
from lookalike.difflm.training.config import TrainConfig


def test_variants_change_what_there_is() -> None:
    for changes in VARIANTS.values():
        VAEConfig(**changes.get("vae", {}))
        TrainConfig(**changes.get("train", {}))
    assert 0 < HELD < 0.5


def test_what_is_seen_names_the_columns_that_tell() -> None:
    rng = np.random.default_rng(0)
    a, noise = rng.normal(size=1500), rng.normal(size=1500)
    real = pd.DataFrame({"noise": noise, "a": a, "b": a + 0.1 * rng.normal(size=1500)})
    made = real.assign(b=real["b"].sample(frac=1, random_state=0).to_numpy())
    found = seen(real, made, most=3)
    assert found["auc"] > 0.8
    assert set(list(found["falls"])[:2]) == {"a", "b"} and set(next(iter(found["pairs"])).split(" x ")) == {
        "a",
        "b",
    }


def test_the_table_has_the_means_of_the_seeds() -> None:
    one = {"sample_s": 1.0, "c2st": 0.5, "c2st_test": 0.6, "mle": 40.0, "closer": 0.5, "copies": 0.001}
    runs = {
        f"beijing/present/{seed}": {
            "fit_s": 10.0,
            "bound": 20.0,
            "rate": 4.0,
            "drawn": one,
            "refined": one | {"c2st": value},
        }
        for seed, value in ((0, 0.52), (1, 0.54))
    }
    lines = table(runs, ["beijing", "default"], ["present"], [0, 1]).splitlines()
    assert len(lines) == 4 and lines[2].startswith("| beijing | present | drawn | 10 ± 0 | 1.0 ± 0.0 |")
    assert "| 0.530 ± 0.014 | 0.600 ± 0.000 | 40.0 ± 0.0 | 50.0 ± 0.0 | 0.10 ± 0.00 |" in lines[3]
