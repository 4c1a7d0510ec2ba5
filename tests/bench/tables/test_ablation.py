import json
from pathlib import Path

from bench.places import FIGURES
from bench.tables.ablation import PRIORS, table


def test_means_over_seeds_and_a_dash_where_training_ended_before_a_validation():
    c2st = dict(zip(PRIORS, (0.5, 0.6, 0.7, 0.8), strict=True))
    found = {
        "1/0": c2st | {"nats": 1.0, "active": 2.0, "beta": 0.5, "bound": 20.0},
        "1/1": {name: value + 0.1 for name, value in c2st.items()},
        "4/0": c2st,
        "4/1": c2st,
    }
    assert table(found, [1.0, 4.0], [0, 1])[2:] == [
        "| 1 | 1.0 | 2.0 | 0.50 | 20.00 | 0.550 | 0.650 | 0.750 | 0.850 |",
        "| 4 | - | - | - | - | 0.500 | 0.600 | 0.700 | 0.800 |",
    ]


def test_the_figures_kept_are_those_of_the_results():
    found = json.loads((FIGURES / "ablation.json").read_text())
    text = Path(FIGURES.parent / "RESULTS.md").read_text(encoding="utf-8")
    assert "\n".join(table(found, [1.0, 4.0, 10.0, 25.0], [0])) in text
