"""What the words of a record say of it: whether the model drew it, and which values stand beside them.

The selector of `refining.py` reads numbers. Of a record with texts these are its other slots, how long its
texts are, and what linear models over the words and pairs of words of the texts say: the log odds that they
are those of a learned row, and the log probability of the value that a slot of few values has beside them. So
a row is left out whose text does not fit its label.

A model learns with a part of the rows left out, each of `FOLDS` parts once, and says of a learned row what it
has not seen of it; of other rows the mean of the parts counts. Words are hashed, so that none is kept.

A text that stands in one learned row alone is seldom that of a fresh row: how seldom is known from those that
stand in two (Good and Turing: Good, 1953). A model that knows rows by heart draws such texts more often, and
of what it draws no more of them are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch import Tensor

from lookalike.codec import RecordCodec
from lookalike.codec.made.taken import Taken
from lookalike.codec.slot import LOSES, Array
from lookalike.difflm.refining import FOLDS, Group, features
from lookalike.seed import child, child_seed

BUCKETS = 2**15  # that the words of a column are hashed into
WORD = r"\w+|[^\w\s]"
VALUES, ALL_VALUES = 100, 200  # of a slot that the words tell, and of all of them, at most
PASSES, TOLD, DRAWN = 8, 1e-5, 1e-4  # of the linear models; penalties on the weights of the two sorts
UNSEEN = -20.0  # log odds of a value that a part has no row of
LEAST = 1e-6  # probability of a value


@dataclass
class Wording:
    """drawn, first: (words,) and () the log odds that words are learned ones; words: `BUCKETS` a column; none
    where there is no selector.
    tells: slot -> (tokens (values,), weights (words, values), heights (values,)) of what tells its token.
    single: of each column of texts those that stand in one learned row, and the share of fresh rows with one.
    """

    drawn: Array = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    first: float = 0.0
    tells: dict[int, tuple[Array, Array, Array]] = field(default_factory=dict)
    single: list[tuple[Taken, float]] = field(default_factory=list)

    def features(self, codec: RecordCodec, table: pd.DataFrame) -> tuple[Array, list[Group]]:
        """(rows, features) of a decoded table, as the selector reads them; and the tokens of each told slot,
        as its groups.
        """
        read = _read(codec, table)
        odds = read.words @ self.drawn + self.first
        return read.features(odds, self._told(read)), [(read.tokens[:, slot], None) for slot in self.tells]

    def copies(self, codec: RecordCodec, table: pd.DataFrame) -> list[Group]:
        """Of each column of texts the rows of a decoded table whose text stands in one learned row."""
        groups: list[Group] = []
        for texts, (single, share) in zip(_texts(codec, table), self.single, strict=False):
            groups.append((np.array([text in single for text in texts], dtype=bool), share))
        return groups

    def _told(self, read: _Read) -> list[Array]:
        """Of each told slot (rows,), how likely the words find its token."""
        return [
            _of_own(read.words @ weights + heights, values, read.tokens[:, slot])
            for slot, (values, weights, heights) in self.tells.items()
        ]

    def arrays(self) -> dict[str, Tensor]:
        """What is saved."""
        found = {"drawn": self.drawn, "first": np.float64(self.first)}
        for slot, (values, weights, heights) in self.tells.items():
            own = {"values": values, "weights": weights.astype(np.float16), "heights": heights}
            found |= {f"{slot}.{name}": value for name, value in own.items()}
        for place, (single, share) in enumerate(self.single):
            salt = np.frombuffer(single.salt.encode(), np.uint8).copy()
            kept: dict[str, Any] = {"salt": salt, "bits": single.bits, "share": np.float64(share)}
            found |= {f"single.{place}.{name}": value for name, value in kept.items()}
        return {name: torch.from_numpy(np.asarray(value)) for name, value in found.items()}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Tensor]) -> Wording:
        """What `arrays` gave."""
        own: dict[str, Any] = {name: value.numpy() for name, value in arrays.items()}
        slots = sorted({int(name.split(".")[0]) for name in own if name[0].isdigit()})
        tells = {
            slot: (own[f"{slot}.values"], own[f"{slot}.weights"].astype(np.float32), own[f"{slot}.heights"])
            for slot in slots
        }
        single: list[tuple[Taken, float]] = []
        while f"single.{len(single)}.bits" in own:
            salt, bits, share = (own[f"single.{len(single)}.{name}"] for name in ("salt", "bits", "share"))
            single.append((Taken(salt.tobytes().decode(), bits), float(share)))
        return cls(own["drawn"], float(own["first"]), tells, single)


def learn_wording(
    codec: RecordCodec, learned: pd.DataFrame, drawn: pd.DataFrame, seed: int
) -> tuple[Wording, Array, Array]:
    """What the words of learned rows say, and the features of these and of drawn rows, as ones not seen.

    Which texts stand once is not among it (see `single_texts`).
    """
    from scipy.sparse import vstack

    real, made = _read(codec, learned), _read(codec, drawn)
    rng = child(seed, "folds of the wording")
    fold, fold_drawn = (rng.permutation(len(rows)) % FOLDS for rows in (learned, drawn))
    tells, said = {}, []
    with threadpool_limits(1):
        for slot in _told(codec, real.tokens):
            own = real.tokens[:, slot]
            values, weights, heights, logits = _across(real.words, own, fold, TOLD, seed, slot)
            tells[slot] = (values, weights.astype(np.float16).astype(np.float32), heights)
            said.append(_of_own(logits, values, own))
        both = vstack([real.words, made.words]).tocsr()
        which = np.repeat([1, 0], [len(learned), len(drawn)])
        folds = np.concatenate([fold, fold_drawn])
        _, weights, heights, logits = _across(both, which, folds, DRAWN, seed)
    weight = (weights[:, 1] - weights[:, 0]).astype(np.float32)
    wording = Wording(weight, float(heights[1] - heights[0]), tells)
    odds = logits[:, 1] - logits[:, 0]
    of_learned = real.features(odds[: len(learned)], said)
    return wording, of_learned, made.features(odds[len(learned) :], wording._told(made))


@dataclass
class _Read:
    """A decoded table. slots: (rows, some slots) features of those that are no texts; tokens: (rows, slots);
    texts: (rows,) of each column of them; words: (rows, words) sparse, of the texts; lengths: (rows, 2) of
    each column of texts, letters and blanks.
    """

    slots: Array
    tokens: Array
    texts: list[list[str]]
    words: Any
    lengths: list[Array]

    def features(self, odds: Array, told: list[Array]) -> Array:
        """What the selector reads: with what the words say of each row."""
        return np.column_stack([self.slots, odds, *told, *self.lengths])


def single_texts(codec: RecordCodec, table: pd.DataFrame) -> list[tuple[Taken, float]]:
    """Of each column of texts of a decoded table: those that stand in one of its rows, and the share of fresh
    rows that have one of these: twice the number of texts that stand in two rows, over the rows.
    """
    found = []
    for texts in _texts(codec, table):
        counts = Counter(" ".join(text.casefold().split()) for text in texts)
        single = [text for text, count in counts.items() if count == 1 and text]
        twice = sum(count == 2 for count in counts.values())
        found.append((Taken.of(single), min(1.0, 2 * twice / max(1, len(texts)))))
    return found


def _read(codec: RecordCodec, table: pd.DataFrame) -> _Read:
    texts = _texts(codec, table)
    lengths = [np.array([[len(text), text.count(" ")] for text in own], dtype=np.float64) for own in texts]
    return _Read(*_slots(codec, table), texts, _words(texts), lengths)


def _texts(codec: RecordCodec, table: pd.DataFrame) -> list[list[str]]:
    """(rows,) of each column of texts; an empty cell is no letter."""
    names = [one.name for one in codec.schema.columns if one.is_textual and one.name in table.columns]
    return [["" if cell is None else str(cell) for cell in table[name].astype(object)] for name in names]


def _slots(codec: RecordCodec, table: pd.DataFrame) -> tuple[Array, Array]:
    """Features of the slots that are no texts, (rows, some slots), and the tokens of all, (rows, slots)."""
    columns = [one for one in codec.schema.columns if one.name in table.columns]
    names = [
        one.name
        for one in columns
        if one.is_categorical or one.is_number_or_date or one.kind in ("compound", "range", "list")
    ]
    tokens, cells = codec.encode(table[names], partial=True)
    own = [index for index, slot in enumerate(codec.slots) if slot.column in names]
    records = np.stack([tokens, cells], 1)[:, :, own]
    found = features([codec.slots[index] for index in own], records) if own else np.zeros((len(table), 0))
    return found, tokens


def _words(texts: list[list[str]]) -> Any:
    """(rows, words) sparse, each row of length 1: log counts of words and pairs of words."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.preprocessing import normalize

    reader = HashingVectorizer(
        ngram_range=(1, 2), n_features=BUCKETS, alternate_sign=False, token_pattern=WORD, norm=None
    )
    x = hstack([reader.transform(own) for own in texts]).tocsr()
    x.data = 1 + np.log(x.data)
    return normalize(x)


