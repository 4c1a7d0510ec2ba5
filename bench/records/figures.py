"""What `python -m bench.records` measures of synthetic records; every function gives {figure: number}.

Real rows take the place of synthetic ones for the reference: those of the test split, which no model saw.

- accuracy, f1: of a classifier of words and pairs of words (TF-IDF, logistic regression) that is trained on
  the rows and tested on the real test rows; f1 is the mean over the classes.
- c2st: AUC of the same kind of classifier telling the texts from as many real training texts, 5 folds.
  c2st_test: from the real test texts, where texts learnt by heart do not help. c2st_alike: the same of rows
  that are drawn so that their classes and lengths have the shares that they have in the test rows: a split
  that was not made at random (BANKING77's test rows are as many of each class, and shorter) tells even real
  training rows. Both are means of two draws.
- copied: share of the texts that are a training text but for case and white space. spans: share of their
  spans of 8 tokens that a training text has. distinct_2, mauve, vendi, verbatim, words_error, length_error:
  see lookalike/evaluate/chapters/texts.py, which measures them on as many texts of both.
- js_1, js_2: Jensen-Shannon divergence (bits) of tokens and of pairs of tokens from those of the real test
  rows, on as many rows; a token is a word, a mark or a new line with its indentation.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline

from bench.records import sql
from bench.records.sets import Set
from lookalike.evaluate import evaluate
from lookalike.evaluate.chapters import structured as checks
from lookalike.evaluate.chapters.texts import SPAN, tokenize
from lookalike.texts.syntax import PARSERS, parse_json

Table = pd.DataFrame
Figures = dict[str, float]
FOLDS = 5
STRENGTH = 10.0  # of the classifier: its C
DRAWS = 2  # of a C2ST against test rows
STRETCHES, RAKED = 12, 30  # of lengths; times that the shares of classes and lengths are put right in turn
PIECE = re.compile(r"\n[ \t]*|\w+|[^\w\s]")
FROM_REPORT = {
    "fidelity": ("mauve", "words_error", "length_error"),
    "diversity": ("distinct_1", "distinct_2", "self_bleu", "vendi"),
    "privacy": ("verbatim",),
}


def classifier() -> Pipeline:
    """Of texts, by their words and pairs of words."""
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]", sublinear_tf=True)
    return make_pipeline(words, LogisticRegression(C=STRENGTH, max_iter=300))


def utility(rows: Table, test: Table, text: str, label: str) -> Figures:
    """accuracy and f1; those of the commonest class where the rows have one class only."""
    y = test[label].astype(str)
    if rows[label].nunique() < 2:
        guess = np.full(len(y), str(rows[label].iloc[0]))
    else:
        guess = classifier().fit(rows[text].fillna(""), rows[label].astype(str)).predict(test[text])
    return {"accuracy": accuracy_score(y, guess), "f1": f1_score(y, guess, average="macro")}


def c2st(real: Sequence[str], other: Sequence[str], seed: int) -> float:
    rng = np.random.default_rng((seed, 50))
    rows = min(len(real), len(other))
    drawn = [[texts[i] for i in rng.permutation(len(texts))[:rows]] for texts in (real, other)]
    y = np.repeat([0, 1], rows)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    p = cross_val_predict(classifier(), drawn[0] + drawn[1], y, cv=folds, method="predict_proba")
    return float(roc_auc_score(y, p[:, 1]))


def against_test(test: Table, made: Table, text: str, label: str | None, seed: int) -> Figures:
    """c2st_test and c2st_alike."""
    real, other = (table[text].fillna("").astype(str) for table in (test, made))
    ends = np.unique(np.quantile(real.str.len(), np.linspace(0, 1, STRETCHES + 1)))[1:-1]
    sides = [tuple(pd.Series(np.digitize(own.str.len(), ends)) for own in (real, other))]
    sides += [(test[label].astype(str), made[label].astype(str))] if label else []
    weights = _as_test(sides)
    rows = min(len(real), len(other) // 2)
    found: dict[str, list[float]] = {"c2st_test": [], "c2st_alike": []}
    for draw in range(DRAWS):
        found["c2st_test"].append(c2st([*real], [*other], seed + draw))
        rng = np.random.default_rng((seed, 51, draw))
        # without replacement, in proportion to the weights: Efraimidis and Spirakis 2006
        drawn = np.argsort(np.log(rng.random(len(other))) / np.maximum(weights, 1e-12))[::-1][:rows]
        found["c2st_alike"].append(c2st([*real], [*other.iloc[drawn]], seed + draw))
    return {name: float(np.mean(own)) for name, own in found.items()}


def _as_test(sides: list[tuple[pd.Series, ...]]) -> np.ndarray:
    """(rows,) weights by which rows have, on each side, the shares of the values that test rows have: raking,
    Deming and Stephan 1940. sides: (values of the test rows, values of the rows).
    """
    weights = np.ones(len(sides[0][1]))
    for _ in range(RAKED):
        for wanted, own in sides:
            shares = wanted.value_counts(normalize=True)
            have = pd.Series(weights).groupby(own.to_numpy()).sum() / weights.sum()
            weights = weights * np.nan_to_num((shares.reindex(have.index) / have).loc[own.to_numpy()])
    return np.asarray(weights / weights.mean())


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def copied(real: Iterable[str], other: Sequence[str]) -> float:
    seen = set(map(_plain, real))
    return float(np.mean([_plain(text) in seen for text in other]))


def spans(real: Iterable[str], other: Iterable[str]) -> float:
    """nan where no text has a span."""

    def of(text: str) -> list[tuple[str, ...]]:
        words = tokenize(text)
        return [tuple(words[i : i + SPAN]) for i in range(len(words) - SPAN + 1)]

    seen = {span for text in real for span in of(text)}
    found = [span in seen for text in other for span in of(text)]
    return float(np.mean(found)) if found else float("nan")


def js(real: Sequence[str], other: Sequence[str], n: int) -> float:
    """Divergence in bits, 0 to 1, of the first texts of each, as many of both."""
    rows = min(len(real), len(other))
    counts = []
    for texts in (real, other):
        pieces = (["\x02", *PIECE.findall(text), "\x03"] for text in texts[:rows])
        counts.append(
            Counter(gram for own in pieces for gram in zip(*(own[i:] for i in range(n)), strict=False))
        )
    p, q = (np.array([c[gram] / c.total() for gram in counts[0] | counts[1]]) for c in counts)
    mix = (p + q) / 2
    return float(sum((side[side > 0] * np.log2(side[side > 0] / mix[side > 0])).sum() for side in (p, q)) / 2)


def report(train: Table, made: Table, test: Table, name: str, seed: int) -> tuple[Figures, Figures]:
    """What lookalike.evaluate measures of a text column: of the rows, and of the test rows."""
    figures = evaluate(
        train, made, holdout=test, text=name, seed=seed, only=FROM_REPORT, quick=True
    ).to_dict()
    own, real = {}, {}
    for section, names in FROM_REPORT.items():
        for key in names:
            entry = figures[section].get(key) or {}
            own[key], real[key] = (_number(entry.get(side)) for side in ("value", "reference"))
    return own, real


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def texts(train: Table, made: Table, name: str, seed: int) -> Figures:
    """Of a text column, whether synthetic or of the test rows."""
    real, other = ([str(text) for text in table[name].fillna("")] for table in (train, made))
    return {"c2st": c2st(real, other, seed), "copied": copied(real, other), "spans": spans(real, other)}


def tokens(test: Table, made: Table, name: str) -> Figures:
    real, other = ([str(text) for text in table[name].fillna("")] for table in (test, made))
    return {f"js_{n}": js(real, other, n) for n in (1, 2)}


def runner(name: str, set_: Set, train: Table, test: Table) -> Callable[[str], bool] | None:
    """Whether the query of a set runs (sql.py); None where nothing can be run."""
    both = [*train[set_.text], *test[set_.text]]
    return {"wikisql": sql.wikisql, "advising": sql.advising}[name](both) if set_.language == "sql" else None


def code(made: Table, set_: Set, runs: Callable[[str], bool] | None) -> Figures:
    """parses: share that the parser of the language takes. runs: of queries. functions: share of the Python
    texts that parse and define a function. matched: of the words of a query that are neither names nor key
    words (of the name of the first function), share that the question of its row has, mean over the rows."""
    own = [str(text) for text in made[set_.text].fillna("")]
    parses = PARSERS[str(set_.language)]
    found = {"parses": float(np.mean([parses(text) for text in own]))}
    if runs is not None:
        found["runs"] = float(np.mean([runs(text) for text in own]))
    asked = made[next(name for name in made.columns if name != set_.text)].fillna("")
    shares = [_matched(str(a), b, str(set_.language)) for a, b in zip(asked, own, strict=True)]
    found["matched"] = float(np.mean([share for share in shares if share is not None] or [0.0]))
    if set_.language == "python":
        found["functions"] = float(np.mean([parses(text) and _function(text) for text in own]))
    return found


NAMES = re.compile(r"\S*(?:_FIELD|alias\d+)\S*")
KEY_WORDS = set(
    re.findall(
        r"\w+",
        "select from where and or not in like as distinct count max min sum avg order by group limit table "
        "inner join on having between desc asc exists union is null",
    )
)


def _matched(question: str, text: str, language: str) -> float | None:
    """None where the text has no such words."""
    if language == "sql":
        own = [word for word in re.findall(r"\w+", NAMES.sub(" ", text).lower()) if word not in KEY_WORDS]
    else:
        name = re.search(r"def\s+(\w+)", text)
        own = [word for word in name[1].lower().split("_") if word] if name else []
    there = set(re.findall(r"\w+", question.lower()))
    return float(np.mean([word in there for word in own])) if own else None


def _function(text: str) -> bool:
    return any(isinstance(node, ast.FunctionDef) for node in ast.parse(text).body)


# ---- specifications and calls ------------------------------------------------------------------------------


def tools(train: Table, made: Table, set_: Set, schemas: dict[str, dict[str, dict[str, Any]]]) -> Figures:
    """Of JSON columns. schemas: {"inferred": {column: JSON Schema}, "given": ...}.

    valid_inferred, valid_given: share of the values that satisfy it. names, arguments: share of the training
    rows' tools (arguments), as often as they occur there, that the synthetic rows have. new: share of the
    synthetic tools that no training row has. calls_fit: share of the rows whose calls fit their function.
    duplicates: share of the rows that came before. copied: share that are a training row.
    """
    found: Figures = {}
    for which, own in schemas.items():
        for column, schema in own.items():
            found.setdefault(f"valid_{which}", 1.0)
            found[f"valid_{which}"] = min(found[f"valid_{which}"], valid(made[column], schema))
    for key, of in (("names", _tools), ("arguments", _arguments)):
        real, other = (Counter(x for text in t[set_.json[0]] for x in of(text)) for t in (train, made))
        found[key] = sum(n for x, n in real.items() if x in other) / max(real.total(), 1)
        if key == "names":
            found["new"] = sum(n for x, n in other.items() if x not in real) / max(other.total(), 1)
    if "calls" in set_.json:
        fits = [checks.fits(a, b) for a, b in zip(made["calls"], made[set_.json[0]], strict=True)]
        found["calls_fit"] = float(np.mean(fits))
    rows = made[list(train.columns)].astype(str).agg("\x1f".join, axis=1)
    found["duplicates"] = float(rows.duplicated().mean())
    found["copied"] = float(rows.isin(set(train.astype(str).agg("\x1f".join, axis=1))).mean())
    return found


def valid(values: Iterable[Any], schema: dict[str, Any]) -> float:
    from jsonschema import Draft202012Validator

    check = Draft202012Validator(schema)
    flags = []
    for text in values:
        try:
            flags.append(check.is_valid(json.loads(text)))
        except (TypeError, ValueError, RecursionError):
            flags.append(False)
    return float(np.mean(flags))


def _listed(text: Any) -> list[dict[str, Any]]:
    value = parse_json(str(text))
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def _tools(text: Any) -> list[str]:
    return [str(one.get("name", one.get("api_name"))) for one in _listed(text)]


def _arguments(text: Any) -> list[str]:
    """The names of the parameters of specifications, or of the arguments of an API."""
    out: list[str] = []
    for one in _listed(text):
        given = one.get("parameters", one.get("api_arguments"))
        if isinstance(given, dict):
            given = given.get("properties", given) if "name" in one else given
            out += map(str, given) if isinstance(given, dict) else []
        elif isinstance(given, list):
            out += map(str, given)
    return out


# ---- tables ------------------------------------------------------------------------------------------------

FROM_TABLE = {
    "fidelity": ("shape_error", "pair_error", "c2st_auc", "alpha_precision", "beta_recall", "missing_error"),
    "diversity": ("unique_rows", "near_duplicates"),
    "utility": ("ratio",),
    "privacy": ("dcr_share", "membership_auc", "exact_copies"),
}


def table(train: Table, made: Table, test: Table, target: str | None, seed: int) -> tuple[Figures, Figures]:
    """The whole report of lookalike.evaluate: of the rows, and of the test rows."""
    figures = evaluate(train, made, holdout=test, target=target, seed=seed).to_dict()
    own, real = {}, {}
    for section in FROM_TABLE:
        for key, entry in figures[section].items():
            if isinstance(entry, dict) and entry.get("value") is not None:
                own[key], real[key] = _number(entry["value"]), _number(entry.get("reference"))
    return own, real
