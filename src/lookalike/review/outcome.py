"""What the answers come to: a value for each row, the corrected table, the decisions on it, a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lookalike.agreement import alpha, alpha_interval, dawid_skene, kappa, wilson
from lookalike.arguments import brief
from lookalike.decisions import Decisions
from lookalike.errors import DataError
from lookalike.review.cards import Cards
from lookalike.review.queue import Item
from lookalike.review.store import ANSWERS, Answer, State

CHECK = "review"  # what these decisions are called
PREFERRED = "preferred"  # the column that judged pairs get
KEEP, DROP = "keep", "drop"
LONGEST_NAME = 80  # letters


def named(reviewer: Any) -> str:
    """A reviewer's name. Raises DataError for what is none."""
    if not isinstance(reviewer, str) or not reviewer.strip() or len(reviewer) > LONGEST_NAME:
        raise DataError("a reviewer is not named: give a name of at most 80 letters.")
    return reviewer.strip()


def answer_of(cards: Cards, told: Mapping[str, Any]) -> Answer | None:
    """An answer from what a page or a file says of it; None where that is no answer.

    Raises DataError for a value that the table cannot hold, and where nobody is named.
    """
    row, turn, what, key = (told.get(name) for name in ("row", "turn", "answer", "key"))
    seconds, when = told.get("seconds"), told.get("time")
    if type(row) is not int or not 0 <= row < len(cards.table) or type(turn) is not int or turn not in (1, 2):
        return None
    timed = all(one is None or (isinstance(one, int | float) and one >= 0) for one in (seconds, when))
    if not timed or not isinstance(key, str) or len(key) > 100 or what not in ANSWERS:
        return None
    value = check(cards, str(what), told.get("value"))
    return Answer(row, turn, named(told.get("reviewer")), str(what), value, seconds, when or 0.0, key=key)


def check(cards: Cards, answer: str, value: Any) -> Any:
    """The value of an answer as it is kept. Raises DataError for one that the table cannot hold."""
    if answer == "label":
        known = [*map(str, cards.pair), "tie"] if cards.pair is not None else list(cards.labels)
        if value not in known:
            raise DataError(f"'{brief(value)}' is none of the labels: choose one of them.")
        return value
    if answer != "edit":
        return None
    names = {str(name): name for name in cards.table.columns}
    if not isinstance(value, dict) or not value or not set(value) <= set(names):
        raise DataError("this edit names no column of the table: reload the page.")
    for name, text in value.items():
        if not isinstance(text, str):
            raise DataError(f"the cell of '{name}' is no text: reload the page.")
        cell_of(cards.table[names[name]], text)
    return value


def cell_of(column: pd.Series, text: str) -> Any:
    """A cell of a column from what was typed. Raises DataError where the column cannot hold it."""
    kind = column.dtype
    if text == "" and not (pd.api.types.is_integer_dtype(kind) or pd.api.types.is_bool_dtype(kind)):
        return None
    try:
        if pd.api.types.is_bool_dtype(kind):
            return {"true": True, "1": True, "false": False, "0": False}[text.strip().lower()]
        if pd.api.types.is_integer_dtype(kind):
            return int(text)
        if pd.api.types.is_float_dtype(kind):
            return float(text)
        if pd.api.types.is_datetime64_any_dtype(kind):
            return pd.Timestamp(text)
    except (KeyError, ValueError, OverflowError):
        raise DataError(
            f"'{brief(text)}' cannot stand in the column '{column.name}': type a {kind}."
        ) from None
    return text


def tally(items: Sequence[Item], state: State) -> tuple[int, int]:
    """(rows that were changed, rows) of those that were drawn at random and answered, the first time."""
    told = [
        answers[-1].answer
        for item in items
        if item.part == "random" and item.turn == 1 and (answers := state.standing.get((item.row, 1)))
    ]
    told = [answer for answer in told if answer != "skip"]
    return sum(answer != KEEP for answer in told), len(told)


