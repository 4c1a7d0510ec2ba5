"""Does the synthetic table show values, and pairs of values, by which single real rows can be found?

Few: what one to four real rows have. Of every column, and of every pair of columns, the share of the
synthetic rows that show a value of few real rows. Each stands beside three shares:

- reference: of the holdout's rows.
- fresh: of rows like the real ones. It is the holdout's share; without one, that of the real rows of which
  one to four others have the value, too (Good & Turing).
- made up: of values that were made up of the parts of real ones. A number is drawn between its neighbours
  among the real ones, so that of a key that counts 1..n every one is real by chance. A word is drawn from
  other values of the same shape ("Ann Lee" and "Bo Ray" make "Ann Ray"), and counts if two of them have it.
  A pair is made up of the synthetic rows' values, each drawn by itself.

The larger of the last two excuses the first, with one exception. A holdout of the same customers repeats
their names as often as a table that copied them. Where a column holds short strings of several parts (names,
addresses, keys), and in pairs of two columns whose values are mostly few rows', fresh rows excuse a tenth of
the rows to be good, half of them to be fair. Numbers and single words are no names by themselves: what fresh
rows share excuses them in full. What is made up every other time identifies nobody, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.columns import ComparedColumn, joined
from lookalike.evaluate.rows import lengths
from lookalike.evaluate.section import Entry, Identified, Section, share
from lookalike.evaluate.view import View
from lookalike.table import precision

Array = npt.NDArray[Any]

RARE = 5  # rows from which a value is not few rows'
FEWEST = 40  # rows of a holdout below which it does not say what fresh rows share
TRUSTED = (0.1, 0.5)  # share of rows that name someone, up to which fresh rows excuse: good, fair
CLEAR = 0.02  # above what is excused, from which it is worked out what chance does
GUESSED = 0.5  # of the values that are made up, from which they identify nobody
DRAWS = 2_000  # values that are made up
LOOKED_AT = 20_000  # distinct values that they are made of
NEIGHBOURS = 10  # real numbers to either side, between which one is drawn
WORDS = 8  # from which a string is a text, and names no one
LETTERS = 200  # of a string that are looked at for that
PAIR_CELLS = 10_000_000  # pairs x rows
FEWEST_PAIRS = 20
SHOWN = 5
SHUFFLES = 4
PART = re.compile(r"\d{1,18}|[^\W\d_]+|(?:[^\w]|_)+")


def measure(view: View) -> Section:
    """The entries `identifying_values` and `identifying_pairs`, and the columns and pairs they are of."""
    columns = joined(view.columns, view.tables)
    personal = [str(column.name) for column in columns if column.personal]
    entries, details = identify(columns, np.random.default_rng(view.seed), personal)
    section = Section({"privacy": entries}, identifying=details)
    every, looked_at = len(columns) * (len(columns) - 1) // 2, most_pairs(columns)
    if every > looked_at:
        section.skipped["identifying"] = (
            f"only {looked_at:,} of the {every:,} pairs of columns were searched for combinations that "
            "few real rows have: those whose columns have the most such values."
        )
    return section


@dataclass
class _Found:
    """What was measured of one column or pair."""

    names: list[str]
    flags: dict[str, Array]  # table -> (rows,) whether the row shows a value of few real rows
    few: Array  # the codes of those values, sorted
    mostly: float  # share of the real rows that have one
    fresh: float
    named: bool  # whether fresh rows excuse it in part only
    every: bool  # whether the values count that more rows have, too
    made_up: float | None = None  # not worked out where fresh rows excuse it all

    def excused(self, trusted: float = TRUSTED[0]) -> float:
        return max(self.made_up or 0.0, min(self.fresh, trusted) if self.named else self.fresh)

    def excess(self) -> float:
        return float(self.flags["synthetic"].mean()) - self.excused()

    def entry(self, looked_at: int) -> Entry:
        """The figure with what excuses it; looked_at: columns or pairs, the worst of which is shown."""
        rows = min(map(len, self.flags.values()))
        far = float(np.sqrt(2 * np.log(2 * looked_at)))  # the largest of so many normal deviates, about
        levels = [self.excused(trusted) for trusted in TRUSTED]
        good, fair = (p + far * float(np.sqrt(2 * p * (1 - p) / rows)) for p in levels)
        found = share(self.flags["synthetic"], self.flags.get("holdout"))
        return replace(found, chance=self.made_up, allowed=(good, fair))


def identify(
    columns: list[ComparedColumn], rng: np.random.Generator, personal: Collection[str] = ()
) -> tuple[dict[str, Entry], dict[str, list[Identified]]]:
    """(the entries `identifying_values`, `identifying_pairs`, details).

    columns: with all rows of each table. personal: names of columns known to hold persons; of their numbers
    and strings of several parts every value counts, however many rows have it. An entry is that of the worst
    column (pair); its "allowed" is what excuses it to be good, and to be fair. details: {"columns", "pairs"}:
    the worst and up to four more that are clearly above what excuses them, to be good, but for chance.
    """
    kept = [column for column in columns if (column.identity["real"] >= 0).any()]
    singles = [_single(column, str(column.name) in personal, rng) for column in kept]
    entries, details = {}, {}
    for kind, found in (("values", singles), ("pairs", _pairs(kept, singles, rng))):
        found = [one for one in found if (one.made_up or 0.0) < GUESSED]
        found.sort(key=lambda one: (one.named and one.excess() > CLEAR, one.excess()), reverse=True)
        shown = found[:1] + [one for one in found[1:SHOWN] if one.excess() > CLEAR]
        told = [one.entry(len(found)) for one in shown]
        if told:
            entries[f"identifying_{kind}"] = told[0]
        details["columns" if kind == "values" else kind] = [
            Identified(one.names, entry.value, entry.reference, one.excused())
            for one, entry in zip(shown, told, strict=True)
            if entry.value
        ]
    return entries, details


def _find(names: list[str], codes: dict[str, Array], named: bool, every: bool) -> _Found:
    """codes: table -> (rows,) equal exactly where the values are equal, -1 is missing; every: none is too
    frequent to count."""
    real = codes["real"]
    values, counts = np.unique(real[real >= 0], return_counts=True)
    rare = counts < (len(real) + 1 if every else RARE)
    flags = {table: _among(own, values[rare]) for table, own in codes.items() if table != "real"}
    again = rare | (counts == RARE)  # one row is not its own other
    fresh = float(counts[again & (counts > 1)].sum() / len(real))
    if "holdout" in flags:
        if len(flags["holdout"]) >= FEWEST:
            fresh = float(flags["holdout"].mean())
        else:
            del flags["holdout"]
    mostly = float(counts[rare].sum() / max(counts.sum(), 1))
    return _Found(names, flags, values[rare], mostly, fresh, named, every)


def _among(codes: Array, few: Array) -> Array:
    """(rows,) bool, which codes are among few, which are in order: `np.isin` would sort for each pair."""
    if not len(few):
        return np.zeros(len(codes), dtype=bool)
    at = np.minimum(np.searchsorted(few, codes), len(few) - 1)
    there: Array = few[at] == codes
    return there


def _single(column: ComparedColumn, personal: bool, rng: np.random.Generator) -> _Found:
    labels = column.labels if column.labels is not None else column.texts
    labels = column.parts[0].labels if labels is None else labels
    assert labels is not None
    numbers = bool(column.parts) and column.parts[0].values is not None and column.texts is None
    identity = column.identity
    if numbers:  # of numbers, the exceptions are no one's: their codes are beyond the labels
        identity = {t: np.where(own < len(labels), own, -1) for t, own in identity.items()}
    codes = np.unique(identity["real"])
    codes = rng.permutation(codes[codes >= 0])[:LOOKED_AT]
    named = not numbers and float(np.mean([_names(str(labels[code])) for code in codes[:DRAWS]])) >= 0.5
    keyed = float(np.mean([str(labels[code]).isdecimal() for code in codes[:DRAWS]])) >= 0.5
    every = personal and (numbers or named or keyed)
    found = _find([str(column.name)], identity, named or every, every)
    if found.excess() > CLEAR:
        if numbers:
            found.made_up = _drawn_numbers(labels, identity["real"], found.few, rng)
        else:
            secret = {str(labels[code]) for code in found.few}
            found.made_up = _drawn_strings([str(labels[code]) for code in codes], secret, rng)
    return found


def _names(text: str) -> bool:
    """Whether a string has several parts, but is no text and no JSON."""
    words = [part for part in PART.findall(text[:LETTERS]) if part[0].isalnum()]
    return len(words) > 1 and len(text.split()) < WORDS and text[0] not in "{["


def most_pairs(columns: list[ComparedColumn]) -> int:
    """How many pairs of columns are looked at, at most."""
    rows = sum(lengths(columns).values()) if columns else 0
    return max(FEWEST_PAIRS, PAIR_CELLS // max(rows, 1))


def _pairs(columns: list[ComparedColumn], singles: list[_Found], rng: np.random.Generator) -> list[_Found]:
    """Every pair of columns; where there are too many, those of columns whose values are few rows'."""
    places, mostly = np.triu_indices(len(columns), 1), np.array([one.mostly for one in singles])
    few = np.minimum(*(mostly[own] for own in places))
    chosen = np.argsort(-few, kind="stable")[: most_pairs(columns)]
    out = []
    for i, j in zip(*(own[chosen].tolist() for own in places), strict=True):
        first, second = columns[i].identity, columns[j].identity
        wide = 1 + max(int(codes.max(initial=0)) for codes in second.values())

        def crossed(a: Array, b: Array, wide: int = wide) -> Array:
            return np.where((a < 0) | (b < 0), -1, a * wide + b)

        strings = any(c.kind in ("text", "id", "category") for c in (columns[i], columns[j]))
        found = _find(
            [str(columns[i].name), str(columns[j].name)],
            {table: crossed(first[table], second[table]) for table in first},
            strings and min(singles[i].mostly, singles[j].mostly) >= 0.5,
            singles[i].every and singles[j].every,
        )
        if found.excess() > CLEAR:
            made = [
                crossed(first["synthetic"], rng.permutation(second["synthetic"])) for _ in range(SHUFFLES)
            ]
            found.made_up = float(_among(np.concatenate(made), found.few).mean())
        out.append(found)
    return out


