"""The figures that a reader sees: their titles, how they are shown, and what is good."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from lookalike.arguments import text as argument
from lookalike.errors import OptionError
from lookalike.evaluate.results import Figures
from lookalike.evaluate.section import Entry

GOOD, FAIR, POOR = "good", "fair", "poor"


@dataclass(frozen=True)
class Figure:
    """How a figure is shown and judged.

    slack: (good, fair), how far it may be above the largest of the holdout's figure, what chance does and
    `perfect` (`up`: below the smallest); None: shown without a grade. An entry's own `allowed` (good, fair)
    stands in for the first two.
    factor: the same as a multiple of that, whichever allows more.
    other: the slack on the other side, where too much is as bad as too little; judged against the holdout's
    figure and what chance does. None: the other side is no fault.
    alone: whether it can be judged without a holdout.
    equal: measured on equally many rows of each table; the name of their number in "sizes".
    """

    section: str
    key: str
    title: str
    show: Callable[[float | None], str]
    perfect: float
    slack: tuple[float, float] | None
    factor: tuple[float, float]
    meaning: str
    up: bool = False
    other: tuple[float, float] | None = None
    alone: bool = True
    equal: str | None = None


def percent(value: float | None) -> str:
    """A share of 0..1 in percent, with as many digits as it is worth; "-" for None."""
    if value is None:
        return "-"
    if value in (0, 1):
        return f"{100 * value:.0f}%"
    return f"{100 * value:.2f}%" if value < 0.1 else f"{100 * value:.1f}%"


def decimal(value: float | None) -> str:
    """A figure such as an AUC with three digits; "-" for None."""
    return "-" if value is None else f"{value:.3f}"


FIGURES = (
    Figure("fidelity", "c2st_auc", "C2ST AUC, gradient boosting", decimal, 0.5, (0.05, 0.15), (1, 1),
           "AUC of a strong classifier that looks for the synthetic rows; 0.5 is a coin flip, 1 finds all. "
           "Far below 0.5, rows are copies.", other=(0.05, 0.15), equal="detection"),
    Figure("fidelity", "c2st_auc_linear", "C2ST AUC, logistic", decimal, 0.5, (0.05, 0.15), (1, 1),
           "The same by a simple classifier: what it finds is wrong with single columns.", equal="detection"),
    Figure("fidelity", "shape_error", "column shape error", percent, 0.0, (0.01, 0.04), (1.5, 3),
           "Mean distance between the real and the synthetic distribution of a column."),
    Figure("fidelity", "pair_error", "column pair error", percent, 0.0, (0.02, 0.06), (1.5, 3),
           "Mean distance between the real and the synthetic relation of two columns."),
    Figure("fidelity", "missing_error", "missing rate error", percent, 0.0, (0.01, 0.05), (1.5, 3),
           "Mean difference between the real and the synthetic share of missing values."),
    Figure("fidelity", "unseen", "rows with unseen category", percent, 0.0, (0.005, 0.05), (1, 2),
           "Rows with a category that no real training row has."),
    Figure("fidelity", "out_of_range", "rows out of range", percent, 0.0, (0.005, 0.05), (1, 2),
           "Rows with a number or date beyond the smallest or largest of the real training rows."),
    Figure("fidelity", "well_formed", "ids: well-formed", percent, 1.0, (0.005, 0.05), (1, 1),
           "Cells of the worst column of ids with the pattern and the check digits of the real ones.",
           up=True),
    Figure("fidelity", "rules_broken", "rows that break a rule", percent, 0.0, (0.005, 0.05), (1.5, 3),
           "Rows that break a rule between columns that (nearly) all real rows keep: impossible rows."),
    Figure("fidelity", "alpha_precision", "alpha-precision", decimal, 1.0, (0.03, 0.1), (1, 1),
           "How well the synthetic rows keep to where the real ones lie; 1 is perfect.", up=True,
           equal="neighbours"),
    Figure("fidelity", "beta_recall", "beta-recall", decimal, 1.0, (0.03, 0.1), (1, 1),
           "How much of where the real rows lie the synthetic ones reach; 1 is perfect.", up=True,
           equal="neighbours"),
    Figure("fidelity", "mmd_p", "MMD, p-value", decimal, 1.0, None, (1, 1),
           "Chance that two samples of one distribution differ so much; if it is small, the tables differ.",
           up=True, equal="kernel"),
    Figure("fidelity", "mauve", "text: MAUVE", decimal, 1.0, (0.05, 0.2), (1, 1),
           "How alike the texts are by subject, 1 being equal (on clusters of TF-IDF vectors).", up=True),
    Figure("fidelity", "words_error", "text: word frequencies", percent, 0.0, (0.03, 0.15), (1.2, 2),
           "Total variation between the frequencies of words.", alone=False),
    Figure("fidelity", "length_error", "text: lengths", percent, 0.0, (0.03, 0.1), (1.5, 3),
           "Distance between the distributions of the number of words."),
    Figure("fidelity", "new_words", "text: new words", percent, 0.0, (0.03, 0.1), (1.25, 2),
           "Words of the texts that no real training text has; real texts have new words, too."),
    Figure("fidelity", "parses", "code: parses", percent, 1.0, (0.01, 0.1), (1, 1),
           "Values of columns of code or JSON that a parser accepts.", up=True),
    Figure("fidelity", "schema_valid", "JSON: fits the schema", percent, 1.0, (0.01, 0.1), (1, 1),
           "Values of JSON columns that satisfy the schema inferred from the real ones.", up=True),
    Figure("fidelity", "new_keys", "JSON: new keys", percent, 0.0, (0.01, 0.08), (1.2, 1.6),
           "Keys of JSON values that no real training value has; real maps have new keys, too."),
    Figure("fidelity", "calls_fit", "tool calls: fit their tools", percent, 1.0, (0.02, 0.1), (1, 1),
           "Rows whose calls name a tool of the row and give it arguments that it takes.", up=True),
    Figure("fidelity", "judged", "judge: preferred to real", percent, 0.5, (0.1, 0.25), (1, 1),
           "Pairs in which a language model prefers the synthetic row to a real one; 50% is ideal.", up=True),
    Figure("diversity", "distinct_2", "text: distinct pairs of words", percent, 1.0, (0.05, 0.2), (1, 1),
           "Share of the pairs of neighbouring words that are different; far above real texts: made up.",
           up=True, other=(0.05, 0.2), alone=False),
    Figure("diversity", "vocabulary", "text: vocabulary of real", percent, 1.0, (0.1, 0.3), (1, 1),
           "Number of different words, divided by that of as much real text; far above 100%: made up.",
           up=True, other=(0.1, 0.3), alone=False),
    Figure("diversity", "self_bleu", "text: self-BLEU", decimal, 0.0, (0.05, 0.15), (1, 1),
           "How much of a text the other texts of its table say, too.", other=(0.05, 0.15), alone=False),
    Figure("diversity", "vendi", "text: Vendi score", percent, 1.0, (0.02, 0.1), (1, 1),
           "Effective number of different texts, divided by the number of texts.",
           up=True, other=(0.05, 0.2), alone=False),
    Figure("diversity", "unique_rows", "unique rows", percent, 1.0, (0.01, 0.1), (1, 1),
           "Rows that do not repeat an earlier synthetic row.",
           up=True, other=(0.05, 0.2), alone=False, equal="repeats"),
    Figure("diversity", "near_duplicates", "near-duplicates", percent, 0.01, (0.01, 0.05), (1.5, 3),
           "Rows with a neighbour as close as only 1% of the real rows have one.",
           other=(0.05, 0.2), equal="neighbours"),
    Figure("diversity", "category_coverage", "categories covered", percent, 1.0, (0.02, 0.1), (1, 1),
           "Share of the real rows' categories that occur, rare ones included.", up=True),
    Figure("diversity", "cell_coverage", "combinations covered", percent, 1.0, (0.03, 0.1), (1, 1),
           "Share of the pairs of categories of at least five real rows that occur.", up=True, alone=False),
    Figure("utility", "tstr", "trained on synthetic", decimal, 1.0, None, (1, 1),
           "Score on real rows of models trained on synthetic ones (beside it: on real ones).", up=True),
    Figure("utility", "ratio", "utility of real", percent, 1.0, (0.02, 0.1), (1, 1),
           "Score of models trained on synthetic rows, divided by that of real-trained ones.", up=True),
    Figure("utility", "importance_agreement", "importance agreement", decimal, 1.0, None, (1, 1),
           "Rank correlation of the columns' importance between both models.", up=True),
    Figure("privacy", "exact_copies", "exact copies", percent, 0.0, (0.001, 0.01), (1, 1),
           "Rows that equal a real training row in every column but ids; real tables have twins, too."),
    Figure("privacy", "near_copies", "copies in all but one cell", percent, 0.0, (0.01, 0.05), (1, 1),
           "Rows that equal a real training row in all columns but one; so do many real rows."),
    Figure("privacy", "dcr_share", "closer to training rows", percent, 0.5, (0.03, 0.1), (1, 1),
           "Rows closer to a training row than to any of as many holdout rows; 50% is ideal."),
    Figure("privacy", "nndr", "neighbour distance ratio", decimal, 1.0, (0.05, 0.2), (1, 1),
           "Distance to the nearest training row over that to the second (median); small: near to one.",
           up=True, alone=False),
    Figure("privacy", "membership_auc", "membership attack AUC", decimal, 0.5, (0.03, 0.1), (1, 1),
           "How well an attacker tells training rows from other real rows; 0.5 is guessing."),
    Figure("privacy", "attribute_gain", "attribute attack gain", percent, 0.0, (0.02, 0.08), (1, 1),
           "How much more often a hidden value is guessed for training rows than for other real rows."),
    Figure("privacy", "identifying_values", "identifying values", percent, 0.0, (0.02, 0.1), (1, 1),
           "Rows with a text, id or other value that only one to four real rows have, in the worst column."),
    Figure("privacy", "identifying_pairs", "identifying pairs", percent, 0.0, (0.02, 0.1), (1, 1),
           "Rows with a combination of values that only one to four real rows have, in the worst pair."),
    Figure("privacy", "rare_values", "rare categories leaked", percent, 0.0, (0.02, 0.2), (1, 1),
           "Share of the categories of only one to four real rows that occur.", alone=False),
    Figure("privacy", "verbatim", "text: copied spans", percent, 0.0, (0.02, 0.1), (1.25, 2),
           "Texts that share eight words in a row with a real training text.", alone=False),
)  # fmt: skip


def grade(figure: Figure, entry: Entry) -> str | None:
    """good, fair or poor; None where the figure is missing or only a holdout could tell."""
    if entry.value is None or figure.slack is None:
        return None
    found = max(
        _side(figure, entry, figure.up, figure.slack),
        _side(figure, entry, not figure.up, figure.other) if figure.other else GOOD,
        key=(GOOD, FAIR, POOR).index,
    )
    return None if found != GOOD and entry.reference is None and not figure.alone else found


def beyond(figure: Figure, entry: Entry) -> bool:
    """Whether a figure is off on its other side; of diversity: whether there is more than in real rows."""
    return figure.other is not None and _side(figure, entry, not figure.up, figure.other) != GOOD


def _side(figure: Figure, entry: Entry, up: bool, slack: tuple[float, float]) -> str:
    """The grade of a figure that must not be too low (`up`), or too high."""
    marks = []
    for place in (0, 1):
        known = [x for x in (entry.reference, entry.chance) if x is not None]
        if entry.allowed is not None:
            known = [entry.allowed[place]]
        if up == figure.up:
            known.append(figure.perfect)
        if not known:
            return GOOD
        factor = figure.factor[place] if up == figure.up else 1.0
        limit = max(known)
        marks.append(min(known) - slack[place] if up else max(limit + slack[place], limit * factor))
    assert entry.value is not None
    held = [entry.value >= mark if up else entry.value <= mark for mark in marks]
    return GOOD if held[0] else FAIR if held[1] else POOR


@dataclass(frozen=True)
class Graded:
    """A figure as text: value, reference ("-" without one) and interval ("" without one); its grade.

    equal: how many rows of each table it is measured on, where that must be equally many; else "".
    """

    section: str
    key: str
    title: str
    value: str
    reference: str
    interval: str
    grade: str | None
    meaning: str
    equal: str


def grades(figures: Figures) -> list[Graded]:
    """Every figure that was measured, as text, with its grade and meaning."""
    rows = []
    for figure in FIGURES:
        entry, show = figures.entry(figure.section, figure.key), figure.show
        if entry.value is None:
            continue
        interval = ""
        if entry.low is not None and entry.high is not None and entry.low != entry.high:
            interval = f"{show(entry.low)} to {show(entry.high)}"
        rows.append(
            Graded(
                figure.section,
                figure.key,
                figure.title,
                show(entry.value),
                show(entry.reference),
                interval,
                grade(figure, entry),
                figure.meaning,
                "" if figure.equal is None else _equal(figures.found.sizes.get(figure.equal)),
            )
        )
    return rows


def _equal(rows: int | dict[str, int] | None) -> str:
    rows = min(rows.values()) if isinstance(rows, dict) else rows
    return "" if rows is None else f"{rows:,} rows of each table"


ALIASES = {"c2st": "c2st_auc", "utility": "ratio", "membership": "membership_auc", "copies": "exact_copies"}


def limits(text: str) -> dict[str, float]:
    """ "c2st=0.60,utility=0.95" -> {"c2st_auc": 0.6, "ratio": 0.95}; raises OptionError for anything else."""
    text = argument("the limits", text, "write them as c2st=0.60,utility=0.95")
    known = {figure.key for figure in FIGURES}
    found = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        key = ALIASES.get(name.strip(), name.strip())
        if key not in known:
            names = ", ".join([*ALIASES, *sorted(known)])
            raise OptionError(f"there is no figure '{name.strip()}' to fail under: choose one of {names}.")
        try:
            found[key] = float(number)
            if math.isnan(found[key]):  # nothing is worse than that
                raise ValueError
        except ValueError:
            raise OptionError(f"'{part}' is not a figure and its limit: write it as c2st=0.60.") from None
    return found


def failures(figures: Figures, wanted: dict[str, float]) -> list[str]:
    """One sentence for each figure that is worse than its limit or was not measured."""
    out = []
    for figure in (f for f in FIGURES if f.key in wanted):
        limit, value = wanted[figure.key], figures.entry(figure.section, figure.key).value
        if value is None:
            out.append(f"{figure.title} was not measured.")
        elif (value < limit) if figure.up else (value > limit):
            word = "below" if figure.up else "above"
            out.append(f"{figure.title} is {figure.show(value)}, {word} {figure.show(limit)}.")
    return out
