"""The chapter of the judge: nothing without one, and which rows meet with one."""

from typing import Any

import pandas as pd
import pytest

from lookalike.evaluate.chapters import judge
from lookalike.evaluate.columns import read_columns
from lookalike.evaluate.section import Section
from lookalike.evaluate.view import View

TABLE = pd.DataFrame({"n": range(40), "c": list("ab") * 20})


def view(target: str | None, asked: Any) -> View:
    tables = {"real": TABLE[:15], "synthetic": TABLE[:20], "holdout": TABLE[20:]}
    columns = read_columns(tables, None, (), None)
    return View(tables, columns, target=target, only=("fidelity",), judge=asked)


def test_without_a_judge_nothing_is_said() -> None:
    assert judge.measure(view(None, None)) == Section()


@pytest.mark.parametrize(("target", "label"), [("c", "c"), ("n", None), (None, None)])
def test_rows_of_the_holdout_and_of_the_same_class_meet(
    target: str | None, label: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def stop(tables: dict[str, pd.DataFrame], real: pd.DataFrame, **options: Any) -> None:
        asked.update(options | {"tables": list(tables), "real": real})
        raise InterruptedError

    monkeypatch.setattr(judge, "judge", stop)
    with pytest.raises(InterruptedError):
        judge.measure(view(target, "a language model"))
    assert asked["label"] == label and asked["tables"] == ["synthetic"]
    assert asked["real"]["n"].tolist() == list(range(20, 40)) and asked["llm"] == "a language model"
