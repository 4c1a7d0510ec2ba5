import json

import numpy as np
import pandas as pd
import pytest

from bench.records import figures, sql
from bench.records.latents import _shares
from bench.records.markdown import _cell, _wins
from bench.records.sets import CALLS, FUNCTIONS, Set, _calls

REAL = [
    f"please send {n} boxes of {w} to the office in town" for n in "12345" for w in ("tea", "nuts", "ink")
]
SPEC = {
    "name": "area",
    "description": "of a triangle",
    "parameters": {"type": "dict", "properties": {"base": {"type": "integer"}}, "required": ["base"]},
}


def test_copies_are_seen_but_for_case_and_space_and_spans_by_their_share():
    assert figures.copied(REAL, [REAL[0].upper() + " ", "something else"]) == 0.5
    # 11 words: 4 spans of 8; one changed word at the end spoils the last one
    other = REAL[0].rsplit(" ", 1)[0] + " city"
    assert figures.spans(REAL, [other]) == pytest.approx(3 / 4)
    assert np.isnan(figures.spans(REAL, ["too short"]))


def test_divergence_is_nothing_for_the_same_texts_and_one_bit_for_foreign_ones():
    assert figures.js(REAL, REAL, 2) == pytest.approx(0)
    # pairs with the ends of a text are foreign, too, but single ends are shared
    assert figures.js(REAL, ["x y z"] * len(REAL), 2) == pytest.approx(1)
    assert 0 < figures.js(REAL, ["x y z"] * len(REAL), 1) < 1


def test_foreign_texts_are_told_apart_and_own_ones_are_not():
    rng = np.random.default_rng(0)
    words = [" ".join(rng.choice(list("abcdefghij"), 8)) for _ in range(400)]
    assert figures.c2st(words[:200], words[200:], 0) == pytest.approx(0.5, abs=0.12)
    assert figures.c2st(words[:200], [w.replace("a", "q") for w in words[200:]], 0) > 0.85


def test_a_split_with_other_classes_and_lengths_tells_rows_only_until_they_are_drawn_alike():
    rng = np.random.default_rng(0)

    def rows(share: float, n: int) -> pd.DataFrame:
        label = rng.random(n) < share  # rows of this class are long, and of other words
        long = [" ".join(rng.choice(["cat", "dog", "hen", "cow"], rng.integers(6, 12))) for _ in range(n)]
        short = [" ".join(rng.choice(["red", "blue", "pink"], rng.integers(1, 5))) for _ in range(n)]
        return pd.DataFrame({"text": np.where(label, long, short), "label": label.astype(int)})

    found = figures.against_test(rows(0.6, 500), rows(0.2, 3_000), "text", "label", 0)
    assert found["c2st_test"] > 0.6 and found["c2st_alike"] == pytest.approx(0.5, abs=0.06)
    by_length = figures.against_test(rows(0.6, 500), rows(0.2, 3_000), "text", None, 0)
    assert by_length["c2st_alike"] == pytest.approx(0.5, abs=0.06)


def test_a_classifier_learns_from_right_labels_only():
    test = pd.DataFrame({"text": REAL, "label": [text.split()[5] for text in REAL]})
    turned = test.assign(label=test.label.map({"tea": "nuts", "nuts": "ink", "ink": "tea"}))
    assert figures.utility(test, test, "text", "label")["accuracy"] == 1
    assert figures.utility(turned, test, "text", "label")["accuracy"] == 0
    assert figures.utility(test.assign(label="tea"), test, "text", "label")["accuracy"] == pytest.approx(
        1 / 3
    )


WIKI = "SELECT MAX TABLEalias0.ARTIST(S)_FIELD FROM TABLE AS TABLEalias0 WHERE TABLEalias0.YEAR_FIELD > {} ;"


