"""What is said of the rules of a table before it is learned."""

from __future__ import annotations

from collections.abc import Sequence

from lookalike.rules.keep import Plan
from lookalike.table.rule import Rule

TOLD = 5  # rules that are named in a sentence
DOUBTFUL = 0.5  # the share of the real rows below which a rule looks like a mistake


def sentences(rules: Sequence[Rule], plan: Plan | None) -> list[str]:
    """On the rules that a plan keeps, on those that it does not, and on each that few rows keep."""
    steps = [] if plan is None else plan.steps
    own = [rule for step in steps for rule in step.rules]
    kept, others = [rule for rule in rules if rule in own], [rule for rule in rules if rule not in own]
    found = []
    if kept:
        found.append(f"rules that are kept: {_listed(kept)}")
    if others:
        found.append(
            f"rules that nothing is done to keep, as their columns follow from other rules: {_listed(others)}"
        )
    return found + [
        f"only {rule.support:.0%} of the real rows keep the rule '{rule.words}', and as few of the synthetic "
        "ones will: mend it, or take it out"
        for rule in rules
        if rule.support < DOUBTFUL
    ]


def _listed(rules: Sequence[Rule]) -> str:
    words = [rule.words for rule in rules[:TOLD]]
    more = f" and {len(rules) - TOLD} more" if len(rules) > TOLD else ""
    return "; ".join(words) + more
