"""Rows that the other rows and the real ones place in another class than they were asked for in.

Of every eight rows that a small model writes one is of another class than its label says. A few real rows
cannot tell which. But most rows have the right class, so they vouch for each other: a classifier that learned
from the other rows and the real ones is right more often than the model. Of the rows of SST-2 that
Qwen2.5-Coder-0.5B wrote without seeing any, 87% had the class of their label, as a classifier of all training
rows tells it. Of those that are kept here, with a sentence embedding, it is 96% (bench/RESULTS.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from lookalike.embed import Embed
from lookalike.learn import classifier, lead, out_of_fold
from lookalike.prompting.asking import Asking
from lookalike.prompting.checks import text_of
from lookalike.prompting.written import Row

FEWEST = 50  # rows that can vouch for each other: of fewer, rows that are right are lost as often
TOO_MANY = 1 / 3  # of the rows of a class in doubt: then it is the classifier that cannot tell the class
FOLDS = 5
MOST = 5000  # rows that have passed and vouch for new ones, the last ones
STRENGTH = 1.0  # of the classifier: weak, as some of what it learns from is wrong


def consensus(asking: Asking, embed: Embed) -> Callable[[list[Row]], list[int]] | None:
    """What finds rows of another class, for `steered`; None for methods of models that are relied on."""
    source = asking.source
    if asking.method != "steered" or source.form.label is None:
        return None
    labels = [str(label) for label in source.labels]
    return Consensus(
        embed, source.texts, labels, lambda row: text_of(source.form, row.record), asking.seed
    ).doubtful


class Consensus:
    """Finds the rows of another class among those that it has not passed yet.

    texts, labels: of the real rows; text: that of a row.
    """

    def __init__(
        self,
        embed: Embed,
        texts: Sequence[str],
        labels: Sequence[str],
        text: Callable[[Row], str],
        seed: int,
    ) -> None:
        self._embed, self._texts, self._labels = embed, list(texts), list(labels)
        self._text, self._seed = text, seed
        self._vouched: dict[int, int] = {}  # row that has passed -> of how many rows

    def doubtful(self, rows: Sequence[Row]) -> list[int]:
        """Places in `rows` of those that are surely of another class.

        A row that has passed is looked at again once there are twice as many rows that can vouch for it.
        """
        if len(rows) < FEWEST:
            return []
        passed = [at for at, row in enumerate(rows) if 2 * self._vouched.get(id(row), 0) > len(rows)]
        looked = sorted({*range(len(rows))} - {*passed[:-MOST]})
        labels = [*self._labels, *(str(rows[at].place.label) for at in looked)]
        counts = Counter(labels)
        told = [at for at, label in enumerate(labels) if counts[label] >= FOLDS]
        names = sorted({labels[at] for at in told})
        if len(names) < 2:
            return []
        codes = np.array([names.index(labels[at]) for at in told])
        texts = [self._text(rows[at]) for at in looked]
        points = np.concatenate([self._embed(self._texts), self._embed(texts)])
        ahead = lead(out_of_fold(points[told], codes, FOLDS, self._seed, classifier(STRENGTH)), codes)
        real = len(self._texts)
        doubted = Counter(labels[at] for at, one in zip(told, ahead, strict=True) if at >= real and one > 0)
        asked = Counter(labels[real:])
        sure = {label for label, count in doubted.items() if count <= TOO_MANY * asked[label]}
        wrong = {
            looked[at - real]
            for at, one in zip(told, ahead, strict=True)
            if at >= real and one > 0 and labels[at] in sure
        }
        found = sorted(wrong - {*passed})
        kept = {id(row): len(rows) for at, row in enumerate(rows) if at not in {*passed, *wrong}}
        self._vouched |= kept
        return found
