"""The chapter of the judge: nothing without one; tests/evaluate/judging/test_judge.py asks one."""

import pandas as pd

from lookalike.evaluate.chapters import judge
from lookalike.evaluate.columns import read_columns
from lookalike.evaluate.section import Section
from lookalike.evaluate.view import View


def test_without_a_judge_nothing_is_said() -> None:
    table = pd.DataFrame({"a": range(30)})
    tables = {"real": table, "synthetic": table}
    view = View(tables, read_columns(tables, None, (), None), only=("fidelity",))
    assert judge.measure(view) == Section()
