"""Texts: how varied they are, how alike their words are, and what was taken over word for word.

For one column of text, the one that is named or else that of prose with the most words; tokens are words and
punctuation marks in lower case.

- distinct_1, distinct_2: distinct tokens (pairs of tokens) over all of them (Li et al. 2016).
- vocabulary: distinct tokens among as many tokens of each table, over those of the real one.
- self_bleu: mean BLEU-4 of a text against the others of its table (Zhu et al., Texygen, 2018); high: they
  repeat.
- cosine: mean cosine of two texts of the table (APS), on TF-IDF vectors reduced by SVD.
- vendi: exp of the entropy of the eigenvalues of the texts' cosine matrix over its trace: how many different
  texts there effectively are (Friedman & Dieng 2023), as a share of the texts.
- mauve: area under the divergence frontier between both tables' histograms over clusters of those vectors,
  1 for equal ones (Pillutla et al. 2021, equations 1 and 3, scale 5; they cluster embeddings of a language
  model, this clusters the ones above).
- length_error, words_error: Kolmogorov-Smirnov distance of the numbers of tokens, total variation of the
  tokens.
- new_words: of the words of the texts, the share that no real text has; by chance, the share of the real
  words that one real text alone has (Good 1953).
- verbatim: share of the texts with a span of 8 tokens that occurs in a real training text.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.columns import ComparedColumn
from lookalike.evaluate.rows import first, lengths
from lookalike.evaluate.section import Copied, Entry, Section, Spectra, entry, share
from lookalike.evaluate.space import embedded
from lookalike.evaluate.view import View
from lookalike.seed import in_32_bits

Array = npt.NDArray[Any]

SPAN = 8  # tokens that make a verbatim span
DIMS = 64
BLEU_TEXTS, BLEU_AGAINST, ORDER = 200, 200, 4
KERNEL_TEXTS = 1000
CLUSTERS = 100
SCALE = 5.0
SHOWN = 8
LETTERS = 400  # of a text that is shown
SHOWN_TOKENS = 20
COMMON = 5  # real texts that have a token that is shown
PARTS = 4  # of the synthetic texts, whose figures differ by chance
TOKEN = re.compile(r"\w+|[^\w\s]")
WORD = re.compile(r"\w")  # begins a token that is no mark


def tokenize(text: str) -> list[str]:
    """The words and punctuation marks of a text, in lower case."""
    return TOKEN.findall(text.lower())


def measure(view: View) -> Section:
    """The entries of the column of prose, of the sections that are asked for, and what its texts are made
    of."""
    chosen, section = _choose(view)
    if chosen is None:
        return section
    column = view.matched[chosen]
    (some,) = first([column], view.limits.texts)
    entries, section.spectra = compare(some, view.seed)
    section.entries = {name: found for name, found in entries.items() if name in view.only}
    if "privacy" in view.only:
        training = view.columns[chosen]  # copies are looked for among all training texts
        rows = {table: np.arange(n) for table, n in lengths([some]).items()}
        rows = {table: rows.get(table, np.arange(0)) for table in training.identity}
        rows["real"] = np.arange(min(len(training.identity["real"]), view.limits.matched))
        copied, section.verbatim = verbatim(training.take(rows))
        section.entries["privacy"] = {"verbatim": copied}
    if not view.show_real and (section.spectra is not None or section.verbatim is not None):
        section.verbatim = []
    return section


def _choose(view: View) -> tuple[int | None, Section]:
    """(the number of the column that is read as text, None if there is none; what is said of the others)."""
    every = [i for i, column in enumerate(view.matched) if column.texts is not None]
    prose = [
        i
        for i in every
        if (view.matched[i].words if view.text is None else view.matched[i].name == view.text)
    ]
    if not prose:
        names = ", ".join(f"'{view.matched[i].name}'" for i in every[:5])
        said = f"no column of prose was found: name one of {names} to have it read as text."
        return None, Section(skipped={"texts": said} if every else {})
    chosen = max(prose, key=lambda i: view.matched[i].words)
    said = (
        f"of the text columns only '{view.matched[chosen].name}' was read as text; name another to read that "
        "one."
    )
    return chosen, Section(skipped={"texts": said} if len(every) > 1 else {})


def compare(column: ComparedColumn, seed: int) -> tuple[dict[str, dict[str, Entry]], Spectra | None]:
    """(entries by section: {"fidelity": ..., "diversity": ...}, the spectra); ({}, None) of hardly any
    text."""
    texts = _texts(column)
    if min(map(len, texts.values())) < 2:
        return {}, None
    rng = np.random.default_rng(seed)
    words = {table: [tokenize(text) for text in some] for table, some in texts.items()}
    vectors = {t: v[column.identity[t] >= 0] for t, v in embedded(column, DIMS, seed).items()}
    formulas = _formulas(words, vectors, _clusters(vectors, seed))
    chances = {"vocabulary": 1.0, "new_words": fresh_words(words["real"])}
    count = min(map(len, texts.values()))  # distinct-n and the like depend on the number of texts
    drawn = {table: rng.permutation(len(some))[:count] for table, some in texts.items()}
    out: dict[str, dict[str, Entry]] = {section: {} for section in formulas}
    for section, group in formulas.items():
        for name, of in group.items():
            against = "holdout" if "holdout" in texts else "real" if section == "diversity" else None
            spread = None
            if count >= 2 * PARTS:  # so that no part is a single text
                parts = [of("synthetic", part) for part in np.array_split(drawn["synthetic"], PARTS)]
                spread = float(np.std(parts, ddof=1) / np.sqrt(PARTS))  # of the mean of the parts
            reference = None if against is None else of(against, drawn[against])
            bounds = (0.0, np.inf if name == "vocabulary" else 1.0)
            value = of("synthetic", drawn["synthetic"])
            out[section][name] = entry(value, reference, spread, chances.get(name), bounds)
    return out, _spectra(str(column.name), words)


def _formulas(
    words: dict[str, list[list[str]]], vectors: dict[str, Array], clusters: dict[str, Array]
) -> dict[str, dict[str, Callable[[str, Array], float]]]:
    """section -> key -> function of a table and the numbers of its texts."""
    known = {token for tokens in words["real"] for token in tokens}

    def some(table: str, at: Array) -> list[list[str]]:
        return [words[table][i] for i in at]

    return {
        "diversity": {
            "distinct_1": lambda t, at: distinct(some(t, at), 1),
            "distinct_2": lambda t, at: distinct(some(t, at), 2),
            "self_bleu": lambda t, at: self_bleu(some(t, at)),
            "cosine": lambda t, at: cosine(vectors[t][at]),
            "vendi": lambda t, at: vendi(vectors[t][at]),
            "vocabulary": lambda t, at: _vocabulary(some(t, at), words["real"]),
        },
        "fidelity": {
            "length_error": lambda t, at: _length_error([len(words[t][i]) for i in at], words["real"]),
            "new_words": lambda t, at: new_words(some(t, at), known),
            "words_error": lambda t, at: _words_error(some(t, at), words["real"]),
            "mauve": lambda t, at: mauve(clusters["real"], clusters[t][at]),
        },
    }


def _texts(column: ComparedColumn) -> dict[str, list[str]]:
    assert column.texts is not None
    return {t: [str(column.texts[c]) for c in codes if c >= 0] for t, codes in column.identity.items()}


def _grams(tokens: list[str], n: int) -> list[tuple[str, ...]]:
    return list(zip(*(tokens[i:] for i in range(n)), strict=False))


def distinct(texts: list[list[str]], n: int) -> float:
    grams = [gram for tokens in texts for gram in _grams(tokens, n)]
    return len(set(grams)) / len(grams) if grams else float("nan")


def _vocabulary(texts: list[list[str]], real: list[list[str]]) -> float:
    own, other = ([token for tokens in some for token in tokens] for some in (texts, real))
    count = min(len(own), len(other))
    return len(set(own[:count])) / max(len(set(other[:count])), 1)


def self_bleu(texts: list[list[str]]) -> float:
    """Mean over some texts of the geometric mean of their clipped n-gram precisions, n = 1..4, with add-one
    smoothing above n = 1, against a sample of the others."""
    pool = texts[: BLEU_TEXTS + BLEU_AGAINST]
    words: dict[str, int] = {}
    numbers = [
        np.array([words.setdefault(word, len(words)) for word in text], dtype=np.int64) for text in pool
    ]
    grams = numbers  # (tokens,) each: the number of the n-gram that begins there
    logs = np.zeros(min(BLEU_TEXTS, len(pool)))
    orders = np.zeros(len(logs))
    for n in range(ORDER):
        if n:
            grams = [own[:-1] * len(words) + new[n:] for own, new in zip(grams, numbers, strict=True)]
        known, flat = np.unique(np.concatenate([*grams, []]).astype(np.int64), return_inverse=True)
        ends = np.cumsum([len(own) for own in grams])
        grams = np.split(flat, ends[:-1])
        hits, total = _clipped(grams, len(known), len(logs))
        smooth = float(n > 0)
        there = total > 0
        logs[there] += np.log(np.maximum(hits + smooth, 1e-9)[there] / (total + smooth)[there])
        orders += there
    scores = np.exp(logs[orders > 0] / orders[orders > 0])
    return float(scores.mean()) if len(scores) else float("nan")


def _clipped(grams: list[Array], known: int, count: int) -> tuple[Array, Array]:
    """(count,) how many n-grams of each of the first texts another one has, too, clipped to the most that one
    of the last `BLEU_AGAINST` others has, and how many it has itself. grams: of each text, numbers < known.
    """
    texts = np.repeat(np.arange(len(grams)), [len(own) for own in grams])
    pairs, often = np.unique(np.concatenate(grams) * len(grams) + texts, return_counts=True)
    gram, text = np.divmod(pairs, len(grams))
    first = max(len(grams) - BLEU_AGAINST - 1, 0)  # a text from here on is compared with the others of them
    most = np.zeros((2, 2, known), dtype=np.int64)  # for a text before and from there: the two largest counts
    owner = np.full((2, known), -1)
    for at, start in enumerate((first + 1, first)):
        inside = np.flatnonzero(text >= start)
        order = inside[np.lexsort((often[inside], gram[inside]))]
        last = np.flatnonzero(np.diff(gram[order], append=-1) != 0)
        best = order[last]
        most[at, 0, gram[best]], owner[at, gram[best]] = often[best], text[best]
        second = last[last > 0] - 1
        second = second[gram[order[second]] == gram[order[second + 1]]]
        most[at, 1, gram[order[second]]] = often[order[second]]
    own = np.flatnonzero(text < count)
    where = (text[own] >= first).astype(int)
    others = most[where, (owner[where, gram[own]] == text[own]).astype(int), gram[own]]
    hits = np.bincount(text[own], np.minimum(often[own], others), count)
    return hits, np.bincount(text[own], often[own], count)


def cosine(vectors: Array) -> float:
    n = len(vectors)
    total = vectors.sum(0)
    return float((total @ total - (vectors**2).sum()) / (n * (n - 1))) if n > 1 else float("nan")


def vendi(vectors: Array) -> float:
    vectors = vectors[:KERNEL_TEXTS].astype(np.float64)
    vectors = vectors[(vectors**2).sum(1) > 0.5]
    if not len(vectors):
        return float("nan")
    values = np.linalg.eigvalsh(vectors.T @ vectors / len(vectors))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()) / len(vectors))


def _clusters(vectors: dict[str, Array], seed: int) -> dict[str, Array]:
    from sklearn.cluster import MiniBatchKMeans

    together = np.concatenate([v[:5000] for v in vectors.values()])
    count = max(2, min(CLUSTERS, len(together) // 20))
    model = MiniBatchKMeans(count, n_init=3, random_state=in_32_bits(seed)).fit(together)
    return {table: model.predict(v) for table, v in vectors.items()}


def mauve(real: Array, other: Array) -> float:
    size = int(max(real.max(), other.max())) + 1
    p, q = ((np.bincount(x, minlength=size) + 0.5) / (len(x) + 0.5 * size) for x in (real, other))
    points = [(0.0, 1.0)]
    for weight in np.linspace(0.01, 0.99, 99):
        mix = weight * p + (1 - weight) * q
        kl = [float((side * np.log(side / mix)).sum()) for side in (p, q)]
        points.append((float(np.exp(-SCALE * kl[1])), float(np.exp(-SCALE * kl[0]))))
    points.append((1.0, 0.0))
    x, y = (np.array(axis) for axis in zip(*sorted(points), strict=True))
    return float(np.trapezoid(y, x))


def _length_error(lengths: list[int], real: list[list[str]]) -> float:
    a, b = np.sort([len(tokens) for tokens in real]), np.sort(lengths)
    grid = np.union1d(a, b)
    below = [np.searchsorted(side, grid, side="right") / len(side) for side in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


def _words_error(texts: list[list[str]], real: list[list[str]]) -> float:
    p, q = (Counter(token for tokens in some for token in tokens) for some in (real, texts))
    n, m = max(sum(p.values()), 1), max(sum(q.values()), 1)
    # an exact sum: the order of a set of strings differs from process to process
    return math.fsum(abs(p[token] / n - q[token] / m) for token in p.keys() | q.keys()) / 2


def new_words(texts: list[list[str]], known: set[str]) -> float:
    own = [token for tokens in texts for token in tokens if WORD.match(token)]
    return sum(token not in known for token in own) / len(own) if own else float("nan")


def fresh_words(real: list[list[str]]) -> float:
    """Share of new words in one more real text, about: of the real words, those of a single text."""
    spread = Counter(token for tokens in real for token in set(tokens))
    own = [token for tokens in real for token in tokens if WORD.match(token)]
    return sum(spread[token] == 1 for token in own) / max(len(own), 1)


def _spectra(column: str, words: dict[str, list[list[str]]]) -> Spectra:
    """What two tables of texts are made of, beside each other; no token that fewer than 5 real texts have."""
    lengths = {
        t: np.quantile([len(tokens) for tokens in some], np.linspace(0, 1, 11)).round().tolist()
        for t, some in words.items()
    }
    least = min(map(len, words.values()))
    ngrams: dict[int, dict[str, list[float]]] = {}
    for n in range(1, ORDER + 1):
        known = {gram for tokens in words["real"] for gram in _grams(tokens, n)}
        ngrams[n] = {}
        for t, some in words.items():
            grams = [gram for tokens in some[:least] for gram in _grams(tokens, n)]
            count = max(len(grams), 1)
            ngrams[n][t] = [len(set(grams)) / count, sum(gram in known for gram in grams) / count]
    counts = {t: Counter(token for tokens in words[t] for token in tokens) for t in ("real", "synthetic")}
    total = {t: max(sum(c.values()), 1) for t, c in counts.items()}
    spread = Counter(token for tokens in words["real"] for token in set(tokens))
    shares = [
        (token, counts["real"][token] / total["real"], counts["synthetic"][token] / total["synthetic"])
        for token in counts["real"] | counts["synthetic"]
        if spread[token] >= COMMON or not spread[token]
    ]
    shares.sort(key=lambda found: -abs(found[1] - found[2]))
    return Spectra(column, lengths, ngrams, shares[:SHOWN_TOKENS])


def verbatim(column: ComparedColumn) -> tuple[Entry, list[Copied]]:
    """(the entry `verbatim`, the synthetic texts that share most with a training text, side by side).

    column: with all training texts as "real"; the reference is that of a holdout with texts.
    """
    texts = {t: some for t, some in _texts(column).items() if some}
    if len(texts.keys() & {"real", "synthetic"}) < 2:
        return Entry(), []
    words = {table: [tokenize(text) for text in some] for table, some in texts.items()}
    where: dict[tuple[str, ...], int] = {}
    for number, tokens in enumerate(words["real"]):
        for gram in _grams(tokens, SPAN):
            where.setdefault(gram, number)
    spans, worst = {}, []
    for table in (t for t in texts if t != "real"):
        flags = np.zeros(len(texts[table]), dtype=bool)
        for i, tokens in enumerate(words[table]):
            best, length, source = 0, 0, -1
            for gram in _grams(tokens, SPAN):
                length = length + 1 if gram in where else 0
                if length > best:
                    best, source = length, where[gram]
            flags[i] = best > 0
            if best and table == "synthetic":
                worst.append((best + SPAN - 1, texts[table][i], texts["real"][source]))
        spans[table] = flags
    worst.sort(key=lambda found: -found[0])
    shown = [Copied(n, a[:LETTERS], b[:LETTERS]) for n, a, b in worst[:SHOWN]]
    return share(spans["synthetic"], spans.get("holdout")), shown
