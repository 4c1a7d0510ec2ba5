"""What the figures mean, in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from lookalike.evaluate.figures import FAIR, FIGURES, GOOD, POOR, beyond, decimal, grade, grades, percent
from lookalike.evaluate.results import Figures, Verdict
from lookalike.evaluate.section import Entry, Giveaway

SAME = 1e-9  # error of two distributions that are one but for rounding
TOLD = 0.52  # AUC from which a ranking of columns is more than noise
ENOUGH = 100  # rows of a holdout below which nothing is said of it
APART, DEVIATIONS = (
    0.05,
    3.5,
)  # AUC above 0.5 that matters, and that chance does not bring: bench.tables.alike
FEW = 50  # rows of a table below which there is no verdict
BY_KEY = {figure.key: figure for figure in FIGURES}
COPIES = {key: BY_KEY[key] for key in BY_KEY if key in ("exact_copies", "near_copies")}
C2ST = BY_KEY["c2st_auc"]
MADE_UP = {"new_words": "words of the synthetic texts occur in no real text",
           "new_keys": "JSON keys of the synthetic rows occur in no real row"}  # fmt: skip
IDENTIFYING = {"identifying_values": "columns", "identifying_pairs": "pairs"}
DECIDE = ("c2st_auc", "shape_error", "pair_error")


def telling(figures: Figures) -> list[Giveaway]:
    """The columns that give the synthetic rows away, worst first; none if the detector is near chance."""
    if (figures.entry("fidelity", "c2st_auc").value or 0.5) < TOLD:
        return []
    return [one for one in figures.found.giveaways if one.importance >= 0.0005]


def verdict(figures: Figures) -> Verdict:
    """The grade of the whole, a sentence that leads and the others; copies of real rows come first."""
    found = _copies(figures)
    key, copies = found or (None, None)
    copied = [text for one in sorted(COPIES, key=lambda one: one != key) for text in _copied(figures, one)]
    if min(figures.tables[table].rows for table in ("real", "synthetic")) < FEW:
        nothing = (None, "There are too few rows to tell.")
        grade, headline = copies if copies and copies[0] == POOR else nothing
        return Verdict(grade, headline, copied)
    marks = {row.key: row.grade for row in grades(figures)}
    if not marks:
        return Verdict(None, "Nothing was measured.", [])
    worst, headline = _told(figures, marks)
    if copies and (copies[0] == POOR or worst == GOOD):
        worst, headline = copies
    sentences = [
        *(copied if copies else []),
        *_seen(figures),
        *_errors(figures),
        *_impossible(figures, marks),
        *_made_up(figures, marks),
        *_varied(figures, marks),
        *_useful(figures),
        *_memorised(figures),
        *_named(figures, marks),
        *([] if copies else copied[:1]),
    ]
    return Verdict(worst, headline, sentences)


def _told(figures: Figures, marks: dict[str, str | None]) -> tuple[str, str]:
    """(the grade, the headline) of everything but copies."""
    worst = next((mark for mark in (POOR, FAIR) if mark in (marks.get(k) for k in DECIDE)), GOOD)
    headline = {
        GOOD: "The synthetic rows can hardly be told from real ones.",
        FAIR: "The synthetic rows are close to real ones, with differences that a classifier finds.",
        POOR: "The synthetic rows are clearly different from real ones.",
    }[worst]
    if not any(key in marks for key in DECIDE):
        worst = next((mark for mark in (POOR, FAIR) if mark in marks.values()), GOOD)
        headline = {
            GOOD: "Nothing alarming was found.",
            FAIR: "Some figures are off.",
            POOR: "Some figures are poor.",
        }[worst]
    elif strange_detector(figures) and not any(marks.get(k) == worst for k in DECIDE[1:]):
        headline = "The synthetic rows repeat real rows, or nearly so."
    elif worst == GOOD and _told_apart(figures):
        worst, headline = FAIR, "The synthetic rows differ from the real ones no less than a strange holdout."
    if marks.get("rules_broken") == POOR or (marks.get("rules_broken") == FAIR and worst == GOOD):
        worst = POOR if marks["rules_broken"] == POOR else FAIR
        headline = "Some synthetic rows are impossible: they break rules that real rows keep."
    if marks.get("ratio") == POOR:
        worst, headline = POOR, "Models learn far less from the synthetic rows than from real ones."
    if varied := [row.key for row in grades(figures) if (row.section, row.grade) == ("diversity", POOR)]:
        more = all(beyond(BY_KEY[key], figures.entry("diversity", key)) for key in varied)
        word = "more" if more else "fewer"
        worst, headline = POOR, f"The synthetic rows say {word} different things than real ones."
    if POOR in (marks.get(key) for key in MADE_UP):
        worst, headline = POOR, "Much of what the synthetic rows say is made up."
    betrayed = POOR in (marks.get("membership_auc"), marks.get("dcr_share"), marks.get("attribute_gain"))
    if betrayed and not strange_holdout(figures):
        worst, headline = POOR, "The synthetic rows betray which real rows they were learned from."
    named = [marks.get(key) for key in IDENTIFYING]
    if POOR in named or (FAIR in named and worst == GOOD):
        worst = POOR if POOR in named else FAIR
        headline = "The synthetic rows show values by which single real rows can be found."
    return worst, headline


def _told_apart(figures: Figures) -> bool:
    """Whether the synthetic rows are told from the real ones, and only a holdout that is, too, excuses it."""
    alone = replace(figures.entry("fidelity", "c2st_auc"), reference=None)
    return bool(strange_holdout(figures)) and grade(C2ST, alone) != GOOD


def _copies(figures: Figures) -> tuple[str, tuple[str, str]] | None:
    """(which copies, (the grade, the headline)) where more rows are copies than chance does: the worse ones,
    the exact ones if both are as bad."""
    marks = {key: grade(figure, figures.entry("privacy", key)) for key, figure in COPIES.items()}
    key = next((key for mark in (POOR, FAIR) for key in COPIES if marks[key] == mark), None)
    if key is None:
        return None
    entry, but = figures.entry("privacy", key), " in all but one cell" if key == "near_copies" else ""
    text = f"{percent(entry.value)} of the synthetic rows are copies of real ones{but}"
    if marks[key] == FAIR:
        return key, (FAIR, f"{text}, somewhat more than by chance.")
    if entry.value == 1:
        return key, (POOR, f"Every synthetic row is a copy of a real one{but}.")
    return key, (POOR, f"{text}, against {_usual(entry)}.")


def _usual(entry: Entry) -> str:
    """How many rows are copies by nature."""
    if entry.reference is not None and entry.reference == entry.chance:
        return f"{percent(entry.reference)} of the holdout"
    return f"{percent(entry.chance)} of the real rows among themselves"


def strange_detector(figures: Figures) -> list[str]:
    """A warning where the detector is wrong more often than a coin, beyond chance and the holdout; else
    nothing."""
    entry = figures.entry("fidelity", "c2st_auc")
    if entry.value is None or not beyond(C2ST, entry):
        return []
    return [
        f"the C2ST AUC of {decimal(entry.value)} is far below 0.5, which is no sign of quality: rows have "
        "twins in the other table, copies or near-copies, so that what the classifier learns in one fold is "
        "wrong in another."
    ]


def alike(rows: int) -> float:
    """The AUC up to which so many rows of each table can be samples of the same rows.

    Scores of n and n rows that say nothing have an AUC with a standard error of 1 / sqrt(6 n); those of a
    cross-validated classifier spread up to 1.5 times as far.
    """
    return 0.5 + max(APART, DEVIATIONS / math.sqrt(6 * rows))


def strange_holdout(figures: Figures) -> list[str]:
    """A warning where the holdout is told from the real rows, so that it is no yardstick; else nothing."""
    auc, rows = figures.entry("fidelity", "c2st_auc").reference, figures.found.sizes.get("detection")
    if "holdout" not in figures.tables or not isinstance(rows, int) or rows < ENOUGH:
        return []
    if auc is None or auc < alike(rows):
        return []
    return [
        f"the holdout itself is told from the real rows, with an AUC of {decimal(auc)}: it is no sample of "
        "the same rows, so figures beside it flatter, and attacks take what differs for memory."
    ]


def _seen(figures: Figures) -> list[str]:
    auc = figures.entry("fidelity", "c2st_auc")
    if auc.value is None:
        return []
    text = "Shown one real and one synthetic row, a strong classifier picks out the synthetic one "
    text += f"{auc.value:.1%} of the time (a coin flip: 50%"
    real = "real rows" if figures.split else "real holdout rows"
    text += ")." if auc.reference is None else f"; {real} in its place: {auc.reference:.1%})."
    if strange_detector(figures):
        text += " So it is wrong more often than a coin: rows of one table repeat rows of the other."
    if names := [one.column for one in telling(figures) if one.importance >= 0.005][:3]:
        text += f" What gives the synthetic rows away most: {', '.join(names)}."
    return [text]


def _errors(figures: Figures) -> list[str]:
    parts, largest = [], 0.0
    for key, name in (("shape_error", "columns"), ("pair_error", "pairs of columns")):
        entry = figures.entry("fidelity", key)
        if entry.value is not None:
            real = _held(figures, entry) or f" (by chance alone: {percent(entry.chance)})"
            parts.append(f"{name} by {percent(entry.value)}{real}")
            largest = max(largest, entry.value)
    if parts and largest < SAME:
        return ["The columns, and the pairs of columns, are distributed exactly like the real ones."]
    return [f"The distributions differ: {', '.join(parts)}."] if parts else []


def _held(figures: Figures, entry: Entry, show: Callable[[float | None], str] = percent) -> str:
    """What other real rows score, in brackets."""
    beside = "half of the real rows" if figures.split else "the real holdout"
    return "" if entry.reference is None else f" ({beside}: {show(entry.reference)})"


def _impossible(figures: Figures, marks: dict[str, str | None]) -> list[str]:
    """The rule that is broken most beyond what real rows do."""
    entry, rules = figures.entry("fidelity", "rules_broken"), figures.found.rules
    if marks.get("rules_broken") not in (FAIR, POOR) or not rules:
        return []
    worst, real = rules[0], _held(figures, entry)
    return [
        f"{percent(entry.value)} of the synthetic rows break a rule between columns{real}, most of "
        f'all "{worst.words}" ({percent(worst.synthetic)} of them, {percent(worst.real)} of the real rows).'
    ]


def _made_up(figures: Figures, marks: dict[str, str | None]) -> list[str]:
    parts = []
    for key, what in MADE_UP.items():
        if marks.get(key) in (FAIR, POOR):
            entry = figures.entry("fidelity", key)
            parts.append(f"{percent(entry.value)} of the {what}{_held(figures, entry)}")
    return [f"{', and '.join(parts)}."] if parts else []


def _varied(figures: Figures, marks: dict[str, str | None]) -> list[str]:
    """What is less, and what is more varied than in real rows."""
    parts: dict[str, list[str]] = {"less": [], "more": []}
    for figure in (f for f in FIGURES if f.section == "diversity" and marks.get(f.key) in (FAIR, POOR)):
        entry = figures.entry("diversity", figure.key)
        word = "more" if beyond(figure, entry) else "less"
        real = _held(figures, entry, figure.show)
        parts[word].append(f"{figure.title.removeprefix('text: ')} {figure.show(entry.value)}{real}")
    return [
        f"They are {word} varied than real rows: {', '.join(told)}." for word, told in parts.items() if told
    ]


def _named(figures: Figures, marks: dict[str, str | None]) -> list[str]:
    """The column and the pair by which single real rows can be found."""
    parts, repeated = [], False
    for key, listed in IDENTIFYING.items():
        if marks.get(key) in (FAIR, POOR):
            entry = figures.entry("privacy", key)
            names = " and ".join(f"'{name}'" for name in figures.found.identifying[listed][0].names)
            what = "value" if listed == "columns" else "combination"
            parts.append(
                f"{percent(entry.value)} of the synthetic rows show a {what} of {names} that few real "
                f"rows have{_held(figures, entry)}"
            )
            repeated |= entry.allowed is not None and (entry.reference or 0.0) > entry.allowed[0]
    if not parts:
        return []
    excuse = "; that the holdout repeats them is no excuse" if repeated else ""
    return [f"{', and '.join(parts)}{excuse}."]


def _useful(figures: Figures) -> list[str]:
    ratio, tstr = figures.entry("utility", "ratio"), figures.entry("utility", "tstr")
    models = figures.found.models
    if ratio.value is None or tstr.value is None or models is None:
        return []
    return [
        f"Models trained on the synthetic rows reach {percent(ratio.value)} of the "
        f"{models.score} of models trained on as many real ones ({decimal(tstr.value)} "
        f"against {decimal(tstr.reference)}, predicting {figures.target})."
    ]


def _memorised(figures: Figures) -> list[str]:
    attack, closer = figures.entry("privacy", "membership_auc"), figures.entry("privacy", "dcr_share")
    if attack.value is None or closer.value is None:
        return []
    marks = {row.key: row.grade for row in grades(figures)}
    calm = {marks.get("membership_auc"), marks.get("dcr_share")} <= {GOOD, None}
    odd = not calm and strange_holdout(figures)
    return [
        f"{'No sign' if calm else 'Signs'} of memorising: an attacker tells training rows from other real "
        f"rows with an AUC of {decimal(attack.value)} (guessing: 0.5), and {percent(closer.value)} of "
        "the synthetic rows lie closer to training rows than to holdout rows (ideal: 50%)."
        + (" But the holdout differs from the real rows, which looks alike." if odd else "")
    ]


def _copied(figures: Figures, key: str) -> list[str]:
    """How many rows are copies, exact or in all but one cell, and whether that is much."""
    entry, near = figures.entry("privacy", key), key == "near_copies"
    if not figures.found.entries.get("privacy") or (near and entry.value is None):
        return []
    value = entry.value
    if value is None:
        return ["Copies of real rows could not be counted."]
    what = "in all columns but one at most" if near else "in every column"
    if not value:
        return [f"No synthetic row equals a real training row {what}."]
    text = f"{percent(value)} of the synthetic rows equal a real training row {what}"
    if grade(COPIES[key], entry) == GOOD:
        return [f"{text}, no more than real rows do by chance ({_usual(entry)})."]
    return [f"{text}, against {_usual(entry)}: a sign of memorising."]