def _told(codec: RecordCodec, tokens: Array) -> list[int]:
    """The slots of categories whose values the words may tell, those of few values first; none that loses
    values, as learned rows that hold one of these would seem to fit another badly.
    """
    categories = {one.name for one in codec.schema.columns if one.is_categorical}
    counts = {
        index: len(np.unique(tokens[:, index]))
        for index, slot in enumerate(codec.slots)
        if slot.column in categories and slot.lost <= LOSES
    }
    found, total = [], 0
    for index, count in sorted(counts.items(), key=lambda one: one[1]):
        if 1 < count <= VALUES and total + count <= ALL_VALUES:
            found.append(index)
            total += count
    return found


def _across(
    x: Any, y: Array, fold: Array, penalty: float, seed: int, slot: int = -1
) -> tuple[Array, Array, Array, Array]:
    """One linear model a value of y, each against the others. slot: what is told; -1: which rows are learned.

    Returns the values, the mean (words, values) weights and (values,) heights of the parts, and the
    (rows, values) log odds of every row by the model that has not seen it.
    """
    from sklearn.linear_model import SGDClassifier

    values = np.unique(y)
    weights, heights = np.zeros((x.shape[1], len(values))), np.zeros(len(values))
    logits = np.zeros((len(y), len(values)))
    for part in range(FOLDS):
        seen = fold != part
        own_weights, own_heights = np.zeros_like(weights), np.full(len(values), UNSEEN)
        at = np.isin(values, y[seen])
        if at.sum() > 1:
            model = SGDClassifier(
                loss="log_loss", alpha=penalty, max_iter=PASSES, tol=None,
                random_state=child_seed(seed, "words", slot, part) % 2**31,
            ).fit(x[seen], y[seen])  # fmt: skip
            w, h = model.coef_, model.intercept_
            own_weights[:, at] = (w if len(w) > 1 else np.concatenate([-w, w])).T
            own_heights[at] = h if len(h) > 1 else np.array([-h[0], h[0]])
        logits[~seen] = x[~seen] @ own_weights + own_heights
        weights, heights = weights + own_weights / FOLDS, heights + own_heights / FOLDS
    return values, weights, heights, logits


def _of_own(logits: Array, values: Array, own: Array) -> Array:
    """(rows,) log probability of each row's own value; the least one of a value that is not known."""
    chance = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    chance /= chance.sum(1, keepdims=True)
    at = np.minimum(np.searchsorted(values, own), len(values) - 1)
    known = values[at] == own
    return np.log(np.where(known, chance[np.arange(len(own)), at], 0.0) + LEAST)
