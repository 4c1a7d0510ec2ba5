"""Whether the rows of a language model help, by real rows that their writer did not see."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from lookalike.decisions import Decisions
from lookalike.helping import no_gain
from tests.paths import DATA


def test_rows_of_a_language_model_that_do_not_help_are_said_not_to() -> None:
    real = pd.read_csv(DATA / "banking77.csv")
    asker: Any = SimpleNamespace(texts=["text"], label="category", shown=[[0]] * 150)
    first, second = real[::2], real[1::2]
    assert (
        no_gain(real[::10], second, asker, None, 0) is None
    )  # a fifth as many: more rows are what they lack
    said = no_gain(first, second, asker, None, 0)  # good rows that are not needed
    assert said is not None and "(no more than chance brings)" in said
    wrong = second.assign(category=np.roll(second.category.to_numpy(), 40))
    said = no_gain(first, wrong, asker, None, 0)
    assert said is not None and said.endswith("train on the real rows alone.") and "of 150 real rows" in said
    asker.steering_rows = [0, 2]  # what steered does not measure
    said = no_gain(first, wrong, asker, None, 0)
    assert said is not None and "of 148 real rows" in said
    asker.label = None
    assert no_gain(first, wrong, asker, None, 0) is None


def test_nothing_is_said_where_it_is_not_known_what_a_writer_saw() -> None:
    real = pd.read_csv(DATA / "banking77.csv")
    wrong = real.assign(category=np.roll(real.category.to_numpy(), 40))
    asker: Any = SimpleNamespace(texts=["text"], label="category")
    assert no_gain(real, wrong, asker, None, 0) is None


def test_what_a_writer_saw_stays_with_its_row_when_others_are_dropped() -> None:
    real = pd.read_csv(DATA / "banking77.csv")[::2].reset_index(drop=True)
    wrong = real.assign(category=np.roll(real.category.to_numpy(), 40))  # each of its own real row
    asker: Any = SimpleNamespace(texts=["text"], label="category", shown=[[at] for at in range(len(real))])
    decisions = Decisions.of([{"row": at, "check": "near", "action": "drop"} for at in range(50)], len(real))
    kept = decisions.apply(wrong)
    alone: Any = SimpleNamespace(texts=["text"], label="category", shown=asker.shown[50:])
    said = no_gain(real, kept, asker, decisions, 0)
    assert said is not None and said == no_gain(real, kept, alone, None, 0)
