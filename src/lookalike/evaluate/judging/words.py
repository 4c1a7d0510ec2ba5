"""The figures of a judge in words."""

from __future__ import annotations

from lookalike.evaluate.section import Entry, Judgement


def headline(found: Judgement) -> str:
    """What is said first: whether the judge can be used, and how near the best table comes."""
    if not found.usable:
        return f"The judge '{found.model}' is unusable: its figures mean nothing."
    best = max(found.tables, key=lambda name: found.tables[name].preferred.value or 0.0)
    return (
        f"The judge '{found.model}' prefers a row of '{best}' to a real one in "
        f"{found.tables[best].preferred.value or 0.0:.0%} of the pairs; 50% is ideal."
    )


def worth(found: Judgement) -> list[str]:
    """Sentences on what the judge's word is worth."""
    kinds = ", ".join(f"{kind} {right} of {of}" for kind, (right, of) in found.kinds.items())
    known = "of pairs whose better row is known"
    lines = [f"controls: {percents(found.controls)} right, {known} ({kinds})"] if found.kinds else []
    lines += [
        f"both orders have the same verdict in {percents(found.consistency)} of the pairs; the row that "
        f"is shown first is preferred in {percents(found.first)} of the votes; a text twice as long "
        f"gains {number(found.length_odds, 2)} in log odds; the Elo leaves both effects out"
    ]
    if found.agreement is not None:
        kappa = "kappa has no value" if found.kappa is None else f"kappa {interval(found.kappa, 2)}"
        share = f"{percents(found.agreement)} of {found.answered:,} pairs"
        lines.append(f"people agree with the judge in {share}, {kappa}")
    cost = "" if found.cost is None else f", {found.cost:,.2f} at the prices given"
    lines.append(f"{found.calls:,} calls were paid so far, {found.tokens:,} tokens{cost}")
    return lines


def number(one: Entry, digits: int = 0) -> str:
    return "-" if one.value is None else f"{round(one.value, digits) + 0.0:.{digits}f}"  # no -0.00


def interval(one: Entry, digits: int = 0) -> str:
    """A figure with its interval, as text."""
    if one.value is None:
        return "-"
    ends = "" if one.low is None or one.high is None else f" ({one.low:.{digits}f} to {one.high:.{digits}f})"
    return f"{one.value:.{digits}f}{ends}"


def percents(one: Entry) -> str:
    """A share with its interval in percent, as text."""
    if one.value is None:
        return "-"
    ends = "" if one.low is None or one.high is None else f" ({100 * one.low:.0f} to {100 * one.high:.0f}%)"
    return f"{one.value:.0%}{ends}"
