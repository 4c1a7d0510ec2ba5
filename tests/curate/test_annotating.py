"""Labels by an annotator: it is asked about what is doubted, and people where its answers differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.errors import DataError, OptionError


@pytest.fixture(scope="module")
def tables(banking: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Real rows, others of which a quarter is labelled wrongly, and the true labels of these."""
    names = banking.category.value_counts().index[:4]
    rows = banking[banking.category.isin(names)].drop_duplicates("text")
    rows = rows.sample(frac=1, random_state=0, ignore_index=True)[["text", "category"]]
    real, synthetic = rows[:32], rows[32:].reset_index(drop=True)
    rng, true = np.random.default_rng(0), synthetic.category.copy()
    wrong = rng.permutation(len(synthetic))[: len(synthetic) // 4]
    other = {name: names[(at + 1) % 4] for at, name in enumerate(names)}
    synthetic.loc[wrong, "category"] = synthetic.category[wrong].map(other)
    return real, synthetic, true


class Told:
    """An annotator that knows the truth; `split` texts get another answer to each form."""

    def __init__(self, true: dict[str, str], split: Sequence[str] = (), votes: int = 1) -> None:
        self.true, self.split, self.votes, self.asked = true, set(split), votes, 0

    def __call__(self, records: Any, shown: Any, classes: Any) -> list[list[str | None]]:
        self.asked += len(records)
        assert all(len(near) <= 10 for near in shown)
        return [
            [
                classes[vote] if record["text"] in self.split else self.true[record["text"]]
                for vote in range(self.votes)
            ]
            for record in records
        ]


def test_the_annotator_mends_labels_that_the_student_doubts(tables: Any) -> None:
    real, synthetic, true = tables
    told = Told(dict(zip(synthetic.text, true, strict=True)))
    kept, decisions = lookalike.curate(
        synthetic, real, label="category", only=["labels"], method="relabel", annotate=told, progress=False
    )
    before, after = (synthetic.category != true).mean(), (kept.category != true).mean()
    assert before > 0.2 and after <= 0.5 * before
    assert told.asked <= 2 * int(0.25 * len(synthetic))
    assert set(decisions.table.action) == {"relabel"}
    assert any("real rows right with the new labels" in note for note in decisions.notes)


def test_people_get_the_rows_on_which_the_forms_differ(tables: Any) -> None:
    _, synthetic, true = tables
    wrong = synthetic.index[synthetic.category != true]
    split = synthetic.text[wrong[:6]]
    told = Told(dict(zip(synthetic.text, true, strict=True)), split, votes=3)
    options: dict[str, Any] = {
        "label": "category",
        "only": ["labels"],
        "method": "relabel",
        "progress": False,
    }
    _, decisions = lookalike.curate(synthetic, annotate=told, people=0.3, **options)
    left = decisions.table[decisions.table.action == "report"]
    assert len(left) and set(synthetic.text[left.row]) <= set(split)
    assert left.reason.str.contains("a person is to decide").all() and (left.score > 0.5).all()


def test_new_labels_that_teach_less_are_only_reported(tables: Any) -> None:
    real, synthetic, true = tables
    names = sorted(set(true))
    lies = {text: names[(names.index(name) + 2) % 4] for text, name in zip(synthetic.text, true, strict=True)}
    clean = synthetic.assign(category=true)
    many = pd.concat([real, clean.assign(text=clean.text + " please")], ignore_index=True)
    _, decisions = lookalike.curate(
        clean, many, label="category", only=["labels"], method="relabel", annotate=Told(lies), progress=False
    )
    assert set(decisions.table.action) <= {"report"}


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"method": "drop"}, OptionError, "choose the method 'relabel'"),
        ({"annotate": None, "people": 0.1}, OptionError, "people decide where an annotator is unsure"),
        (
            {"annotate": lambda r, s, c: [["nothing like it"] for _ in r]},
            DataError,
            "is not a label of the table",
        ),
        ({"annotate": lambda r, s, c: []}, DataError, "answered 0 of"),
    ],
)
def test_mistakes_are_one_sentence(tables: Any, options: dict[str, Any], error: type, said: str) -> None:
    given: dict[str, Any] = {"label": "category", "only": ["labels"], "method": "relabel"}
    given |= {"annotate": Told({}), "progress": False} | options
    with pytest.raises(error, match=said):
        lookalike.curate(tables[1], **given)