def test_wikisql_runs_in_its_form_with_known_columns_alone():
    runs = sql.wikisql([WIKI.format("1990"), "SELECT WOMEN'S_FIELD FROM table WHERE MEN'S_FIELD = x ;"])
    assert runs(WIKI.format('"o\'neill"')) and runs("SELECT MEN'S_FIELD FROM table ;")
    assert not runs(WIKI.replace("YEAR", "MONTH").format(1))
    assert not runs(WIKI.format(1).replace("MAX", "MOST"))
    assert not runs(WIKI.format(1).replace("FROM TABLE", "FROM"))


def test_advising_runs_on_the_tables_of_the_real_queries_and_writes_nothing():
    real = "SELECT COURSEalias0.NAME FROM COURSE AS COURSEalias0 WHERE COURSEalias0.NUMBER = 1 ;"
    runs = sql.advising([real])
    assert runs(real) and runs(real.replace("= 1", 'LIKE "x%"'))
    assert not runs(real.replace("NUMBER", "ROOM")) and not runs(real.replace("WHERE", "AND"))
    assert (
        not runs("DROP TABLE COURSE")
        and not runs("ATTACH DATABASE 'x' AS y")
        and not runs("PRAGMA user_version")
    )
    assert runs(real)


def test_code_is_parsed_and_matched_with_its_question():
    python = Set("code", lambda _: (None, None), "code", language="python")
    rows = pd.DataFrame({
        "text": ["find the longest word", "add numbers", "x"],
        "code": ["def longest_word(a):\n    return a", "def add(a:\n", "y = 1"],
    })  # fmt: skip
    assert figures.code(rows, python, None) == pytest.approx(
        {"parses": 2 / 3, "functions": 1 / 3, "matched": 1.0}
    )
    assert figures._matched("artists after 1990", WIKI.format(1990), "sql") == 1
    assert figures._matched("artists after 1980", WIKI.format(1990), "sql") == 0


def test_tools_are_valid_cover_and_fit():
    set_ = Set("tools", lambda _: (None, None), "q", json=("function", "calls"))
    calls = _calls([{"area": {"base": [3, 4], "unit": ["", "m"], "at": [{"x": [1, 2]}]}}])
    assert calls == [{"name": "area", "arguments": {"base": 3, "at": {"x": 1}}}]
    good, bad = ({"name": "area", "arguments": {key: 3}} for key in ("base", "height"))
    train = pd.DataFrame(
        {"function": [json.dumps([SPEC])] * 2, "calls": [json.dumps([good]), json.dumps([good])]}
    )
    other = json.dumps([SPEC | {"name": "volume"}])
    made = pd.DataFrame(
        {"function": [json.dumps([SPEC]), other, other, "[{]"], "calls": [json.dumps([bad])] * 4}
    )
    made.loc[0, "calls"] = json.dumps([good])
    found = figures.tools(train, made, set_, {"given": {"function": FUNCTIONS, "calls": CALLS}})
    assert found == pytest.approx({
        "valid_given": 0.75, "names": 1.0, "new": 2 / 3, "arguments": 1.0, "calls_fit": 0.25,
        "duplicates": 0.25, "copied": 0.25,
    })  # fmt: skip


def test_a_line_counts_the_tokens_that_one_end_alone_has():
    shares = _shares("red cat sat", "blue dog sat", ["red cat", "red dog", "blue dog", "sat"])
    assert shares[:3] == [0, 0.5, 1] and np.isnan(shares[3])


def test_who_wins_is_said_only_beyond_the_spread():
    def runs(ours, theirs):
        return [
            {"arms": {"lookalike": {"accuracy": a, "c2st": 0.5}, "no latent": {"accuracy": b, "c2st": 0.4}}}
            for a, b in zip(ours, theirs, strict=True)
        ]

    (told,) = _wins("text", ["sms_spam"], {"sms_spam": runs([0.5, 0.6], [0.8, 0.9])})
    assert "no latent on sms_spam (accuracy)." in told
    (told,) = _wins("text", ["sms_spam"], {"sms_spam": runs([0.5, 0.9], [0.7, 0.8])})
    assert "none of these" in told
    assert _cell([0.5, float("nan"), None], 100) == "50.0"
