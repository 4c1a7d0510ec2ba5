"""`evaluate`: two tables in, one `Report` out."""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from lookalike.atomic import replace_text
from lookalike.errors import DataError, OptionError
from lookalike.evaluate.columns import check_table
from lookalike.evaluate.figures import GOOD, failures, grades, percent
from lookalike.evaluate.figures import limits as parse_limits
from lookalike.evaluate.measure import SECTIONS, measure
from lookalike.evaluate.verdict import IDENTIFYING, telling

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
        not be judged and why, `warnings` what to be careful about. `about` has the tables' names, rows and
        columns, the date, the version of lookalike, the seconds that measuring took and the seed. Without
        `show_real` there is no value in it that fewer than five real rows have.
        """
        return self._figures

    def save(self, path: str | Path) -> None:
        """Write the page (.html) or the figures (.json).

        Raises OptionError for another suffix, DataError if the file cannot be written.
        """
        path = Path(path)
        if path.suffix == ".html":
            from lookalike.evaluate.page.page import page

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

        from lookalike.evaluate.page.page import page

        return (
            f'<iframe srcdoc="{escape(page(self._figures), quote=True)}" '
            'style="width:100%;height:720px;border:0"></iframe>'
        )

    def warn(self, text: str) -> None:
        """Adds a sentence to the warnings, such as one on how the table was made."""
        self._figures["warnings"] = [*self._figures["warnings"], text]

    def __repr__(self) -> str:
        figures = self._figures
        lines = [*_about(figures["about"]), figures["verdict"]["headline"], ""]
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
        equal: dict[str, list[str]] = {}
        for row in grades(figures):
            equal.setdefault(row["equal"], []).append(row["title"])
        lines += [f"note: on {rows}: {'; '.join(titles)}" for rows, titles in equal.items() if rows]
        lines += [f"note: {text}" for text in [*figures["warnings"], *figures["skipped"].values()]]
        return "\n".join(lines)


def _about(about: dict[str, Any]) -> list[str]:
    """Which tables were compared, when, by what."""
    tables = about["tables"]
    named = [
        f"{one['rows']:,} {table}" + ("" if one["name"] == table else f" ({one['name']})")
        for table, one in tables.items()
    ]
    return [
        f"{', '.join(named)} rows of {tables['real']['columns']} columns",
        f"lookalike {about['lookalike']}, {about['date'][:10]}, measured in {about['seconds']:.1f} s, "
        f"seed {about['seed']}",
    ]


def evaluate(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    holdout: pd.DataFrame | None = None,
    target: str | None = None,
    text: str | None = None,
    seed: int = 0,
    *,
    ids: Collection[Any] = (),
    only: Collection[str] | None = None,
    quick: bool = False,
    show_real: bool = False,
    names: Mapping[str, str] | None = None,
    progress: bool = False,
) -> Report:
    """Compare a synthetic table with the real one it was learned from.

    real: the rows that the synthesizer saw. synthetic: what it made, with the same columns. holdout: real
    rows that it did not see; every figure then stands beside what these rows score, and what depends on the
    number of rows (detection, neighbours, repeats) sees equally many of each table. Without one, half of the
    real rows (from 400 on) are split off as the reference of fidelity and diversity; what asks whether a row
    was seen is skipped. target: the column that a model would predict; its pairs are marked, and models that
    predict it measure the utility. text: the column that is read as text (`texts.py`), whatever its values
    look like; None takes the column of prose with most words. ids:
    columns of keys or made-up values, which are not compared; unique keys are found without.
    seed: of the row samples, the folds and the bootstrap. only: the sections to measure, of "fidelity",
    "diversity", "utility" and "privacy"; None is all. quick: on few rows, with one family of models.
    show_real: the report may show values that fewer than five real rows have, and texts of real rows beside
    their copies; by default it may be seen by whoever may see the synthetic table. names: what the report
    calls the tables, such as {"real": "train.csv", "synthetic": "made.csv"}. progress: a bar.

    Fidelity: column shapes and pairs, missing, unseen and out-of-range values (`fidelity.py`, `pairs.py`),
    detection by gradient boosting and by logistic regression (`detection.py`), alpha-precision, beta-recall
    and MMD (`manifold.py`). Diversity (`diversity.py`), utility (`utility.py`; needs a target and a holdout)
    and privacy (`privacy.py`, `identifying.py`; attacks need a holdout): the formulas and their sources are
    there.

    A number or date of another table that cannot be read counts as out of range, and a warning says so.
    Raises DataError where something is no table, a table is empty, has other columns, or most values of a
    column do not fit; OptionError for an unknown target, text, section or seed.
    """
    tables = {"real": real, "synthetic": synthetic} | ({} if holdout is None else {"holdout": holdout})
    for title, table in tables.items():
        check_table(title, table, real)
    sections = _check_options(real, target, text, ids, seed, only)
    from sklearn.exceptions import ConvergenceWarning

    # Small steps: a second thread gains little, and on a busy machine it waits ten times what it works.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a few steps short is good enough to compare
        figures = measure(tables, target, text, ids, seed, sections, quick, show_real, names or {}, progress)
        return Report(_plain(figures))


def _check_options(
    real: pd.DataFrame,
    target: Any,
    text: Any,
    ids: Collection[Any],
    seed: Any,
    only: Collection[str] | None,
) -> Collection[str]:
    """The sections to measure; raises OptionError for an option of `evaluate` that fits no table."""
    for what, name in (("target", target), ("text", text)):
        if name is not None and (not isinstance(name, Hashable) or name not in real.columns):
            names = ", ".join(f"'{name}'" for name in real.columns[:20])
            shown = f"'{name}'" if isinstance(name, str) else repr(name)[:100]
            raise OptionError(f"the {what} {shown} is not a column: choose one of {names}.")
    for name in ids:
        if name not in real.columns:
            raise OptionError(f"the column of ids '{name}' is not a column of the real table.")
        if name == target:
            raise OptionError(f"the target '{name}' is a column of ids, which no model predicts.")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise OptionError(f"the seed {seed!r} is not a whole number of at least 0: give one.")
    sections = SECTIONS if only is None else (only,) if isinstance(only, str) else tuple(only)
    if not sections:
        raise OptionError(f"no section of the report was asked for: choose of {', '.join(SECTIONS)}.")
    for section in sections:
        if section not in SECTIONS:
            raise OptionError(
                f"there is no section '{section}' of the report: choose of {', '.join(SECTIONS)}."
            )
    return sections


def _plain(value: Any) -> Any:
    """The same with numpy numbers as Python's, nan as None and keys as strings."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
