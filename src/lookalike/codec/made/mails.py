"""E-mail addresses built as the real ones are: out of the names in the same row where those are.

An address is a template of words of the row's name columns (whole or the first letter), signs and numbers,
and a domain by its share. Domains and numbers that fewer than `rare` rows have are not kept. Where addresses
are made of no other column, the part before the @ has the pattern of the real ones. None is a real one.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.made import patterns, urls
from lookalike.codec.made.taken import Taken
from lookalike.codec.slot import Array
from lookalike.table.patterns import Part, Shape
from lookalike.table.patterns import learn as learn_pattern

MOST = 0.9  # of the addresses, that are made of a name
_LOOKED_AT = 1000  # rows
_ANOTHER, _DOMAIN = 20, 70  # tries for an address that no other row has, and at the domain that was drawn
_FREE, _TRIES = 220, 240  # tries for one that is not taken, and in all
_SOURCES = 8  # columns that may be names, at most
_PLAIN = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "æ": "ae", "ł": "l"}


@dataclass(frozen=True)
class Params:
    """How addresses are made; no real one is in it.

    domains, counts: with their rows; sources: numbers of the columns whose words are in it; templates: with
    their rows, tokens such as "w0" (the first word), "i1" (the first letter of the second), "9" (a number)
    and ".": a sign; number: those numbers; shapes: of what stands before the @ where there is no source.
    """

    domains: list[str]
    counts: list[int]
    sources: list[int] = field(default_factory=list)
    templates: list[list[Any]] = field(default_factory=list)
    number: Part | None = None
    shapes: list[Shape] = field(default_factory=list)


def of(facts: Mapping[str, Any]) -> Params:
    """The Params of a saved model, whose fields are `facts`."""
    number = facts["number"]
    shapes = [patterns.shape_of(shape) for shape in facts["shapes"]]
    return Params(**{**facts, "number": number and Part(**number), "shapes": shapes})


def learn(mails: pd.Series, names: Mapping[int, pd.Series], rare: int) -> Params:
    """mails: none missing; names: by number, the columns of strings that they may be made of, of the same
    rows.
    """
    cut = [str(mail).rpartition("@") for mail in mails]
    domains = Counter(domain for _, _, domain in cut)
    common = [(domain, n) for domain, n in domains.most_common() if n >= rare] or [("example.com", 1)]
    known, rows = [domain for domain, _ in common], [n for _, n in common]
    local = [before for before, _, _ in cut]
    some = np.linspace(0, len(cut) - 1, min(len(cut), _LOOKED_AT)).astype(int)
    likely = _likely([local[i] for i in some], {j: names[j].iloc[some] for j in names})
    every = [*likely, *(j for j in names if j not in likely)][:_SOURCES]
    pairs = [pair for a in likely for b in every if b != a for pair in ((a, b), (b, a))]
    for sources in [*((j,) for j in likely), *pairs]:
        sample = [_template(local[i], _words([names[j].iloc[i] for j in sources])) for i in some]
        if sum(one is not None for one in sample) < MOST * len(sample):
            continue
        cells = list(zip(*(names[j] for j in sources), strict=True))
        found = [_template(text, _words(cell)) for text, cell in zip(local, cells, strict=True)]
        counts = Counter(one[0] for one in found if one is not None)
        templates = [[n, list(tokens)] for tokens, n in counts.most_common() if n >= rare]
        if not templates:
            continue
        numbers = [number for one in found if one is not None for number in one[1]]
        shape = learn_pattern(numbers, 1) if numbers else None
        number = _number(numbers, rare) if shape else None
        return Params(known, rows, list(sources), templates, number)
    return Params(known, rows, shapes=learn_pattern(local, rare) or [])


def _number(numbers: Sequence[str], rare: int) -> Part:
    counts = Counter(numbers)
    kept = [(value, n) for value, n in counts.most_common() if n >= rare]
    rest = [value for value in numbers if counts[value] < rare]
    lengths = [[n, m] for n, m in sorted(Counter(map(len, rest)).items())]
    longest = max((n for n, _ in lengths), default=0)
    digits = "0123456789"
    return Part([v for v, _ in kept], [n for _, n in kept], len(rest), None, None, lengths,
                [digits] * longest, [[1] * 10] * longest)  # fmt: skip


def _likely(local: Sequence[str], names: Mapping[int, pd.Series]) -> list[int]:
    """The columns whose words often stand in what comes before the @, most often first."""
    shares = {}
    for j, column in names.items():
        hits = [any(word in text.lower() for word in _words([cell]) if len(word) > 1)
                for text, cell in zip(local, column, strict=True)]  # fmt: skip
        shares[j] = float(np.mean(hits)) if hits else 0.0
    return [j for j in sorted(shares, key=lambda j: -shares[j]) if shares[j] > 0.1][:_SOURCES]


def _words(cells: Sequence[Any]) -> list[str]:
    """The words of names, in small letters without accents."""
    found: list[str] = []
    for cell in cells:
        text = "".join(_PLAIN.get(letter, letter) for letter in str(cell).lower())
        text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().replace("'", "")
        found += re.findall("[a-z]+", text)
    return found


def _template(local: str, words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """(tokens, the numbers among them) of a text that is made of words, each used once; None if it is not."""
    text = local.lower()

    def go(at: int, left: tuple[int, ...]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        if at == len(text):
            return (), ()
        if match := re.compile(r"\d+|[^a-z\d]").match(text, at):
            rest = go(match.end(), left)
            digits = match[0][0].isdigit()
            return rest and (
                ("9" if digits else match[0], *rest[0]),
                (match[0], *rest[1]) if digits else rest[1],
            )
        for i in left:
            for token, word in ((f"w{i}", words[i]), (f"i{i}", words[i][:1])):
                if text.startswith(word, at):
                    rest = go(at + len(word), tuple(j for j in left if j != i))
                    if rest is not None:
                        return (token, *rest[0]), rest[1]
        return None

    found = go(0, tuple(range(min(len(words), 6))))
    return (
        found if found is not None and any(len(token) > 1 and token[0] == "w" for token in found[0]) else None
    )


def make(
    params: Params,
    cells: Sequence[Sequence[Any]],
    taken: Taken,
    first: int,
    rng: np.random.Generator,
    again: bool = False,
) -> list[str]:
    """Addresses of the rows from number `first` on; cells: of each row, those of the source columns.

    Each is another; with `again`, one comes again where a name has no other of the form of the real ones.
    """
    shares = np.array(params.counts, dtype=np.float64)
    domains: Array = np.array(params.domains, dtype=object)
    seen: set[str] = set()
    made = []
    for row in range(len(cells)):
        words = _words(cells[row]) if params.sources else []
        text = ""
        for turn in range(_TRIES):
            if turn == 0 or _DOMAIN <= turn < _FREE:
                domain = domains[rng.choice(len(domains), p=shares / shares.sum())]
            local = _local(params, words, (first + row) * _TRIES + turn, rng, taken)
            late, last = turn >= _ANOTHER, turn >= _FREE
            # if nothing else is free, a number that no other has
            text = f"{local}{first + row if last or (late and not again) else ''}@{domain}"
            if text not in taken and (text not in seen or (late and again)):
                break
        seen.add(text)
        made.append(text)
    return made


def _local(params: Params, words: Sequence[str], number: int, rng: np.random.Generator, taken: Taken) -> str:
    if params.templates:
        fitting = [t for t in params.templates if all(_place(token) < len(words) for token in t[1])]
        if fitting:
            shares = np.array([n for n, _ in fitting], dtype=np.float64)
            tokens = fitting[int(rng.choice(len(fitting), p=shares / shares.sum()))][1]
            return "".join(_token(token, words, params.number, rng) for token in tokens)
    if params.shapes:
        return patterns.make(params.shapes, None, taken, number, 1, rng)[0]
    return urls.word(int(rng.integers(6_400, 512_000))) + (f".{words[0]}" if words else "")


def _place(token: str) -> int:
    """The number of the word that a token needs; -1 for none."""
    return int(token[1:]) if len(token) > 1 and token[0] in "wi" else -1


def _token(token: str, words: Sequence[str], number: Part | None, rng: np.random.Generator) -> str:
    place = _place(token)
    if place >= 0:
        return words[place] if token[0] == "w" else words[place][:1]
    return patterns.drawn(number, 1, rng)[0] if token == "9" and number is not None else token
