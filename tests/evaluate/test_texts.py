"""Texts whose right answer is known."""

import numpy as np
import pandas as pd
import pytest

from lookalike.evaluate import evaluate
from lookalike.evaluate.texts import _cosine, _distinct, _mauve, _self_bleu, _vendi, tokenize

SUBJECTS = {
    "food": ["soup", "bread", "salad", "cheese", "grill", "sauce", "dinner", "fresh", "sweet", "salty"],
    "cars": ["engine", "wheel", "brake", "gear", "road", "speed", "petrol", "driver", "garage", "tyre"],
    "code": [
        "python",
        "module",
        "function",
        "loop",
        "variable",
        "error",
        "import",
        "class",
        "string",
        "array",
    ],
}


def texts(seed: int, rows: int = 600, subjects: tuple[str, ...] = ("food", "cars", "code")) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    made = [
        f"the {' '.join(rng.choice(SUBJECTS[rng.choice(subjects)], rng.integers(4, 15)))}, "
        f"number {rng.integers(9999)}."
        for _ in range(rows)
    ]
    return pd.DataFrame({"text": made})


REAL, HOLDOUT, OTHER = texts(0), texts(1), texts(2)


def figures(synthetic: pd.DataFrame) -> dict:
    return evaluate(REAL, synthetic, HOLDOUT).to_dict()


def test_other_texts_of_the_same_kind_are_at_their_references() -> None:
    found = figures(OTHER)
    for section, keys in {
        "fidelity": ("mauve", "words_error", "length_error"),
        "diversity": ("distinct_1", "distinct_2", "self_bleu", "cosine", "vendi"),
    }.items():
        for key in keys:
            entry = found[section][key]
            assert entry["value"] == pytest.approx(entry["reference"], abs=0.06), key
    assert found["fidelity"]["mauve"]["value"] > 0.9
    assert found["verdict"]["grade"] == "good"


def test_a_missing_subject_lowers_mauve() -> None:
    one = figures(texts(2, subjects=("food",)))["fidelity"]
    assert one["mauve"]["value"] < 0.5 and one["words_error"]["value"] > 0.25


def test_repeated_texts_lower_diversity() -> None:
    found, fresh = (
        figures(t)["diversity"] for t in (OTHER[:5].sample(600, replace=True, random_state=0), OTHER)
    )
    assert found["distinct_2"]["value"] < 0.1 * fresh["distinct_2"]["value"]
    assert found["vendi"]["value"] < 0.5 * fresh["vendi"]["value"]
    assert found["self_bleu"]["value"] > 0.99
    assert found["unique_rows"]["value"] < 0.01


def test_copied_texts_are_shown_side_by_side() -> None:
    copied = OTHER.copy()
    copied.loc[:59, "text"] = REAL.loc[:59, "text"]
    fresh, found = figures(OTHER), figures(copied)
    assert found["privacy"]["verbatim"]["value"] > fresh["privacy"]["verbatim"]["value"] + 0.05
    worst = found["texts"]["verbatim"][0]
    assert worst["synthetic"] == worst["real"]


def test_formulas_on_small_examples() -> None:
    assert tokenize("It's 5 o'clock!") == ["it", "'", "s", "5", "o", "'", "clock", "!"]
    assert _distinct([["a", "b", "a"], ["a", "b"]], 1) == pytest.approx(2 / 5)
    assert _distinct([["a", "b", "a"], ["a", "b"]], 2) == pytest.approx(2 / 3)
    assert _self_bleu([["a", "b", "c", "d", "e"]] * 3) == pytest.approx(1)
    assert _self_bleu([list("abcde"), list("fghij"), list("klmno")]) < 0.01
    identity = np.eye(4)
    assert _cosine(identity) == pytest.approx(0) and _cosine(np.ones((3, 1))) == pytest.approx(1)
    assert _vendi(identity) == pytest.approx(1) and _vendi(np.ones((4, 1))) == pytest.approx(0.25)
    same = np.arange(1000) % 10
    assert _mauve(same, same) == pytest.approx(1, abs=0.01)
    assert _mauve(np.zeros(1000, int), np.ones(1000, int)) < 0.02
