"""Do synthetic rows keep the rules between columns that real rows keep?"""

from __future__ import annotations

import numpy as np

from lookalike.evaluate.section import BrokenRule, Entry, Section, share
from lookalike.evaluate.view import View
from lookalike.rules.find import rules_of
from lookalike.rules.holds import holds
from lookalike.rules.values import Values
from lookalike.table.inferring import infer

MOST = 100_000  # rows of a table that are looked at


def measure(view: View) -> Section:
    """The entry `rules_broken`, the share of rows that break a rule of the real rows; and each rule.

    The rules are those of the schema, else those that are found in the real rows. A rule of which real rows
    break some counts as often as the synthetic rows break it.
    """
    schema = view.schema
    real = view.tables["real"]
    schema = infer(real) if schema is None else schema
    rules = [
        rule
        for rule in rules_of(real, schema, view.seed)
        if all(set(rule.columns) <= set(table.columns) for table in view.tables.values())
    ]
    if not rules:
        return Section()
    values = {
        name: Values(table.sample(min(len(table), MOST), random_state=0).reset_index(drop=True), schema)
        for name, table in view.tables.items()
    }
    broken = {name: np.zeros(own.rows, dtype=bool) for name, own in values.items()}
    found = []
    for rule in rules:
        shares: dict[str, float | None] = {"holdout": None}
        for name, own in values.items():
            kept, _ = holds(rule, own, values["real"])
            broken[name] |= ~kept
            shares[name] = float((~kept).mean())
        found.append(
            BrokenRule(rule.words, shares["real"] or 0.0, shares["synthetic"] or 0.0, shares["holdout"])
        )
    entry: Entry = share(broken["synthetic"], broken.get("holdout"), float(broken["real"].mean()))
    found.sort(key=lambda one: one.real - one.synthetic)
    return Section({"fidelity": {"rules_broken": entry}}, rules=found)
