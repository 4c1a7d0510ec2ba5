"""An n-gram language model: what synthetic texts have to beat.

Interpolated Kneser-Ney with three discounts an order, estimated from the counts of counts (Chen & Goodman,
"An empirical study of smoothing techniques for language modeling", 1998, section 3), below it the words of
all texts, add-one. A token is a word or a mark with the white space before it, so that tokens joined are the
text again. The order (1 to 5) is the one with the least bits a token on a tenth of the texts, held out; the
model that writes is then counted on all of them. Labelled texts have a model a class, of one order, and are
written in the real shares of the classes. Records of several columns have a model for each column: five
tokens do not reach from a question to its answer, and one model of both would mix their words.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from lookalike.sampling import apportion

HIGHEST = 5
HELD = 0.1
BEGIN, END = "\x02", "\x03"
TOKEN = re.compile(r"\s*\w+|\s*[^\w\s]|\s+\Z")
Context = tuple[str, ...]
Words = tuple[list[str], list[float]]  # tokens, and their weights summed up


def tokens(text: str) -> list[str]:
    """Words and marks, each with the white space before it; joined they are the text."""
    return TOKEN.findall(text)


class Base:
    """The tokens of all texts, one more of each, and one that no text has: what unseen contexts fall to."""

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        self.counts = Counter(token for text in texts for token in [*text, END])
        self.total = sum(self.counts.values()) + len(self.counts) + 1
        self.words: Words = (list(self.counts), list(accumulate(n + 1.0 for n in self.counts.values())))

    def share(self, token: str) -> float:
        return (self.counts.get(token, 0) + 1) / self.total


class NGram:
    """A model of texts, each a list of tokens; order: tokens that it looks at, the next one included."""

    def __init__(self, texts: Sequence[Sequence[str]], order: int, base: Base) -> None:
        self.order, self.base = order, base
        self.longest = 2 * max(map(len, texts), default=1)
        raw = [_counted(texts, length) for length in range(order)]
        # below the highest order a token counts for the different tokens that it came after; at the beginning
        # of a text, where nothing comes before, for its occurrences
        self.counts = raw[order - 1 :]
        for length in range(order - 2, -1, -1):
            own: dict[Context, Counter[str]] = defaultdict(Counter)
            for context, following in raw[length + 1].items():
                own[context[1:]].update(dict.fromkeys(following, 1))
            own |= {context: n for context, n in raw[length].items() if context[:1] == (BEGIN,)}
            self.counts.insert(0, own)
        self.discounts = [_discounts(own) for own in self.counts]
        self.sums = [  # of each context: its counts, and what is taken off them and goes to shorter contexts
            {
                context: (following.total(), sum(discount[min(n, 3)] for n in following.values()))
                for context, following in own.items()
            }
            for own, discount in zip(self.counts, self.discounts, strict=True)
        ]
        self.words: list[dict[Context, Words]] = [{} for _ in self.counts]

    def share(self, token: str, context: Context) -> float:
        """p(token | the tokens before it), of which the last `order - 1` matter."""
        p = self.base.share(token)
        for length in range(min(self.order - 1, len(context)) + 1):
            end = context[len(context) - length :]
            if end not in self.sums[length]:
                break  # longer contexts were not seen either
            total, taken = self.sums[length][end]
            n = self.counts[length][end].get(token, 0)
            p = (max(n - self.discounts[length][min(n, 3)], 0.0) + taken * p) / total
        return p

    def bits(self, texts: Iterable[Sequence[str]]) -> tuple[float, int]:
        """(bits of all tokens and ends of the texts, how many those are)."""
        bits, count = 0.0, 0
        for text in texts:
            context: Context = (BEGIN,)
            for token in [*text, END]:
                bits -= math.log2(self.share(token, context))
                context = (*context, token)[-max(self.order - 1, 1) :]
                count += 1
        return bits, count

    def write(self, rng: np.random.Generator) -> str:
        """A text, drawn token by token; of at most twice the tokens of the longest one."""
        context: Context = (BEGIN,)
        out: list[str] = []
        while len(out) < self.longest:
            token = self._next(context, rng)
            if token == END:
                break
            out.append(token)
            context = (*context, token)[-max(self.order - 1, 1) :]
        return "".join(out).lstrip(" ")  # a word that began no text brings its space along

    def _next(self, context: Context, rng: np.random.Generator) -> str:
        """Drawn from `share`: the longest context keeps its discounted counts, the rest is drawn below."""
        for length in range(min(self.order - 1, len(context)), -1, -1):
            end = context[len(context) - length :]
            following = self.counts[length].get(end)
            if following is None:
                continue
            if end not in self.words[length]:
                discount = self.discounts[length]
                kept = [max(n - discount[min(n, 3)], 0.0) for n in following.values()]
                self.words[length][end] = list(following), list(accumulate(kept))
            names, sums = self.words[length][end]
            at = rng.random() * self.sums[length][end][0]
            if at < sums[-1]:
                return names[bisect_right(sums, at)]
        names, sums = self.base.words
        return names[bisect_right(sums, rng.random() * sums[-1])]


def _counted(texts: Iterable[Sequence[str]], length: int) -> dict[Context, Counter[str]]:
    """What follows the contexts of that length, how often; the beginning of a text is a token, too."""
    found: dict[Context, Counter[str]] = defaultdict(Counter)
    for text in texts:
        padded = (BEGIN, *text, END)
        for at in range(max(length, 1), len(padded)):
            found[padded[at - length : at]][padded[at]] += 1
    return dict(found)


def _discounts(counts: dict[Context, Counter[str]]) -> tuple[float, float, float, float]:
    """What is taken off a count of 0, 1, 2 and of 3 or more; half a count each where too few were seen."""
    seen = Counter(n for following in counts.values() for n in following.values() if n <= 4)
    if not all(seen[n] for n in (1, 2, 3, 4)):
        return 0.0, 0.5, 0.5, 0.5
    y = seen[1] / (seen[1] + 2 * seen[2])
    one, two, three = (n - (n + 1) * y * seen[n + 1] / seen[n] for n in (1, 2, 3))
    return 0.0, min(max(one, 0.1), 1.0), min(max(two, 0.1), 2.0), min(max(three, 0.1), 3.0)


class Writer:
    """The models of labelled texts; `order` was chosen, `bits` are those of each order, a token held out."""

    def __init__(self, texts: Sequence[str], labels: Sequence[Any], seed: int) -> None:
        found = [tokens(text) for text in texts]
        self.labels = list(dict.fromkeys(labels))
        rows = {label: [i for i, own in enumerate(labels) if own == label] for label in self.labels}
        rng = np.random.default_rng((seed, 40))
        held = rng.random(len(found)) < HELD
        base = Base(text for text, out in zip(found, held, strict=True) if not out)
        self.bits: dict[int, float] = {}
        for order in range(1, HIGHEST + 1):
            sums = np.zeros(2)
            for label in self.labels:
                own = NGram([found[i] for i in rows[label] if not held[i]], order, base)
                sums += own.bits(found[i] for i in rows[label] if held[i])
            self.bits[order] = float(sums[0] / max(sums[1], 1))
        self.order = min(self.bits, key=lambda order: self.bits[order])
        base = Base(found)
        self.models = {
            label: NGram([found[i] for i in rows[label]], self.order, base) for label in self.labels
        }
        self.shares = np.array([len(rows[label]) for label in self.labels], dtype=float)

    def write(self, rows: int, seed: int) -> tuple[list[str], list[Any]]:
        """Texts and labels, as many of each class as it has of the real rows, in a random order.

        The order depends on the seed and the classes alone: writers of several columns agree in it.
        """
        rng = np.random.default_rng((seed, 41))
        counts = apportion(self.shares, rows)
        each = [label for label, n in zip(self.labels, counts, strict=True) for _ in range(n)]
        labels = [each[i] for i in rng.permutation(rows)]
        return [self.models[label].write(rng) for label in labels], labels