def meaning(cards: Cards, answer: Answer) -> Any:
    """An answer as what it makes of the row: "drop", "keep", a label, or edited cells; to be compared."""
    if answer.answer == "label":
        return "label", answer.value
    if answer.answer == "edit":
        return "edit", tuple(sorted(answer.value.items()))
    own = None if cards.pair is not None else cards.label_of(answer.row)
    return ("label", own) if answer.answer == KEEP and own is not None else (answer.answer, None)


def answers_by_row(cards: Cards, state: State) -> dict[int, list[Answer]]:
    """row -> its answers that stand, both times, without skipped ones; the earlier ones first."""
    found: dict[int, list[Answer]] = {}
    for (row, _), answers in sorted(state.standing.items()):
        some = [answer for answer in answers if answer.answer != "skip"]
        if some:
            found.setdefault(row, []).extend(some)
    return {row: sorted(some, key=lambda one: one.number) for row, some in found.items()}


def settled(cards: Cards, state: State) -> dict[int, tuple[Answer | None, list[Answer]]]:
    """row -> the answer that counts, and all; None where reviewers differ and no answer has most votes.

    Of one reviewer's two answers to a row the later one counts. With three or more reviewers the votes are
    weighed by how each errs (Dawid and Skene).
    """
    by_row = answers_by_row(cards, state)
    people = {answer.reviewer for some in by_row.values() for answer in some}
    given = {row: {one.reviewer: meaning(cards, one) for one in some} for row, some in by_row.items() if some}
    weighed = dawid_skene(given).truth if len(people) > 2 else {}
    found: dict[int, tuple[Answer | None, list[Answer]]] = {}
    for row, some in by_row.items():
        votes = Counter(given[row].values())
        (best, most), *others = votes.most_common()
        tied = bool(others) and others[0][1] == most
        if others and row in weighed:
            best, tied = weighed[row][0], weighed[row][1] < 0.5
        last = [one for one in some if meaning(cards, one) == best]
        found[row] = (None if tied or not last else last[-1], some)
    return found


def outcome(cards: Cards, state: State) -> tuple[pd.DataFrame, Decisions]:
    """The corrected table, and the decisions on the table as it was.

    Decisions on rows that people answered are overruled: they stay, as a report. Where reviewers differ and
    no answer has most votes, the row stays as it is and that is reported.
    """
    found = settled(cards, state)
    before = [] if cards.decisions is None else cards.decisions.table.to_dict("records")
    decided: list[dict[str, Any]] = []
    for one in before:
        if one["row"] in found and found[one["row"]][0] is not None and one["action"] != "report":
            reason = f"{one['reason']} (overruled by review: {one['action']})"
            one = one | {"action": "report", "reason": reason}
        decided.append(one)
    for row, (answer, some) in found.items():
        decided += _decided(cards, row, answer, some)
    notes = [] if cards.decisions is None else cards.decisions.notes
    decisions = Decisions.of(decided, len(cards.table), cards.label)
    decisions.notes = list(notes)
    out = decisions.apply(cards.table)
    if cards.pair is not None:
        preferred = pd.Series([None] * len(cards.table), dtype=object)
        for row, (answer, _) in found.items():
            preferred[row] = answer.value if answer is not None and answer.answer == "label" else None
        kept = preferred.drop(index=decisions.dropped()).reset_index(drop=True)
        out = out.assign(**{PREFERRED: kept})
    return out, decisions


