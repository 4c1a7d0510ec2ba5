"""Texts whose right answer is known."""

import functools
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from lookalike.errors import OptionError
from lookalike.evaluate import evaluate
from lookalike.evaluate.chapters.texts import (
    cosine,
    distinct,
    fresh_words,
    mauve,
    new_words,
    self_bleu,
    tokenize,
    vendi,
)
from tests.evaluate.adult import marks
from tests.paths import DATA

pytestmark = pytest.mark.usefixtures("few_trees")

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


@functools.cache
def of_others() -> dict:
    return figures(OTHER)


def test_other_texts_of_the_same_kind_are_at_their_references() -> None:
    found = of_others()
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
    repeated = OTHER[:5].sample(600, replace=True, random_state=0)
    found, fresh = figures(repeated)["diversity"], of_others()["diversity"]
    assert found["distinct_2"]["value"] < 0.1 * fresh["distinct_2"]["value"]
    assert found["vendi"]["value"] < 0.5 * fresh["vendi"]["value"]
    assert found["self_bleu"]["value"] > 0.99
    assert found["unique_rows"]["value"] < 0.01


def test_copied_texts_are_shown_side_by_side() -> None:
    copied = OTHER.copy()
    copied.loc[:59, "text"] = REAL.loc[:59, "text"]
    fresh, found = of_others(), figures(copied)
    assert found["privacy"]["verbatim"]["value"] > fresh["privacy"]["verbatim"]["value"] + 0.05
    assert found["texts"]["verbatim"] == [], "real texts are shown only where they may be"
    worst = evaluate(REAL, copied, HOLDOUT, show_real=True).to_dict()["texts"]["verbatim"][0]
    assert worst["synthetic"] == worst["real"]


def test_spectra_show_what_the_texts_are_made_of() -> None:
    found = evaluate(
        REAL, OTHER.assign(text=OTHER["text"] + " indeed indeed"), HOLDOUT, only=["diversity"]
    ).to_dict()["texts"]
    assert found["tokens"][0][0] == "indeed" and found["tokens"][0][1] == 0
    assert found["lengths"]["synthetic"][5] == found["lengths"]["holdout"][5] + 2
    for n in "1234":
        distinct, known = found["ngrams"][n]["real"]
        assert 0 < distinct <= 1 and known == 1
        assert found["ngrams"][n]["synthetic"][1] < 1
    fresh = of_others()["texts"]["ngrams"]["2"]
    assert fresh["synthetic"][1] == pytest.approx(fresh["holdout"][1], abs=0.05)


def labelled(table: pd.DataFrame) -> pd.DataFrame:
    subject = [next(s for s, words in SUBJECTS.items() if set(words) & set(t.split())) for t in table["text"]]
    return table.assign(subject=subject)


def test_a_classifier_on_embeddings_measures_the_utility_of_texts() -> None:
    real, held, other = (labelled(t) for t in (REAL, HOLDOUT, OTHER))
    found = evaluate(real, other, held, target="subject", only=["utility"], quick=True).to_dict()["utility"]
    assert found["tstr"]["value"] > 0.95 and found["ratio"]["value"] > 0.95
    shuffled = other.assign(subject=other["subject"].sample(frac=1, random_state=0).to_numpy())
    lost = evaluate(real, shuffled, held, target="subject", only=["utility"], quick=True).to_dict()["utility"]
    assert lost["tstr"]["value"] < 0.6


def test_text_names_the_column_that_is_read_as_text() -> None:
    tables = [t.assign(title=t["text"].str.split().str[1], n=1.5) for t in (REAL, OTHER, HOLDOUT)]
    plain, named = (evaluate(*tables, text=text, only=["diversity"]).to_dict() for text in (None, "title"))
    assert plain["texts"]["column"] == "text" and named["texts"]["column"] == "title"
    assert named["columns"]["title"]["kind"] == "text"
    numbers = [t.assign(n=np.arange(len(t)) / 3) for t in tables]
    with pytest.raises(OptionError, match="'n' holds no texts"):
        evaluate(*numbers, text="n")


def test_the_column_of_prose_with_most_words_is_read_as_text() -> None:
    """Not the first one, nor keys, addresses of mail and of the web, names or code."""

    def more(one: pd.DataFrame) -> pd.DataFrame:
        n = pd.Series(np.random.default_rng(len(one)).permutation(10**5)[: len(one)])
        return pd.DataFrame(
            {
                "key": ("ORD " + n.astype(str) + " A" + (n % 977).astype(str)).where(n > 300),
                "url": ("https://example.org/the/red/house/" + n.astype(str)).where(n > 300),
                "mail": "ann.lee" + n.astype(str) + "@example.org",
                "name": np.random.default_rng(1).choice([f"Ann{i} Lee" for i in range(300)], len(one)),
                "script": "int f" + n.astype(str) + "(int a) { return a + " + n.astype(str) + "; }",
                "title": one["text"].str.split().str[1:5].str.join(" "),
                "text": one["text"],
                "row": range(len(one)),
            }
        )

    tables = [more(one) for one in (REAL, OTHER, HOLDOUT)]
    found = evaluate(*tables, only=["diversity"], quick=True).to_dict()
    assert found["texts"]["column"] == "text" and "'text'" in found["skipped"]["texts"]
    without = [one.drop(columns=["title", "text"]) for one in tables]
    found = evaluate(*without, only=["diversity"], quick=True).to_dict()
    assert not found["texts"] and "no column of prose" in found["skipped"]["texts"]
    named = evaluate(*without, text="mail", only=["diversity"], quick=True).to_dict()
    assert named["texts"]["column"] == "mail"


