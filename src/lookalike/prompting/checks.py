"""What is wrong with a record that a language model wrote: one word for the reason, or None.

The thresholds hold for texts of a few words as for pages; each check passes real rows that were held out
(measured in the tests).
"""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.embed import Embed
from lookalike.prompting.record import Form, value_of
from lookalike.texts.language import Language, words_of

Array = npt.NDArray[Any]

COPIED = 0.8  # share of word 4-grams that stand in one real row
GRAM = 4
FEW_GRAMS = 4  # of fewer 4-grams (6 words), those of the real row count too: a short text can lie inside any
ALIKE = 0.8  # Jaccard similarity of word pairs
TOO_LONG, SPARE_LETTERS = 2.0, 50  # times the longest real text, and a little more where all are short
HABIT = 0.001  # share of the real texts that sound like a refusal, above which it is none
MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 1], dtype=np.uint64)
REFUSALS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bas an? (ai|artificial intelligence|large language model|language model|assistant)\b",
        r"\bi('m| am) (just )?an? (ai|language model|virtual assistant)\b",
        r"\bi('m| am) (sorry|afraid),? (but )?i (can't|cannot|can not|won't|am unable|am not able)",
        r"\bi (can't|cannot|can not|won't|am unable to|am not able to|must decline to) "
        r"(assist|help|fulfil|provide|comply|create|generate|write|produce|continue|engage|do that)",
        r"^\W*(sure|certainly|of course)\W+here (is|are)\b",
        r"\bals (ki|sprachmodell)\b",
        r"\ben tant qu'(ia|intelligence artificielle|assistant)\b",
        r"\bcomo (una? )?(ia|modelo de lenguaje|modelo de linguagem)\b",
        r"作为(一个|一名)?(ai|人工智能|语言模型)",
    )
)


class Checker:
    """The real rows made ready for checking, and the texts accepted so far.

    texts: of the real rows; judge: what tells classes apart, None where the real rows do not suffice.
    """

    def __init__(self, form: Form, texts: Sequence[str], originals: Originals, judge: Judge | None) -> None:
        self.form, self.originals, self.judge = form, originals, judge
        self.language = Language(texts)
        self.refusals = refusals_of(texts)
        self.longest = int(max(map(len, texts)) * TOO_LONG) + SPARE_LETTERS
        self.accepted = Accepted()

    def reasons(self, records: Sequence[dict[str, Any]], labels: Sequence[str | None]) -> list[str | None]:
        """What is wrong with each record, in order; labels: the class that was asked for. One that passes is
        accepted at once, so that its like is a duplicate.
        """
        found: list[str | None] = []
        texts = [text_of(self.form, record) for record in records]
        wrong = self.judge.wrong(texts, labels) if self.judge is not None else [False] * len(texts)
        for record, text, label, other in zip(records, texts, labels, wrong, strict=True):
            reason = self._alone(record, text, label)
            if reason is None:
                reason = "class" if other else "duplicate" if not self.accepted.add(text) else None
            found.append(reason)
        return found

    def _alone(self, record: dict[str, Any], text: str, label: str | None) -> str | None:
        """What is wrong with a record whatever else was accepted, but for its class."""
        if not text.strip() or any(str(record[name]).strip() == "" for name in self.form.texts):
            return "empty"
        if label is not None and str(record[str(self.form.label)]) != label:
            return "label"
        if len(text) > self.longest:
            return "too long"
        if any(pattern.search(text) for pattern in self.refusals):
            return "refusal"
        if self.language.is_foreign(text):
            return "language"
        if self.originals.copied(text) is not None:
            return "copy"
        for field in self.form.fields:
            try:
                value_of(field, record[field.name])
            except (ValueError, TypeError, OverflowError):
                return "value"
        return None


def text_of(form: Form, record: dict[str, Any]) -> str:
    """The text fields of a record, a line each."""
    return "\n".join(str(record[name]).strip() for name in form.texts if record[name] is not None)


def refusals_of(texts: Sequence[str]) -> list[re.Pattern[str]]:
    """What no real text says, and a model that refuses does."""
    most = HABIT * len(texts)
    return [one for one in REFUSALS if sum(one.search(text) is not None for text in texts) <= most]


