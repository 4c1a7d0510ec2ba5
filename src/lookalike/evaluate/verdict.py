"""What the figures mean, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .figures import FAIR, FIGURES, GOOD, POOR, beyond, decimal, grade, grades, percent

TOLD = 0.52  # AUC from which a ranking of columns is more than noise
FEW = 50  # rows of a table below which there is no verdict
BY_KEY = {figure.key: figure for figure in FIGURES}
COPIES = BY_KEY["exact_copies"]
MADE_UP = {"new_words": "words of the synthetic texts occur in no real text",
           "new_keys": "JSON keys of the synthetic rows occur in no real row"}  # fmt: skip
IDENTIFYING = {"identifying_values": "columns", "identifying_pairs": "pairs"}
DECIDE = ("c2st_auc", "shape_error", "pair_error")


def _entry(figures: dict[str, Any], section: str, key: str) -> dict[str, Any]:
    nothing = {"value": None, "reference": None, "low": None, "high": None}
    return figures[section].get(key, nothing)


def telling(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """The columns that give the synthetic rows away, worst first; none if the detector is near chance."""
    if (_entry(figures, "fidelity", "c2st_auc")["value"] or 0.5) < TOLD:
        return []
    return [g for g in figures["giveaways"] if g["importance"] >= 0.0005]


def verdict(figures: dict[str, Any]) -> dict[str, Any]:
    """{"grade", "headline": one sentence, "sentences": the rest}."""
    auc, copies = _entry(figures, "fidelity", "c2st_auc"), _entry(figures, "privacy", "exact_copies")
    marks = {row["key"]: row["grade"] for row in grades(figures)}
    if min(figures["tables"]["rows"][table] for table in ("real", "synthetic")) < FEW:
        return {"grade": None, "headline": "There are too few rows to tell.", "sentences": [_copied(copies)]}
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
    if marks.get("ratio") == POOR:
        worst, headline = POOR, "Models learn far less from the synthetic rows than from real ones."
    if varied := [
        row["key"] for row in grades(figures) if (row["section"], row["grade"]) == ("diversity", POOR)
    ]:
        more = all(beyond(BY_KEY[key], _entry(figures, "diversity", key)) for key in varied)
        word = "more" if more else "fewer"
        worst, headline = POOR, f"The synthetic rows say {word} different things than real ones."
    if POOR in (marks.get(key) for key in MADE_UP):
        worst, headline = POOR, "Much of what the synthetic rows say is made up."
    if POOR in (marks.get("membership_auc"), marks.get("dcr_share"), marks.get("attribute_gain")):
        worst, headline = POOR, "The synthetic rows betray which real rows they were learned from."
    named = [marks.get(key) for key in IDENTIFYING]
    if POOR in named or (FAIR in named and worst == GOOD):
        worst = POOR if POOR in named else FAIR
        headline = "The synthetic rows show values by which single real rows can be found."
    if marks.get("exact_copies") == POOR:
        worst, headline = POOR, "Too many synthetic rows are copies of real ones."
    return {
        "grade": worst,
        "headline": headline,
        "sentences": [
            *_seen(figures, auc),
            *_errors(figures),
            *_made_up(figures, marks),
            *_varied(figures, marks),
            *_useful(figures),
            *_memorised(figures),
            *_named(figures, marks),
            *([_copied(copies)] if figures["privacy"] else []),
        ],
    }


def _seen(figures: dict[str, Any], auc: dict[str, Any]) -> list[str]:
    if auc["value"] is None:
        return []
    text = "Shown one real and one synthetic row, a strong classifier picks out the synthetic one "
    text += f"{auc['value']:.1%} of the time (a coin flip: 50%"
    text += (
        ")." if auc["reference"] is None else f"; real holdout rows in its place: {auc['reference']:.1%})."
    )
    if names := [g["column"] for g in telling(figures) if g["importance"] >= 0.005][:3]:
        text += f" What gives the synthetic rows away most: {', '.join(names)}."
    return [text]


def _errors(figures: dict[str, Any]) -> list[str]:
    parts = []
    for key, name in (("shape_error", "columns"), ("pair_error", "pairs of columns")):
        entry = _entry(figures, "fidelity", key)
        if entry["value"] is not None:
            real = f" (by chance alone: {percent(entry['chance'])})"
            if entry["reference"] is not None:
                real = f" (the real holdout: {percent(entry['reference'])})"
            parts.append(f"{name} by {percent(entry['value'])}{real}")
    return [f"The distributions differ: {', '.join(parts)}."] if parts else []


def _held(entry: dict[str, Any], show: Callable[[float], str] = percent) -> str:
    """The holdout's figure in brackets."""
    return "" if entry["reference"] is None else f" (the real holdout: {show(entry['reference'])})"