def test_prose_without_spaces_is_prose() -> None:
    rng = np.random.default_rng(0)
    signs = list("天地人日月山水火木金土石花草鸟鱼马牛羊犬")
    tables = [
        pd.DataFrame(
            {
                "key": [f"k{i}-{s}" for i in range(300)],
                "text": ["".join(rng.choice(signs, 12)) for _ in range(300)],
            }
        )
        for s in (0, 1)
    ]
    assert evaluate(*tables, only=["diversity"], quick=True).to_dict()["texts"]["column"] == "text"


def test_real_texts_are_as_near_to_the_real_ones_as_others_are() -> None:
    found = of_others()
    assert found["fidelity"]["mmd_p"]["value"] > 0.02 and found["fidelity"]["mmd_p"]["reference"] > 0.02
    assert found["privacy"]["dcr_share"]["value"] == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("rows", [2, 3, 7, 8])
def test_a_handful_of_texts_is_measured(rows: int) -> None:
    found = evaluate(REAL, OTHER.head(rows), HOLDOUT, only=["diversity"]).to_dict()["diversity"]
    assert 0 <= found["self_bleu"]["value"] <= 1
    assert (found["self_bleu"]["low"] is None) == (rows < 8)


BANKING = pd.read_csv(DATA / "banking77.csv")[["text"]].sample(frac=1, random_state=0).reset_index(drop=True)


def shuffled(text: str, rng: np.random.Generator) -> str:
    """The text with the letters of each word in another order."""
    return " ".join("".join(rng.permutation(list(word))) for word in text.split())


@pytest.mark.parametrize("held", [True, False])
def test_gibberish_is_not_good_and_other_real_texts_are(held: bool) -> None:
    rng = np.random.default_rng(0)
    real, other, holdout = (BANKING[i : i + 100].reset_index(drop=True) for i in (0, 100, 200))
    gibberish = other.assign(text=[shuffled(text, rng) for text in other["text"]])
    graded = {}
    for name, table in {"other": other, "gibberish": gibberish}.items():
        options = {"holdout": holdout if held else None, "only": ["fidelity", "diversity"], "quick": True}
        report = evaluate(real, table, **options)
        found = report.to_dict()
        graded[name] = marks(report) | {"all": found["verdict"]["grade"]}
        said = [text for text in found["verdict"]["sentences"] if "words of the synthetic texts" in text]
        if name == "other":
            fresh = found["fidelity"]["new_words"]
            assert not said and 0.02 < fresh["value"] < 0.15
            assert fresh["value"] == pytest.approx(fresh["reference"] if held else fresh["chance"], abs=0.03)
        else:
            assert found["fidelity"]["new_words"]["value"] > 0.6
            assert said and ("(the real holdout: " in said[0]) == held
            assert found["diversity"]["vocabulary"]["value"] > 1.5
            assert any(
                "more varied" in text and "vocabulary" in text for text in found["verdict"]["sentences"]
            )
            assert found["verdict"]["headline"] == "Much of what the synthetic rows say is made up."
    keys = ("new_words", "vocabulary", "distinct_2", "self_bleu", "vendi", "unique_rows")
    assert {graded["other"][key] for key in keys} <= {"good", None}
    assert graded["gibberish"]["new_words"] == graded["gibberish"]["vocabulary"] == "poor"
    assert graded["gibberish"]["distinct_2"] in ("fair", "poor") and graded["gibberish"]["all"] == "poor"


def test_new_words_are_counted_without_marks() -> None:
    known = {"a", "b", "."}
    assert new_words([["a", "x", ".", "!"], ["b", "y"]], known) == pytest.approx(2 / 4)
    assert fresh_words([["a", "b", "."], ["b", "c", "c", "!"]]) == pytest.approx(3 / 5)
    assert np.isnan(new_words([["!"]], known))


@pytest.mark.parametrize("count", [3, 200, 201, 260])
def test_self_bleu_is_that_of_every_pair(count: int) -> None:
    rng = np.random.default_rng(count)
    texts = [list(rng.choice(list("abcdef"), rng.integers(1, 9))) for _ in range(count)]

    def grams(tokens: list[str], n: int) -> Counter[tuple[str, ...]]:
        return Counter(zip(*(tokens[at:] for at in range(n)), strict=False))

    scores = []
    for i, text in enumerate(texts[:200]):
        others = [one for j, one in enumerate(texts) if j != i][-200:]
        logs = []
        for n in range(1, 5):
            if own := grams(text, n):
                hit = sum(min(c, max(grams(one, n)[gram] for one in others)) for gram, c in own.items())
                logs.append(np.log(max(hit + (n > 1), 1e-9) / (own.total() + (n > 1))))
        scores.append(np.exp(np.mean(logs)))
    assert self_bleu(texts) == pytest.approx(np.mean(scores))


def test_formulas_on_small_examples() -> None:
    assert tokenize("It's 5 o'clock!") == ["it", "'", "s", "5", "o", "'", "clock", "!"]
    assert distinct([["a", "b", "a"], ["a", "b"]], 1) == pytest.approx(2 / 5)
    assert distinct([["a", "b", "a"], ["a", "b"]], 2) == pytest.approx(2 / 3)
    assert self_bleu([["a", "b", "c", "d", "e"]] * 3) == pytest.approx(1)
    assert self_bleu([list("abcde"), list("fghij"), list("klmno")]) < 0.01
    identity = np.eye(4)
    assert cosine(identity) == pytest.approx(0) and cosine(np.ones((3, 1))) == pytest.approx(1)
    assert vendi(identity) == pytest.approx(1) and vendi(np.ones((4, 1))) == pytest.approx(0.25)
    same = np.arange(1000) % 10
    assert mauve(same, same) == pytest.approx(1, abs=0.01)
    assert mauve(np.zeros(1000, int), np.ones(1000, int)) < 0.02
