import json

import pandas as pd

from bench.records.families import written


def test_columns_that_are_written_apart_are_of_the_same_rows():
    train = pd.DataFrame({
        "a": [f"{'red' if i % 3 else 'blue'} {i % 5}" for i in range(60)],
        "b": [f"{'rot' if i % 3 else 'blau'} {i % 4}" for i in range(60)],
        "label": ["r" if i % 3 else "b" for i in range(60)],
    })  # fmt: skip
    made, facts = written(train, 30, 0, "label")
    assert list(made.columns) == ["a", "b", "label"] and made.label.value_counts().to_dict() == {
        "r": 20,
        "b": 10,
    }
    colours = made.a.str.startswith("red"), made.b.str.startswith("rot"), made.label == "r"
    assert (colours[0] == colours[2]).mean() > 0.8 and (colours[1] == colours[2]).mean() > 0.8
    assert facts["order of a"] >= 1 and json.dumps(facts)
