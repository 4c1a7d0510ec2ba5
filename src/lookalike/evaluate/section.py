"""What a chapter of the report finds, as types: `chapters/*.py` make a `Section`, the page and the text read
it.

Numbers are Python's; None stands for what could not be measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

SECTIONS = ("fidelity", "diversity", "utility", "privacy")
WIDTH = 1.96  # standard deviations of a normal distribution that hold 95% of it, to either side


@dataclass(frozen=True)
class Entry:
    """One figure of the report.

    value: None where it could not be measured. reference: the figure of the real holdout; None without one.
    low, high: the 95% interval of the value. chance: what a perfect synthesizer would score because tables
    are finite, where that is known. allowed: (good, fair), the largest values that get these grades, where
    the holdout and chance do not say it.
    """

    value: float | None = None
    reference: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    allowed: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON values, without `chance` and `allowed` where there are none."""
        out: dict[str, Any] = {key: getattr(self, key) for key in ("value", "reference", "low", "high")}
        if self.chance is not None or self.allowed is not None:
            out["chance"] = self.chance
        if self.allowed is not None:
            out["allowed"] = list(self.allowed)
        return out


def entry(
    value: float,
    reference: float | None = None,
    spread: float | None = None,
    chance: float | None = None,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Entry:
    """A figure with the interval that its standard deviation `spread` gives; nan counts as not measured.

    bounds: what the figure cannot pass.
    """
    found, half = known(value), known(spread)
    low = high = None
    if found is not None and half is not None:
        low, high = max(bounds[0], found - WIDTH * half), min(bounds[1], found + WIDTH * half)
    return Entry(found, known(reference), low, high, known(chance))


def share(flags: Array, reference: Array | None = None, chance: float | None = None) -> Entry:
    """A share of rows beside that of the holdout, with the spread of a bootstrap in closed form.

    flags: (rows,) whether a synthetic row counts, or how much of it, 0..1; reference: the same of the
    holdout.
    """
    value = float(flags.mean())
    spread = float(np.sqrt(value * (1 - value) / len(flags)))
    return entry(value, None if reference is None else float(reference.mean()), spread, chance)


def known(value: float | None) -> float | None:
    """The number as a Python float; None for nan."""
    return None if value is None or np.isnan(value) else float(value)


@dataclass(frozen=True)
class Histogram:
    """Shares of the values of a column that are not missing.

    bins: whether `labels` are the edges of bins (one more than bins) or the names of categories. shares:
    table -> share of each bin or category, 0..1.
    """

    bins: bool
    labels: list[str]
    shares: dict[str, list[float]]


@dataclass(frozen=True)
class ColumnDetail:
    """How one column differs. missing, strange: table -> share of its rows whose value is missing, or is
    unseen, out of range or unreadable. histogram: None for an id and for a column without values."""

    shape_error: Entry
    missing: dict[str, float]
    strange: dict[str, float]
    histogram: Histogram | None


@dataclass(frozen=True)
class Pair:
    """Two columns: by what they were compared ("correlation" or "joint frequencies") and what came out.

    real, synthetic: the correlations. target: whether one of them is the target.
    """

    first: str
    second: str
    compared_by: str
    error: float
    reference: float | None
    real: float | None
    synthetic: float | None
    target: bool = False


@dataclass(frozen=True)
class PairMap:
    """The errors of all pairs as a square; None on the diagonal and where there is no error."""

    columns: list[str]
    errors: list[list[float | None]]


@dataclass(frozen=True)
class Giveaway:
    """A column that tells the detector which rows are synthetic; importance: AUC lost when it is shuffled."""

    column: str
    importance: float


@dataclass(frozen=True)
class Curve:
    """A ROC curve: shares of the real rows (`false`) and of the synthetic rows (`true`) above each
    threshold."""

    false: list[float]
    true: list[float]


@dataclass(frozen=True)
class Projection:
    """Rows on a plane, [x, y] each, about -1..1; share: of the variance of the real rows that it shows,
    0..1."""

    real: list[list[float]]
    synthetic: list[list[float]]
    share: float


@dataclass(frozen=True)
class ModelScores:
    """What models score on the holdout ("AUC" or "R^2"); models: family -> table it learned from -> score."""

    score: str
    models: dict[str, dict[str, float | None]]
    train_rows: int
    test_rows: int


@dataclass(frozen=True)
class Distances:
    """Shares of the synthetic rows by distance to the closest training and the closest holdout row."""

    real: list[float]
    holdout: list[float]
    edges: list[float]


@dataclass(frozen=True)
class Attacks:
    """What attacks on privacy found: the AUC of each attack on membership, the gain of each guessed
    column."""

    dcr: Distances
    attacks: dict[str, float]
    secrets: dict[str, float]


@dataclass(frozen=True)
class Identified:
    """A column (or two) whose values few real rows have: the shares of the rows that show one, 0..1."""

    names: list[str]
    value: float
    reference: float | None
    excused: float


@dataclass(frozen=True)
class BrokenRule:
    """A rule between columns in words, and the shares of the rows of each table that break it, 0..1."""

    words: str
    real: float
    synthetic: float
    holdout: float | None


@dataclass(frozen=True)
class Spectra:
    """What the texts of a column are made of.

    lengths: table -> tokens of a text at the tenths of the table, shortest to longest. ngrams: n (1 to 4) ->
    table -> [share of distinct n-grams, share of n-grams that the real texts have, too]. tokens: those whose
    frequency differs most, [token, share of the real, of the synthetic tokens].
    """

    column: str
    lengths: dict[str, list[float]]
    ngrams: dict[int, dict[str, list[float]]]
    tokens: list[tuple[str, float, float]]


@dataclass(frozen=True)
class Copied:
    """A synthetic text beside the real one that it shares the most tokens in a row with."""

    tokens: int
    synthetic: str
    real: str


@dataclass(frozen=True)
class Structured:
    """A column of code or JSON: its language and its entries."""

    language: str
    entries: dict[str, Entry]


@dataclass(frozen=True)
class Rows:
    """Rows of the synthetic table as text, missing as "" (`shown.py`)."""

    columns: list[str]
    data: list[list[str]]


@dataclass(frozen=True)
class Pairs:
    """Synthetic rows and the nearest real ones, cells as text.

    synthetic, real, equal: (pairs, columns), equal: whether both cells are. agree: in how many of all columns
    each pair agrees.
    """

    synthetic: list[list[str]]
    real: list[list[str]]
    equal: list[list[bool]]
    agree: list[int]


@dataclass(frozen=True)
class Beside:
    """Synthetic rows beside the nearest real ones.

    median: table -> in how many of the `of` columns a row agrees with its nearest real row. rows: real rows
    that were looked through. pairs: None where real rows may not be shown.
    """

    columns: list[str]
    median: dict[str, float]
    of: int
    rows: int
    pairs: Pairs | None


@dataclass(frozen=True)
class JudgedTable:
    """What a judge says of a table.

    pairs: with real rows, judged in both orders. preferred: share of them in which its row wins, a tie being
    half; 0.5 is ideal. ties: share of them. elo: with the real rows at 1000; without a value where no pairs
    lead to them. scores: criterion -> mean score, 1..5, beside that of the real rows. people: `preferred` by
    people, as far as they answered. alone: its interval by their answers alone; trust: how much the judge
    counts in it, 0..1; answers: theirs.
    """

    pairs: int
    preferred: Entry
    ties: float | None
    elo: Entry
    scores: dict[str, Entry]
    people: Entry | None = None
    alone: tuple[float, float] | None = None
    trust: float | None = None
    answers: int = 0


@dataclass(frozen=True)
class Judgement:
    """What a judge says, and what it is worth.

    tables: by name. real: criterion -> mean score of the real rows. controls: share of the votes on planted
    pairs that are right; kinds: how the rows were spoilt -> (right, votes). usable: whether enough are.
    consistency: share of the pairs of which both orders have the same verdict. first: share of the decided
    votes for the first place, 0.5 without a favour. first_odds, length_odds: what the first place and a
    text twice as long add to the log odds. agreement, kappa: with people, who answered `answered` pairs.
    calls, tokens, cost: of the model in all runs with the ledger.
    """

    model: str
    question: str
    tables: dict[str, JudgedTable]
    real: dict[str, Entry]
    controls: Entry
    kinds: dict[str, tuple[int, int]]
    usable: bool
    consistency: Entry
    first: Entry
    first_odds: Entry
    length_odds: Entry
    agreement: Entry | None = None
    kappa: Entry | None = None
    answered: int = 0
    calls: int = 0
    tokens: int = 0
    cost: float | None = None
    notes: list[str] = field(default_factory=list)


@dataclass
class Section:
    """What one chapter adds to the report, or all of them together.

    entries: section -> key -> figure, as in `figures.FIGURES`. columns, pair_errors: by the name of the
    column. telltale: the rows that the detector is surest about. identifying: "columns" and "pairs". rules:
    the one that synthetic rows break most beyond real ones first. verbatim: None where it was not looked for.
    sizes: how many rows were compared, by what needs them. judged: None without a judge. skipped: what could
    not be judged, and why. warnings: what to be careful about.
    """

    entries: dict[str, dict[str, Entry]] = field(default_factory=dict)
    columns: dict[str, ColumnDetail] = field(default_factory=dict)
    pair_errors: dict[str, float] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    pair_map: PairMap | None = None
    giveaways: list[Giveaway] = field(default_factory=list)
    roc: Curve | None = None
    telltale: Rows | None = None
    beside: Beside | None = None
    projection: Projection | None = None
    models: ModelScores | None = None
    attacks: Attacks | None = None
    identifying: dict[str, list[Identified]] = field(default_factory=dict)
    rules: list[BrokenRule] = field(default_factory=list)
    spectra: Spectra | None = None
    verbatim: list[Copied] | None = None
    structured: dict[str, Structured] = field(default_factory=dict)
    judged: Judgement | None = None
    sizes: dict[str, int | dict[str, int]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def add(self, other: Section) -> None:
        """Take over what another chapter found: its facts beside these ones, and in the place of the same."""
        for one in fields(self):
            own, more = getattr(self, one.name), getattr(other, one.name)
            if one.name == "entries":
                for section, found in more.items():
                    own.setdefault(section, {}).update(found)
            elif isinstance(own, dict):
                own.update(more)
            elif more is not None:
                setattr(self, one.name, own + more if isinstance(own, list) else more)
