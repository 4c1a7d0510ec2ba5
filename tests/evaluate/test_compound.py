import numpy as np
import pandas as pd

from lookalike.evaluate.columns import read_columns
from lookalike.evaluate.compound import apart, members
from lookalike.evaluate.report import evaluate
from lookalike.table.inferring import infer
from tests.table.test_lists import WORDS, drawn


def table(seed: int, joint: bool) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(13, 1, 500)
    y = x if joint else rng.permutation(x)
    return pd.DataFrame(
        {"at": [f"{a:.3f},{b * 2:.3f}" for a, b in zip(x, y, strict=True)], "z": rng.integers(0, 3, 500)}
    )


def test_members_are_compared_each_as_a_number() -> None:
    columns = read_columns({"real": table(0, True), "synthetic": table(1, True)})
    assert [(c.name, c.kind) for c in columns] == [
        ("at [1]", "number"),
        ("at [2]", "number"),
        ("z", "number"),
    ]
    assert columns[1].member is not None and columns[1].member.column == "at"
    whole = read_columns({"real": table(0, True), "synthetic": table(1, True)}, target="at")
    assert [c.name for c in whole] == ["at", "z"]


def test_a_lost_correlation_in_a_cell_is_seen() -> None:
    real = table(0, True)
    good = evaluate(real, table(1, True), only=["fidelity"], quick=True)
    bad = evaluate(real, table(1, False), only=["fidelity"], quick=True)
    assert not good.failures("c2st=0.7") and bad.failures("c2st=0.9")


def test_a_list_is_compared_by_how_many_items_there_are_and_by_each() -> None:
    made = drawn()
    real = pd.DataFrame({"x": ["|".join(own) for own in made], "n": np.arange(len(made))})
    other = real.assign(x=["Drama|Opera", None, "War", *real["x"][3:]])
    schema = infer(real)
    tables, described, found = members({"real": real, "synthetic": other}, schema)
    names = ["x [items]", *(f"x [{item}]" for item in schema["x"].items or [])]
    assert [*described.names] == [*names, "n"] and len(names) == 1 + len(WORDS)
    assert [described[name].kind for name in names] == ["number", *["category"] * len(WORDS)]
    assert tables["synthetic"]["x [items]"][:3].tolist() == ["2", None, "1"]
    assert tables["synthetic"]["x [Drama]"][:3].tolist() == ["yes", None, "no"]
    assert (tables["real"]["x [War]"] == "yes").tolist() == ["War" in own for own in made]
    again = apart({"shard": other}, schema, described, found)["shard"]
    pd.testing.assert_frame_equal(again, tables["synthetic"])
    assert members({"real": real}, schema, whole="x")[2] == {}