class Originals:
    """The real texts, by what they say in lower case and by their word 4-grams.

    100,000 texts of 12 words take about a second and 20 MB.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._numbers: dict[str, int] = {}
        self._same: dict[str, int] = {}
        flat: list[int] = []
        ends = np.empty(len(texts), dtype=np.int64)
        for row, text in enumerate(texts):
            words = words_of(text)
            self._same.setdefault(" ".join(words), row)
            flat += [self._numbers.setdefault(word, len(self._numbers)) for word in words]
            ends[row] = len(flat)
        rows = np.repeat(np.arange(len(texts)), np.diff(ends, prepend=0))
        grams, places = hashed(np.array(flat, dtype=np.uint64)), rows[: max(len(flat) - GRAM + 1, 0)]
        inside = places == rows[GRAM - 1 :]
        order = np.lexsort((places[inside], grams[inside]))
        grams, places = grams[inside][order], places[inside][order]
        first = np.ones(len(grams), dtype=bool)
        first[1:] = (np.diff(grams) != 0) | (np.diff(places) != 0)
        self._grams, self._rows = grams[first], places[first]
        self._sizes = np.bincount(self._rows, minlength=len(texts))

    def copied(self, text: str) -> int | None:
        """The row number of a real text that this one copies, None where there is none: it says the same
        words, or at least 80% of its word 4-grams stand in that one.
        """
        words = words_of(text)
        same = self._same.get(" ".join(words))
        if same is not None:
            return same
        # a word that no real text has gets a number of its own, so that its 4-grams are found nowhere
        numbers = [self._numbers.get(word, len(self._numbers) + at) for at, word in enumerate(words)]
        grams = np.unique(hashed(np.array(numbers, dtype=np.uint64)))
        starts = np.searchsorted(self._grams, grams)
        stops = np.searchsorted(self._grams, grams, side="right")
        spare = len(grams) - math.ceil(COPIED * len(grams))
        if not len(grams) or int((stops == starts).sum()) > spare:
            return None
        found = [self._rows[start:stop] for start, stop in zip(starts, stops, strict=True)]
        found.sort(key=len)  # a row that has enough of them has one of the rarest
        rows = np.unique(np.concatenate(found[: spare + 1]))
        counts = sum((np.isin(rows, some, assume_unique=True) for some in found), np.zeros(len(rows), int))
        sizes = np.full(len(rows), len(grams))
        if len(grams) < FEW_GRAMS:
            sizes = np.maximum(sizes, self._sizes[rows])
        like = np.flatnonzero(counts >= COPIED * sizes)
        return int(rows[like[counts[like].argmax()]]) if len(like) else None


def hashed(numbers: Array) -> Array:
    """(n - 3,) uint64, one for each four numbers in a row."""
    if len(numbers) < GRAM:
        return np.empty(0, dtype=np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(numbers, GRAM)
    mixed = np.zeros(len(windows), dtype=np.uint64)
    for at in range(GRAM):
        mixed = (mixed ^ (windows[:, at] + np.uint64(1))) * MULTIPLIERS[at % 3]
        mixed ^= mixed >> np.uint64(29)
    return mixed


class Accepted:
    """The texts accepted so far, found again by their word pairs.

    An inverted index: a text is compared with all before it by counting, for each, how many of its pairs they
    share. That stays fast where a model repeats itself and most texts share most of their pairs.
    """

    def __init__(self) -> None:
        self._places: dict[str, array[int]] = {}  # pair -> texts that have it
        self._sizes = array("i")

    def add(self, text: str) -> bool:
        """Adds a text; False where it is a near-duplicate of one that was added before."""
        words = words_of(text)
        pairs = {f"{a} {b}" for a, b in zip(["", *words], [*words, ""], strict=True)}
        if self._alike(pairs):
            return False
        for pair in pairs:
            self._places.setdefault(pair, array("i")).append(len(self._sizes))
        self._sizes.append(len(pairs))
        return True

    def _alike(self, pairs: set[str]) -> bool:
        found = [np.frombuffer(self._places[pair], dtype=np.intc) for pair in pairs if pair in self._places]
        if not found:
            return False
        common = np.bincount(np.concatenate(found))
        sizes = np.frombuffer(self._sizes, dtype=np.intc)[: len(common)]
        return bool((common >= ALIKE * (len(pairs) + sizes - common)).any())


class Judge:
    """A classifier on embeddings of the real rows that says when a text is surely of another class.

    Surely: the other class is ahead of the own by more than it is, out of fold, for all but 1% of the real
    rows (for all where there are few), so that it would reject about one real row in a hundred.
    """

    def __init__(self, embed: Embed, model: Any, classes: list[str], margin: float) -> None:
        self.embed, self.margin = embed, margin
        self._model, self._places = model, {name: at for at, name in enumerate(classes)}

    def wrong(self, texts: Sequence[str], labels: Sequence[str | None]) -> list[bool]:
        """Whether each text is surely not of its class; classes too rare to be learned are not judged."""
        if not texts:
            return []
        own = np.array([self._places.get(str(label), -1) for label in labels])
        ahead = lead(self._model.predict_proba(self.embed(list(texts))), own)
        return [bool(one) for one in (ahead > self.margin) & (own >= 0)]


LEAST_ROWS, LEAST_OF_A_CLASS, MOST_ROWS = 60, 6, 2500
LEAST_ACCURACY, PASSED, FOLDS = 0.6, 0.99, 3


def judge_of(embed: Embed, texts: Sequence[str], labels: Sequence[str], seed: int) -> Judge | None:
    """The judge of the classes, None where the real rows do not tell them apart: fewer than 60 rows of
    classes with at least 6 each, or less than 60% right in cross-validation.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    counts = Counter(labels)
    usable = [row for row, label in enumerate(labels) if counts[label] >= LEAST_OF_A_CLASS]
    if len(usable) < LEAST_ROWS or len({labels[row] for row in usable}) < 2:
        return None
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.permutation(len(usable))[:MOST_ROWS])
    rows = [usable[at] for at in drawn]
    counts = Counter(labels[row] for row in rows)
    rows = [row for row in rows if counts[labels[row]] >= FOLDS]
    classes = sorted({labels[row] for row in rows})
    codes = np.array([classes.index(labels[row]) for row in rows])
    points = embed([texts[row] for row in rows])
    model = LogisticRegression(C=10.0, max_iter=300)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    chances = cross_val_predict(model, points, codes, cv=folds, method="predict_proba")
    if (chances.argmax(1) == codes).mean() < LEAST_ACCURACY:
        return None
    ahead = np.sort(lead(chances, codes))
    margin = float(ahead[min(math.ceil(PASSED * len(ahead)), len(ahead) - 1)])
    return Judge(embed, model.fit(points, codes), classes, max(margin, 0.0))


def lead(chances: Array, own: Array) -> Array:
    """(rows,) by how much the likeliest other class is ahead of the own one, -1..1."""
    rows = np.arange(len(chances))
    others = chances.copy()
    others[rows, own] = -1.0
    return others.max(1) - chances[rows, own]