def _drawn_numbers(labels: Array, real: Array, few: Array, rng: np.random.Generator) -> float:
    """Share of numbers drawn between neighbours, on the grid of the real ones, that few real rows have.

    labels: (support,) int64 or float64 numbers that the codes stand for; 0 where the numbers have no grid.
    """
    values = labels[real[real >= 0]]
    values = values[np.isfinite(values)]
    secret = labels[few][np.isfinite(labels[few])]
    if values.dtype.kind == "f":
        digits = precision.found(values, "float64").decimals
        if digits is None or not len(values):
            return 0.0
        values, secret = (np.rint(v * 10.0**digits).astype(np.int64) for v in (values, secret))
    low = int(values.min())
    if int(values.max()) - low >= 2**62:
        return 0.0  # chance hits none of so many
    step = max(int(np.gcd.reduce(values - low)), 1)
    return float(np.isin(_between((values - low) // step, DRAWS, rng), (secret - low) // step).mean())


def _between(numbers: Array, draws: int, rng: np.random.Generator) -> Array:
    """(draws,) int64, each drawn between real numbers on both sides of a random one of them."""
    distinct, place = np.unique(numbers, return_inverse=True)
    at = place[rng.integers(0, len(place), draws)]
    low, high = np.maximum(at - NEIGHBOURS, 0), np.minimum(at + NEIGHBOURS, len(distinct) - 1)
    return rng.integers(distinct[low], distinct[high] + 1)


def _drawn_strings(texts: list[str], secret: set[str], rng: np.random.Generator) -> float:
    """Share of strings made up of parts of these that are among the secret ones."""
    shapes: dict[tuple[str, ...], list[list[str]]] = {}
    for text in texts:
        parts = PART.findall(text)
        shape = tuple("9" if p[0].isdecimal() else "A" if p[0].isalpha() else p for p in parts)
        shapes.setdefault(shape, []).append(parts)
    hits = 0.0
    for shape, values in shapes.items():
        draws = DRAWS * len(values) // len(texts)
        if len(values) < RARE or not draws:
            continue  # nothing to put together
        columns, common = [], np.ones(draws, dtype=bool)
        for place, kind in enumerate(shape):
            own = [parts[place] for parts in values]
            if kind == "9":
                padded = len(own[0]) if len({len(p) for p in own}) == 1 else 0
                drawn = _between(np.array([int(p) for p in own], dtype=np.int64), draws, rng)
                columns.append([str(number).zfill(padded) for number in drawn])
                continue
            words, place_of, times = np.unique(own, return_inverse=True, return_counts=True)
            at = place_of[rng.integers(0, len(own), draws)]
            common &= times[at] > 1
            columns.append(words[at].tolist())
        made = ("".join(parts) for parts in zip(*columns, strict=True))
        hits += sum(text in secret and known for text, known in zip(made, common, strict=True))
    return hits / DRAWS
