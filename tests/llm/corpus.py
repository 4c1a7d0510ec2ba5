"""A writer for server.py that behaves like an imperfect LLM: it writes from a corpus, follows its prompt most
of the time, and prefers what is popular.

    LOOKALIKE_CORPUS=FILE.csv python tests/llm/server.py --sampling --writer tests/llm/corpus.py:write

The corpus is a table of texts and labels that the pipeline never sees; LOOKALIKE_TEXT and LOOKALIKE_LABEL
name its columns (default: "text", and the only other one). It stands for what a model knows. The fields of
`Habits` are the error rates; LOOKALIKE_<FIELD> sets one. An answer depends only on the prompt and the rng.

What it knows of a text is its place in a space of its own (TF-IDF and SVD of the corpus), which no part of
the pipeline uses.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer

Schema = dict[str, Any]
DIMS = 64  # of the space
NEIGHBOURS = 20  # of a row, whose mean similarity is its popularity
DESCRIBED_BY = 6  # rows whose key words describe a text
KEY_WORDS = 4  # of a topic
SYNONYMS = 4  # of a word
REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "As an AI language model, I cannot write this text.",
    "I cannot fulfil this request.",
)
NAMES = ("topic", "tone", "style", "length", "structure", "details")
VALUES = {
    "tone": ("neutral", "worried", "friendly", "angry", "excited", "formal", "ironic", "polite"),
    "style": ("question", "statement", "exclamation", "request", "complaint"),
    "structure": ("one sentence", "two sentences", "a fragment", "one long sentence"),
}
NEGATIONS = {"not", "no", "never", "n't", "nothing", "still", "can't", "cannot", "won't", "doesn't", "isn't"}


@dataclass(frozen=True)
class Habits:
    """Rates are shares of records, or of words where it says so; each record has at most one of the errors.

    mislabel: a text of another class under the label that was asked for; other_label: a record of another
    class, which says so; ignore: a text that follows only the popularity, not even the label; copy: a copy
    of a demonstration, where some are shown; refuse: a refusal in place of the text.
    drop, replace: words left out, or replaced by one that stands in similar texts; blend: records of the
    first half of one text and the second half of another.
    collapse: how strongly popular texts are preferred: e^collapse times for one standard deviation of
    popularity; follow: how strongly similar texts are: e^follow times for a similarity of one against none.
    """

    mislabel: float = 0.05
    other_label: float = 0.02
    ignore: float = 0.05
    copy: float = 0.05
    refuse: float = 0.01
    drop: float = 0.05
    replace: float = 0.1
    blend: float = 0.2
    collapse: float = 1.5
    follow: float = 12.0


class Corpus:
    """What the model knows: texts as points, how popular each is, words that can replace each other."""

    def __init__(self, texts: list[str], labels: list[str], habits: Habits | None = None) -> None:
        self.texts, self.labels, self.habits = texts, np.array(labels, dtype=object), habits or Habits()
        self.names = sorted(set(labels))
        self._words = TfidfVectorizer(token_pattern=r"[^\W\d_][\w'-]+", min_df=2, sublinear_tf=True)
        weights = self._words.fit_transform(texts)
        self._svd = TruncatedSVD(min(DIMS, min(weights.shape) - 1), random_state=0)
        self.points = _unit(self._svd.fit_transform(weights))
        self.rows_of = {name: np.flatnonzero(self.labels == name) for name in self.names}
        self.popularity = np.zeros(len(texts))
        for rows in self.rows_of.values():
            self.popularity[rows] = _popularity(self.points[rows])
        self._terms = self._words.get_feature_names_out()
        plain = np.array([term not in ENGLISH_STOP_WORDS for term in self._terms])
        self._key_weights = weights.multiply(plain).tocsr()
        self._synonyms = self._find_synonyms(weights)
        self._lengths = np.array([len(text.split()) for text in texts])
        self._styles = np.array([_style(text) for text in texts])

    def reply(self, messages: list[dict[str, Any]], schema: Schema | None, rng: random.Random) -> str:
        """A JSON value of the schema, which tells the four calls apart; without one, a text."""
        prompt = str(messages[-1]["content"])
        draw = np.random.default_rng(rng.getrandbits(64))
        if schema is None:
            return self._paraphrase(self._pick(None, None, 1, draw)[0], draw)
        found = schema.get("properties", {})
        kinds = {name: one.get("type") for name, one in found.items()}
        if "records" in kinds:
            return json.dumps({"records": self.write_records(prompt, found["records"], draw)})
        if kinds == {"attributes": "array"}:
            some = draw.permutation(NAMES[1:])[: int(draw.integers(3, 6))]
            return json.dumps({"attributes": [NAMES[0], *some.tolist()]})
        if set(kinds.values()) == {"array"}:
            return json.dumps(self.list_values(prompt, found, draw))
        return json.dumps(self.describe(prompt, list(found), draw))

    def describe(self, prompt: str, names: list[str], draw: np.random.Generator) -> dict[str, str]:
        """Attributes of the record in the prompt: key words of texts like it, and what can be counted."""
        text = next((_text_of(one) for one in _demonstrations(prompt)), "")
        like = self.points @ self._points([text])[0]
        if draw.random() < self.habits.ignore:  # of another text altogether
            row = int(self._pick(None, None, 1, draw)[0])
            text, like = self.texts[row], self.points @ self.points[row]
        best = np.argsort(-like, kind="stable")[: 10 * DESCRIBED_BY]
        near = [int(row) for row in best if self.texts[row] != text][:DESCRIBED_BY]
        words = iter(self._key_words(near, KEY_WORDS * (len(names) + 1)))
        count = len(text.split())
        counted = {
            "tone": "worried" if NEGATIONS & set(text.lower().split()) else "neutral",
            "style": _style(text),
            "length": f"about {count} words",
            "structure": "one sentence" if len(re.findall(r"[.!?]+", text)) < 2 else "two sentences",
        }
        topic = ", ".join(next(words, "") for _ in range(KEY_WORDS)).strip(", ")
        found = {"topic": topic or "anything"} | counted
        for name in names:
            if name not in found:
                found[name] = ", ".join(filter(None, (next(words, "") for _ in range(3)))) or "none"
        return {name: found[name] for name in names}

    def list_values(self, prompt: str, schema: Schema, draw: np.random.Generator) -> dict[str, list[str]]:
        """Values of each attribute: topics are key words of popular texts of the label."""
        label = self._asked(prompt)
        m = _number(prompt, r"^List (\d+) ")
        out = {}
        for name in schema:
            if name in VALUES:
                some = VALUES[name]
                out[name] = [some[i % len(some)] for i in draw.permutation(max(m, len(some)))[:m]]
            elif name == "length":
                rows = self._pick(label, None, m, draw)
                out[name] = [f"about {self._lengths[row]} words" for row in rows]
            else:
                rows = self._spread(self._pick(label, None, 10 * m, draw), m)
                near = [np.argsort(-self.points @ self.points[row])[:DESCRIBED_BY] for row in rows]
                out[name] = [", ".join(self._key_words(some.tolist(), KEY_WORDS)) for some in near]
        return out

    def write_records(self, prompt: str, schema: Schema, draw: np.random.Generator) -> list[dict[str, Any]]:
        """As many records as the prompt asks for, with the errors of `Habits`."""
        item = schema.get("items", {}).get("properties", {})
        asked, shown = self._asked(prompt), _demonstrations(prompt)
        fits = self._fits(_description(prompt), shown)
        habits, used = self.habits, set[int]()
        records: list[dict[str, Any]] = []
        for error in self._errors(_number(prompt, r"^Write (\d+) "), bool(shown), draw):
            if error == "copy":
                records.append(_fill(item, {**shown[int(draw.integers(len(shown)))], **_given(prompt)}, draw))
                continue
            label = asked
            if error in ("mislabel", "other_label") and asked is not None and len(self.names) > 1:
                label = str(draw.choice([name for name in self.names if name != asked]))
            blind = error == "ignore"
            fit = None if blind or fits is None else fits[int(draw.integers(len(fits)))]
            rows = self._pick(None if blind else label, fit, 2, draw, used)
            used.add(int(rows[0]))
            blend = int(rows[-1]) if draw.random() < habits.blend else None
            text = self._paraphrase(int(rows[0]), draw, blend)
            if error == "refuse":
                text = str(draw.choice(REFUSALS))
            known = _given(prompt)
            said = label if asked is None or error == "other_label" else asked
            for name, one in item.items():
                values = {str(value): value for value in one.get("enum", ())}
                own = str(self.labels[rows[0]]) if said is None else said
                if own in values and (name not in known or error == "other_label"):
                    known[name] = values[own]
                elif name not in known and one.get("type") == "string" and not values:
                    known[name] = text
            records.append(_fill(item, known, draw))
        return records

    def _errors(self, n: int, shown: bool, draw: np.random.Generator) -> list[str]:
        """(n,) the error of each record, "" for none."""
        habits = self.habits
        rates = {name: getattr(habits, name) for name in ("mislabel", "other_label", "ignore", "refuse")}
        rates["copy"] = habits.copy if shown else 0.0
        rates[""] = 1 - sum(rates.values())
        return draw.choice(list(rates), n, p=list(rates.values())).tolist()

    def _asked(self, prompt: str) -> str | None:
        """The class that the prompt asks for, if it is one that the corpus knows."""
        return next((str(one) for one in _given(prompt).values() if str(one) in self.rows_of), None)

    def _fits(self, wishes: dict[str, str], shown: list[dict[str, Any]]) -> np.ndarray | None:
        """(1 or demonstrations, rows) how well each text fits the description, or else each demonstration."""
        if not wishes:
            like = [_text_of(one) for one in shown]
            return self.habits.follow * (self._points(like) @ self.points.T) if like else None
        words = " ".join(value for name, value in wishes.items() if name not in (*VALUES, "length"))
        fit = self.habits.follow * (self._points([words]) @ self.points.T)
        fit += self._styles == wishes.get("style")
        length = re.search(r"\d+", wishes.get("length", ""))
        if length:
            fit -= np.abs(np.log(self._lengths / max(int(length[0]), 1)))
        return fit

    def _pick(
        self,
        label: str | None,
        fit: np.ndarray | None,
        n: int,
        draw: np.random.Generator,
        used: Collection[int] = (),
    ) -> np.ndarray:
        """(n,) rows of the label, drawn by popularity and fit; those used only when the others run out."""
        rows = np.arange(len(self.texts)) if label is None else self.rows_of[label]
        logits = self.habits.collapse * self.popularity[rows] + draw.gumbel(size=len(rows))
        if fit is not None:
            logits += fit[rows]
        for row in used:
            place = int(np.searchsorted(rows, row))
            if place < len(rows) and rows[place] == row:
                logits[place] -= 1e6
        n = min(n, len(rows))
        best = np.argpartition(-logits, n - 1)[:n]
        return rows[best[np.argsort(-logits[best], kind="stable")]]

    def _spread(self, rows: np.ndarray, n: int) -> list[int]:
        """The first n rows that are not much like one before; like ones where there are no more."""
        kept: list[int] = []
        for row in rows:
            if len(kept) < n and (not kept or (self.points[kept] @ self.points[row]).max() < 0.5):
                kept.append(int(row))
        return kept + [int(row) for row in rows if row not in kept][: n - len(kept)]

    def _points(self, texts: list[str]) -> np.ndarray:
        """(texts, dims) their places; zeros for a text without a known word."""
        return _unit(self._svd.transform(self._words.transform(texts)))

    def _key_words(self, rows: list[int], n: int) -> list[str]:
        """The words that are typical of the rows together, the most typical first."""
        some = self._key_weights[rows]
        total = np.asarray(some.sum(axis=0))[0] * np.asarray((some > 0).sum(axis=0))[0]
        best = np.argsort(-total, kind="stable")[:n]
        return [str(self._terms[i]) for i in best if total[i] > 0]

    def _find_synonyms(self, weights: sparse.csr_matrix) -> dict[str, list[str]]:
        """Word -> words of similar texts, most often of the same class (another class would change it)."""
        counts = (weights > 0).astype(np.float32)
        often = np.flatnonzero(np.asarray(counts.sum(axis=0))[0] >= 3)
        if len(often) < 2:
            return {}
        codes = np.unique(self.labels.astype(str), return_inverse=True)[1]
        classes = sparse.csr_matrix((np.ones(len(codes), np.float32), (codes, np.arange(len(codes)))))
        main = np.asarray((classes @ counts).argmax(axis=0)).ravel()[often]
        points = _unit(self._svd.components_.T[often])
        out = {}
        for start in range(0, len(often), 1000):
            alike = points[start : start + 1000] @ points.T
            alike[main[start : start + 1000, None] != main[None, :]] = -1
            alike[np.arange(len(alike)), np.arange(start, start + len(alike))] = -1
            best = np.argsort(-alike, axis=1, kind="stable")[:, :SYNONYMS]
            for i, some in enumerate(best):
                kept = [str(self._terms[often[j]]) for j in some if alike[i, j] > 0.4]
                out[str(self._terms[often[start + i]])] = kept
        return out

    def _paraphrase(self, row: int, draw: np.random.Generator, blend: int | None = None) -> str:
        """The text of the row with some words left out or replaced; blended with the text of another row."""
        words = self.texts[row].split()
        if blend is not None:
            other = self.texts[blend].split()
            words = words[: (len(words) + 1) // 2] + other[len(other) // 2 :]
        chances = draw.random((len(words), 2))
        kept = []
        for word, (drop, replace) in zip(words, chances, strict=True):
            found = self._synonyms.get(word.lower()) if replace < self.habits.replace else None
            if found:
                kept.append(found[int(draw.integers(len(found)))])
            elif drop >= self.habits.drop:
                kept.append(word)
        return " ".join(kept or words)


def _unit(rows: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(length > 1e-12, length, 1.0)).astype(np.float32)


def _popularity(points: np.ndarray) -> np.ndarray:
    """(rows,) the mean similarity of each row to its neighbours, of mean 0 and standard deviation 1."""
    near = min(NEIGHBOURS + 1, len(points))  # the row itself is one, which shifts all alike
    parts = []
    for start in range(0, len(points), 2000):
        alike = points[start : start + 2000] @ points.T
        parts.append(np.partition(alike, -near, axis=1)[:, -near:].mean(axis=1))
    found = np.concatenate(parts).astype(float)
    return (found - found.mean()) / (found.std() or 1.0)


def _style(text: str) -> str:
    last = text.rstrip("\"') ")[-1:]
    return {"?": "question", "!": "exclamation"}.get(last, "statement")


def _given(prompt: str) -> dict[str, Any]:
    """Column -> value that every record of the answer has."""
    found = re.findall(r"^(?:Every record has|The records have) (.+?) = (.+?)\.?$", prompt, re.MULTILINE)
    return {name: _json(value) for name, value in found}


def _description(prompt: str) -> dict[str, str]:
    """Attribute -> value that the records of the answer have."""
    block = re.search(r"^Every record fits this description:\n((?:- .*\n?)*)", prompt, re.MULTILINE)
    if block is None:
        return {}
    return dict(re.findall(r"^- ([^:\n]+): (.*)$", block[1], re.MULTILINE))


def _number(prompt: str, pattern: str) -> int:
    found = re.search(pattern, prompt, re.MULTILINE)
    return int(found[1]) if found else 1


def _demonstrations(prompt: str) -> list[dict[str, Any]]:
    """The records that the prompt shows, one JSON object a line."""
    found = (_json(line) for line in prompt.splitlines() if line.startswith("{"))
    return [one for one in found if isinstance(one, dict) and one and "properties" not in one]  # no schema


def _json(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _text_of(record: dict[str, Any]) -> str:
    return max((value for value in record.values() if isinstance(value, str)), key=len, default="")


def _fill(item: Schema, known: dict[str, Any], draw: np.random.Generator) -> dict[str, Any]:
    """A record with all the fields of the schema: those that are known, and any value for the others."""
    out = {}
    for name, one in item.items():
        if name in known:
            out[name] = known[name]
        elif "enum" in one:
            out[name] = one["enum"][int(draw.integers(len(one["enum"])))]
        elif one.get("type") in ("integer", "number"):
            out[name] = int(draw.integers(10))
        else:
            out[name] = "2020-01-01" if one.get("format") == "date" else "none"
    return out


def load(environment: dict[str, str]) -> Corpus:
    """The corpus and the habits that the environment names."""
    table = pd.read_csv(environment["LOOKALIKE_CORPUS"], dtype=str, keep_default_na=False)
    text = environment.get("LOOKALIKE_TEXT", "text")
    others = [name for name in table.columns if name != text]
    label = environment.get("LOOKALIKE_LABEL") or (others[0] if len(others) == 1 else "label")
    named = {one.name: environment.get(f"LOOKALIKE_{one.name.upper()}") for one in fields(Habits)}
    habits = Habits(**{name: float(value) for name, value in named.items() if value})
    return Corpus(table[text].tolist(), table[label].tolist(), habits)


if "LOOKALIKE_CORPUS" in os.environ:  # once, before the server says that it is ready
    write = load(dict(os.environ)).reply
