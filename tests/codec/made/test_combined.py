"""Cells of words: as many repeat as in the real table, and none is that of a single real row."""

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import RecordCodec
from lookalike.codec.made import combined
from lookalike.codec.made.taken import Taken
from lookalike.table import compound
from lookalike.table.inferring import infer

FIRST = [f"{a}{b}" for a in "ABCDEFGHIJKLMNOPQRST" for b in ("da", "ia")]
LAST = [f"{a}{b}" for a in "BCDFGHJKLMNPQRSTVWXZ" for b in ("aker", "oss")]


def people(rows: int, again: float, seed: int = 0) -> list[str]:
    """Names of which a share repeats an earlier one."""
    rng = np.random.default_rng(seed)
    found: list[str] = []
    while len(found) < rows:
        name = f"{rng.choice(FIRST)} {rng.choice(LAST)}"
        if found and rng.random() < again:
            name = found[rng.integers(len(found))]
        elif name in found:
            continue
        found.append(name)
    return found


@pytest.mark.parametrize("again", [0.0, 0.06, 0.3])
def test_names_repeat_as_often_as_the_real_ones(again: float) -> None:
    real = pd.DataFrame({"name": people(500, again), "age": np.arange(500) % 60 + 18})
    schema = infer(real)
    schema["name"].kind, schema["name"].format = "compound", "{word} {word}"
    codec = RecordCodec.fit(real, schema)
    rng = np.random.default_rng(1)
    tokens, cells = codec.encode(real)
    for slot in range(2):  # no model: the words of a name are of two rows
        tokens[:, slot] = tokens[rng.permutation(len(tokens)), slot]
    made = codec.decode(tokens, cells, rng)["name"]
    single = real["name"].value_counts().loc[lambda n: n == 1].index
    assert not made.isin(single).any()
    assert abs(made.duplicated().mean() - real["name"].duplicated().mean()) <= 0.01


def test_a_cell_of_three_words_gets_one_that_stands_beside_the_same_neighbour() -> None:
    cars = [("Audi", "A4"), ("Audi", "A6"), ("Ford", "Focus"), ("Ford", "Ka")]
    rng = np.random.default_rng(0)
    rows = [
        (*cars[i], str(year))
        for i, year in zip(rng.integers(0, 4, 60), rng.integers(1990, 2020, 60), strict=True)
    ]
    members = [np.array(own, dtype=object) for own in zip(*rows, strict=True)]
    cells = compound.join(members, "{word} {word} {number}")
    single = Taken.of(list(cells[:30]))
    made = combined.as_often(members, "{word} {word} {number}", single, 0.2, rng)
    assert not any(cell in single for cell in compound.join(made, "{word} {word} {number}"))
    assert set(zip(made[0], made[1], strict=True)) <= set(cars)


def test_missing_cells_stay_missing_and_cells_that_no_other_can_replace_repeat() -> None:
    members = [np.array(["Ada", "Ada", None], dtype=object), np.array(["B", "C", None], dtype=object)]
    made = combined.as_often(members, "{word} {word}", Taken.of(["Ada B"]), 0.0, np.random.default_rng(0))
    assert list(compound.join(made, "{word} {word}")) == ["Ada C", "Ada C", None]
