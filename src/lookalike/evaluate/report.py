"""`evaluate`: two tables in, one `Report` out.

The formulas and their sources stand in the chapters. Fidelity: column shapes and pairs, missing, unseen and
out-of-range values (`fidelity.py`, `pairs.py`), detection by gradient boosting and by logistic regression
(`detection.py`), alpha-precision, beta-recall and MMD (`manifold.py`), texts, code and JSON (`texts.py`,
`structured.py`). Diversity: `diversity.py`, `duplicates.py`, `texts.py`. Utility: `utility.py`; it needs a
target and a holdout. Privacy: `copies.py`, `identifying.py`, `privacy.py`; attacks need a holdout.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from lookalike.arguments import path as path_of
from lookalike.arguments import shown, switch, table_names
from lookalike.atomic import replace_text
from lookalike.decisions import Decisions
from lookalike.errors import DataError, OptionError
from lookalike.evaluate.columns import check_table, read_columns, without_dropped
from lookalike.evaluate.figures import GOOD, failures, grades, percent
from lookalike.evaluate.figures import limits as parse_limits
from lookalike.evaluate.measure import measured
from lookalike.evaluate.results import Figures
from lookalike.evaluate.section import SECTIONS
from lookalike.evaluate.verdict import IDENTIFYING, telling
from lookalike.evaluate.view import View
from lookalike.progress import working
from lookalike.table.kind_groups import MADE
from lookalike.table.schema import Schema
from lookalike.table.sources import Table, parted, table

if TYPE_CHECKING:
    import pandas as pd


class Report:
    """What was measured; made by `evaluate`.

    `to_dict()` gives JSON values; `save("report.html")` writes one self-contained page, `save("report.json")`
    the figures, `save("README.md")` a data card; `print(report)` a short table. `figures` holds the same as
    attributes. decisions: of what was curated before it was compared, which the page then tells; else None.
    """

    def __init__(self, figures: Figures) -> None:
        self.figures = figures
        self.decisions: Decisions | None = None

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
        return self.figures.to_dict()

    def save(self, path: str | Path) -> None:
        """Write the page (.html), the figures (.json) or the data card (.md).

        Raises OptionError for another suffix, DataError if the file cannot be written.
        """
        path = path_of("path", path)
        if path.suffix == ".html":
            from lookalike.evaluate.page.page import page

            text = page(self.figures, self.decisions)
        elif path.suffix == ".json":
            text = json.dumps(
                {k: v for k, v in self.to_dict().items() if k != "examples"}, indent=1, ensure_ascii=False
            )
        elif path.suffix == ".md":
            text = self.card()
        else:
            raise OptionError(f"a report is a .html, .json or .md file, and '{path.name}' is none.")
        try:
            replace_text(path, text.rstrip("\n") + "\n")
        except OSError as error:
            raise DataError(f"the report cannot be written to '{path}': {error.strerror}.") from None

    def card(self) -> str:
        """The data card of the synthetic table, for a hub of data sets: Markdown with YAML before it."""
        from lookalike.evaluate.card import card

        return card(self.figures)

    def failures(self, limits: str) -> list[str]:
        """What is worse than limits such as "c2st=0.60,utility=0.95", a sentence each.

        The names are those of the figures, "c2st", "utility", "membership" or "copies". Raises OptionError
        for others.
        """
        return failures(self.figures, parse_limits(limits))

    def _repr_html_(self) -> str:
        """The page in a frame, for notebooks."""
        from html import escape

        from lookalike.evaluate.page.page import page

        return (
            f'<iframe srcdoc="{escape(page(self.figures, self.decisions), quote=True)}" '
            'style="width:100%;height:720px;border:0"></iframe>'
        )

    def warn(self, text: str) -> None:
        """Adds a sentence to the warnings, such as one on how the table was made."""
        self.figures.found.warnings.append(text)

    def __repr__(self) -> str:
        figures, rows = self.figures, grades(self.figures)
        lines = [*_about(figures), figures.verdict.headline, ""]
        title = "half of real" if figures.split else "real holdout" if figures.held else ""
        lines.append(f"{'':34}{'synthetic':>10}{title:>14}   95% interval")
        section = None
        for row in rows:
            if row.section != section:
                section = row.section
                lines.append(f"{section}:")
            lines.append(
                f"  {row.title:32}{row.value:>10}{row.reference if figures.held else '':>14}   "
                f"{row.interval:17}{row.grade or ''}".rstrip()
            )
        if best := [f"{one.column} ({one.importance:.3f})" for one in telling(figures)[:3]]:
            lines += ["", f"most telling columns (AUC lost when shuffled): {', '.join(best)}"]
        marks = {row.key: row.grade for row in rows}
        if named := [
            f"{' + '.join(listed[0].names)} {percent(listed[0].value)}"
            for key, kind in IDENTIFYING.items()
            if marks.get(key, GOOD) != GOOD and (listed := figures.found.identifying[kind])
        ]:
            lines += ["", f"values of few real rows are shown most in: {', '.join(named)}"]
        equal: dict[str, list[str]] = {}
        for row in rows:
            equal.setdefault(row.equal, []).append(row.title)
        lines += [f"note: on {some}: {'; '.join(titles)}" for some, titles in equal.items() if some]
        lines += [f"note: {text}" for text in [*figures.found.warnings, *figures.found.skipped.values()]]
        return "\n".join(lines)


def _about(figures: Figures) -> list[str]:
    """Which tables were compared, when, by what."""
    named = [
        f"{one.rows:,} {table}" + ("" if one.name == table else f" ({one.name})")
        for table, one in figures.tables.items()
    ]
    return [
        f"{', '.join(named)} rows of {figures.columns} columns",
        f"lookalike {figures.version}, {figures.date[:10]}, measured in {figures.seconds:.1f} s, "
        f"seed {figures.seed}",
    ]


def evaluate(
    real: Table,
    synthetic: Table,
    holdout: Table = None,
    target: str | None = None,
    text: str | None = None,
    seed: int = 0,
    *,
    schema: Schema | None = None,
    ids: Collection[Any] = (),
    only: Collection[str] | None = None,
    quick: bool = False,
    show_real: bool = False,
    names: Mapping[str, str] | None = None,
    judge: Any = None,
    progress: bool = True,
) -> Report:
    """Compare a synthetic table with the real one it was learned from.

    The tables may be of any library that `table/sources.py` lists. Of a DatasetDict the split "train" is
    the real table, and "test" or "validation" the holdout.
    real: the rows that the synthesizer saw. synthetic: what it made, with the same columns.
    holdout: real rows that the synthesizer did not see. Every figure then stands beside what these rows
        score, and figures that depend on the number of rows (detection, neighbours, repeats) see equally many
        of each table. Without a holdout, half of 400 or more real rows is the yardstick of fidelity and
        diversity, and nothing is measured that needs to know which rows were seen.
    target: the column that a model would predict. Its pairs are marked, and models that predict it measure
        the utility.
    text: the column that is read as text (`texts.py`), whatever its values look like; None: the column of
        prose with most words.
    seed: it decides which rows are sampled, the folds and the bootstrap.
    schema: how columns are judged; None: it is inferred from `real`. Ids, keys and pseudonyms are not
        compared, columns that it drops are left out, and values that it declares missing are missing. Its
        rules are checked, or, where it has none, those that are found in `real`.
    ids: columns of keys or made-up values, which are not compared. Unique keys are found by themselves.
    only: the sections to measure, of "fidelity", "diversity", "utility" and "privacy"; None: all.
    quick: measure few rows, with one family of models.
    show_real: whether the report may show values that fewer than five real rows have, and real texts beside
        their copies. By default whoever may see the synthetic table may see the report.
    names: what the report calls the tables, such as {"real": "train.csv", "synthetic": "made.csv"}.
    judge: a `lookalike.llm.LLM` that is asked how synthetic rows compare with real ones (of the holdout, if
        there is one; of the same target, if that is a category), or what `lookalike.judge` returned.
    progress: False for silence.

    A synthetic number or date that cannot be read counts as out of range, and a warning says so.
    Raises DataError where something is not a table, a table is empty or has other columns, or most values of
    a column do not fit; OptionError for an unknown target, text, section or seed; SchemaError for a schema
    that lacks a column of `real` or that its values contradict.
    """
    real, holdout = parted("the real table", real, holdout)
    given = {"real": real, "synthetic": synthetic} | ({} if holdout is None else {"holdout": holdout})
    given = {title: table(f"the {title} table", own) for title, own in given.items()}
    tables = without_dropped(given, schema)
    for title, own in tables.items():
        check_table(title, own, tables["real"])
    quick, show_real = switch("quick", quick), switch("show_real", show_real)
    progress = switch("progress", progress)
    for what, value in (("ids", ids), ("only", only)):
        if not (value is None or isinstance(value, str | Collection)) or (what, type(value)) == ("ids", str):
            raise OptionError(f"{what} is {shown(value)}: give a list of names.")
    names = table_names(names)
    sections = _check_options(tables["real"], target, text, ids, seed, only, schema)
    from sklearn.exceptions import ConvergenceWarning

    # Small steps: a second thread gains little, and on a busy machine it waits ten times what it works.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a few steps short is good enough to compare
        with working("looking at the columns", progress=progress):
            columns = read_columns(tables, text, ids, schema, target)
        view = View(
            tables,
            columns,
            schema=schema,
            target=target,
            text=text,
            seed=seed,
            only=sections,
            quick=quick,
            show_real=show_real,
            judge=_judge(judge),
        )
        return Report(measured(view, names or {}, progress))


def _judge(judge: Any) -> Any:
    """A judge as the chapter takes it; raises OptionError for what is none."""
    if judge is None:
        return None
    from lookalike.evaluate.judging.judged import Judged
    from lookalike.llm import LLM

    if not isinstance(judge, LLM | Judged):
        raise OptionError(
            f"judge is {shown(judge)}: give a lookalike.llm.LLM, or what lookalike.judge returned."
        )
    return judge


def _check_options(
    real: pd.DataFrame,
    target: Any,
    text: Any,
    ids: Collection[Any],
    seed: Any,
    only: Collection[str] | None,
    schema: Schema | None,
) -> Collection[str]:
    """The sections to measure; raises OptionError for an option of `evaluate` that fits no table."""
    declared = {} if schema is None else {column.name: column.kind for column in schema.columns}
    for what, name in (("target", target), ("text", text)):
        if name is not None and (not isinstance(name, Hashable) or name not in real.columns):
            if isinstance(name, Hashable) and declared.get(name) == "drop":
                raise OptionError(f"the {what} '{name}' is dropped by the schema: choose another column.")
            names = ", ".join(f"'{name}'" for name in real.columns[:20])
            given = f"'{name}'" if isinstance(name, str) else shown(name)
            raise OptionError(f"the {what} {given} is not a column: choose one of {names}.")
    for name in ids:
        if name not in real.columns:
            raise OptionError(f"the column of ids '{name}' is not a column of the real table.")
    if target is not None and (target in ids or declared.get(target) in MADE):
        raise OptionError(f"the target '{target}' is a column of ids, which no model predicts.")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise OptionError(f"the seed {seed!r} is not a whole number of at least 0: give one.")
    sections = SECTIONS if only is None else (only,) if isinstance(only, str) else tuple(only)
    if not sections:
        raise OptionError(f"no section of the report was asked for: choose from {', '.join(SECTIONS)}.")
    for section in sections:
        if section not in SECTIONS:
            raise OptionError(
                f"there is no section '{section}' of the report: choose from {', '.join(SECTIONS)}."
            )
    return sections