def _made_up(figures: dict[str, Any], marks: dict[str, str | None]) -> list[str]:
    parts = []
    for key, what in MADE_UP.items():
        if marks.get(key) in (FAIR, POOR):
            entry = _entry(figures, "fidelity", key)
            parts.append(f"{percent(entry['value'])} of the {what}{_held(entry)}")
    return [f"{', and '.join(parts)}."] if parts else []


def _varied(figures: dict[str, Any], marks: dict[str, str | None]) -> list[str]:
    """What is less, and what is more varied than in real rows."""
    parts: dict[str, list[str]] = {"less": [], "more": []}
    for figure in (f for f in FIGURES if f.section == "diversity" and marks.get(f.key) in (FAIR, POOR)):
        entry = _entry(figures, "diversity", figure.key)
        word = "more" if beyond(figure, entry) else "less"
        parts[word].append(
            f"{figure.title.removeprefix('text: ')} {figure.show(entry['value'])}{_held(entry, figure.show)}"
        )
    return [
        f"They are {word} varied than real rows: {', '.join(told)}." for word, told in parts.items() if told
    ]


def _named(figures: dict[str, Any], marks: dict[str, str | None]) -> list[str]:
    """The column and the pair by which single real rows can be found."""
    parts, repeated = [], False
    for key, listed in IDENTIFYING.items():
        if marks.get(key) in (FAIR, POOR):
            entry = _entry(figures, "privacy", key)
            names = " and ".join(f"'{name}'" for name in figures["identifying"][listed][0]["names"])
            what = "value" if listed == "columns" else "combination"
            parts.append(
                f"{percent(entry['value'])} of the synthetic rows show a {what} of {names} that few real "
                f"rows have{_held(entry)}"
            )
            repeated |= (entry["reference"] or 0.0) > entry["allowed"][0]
    if not parts:
        return []
    excuse = "; that the holdout repeats them is no excuse" if repeated else ""
    return [f"{', and '.join(parts)}{excuse}."]


def _useful(figures: dict[str, Any]) -> list[str]:
    ratio, tstr = _entry(figures, "utility", "ratio"), _entry(figures, "utility", "tstr")
    if ratio["value"] is None or tstr["value"] is None:
        return []
    return [
        f"Models trained on the synthetic rows reach {percent(ratio['value'])} of the "
        f"{figures['models']['score']} of models trained on as many real ones ({decimal(tstr['value'])} "
        f"against {decimal(tstr['reference'])}, predicting {figures['target']})."
    ]


def _memorised(figures: dict[str, Any]) -> list[str]:
    attack, closer = _entry(figures, "privacy", "membership_auc"), _entry(figures, "privacy", "dcr_share")
    if attack["value"] is None or closer["value"] is None:
        return []
    marks = {row["key"]: row["grade"] for row in grades(figures)}
    calm = {marks.get("membership_auc"), marks.get("dcr_share")} <= {GOOD, None}
    return [
        f"{'No sign' if calm else 'Signs'} of memorising: an attacker tells training rows from other real "
        f"rows with an AUC of {decimal(attack['value'])} (guessing: 0.5), and {percent(closer['value'])} of "
        "the synthetic rows lie closer to training rows than to holdout rows (ideal: 50%)."
    ]


def _copied(copies: dict[str, Any]) -> str:
    value, reference = copies["value"], copies["reference"]
    if value is None:
        return "Copies of real rows could not be counted."
    if not value:
        return "No synthetic row is a copy of a real one."
    text = f"{percent(value)} of the synthetic rows equal a real training row"
    if reference is None:
        return text + "; only a real holdout could tell whether that is more than chance."
    if grade(COPIES, copies) == GOOD:
        return text + f", no more than real rows do by chance ({percent(reference)} of the holdout)."
    return text + f", against {percent(reference)} of the holdout: a sign of memorising."