def _decided(cards: Cards, row: int, answer: Answer | None, some: list[Answer]) -> list[dict[str, Any]]:
    """The decisions that the answers to a row come to."""
    base = {"row": row, "check": CHECK, "action": "report"}
    people = ", ".join(dict.fromkeys(one.reviewer for one in some))
    if answer is None:
        said = "; ".join(f"{one.reviewer}: {_said(one)}" for one in some)
        return [base | {"reason": f"reviewers differ, so it stays as it is ({said})"}]
    if answer.answer == DROP:
        return [base | {"action": "drop", "reason": f"rejected by {people}"}]
    if answer.answer == "edit":
        names = {str(name): name for name in cards.table.columns}
        return [
            base
            | {"action": "edit", "column": names[name], "reason": f"edited by {people}"}
            | {"value": cell_of(cards.table[names[name]], text)}
            for name, text in answer.value.items()
        ]
    own = cards.label_of(row)
    if answer.answer == "label" and cards.pair is None and answer.value != own:
        reason = f"'{answer.value}' by {people}, not '{own}'"
        new = {"action": "relabel", "column": cards.label, "value": cards.labels[answer.value]}
        return [base | new | {"reason": reason}]
    what = f"'{answer.value}' is preferred" if cards.pair is not None else "right as it is"
    return [base | {"reason": f"{what}, by {people}"}]


def _said(answer: Answer) -> str:
    return f"'{answer.value}'" if answer.answer == "label" else answer.answer


def summary(cards: Cards, items: Sequence[Item], state: State, limit: float) -> list[str]:
    """Sentences on what was answered, the share of errors, and how far the reviewers agree."""
    by_row = answers_by_row(cards, state)
    done = sum((item.row, item.turn) in state.standing for item in items)
    last = [answer for some in state.standing.values() for answer in some]
    counts = Counter(answer.answer for answer in last)
    kinds = ", ".join(
        f"{counts[name]:,} {name}" for name in ("keep", "label", "edit", "drop", "skip") if counts[name]
    )
    lines = [f"{done:,} of {len(items):,} items are answered" + (f": {kinds}" if kinds else "")]
    wrong, of = tally(items, state)
    if of and cards.pair is None:
        low, high = wilson(wrong, of)
        stop = f", so below {limit:.0%}: you can stop" if high < limit else ""
        lines.append(
            f"errors: {wrong / of:.1%} of the rows ({low:.1%} to {high:.1%}, by {of:,} rows drawn at random)"
            f"{stop}"
        )
    return lines + agreement(
        {row: [(a.reviewer, meaning(cards, a)) for a in some] for row, some in by_row.items()}
    )


def agreement(answers: dict[Any, list[tuple[str, Any]]]) -> list[str]:
    """Sentences on how far the answers agree. answers: item -> (reviewer, answer), in their order."""
    twice = {item: some for item, some in answers.items() if len(some) > 1}
    people = sorted({name for some in answers.values() for name, _ in some})
    if not twice:
        return []
    units = [[answer for _, answer in some] for some in twice.values()]
    alike = sum(len(set(unit)) == 1 for unit in units)
    same = f"{alike:,} of {len(units):,} items with several answers have the same ones"
    value, (low, high) = alpha(units), alpha_interval(units)
    if value != value:
        lines = [f"agreement: {same}; alpha has no value, as all answers are the same"]
    else:
        lines = [f"agreement: Krippendorff's alpha {value:.3f} ({low:.3f} to {high:.3f}); {same}"]
    for at, one in enumerate(people):
        for other in people[at + 1 :]:
            pairs = [dict(some) for some in twice.values() if {one, other} <= {name for name, _ in some}]
            if pairs:
                found = kappa([pair[one] for pair in pairs], [pair[other] for pair in pairs])
                figure = (
                    f"Cohen's kappa {found.kappa:.3f} ({found.low:.3f} to {found.high:.3f})"
                    if found.kappa == found.kappa
                    else "kappa has no value"
                )
                lines.append(f"{one} and {other}: {figure}, {found.share:.0%} of {found.items:,} items alike")
    if len(people) > 2:
        skill = dawid_skene({item: dict(some) for item, some in answers.items()}).skill
        told = ", ".join(f"{name} {share:.0%}" for name, share in skill.items())
        lines.append(f"right answers by Dawid and Skene's model: {told}")
    return lines
