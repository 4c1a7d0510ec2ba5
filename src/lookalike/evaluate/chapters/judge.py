"""A language model as the judge: how often it prefers a synthetic row to a real one; half the time is ideal.

The real rows are those of the holdout where there is one, as the synthesizer has not seen them. The figures
and their sources stand in `judging/`.
"""

from __future__ import annotations

from lookalike.evaluate.judging.judge import judge
from lookalike.evaluate.judging.judged import Judged
from lookalike.evaluate.section import Section
from lookalike.evaluate.view import View

NAME = "synthetic"


def measure(view: View) -> Section:
    """What `view.judge` says: a language model that is asked now, or what `lookalike.judge` returned."""
    if view.judge is None:
        return Section()
    judged = view.judge
    if not isinstance(judged, Judged):
        real = view.tables.get("holdout", view.tables["real"])
        # Rows of the same class meet; of a number there are hardly two the same.
        classes = {column.name for column in view.columns if column.is_categorical}
        label = view.target if view.target in classes else None
        judged = judge(
            {NAME: view.tables[NAME]}, real, llm=judged, label=label, seed=view.seed, progress=False
        )
    found = judged.figures
    section = Section(judged=found, warnings=list(found.notes))
    if found.usable and len(found.tables) == 1:
        (only,) = found.tables.values()
        section.entries = {"fidelity": {"judged": only.preferred}}
    return section
