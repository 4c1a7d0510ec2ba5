"""`lookalike.align` on tables: of text and of rows, with what can be wrong about them."""

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.errors import DataError, OptionError, UserError

FILMS = ["the film was good", "a great movie", "the actor plays badly", "a boring plot", "a fine scene"]
BANKS = [
    "my card was lost",
    "the transfer failed",
    "a fee was charged",
    "my pin is blocked",
    "cash withdrawal",
]


def texts(films: int, banks: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [(rng.choice(FILMS), "film") for _ in range(films)] + [
        (rng.choice(BANKS), "bank") for _ in range(banks)
    ]
    table = pd.DataFrame([(f"{t} {rng.integers(20)}", label) for t, label in rows], columns=["text", "label"])
    return table.sample(frac=1, random_state=seed, ignore_index=True)


def test_text() -> None:
    real, synthetic = texts(300, 300, 0), texts(400, 100, 1).assign(origin="llm")
    aligned, found = lookalike.align(real, synthetic, 400, text="text", progress=False)
    assert list(aligned.columns) == ["text", "label", "origin"] and len(aligned) == 400
    assert 0.4 < (aligned["label"] == "bank").mean() < 0.6
    assert found.mmd2["after"] < found.mmd2["before"] / 5
    pd.testing.assert_frame_equal(aligned, synthetic.iloc[found.rows].reset_index(drop=True))


def test_text_by_class_with_an_embedder_of_ones_own() -> None:
    def embed(some: list[str]) -> np.ndarray:
        return np.array([[len(text), text.count("a") + 1] for text in some], dtype=float)

    real, synthetic = texts(150, 50, 0), texts(100, 100, 1)
    aligned, found = lookalike.align(
        real, synthetic, 100, text="text", label="label", embed=embed, method="linear", progress=False
    )
    assert (aligned["label"] == "film").sum() == found.classes["film"]["aligned"] == 75


def test_rows_of_any_kind() -> None:
    rng = np.random.default_rng(0)

    def table(rows: int, young: float) -> pd.DataFrame:
        of = rng.random(rows) < young
        return pd.DataFrame(
            {
                "age": np.where(of, rng.normal(25, 4, rows), rng.normal(60, 8, rows)),
                "city": np.where(rng.random(rows) < 0.8, np.where(of, "Rome", "Paris"), None),
                "kind": np.where(of, 1, 2),
            }
        )

    real, synthetic, held = table(1000, 0.5), table(800, 0.85), table(300, 0.5)
    aligned, found = lookalike.align(real, synthetic, 500, holdout=held, progress=False)
    assert (synthetic["age"] < 40).mean() > 0.8 and 0.44 < (aligned["age"] < 40).mean() < 0.56
    assert found.held_out == 300 and found.mmd2["after"] < found.mmd2["before"] / 10
    assert aligned.dtypes.tolist() == synthetic.dtypes.tolist()
    by_class, found = lookalike.align(
        real, synthetic.assign(kind=synthetic["kind"].astype(float)), 500, label="kind", progress=False
    )
    assert set(found.classes) == {"1", "2"}
    assert abs((by_class["kind"] == 1).mean() - (real["kind"] == 1).mean()) <= 1 / 500


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"text": "prose"}, OptionError, "the text 'prose' is not a column of the real table"),
        ({"label": "class"}, OptionError, "the label 'class' is not a column of the real table"),
        ({"embed": "tfidf"}, OptionError, "name the column as text"),
        ({"text": "text", "embed": "bert"}, OptionError, "there is no embedder"),
        (
            {"synthetic": texts(20, 20, 1)[["text"]], "text": "text", "label": "label"},
            OptionError,
            "synthetic",
        ),
        ({"synthetic": texts(20, 20, 1)[["text"]]}, DataError, "no column 'label'"),
        ({"synthetic": texts(20, 20, 1).head(0), "text": "text"}, DataError, "has no rows"),
        ({"synthetic": texts(20, 20, 1).head(0)}, DataError, "has no rows"),
        ({"real": texts(20, 20, 1).head(0), "text": "text"}, DataError, "has no rows"),
        (
            {"synthetic": texts(20, 0, 1).assign(label="tv"), "text": "text", "label": "label"},
            DataError,
            "no synthetic row has a label of the real ones, such as '(film|bank)'",
        ),
        (
            {"synthetic": pd.concat([texts(9, 9, 1), pd.DataFrame({"text": [" "], "label": ["film"]})])}
            | {"text": "text"},
            DataError,
            r"1 empty texts in column 'text' \(the first in row 19\)",
        ),
        (
            {"real": texts(20, 20, 1).assign(text=range(40)), "text": "text"},
            OptionError,
            "column 'text' of the real table holds no texts, but values such as '0'",
        ),
        (
            {"real": texts(20, 20, 1).assign(text=lambda t: t["text"].where(t.index > 2)), "text": "text"},
            DataError,
            "real table has 3 empty texts",
        ),
        (
            {
                "real": texts(20, 20, 1).assign(label=lambda t: t["label"].where(t.index > 2)),
                "label": "label",
            },
            DataError,
            "real table has 3 missing labels in column 'label'",
        ),
    ],
)
def test_mistakes_are_one_sentence(options: dict[str, object], error: type[UserError], sentence: str) -> None:
    arguments = {
        "real": texts(20, 20, 0),
        "synthetic": texts(20, 20, 1),
        "n": 20,
        "progress": False,
    } | options
    with pytest.raises(error, match=sentence) as raised:
        lookalike.align(**arguments)  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)


def test_the_embedding_knows_both_tables_alike(banking: pd.DataFrame) -> None:
    """Halves of one table do not differ; fitted on the real texts alone it told them apart: .0058."""
    before = []
    for seed in range(4):
        mixed = banking.drop_duplicates("text").sample(frac=1, random_state=seed)
        found = lookalike.align(mixed.iloc[::2], mixed.iloc[1::2], 90, text="text", progress=False)[1]
        before.append(found.mmd2["before"])
    assert np.mean(before) < 0.003
