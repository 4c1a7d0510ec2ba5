"""`evaluate`: two tables in, one `Report` out."""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from lookalike.errors import DataError, OptionError
from lookalike.files import replace_text

from .figures import GOOD, failures, grades, percent
from .figures import limits as parse_limits
from .measure import SECTIONS, measure
from .verdict import IDENTIFYING, telling

if TYPE_CHECKING:
    import pandas as pd


class Report:
    """What was measured; made by `evaluate`.

    `to_dict()` gives JSON values; `save("report.html")` writes one self-contained page, `save("report.json")`
    the figures; `print(report)` a short table.
    """

    def __init__(self, figures: dict[str, Any]) -> None:
        self._figures = figures

    def to_dict(self) -> dict[str, Any]:
        """Every figure, as nested dicts of JSON values.

        `fidelity`, `diversity`, `utility` and `privacy` hold entries {"value", "reference", "low", "high"}:
        the figure, the same of the real holdout (None without one), and its 95% interval. Some also have
        "chance", what chance scores, and "allowed", what excuses them to be good and to be fair. `columns`
        has the detail by column, `pairs` the worst pairs, `giveaways` the columns by which the detector knows
        synthetic rows, `models` and `attacks` the detail of utility and privacy, `identifying` the columns
        and pairs that show what few real rows have, `sizes` the rows that were compared, `skipped` what could
        not be judged and why, `warnings` what to be careful about.
        """
        return self._figures

    def save(self, path: str | Path) -> None:
        """Write the page (.html) or the figures (.json).

        Raises OptionError for another suffix, DataError if the file cannot be written.
        """
        path = Path(path)
        if path.suffix == ".html":
            from .page import page

            text = page(self._figures)
        elif path.suffix == ".json":
            text = json.dumps(
                {k: v for k, v in self._figures.items() if k != "examples"}, indent=1, ensure_ascii=False
            )
        else:
            raise OptionError(f"a report is written to a .html or .json file, and '{path.name}' is neither.")
        try:
            replace_text(path, text + "\n")
        except OSError as error:
            raise DataError(f"the report cannot be written to '{path}': {error.strerror}.") from None

    def failures(self, limits: str) -> list[str]:
        """What is worse than limits such as "c2st=0.60,utility=0.95", a sentence each.

        The names are those of the figures, "c2st", "utility", "membership" or "copies". Raises OptionError
        for others.
        """
        return failures(self._figures, parse_limits(limits))

    def _repr_html_(self) -> str:
        """The page in a frame, for notebooks."""
        from html import escape

        from .page import page

        return (
            f'<iframe srcdoc="{escape(page(self._figures), quote=True)}" '
            'style="width:100%;height:720px;border:0"></iframe>'
        )

    def warn(self, text: str) -> None:
        """Adds a sentence to the warnings, such as one on how the table was made."""
        self._figures["warnings"] = [*self._figures["warnings"], text]

    def __repr__(self) -> str:
        figures = self._figures
        sizes = ", ".join(f"{n:,} {table}" for table, n in figures["tables"]["rows"].items() if n)
        lines = [
            f"{sizes} rows of {figures['tables']['columns']} columns",
            figures["verdict"]["headline"],
            "",
        ]
        split = figures["tables"]["split"]
        held = split or figures["tables"]["rows"]["holdout"] is not None
        title = "half of real" if split else "real holdout" if held else ""
        lines.append(f"{'':34}{'synthetic':>10}{title:>14}   95% interval")
        section = None
        for row in grades(figures):
            if row["section"] != section:
                section = row["section"]
                lines.append(f"{section}:")
            lines.append(
                f"  {row['title']:32}{row['value']:>10}{row['reference'] if held else '':>14}   "
                f"{row['interval']:17}{row['grade'] or ''}".rstrip()
            )
        if best := [f"{g['column']} ({g['importance']:.3f})" for g in telling(figures)[:3]]:
            lines += ["", f"most telling columns (AUC lost when shuffled): {', '.join(best)}"]
        marks = {row["key"]: row["grade"] for row in grades(figures)}
        if shown := [
            f"{' + '.join(listed[0]['names'])} {percent(listed[0]['value'])}"
            for key, kind in IDENTIFYING.items()
            if marks.get(key, GOOD) != GOOD and (listed := figures["identifying"][kind])
        ]:
            lines += ["", f"shown most of what few real rows have: {', '.join(shown)}"]
        lines += [f"note: {text}" for text in [*figures["warnings"], *figures["skipped"].values()]]
        return "\n".join(lines)


def evaluate(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    holdout: pd.DataFrame | None = None,
    target: str | None = None,
    text: str | None = None,
    seed: int = 0,
    *,
    ids: Collection[Any] = (),
    only: Collection[str] = SECTIONS,
    quick: bool = False,
    progress: bool = False,
) -> Report:
    """Compare a synthetic table with the real one it was learned from.

    real: the rows that the synthesizer saw. synthetic: what it made, with the same columns. holdout: real
    rows that it did not see; every figure then stands beside what these rows score, on as many rows of each
    (a smaller table differs more by chance alone). Without one, half of the real rows (from 400 on) are split
    off as the reference of fidelity and diversity; what asks whether a row was seen is skipped. target: the
    column that a model would predict; its pairs are marked, and models that predict it measure the utility.
    text: the column that is read as text (`texts.py`), whatever its values look like; None takes the first
    one with several words.
    ids: columns of keys or made-up values, which are not compared; unique keys are found without.
    seed: of the row samples, the folds and the bootstrap. only: the sections to measure, of "fidelity",
    "diversity", "utility" and "privacy". quick: on few rows, with one family of models. progress: a bar.

    Fidelity: column shapes and pairs, missing, unseen and out-of-range values (`fidelity.py`, `pairs.py`),
    detection by gradient boosting and by logistic regression (`detection.py`), alpha-precision, beta-recall
    and MMD (`manifold.py`). Diversity (`diversity.py`), utility (`utility.py`; needs a target and a holdout)
    and privacy (`privacy.py`, `identifying.py`; attacks need a holdout): the formulas and their sources are
    there.

    Raises DataError where a table is empty, has other columns or values that do not fit their column;
    OptionError for an unknown target, text or section.
    """
    for what, name in (("target", target), ("text", text)):
        if name is not None and name not in real.columns:
            names = ", ".join(f"'{name}'" for name in real.columns[:20])
            raise OptionError(f"the {what} '{name}' is not a column: choose one of {names}.")
    for name in ids:
        if name not in real.columns:
            raise OptionError(f"the column of ids '{name}' is not a column of the real table.")
        if name == target:
            raise OptionError(f"the target '{name}' is a column of ids, which no model predicts.")
    for section in only:
        if section not in SECTIONS:
            raise OptionError(
                f"there is no section '{section}' of the report: choose of {', '.join(SECTIONS)}."
            )
    tables = {"real": real, "synthetic": synthetic} | ({} if holdout is None else {"holdout": holdout})
    from sklearn.exceptions import ConvergenceWarning

    # Small steps: a second thread gains little, and on a busy machine it waits ten times what it works.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a few steps short is good enough to compare
        return Report(_plain(measure(tables, target, text, ids, seed, only, quick, progress)))


def _plain(value: Any) -> Any:
    """The same with numpy numbers as Python's, nan as None and keys as strings."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
