"""`curate`: a synthetic table -> the rows worth keeping, and a decision on each of the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import is_string_dtype

from lookalike import arguments
from lookalike.arguments import is_column, listed, shown
from lookalike.atomic import replace_text
from lookalike.curate import duplicates, outliers
from lookalike.curate.annotating import Annotate
from lookalike.curate.auditing import check_labels
from lookalike.curate.checks import CHECKS, Decision, Rows
from lookalike.curate.doubting import NEED_REAL
from lookalike.curate.page import page
from lookalike.curate.points import points
from lookalike.decisions import WEIGHT, Decisions
from lookalike.defaults import CHECKS as NAMES
from lookalike.defaults import DOUBTS, LABEL_METHODS, NEAR, USUAL_CHECKS
from lookalike.embed import Embed, check_embedder, embedder
from lookalike.errors import DataError, OptionError, file_errors
from lookalike.progress import bar, working
from lookalike.table import sources
from lookalike.table.column import Column
from lookalike.table.inferring import infer
from lookalike.table.nested import can_read, is_json_text
from lookalike.table.schema import Schema, given_schema
from lookalike.table.sources import Table
from lookalike.texts.checks import TEXT_CHECKS
from lookalike.texts.inside import LEAST_WORDS
from lookalike.texts.words import words_of

Array = npt.NDArray[Any]
Seen = Callable[[], tuple[Array, Array | None]]

PAGES = (".html", ".htm")
NEEDS_REAL = ("missing", "language", "range", "unknown", "rules", "copy")
EMBEDDED = ("semantic", "labels", "outlier")


def curate(
    synthetic: Table,
    real: Table = None,
    *,
    text: Any = None,
    label: Any = None,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
    near: float = NEAR,
    method: str = LABEL_METHODS[0],
    doubt: str = DOUBTS[0],
    embed: str | Embed | None = None,
    annotate: Annotate | None = None,
    people: float = 0.0,
    schema: Schema | None = None,
    report: str | Path | None = None,
    workers: int | None = None,
    seed: int = 0,
    progress: bool = True,
) -> tuple[Table, Decisions]:
    """The rows of a synthetic table that are worth keeping, and what was decided on the others.

        kept, decisions = lookalike.curate(synthetic, real, label="intent")

    synthetic: any table, whoever made it, of any library (`table/sources.py`). The same kind comes back.
    real: real rows with the same columns, which set the limits. None: the limits are absolute, and checks
        that need real rows are left out.
    text: the column of text. None: all columns that hold text.
    label: the column of labels. Texts that are alike but have two labels are reported, not dropped.
    only: the names of the checks to make (`defaults.py`). None: all but "semantic" and "outlier".
    without: the names of checks that report what they find, and change nothing.
    near: the Jaccard similarity from which texts are near-duplicates, .05 to 1.
    method: what is done with labels that are probably wrong: "drop", "weigh" (a column `weight`),
        "relabel", or "auto", the smallest of these changes that helps about as much as the best. It is done
        only where held-out real rows say that it helps (`gate.py`). The notes tell what they said.
    doubt: how wrong labels are found (`doubting.py`): by the "audit" of classifiers, "neighbours",
        "dynamics" (CLLM), "margin" (AUM), "influence", or "steps" (SunGen), which weighs every row.
    embed: what turns texts into points, as `embed.embedder` takes it. "semantic", "labels" and "outlier"
        use it.
    annotate: a function that is asked for labels, such as a `lookalike.Annotator`. It needs the method
        "relabel". It is asked in two rounds about the rows whose label a classifier doubts, in each about a
        quarter of all rows at most.
    people: of the rows that it is asked about the share, 0 to 1, that is only reported, for people to
        decide: those on which its answers differ most.
    schema: of the real table. None: it is inferred.
    report: an .html file that shows, check by check, what was decided, with examples.
    workers: how many processes check long tables of texts, at most. None: one a core. What is decided does
        not depend on it.
    seed: of the classifiers, the built-in embedding and the examples. progress: False for silence.

    Raises OptionError for an option that does not fit. Raises DataError for tables whose columns differ, and
    where no row would be left.
    """
    synthetic, origin = sources.taken("the synthetic table", synthetic)
    asked: dict[str, Any] = {"only": only, "without": without, "near": near, "method": method, "doubt": doubt}
    asked |= {"embed": embed, "text": text, "label": label}
    check_options(asked, synthetic.columns)
    _check_report(report)
    people = arguments.number("people", people, 0.0, 1.0)
    workers = None if workers is None else arguments.whole("workers", workers, 1)
    _check_doubts(method, doubt, annotate, people, real is not None)
    _need_no_weights(method, synthetic)
    names, undone = check_names(only), set(check_names(without)) if without else set()
    with working("looking at the columns", progress=progress):
        rows = rows_to_check(synthetic, real, text, label, given_schema(schema))
    rows.check_apart([name for name in names if name in TEXT_CHECKS], workers, progress)
    seen = cache(lambda: points(rows, embed, seed))  # by the labels and the outliers
    notes: list[str] = []
    found: list[Decision] = []
    with bar(len(names), "curating", unit="checks", progress=progress) as shown_bar:
        shown_bar.set_postfix_str(names[0])
        for number, name in enumerate(names, 1):
            decided: Iterable[Decision]
            if name in CHECKS:
                decided = CHECKS[name](rows)
            elif name == "labels":
                decided = _labels(rows, found, method, doubt, seen, seed, notes, annotate, people)
            else:
                decided = _repeats(name, rows, found, near, embed, seen, seed, notes)
            for decision in decided:
                found.append(decision | ({"action": "report"} if decision["check"] in undone else {}))
            shown_bar.set_postfix_str(names[number] if number < len(names) else "")  # what comes next
            shown_bar.update(1)
    decisions = Decisions.of(found, len(synthetic), label)
    decisions.notes += [*notes, *_without_effect(names, real is not None, embed is not None)]
    _need_rows(decisions)
    if report is not None:
        with bar(None, "writing the report", progress=progress), file_errors(report, "written"):
            replace_text(report, page(synthetic, decisions, rows.schema, seed))
    return origin.back(decisions.apply(synthetic)), decisions


def _check_report(report: str | Path | None) -> None:
    if report is not None and arguments.path("report", report).suffix.lower() not in PAGES:
        raise OptionError(f"the report {shown(str(report))} is a page: name an .html file.")


def _need_no_weights(method: str, synthetic: pd.DataFrame) -> None:
    if method == "weigh" and WEIGHT in synthetic.columns:
        raise DataError(
            f"the table has a column '{WEIGHT}' of its own: rename it, so that rows can be weighed."
        )


def _check_doubts(method: str, doubt: str, annotate: Annotate | None, people: float, has_real: bool) -> None:
    """Raises OptionError where what is done with doubtful labels does not go together."""
    if annotate is not None and method != "relabel":
        raise OptionError("an annotator gives new labels: choose the method 'relabel' (--method relabel).")
    if people and annotate is None:
        raise OptionError(
            "people decide where an annotator is unsure: give one (--llm), or leave people out."
        )
    if annotate is not None and doubt != DOUBTS[0]:
        raise OptionError(
            "an annotator is asked about the labels that a classifier doubts, so no other way to doubt "
            "can be chosen: leave doubt out (--doubt), or the annotator."
        )
    if doubt in NEED_REAL and not has_real:
        raise OptionError(
            f"'{doubt}' needs real rows to doubt labels by: give some (--real), or choose another way to "
            f"doubt: {', '.join(one for one in DOUBTS if one not in NEED_REAL)}."
        )


def _without_effect(names: Collection[str], has_real: bool, has_embedder: bool) -> Iterator[str]:
    """Sentences on the checks that were asked for and need what is not there, and on what no check needs."""
    left_out = [] if has_real else [name for name in names if name in NEEDS_REAL]
    if left_out:
        yield f"without real rows these checks were left out: {', '.join(left_out)}"
    if has_embedder and not set(names) & set(EMBEDDED):
        yield f"no check needs the embedder: it is for {', '.join(EMBEDDED)}."


def _repeats(
    name: str,
    rows: Rows,
    found: list[Decision],
    near: float,
    embed: str | Embed | None,
    seen: Seen,
    seed: int,
    notes: list[str],
) -> Iterable[Decision]:
    """The rows that repeat others, of those that no check has dropped: a list, so that it is complete."""
    order = _left(rows, found)
    if name == "exact":
        return list(duplicates.exact(rows, order))
    if name == "near":
        return list(duplicates.near(rows, order, near, notes=notes))
    if name == "outlier":
        return list(outliers.outliers(order, *seen()))
    texts = [one for column in rows.texts for one in rows.compared(column)[1]]
    return list(duplicates.semantic(rows, order, embedder(embed, texts, seed))) if texts else []


def _labels(
    rows: Rows,
    found: list[Decision],
    method: str,
    doubt: str,
    seen: Seen,
    seed: int,
    notes: list[str],
    annotate: Annotate | None,
    people: float,
) -> list[Decision]:
    """What is decided on the labels of the rows that no check has dropped; nothing without a label column."""
    if rows.label is None:
        return []
    told = check_labels(rows, _left(rows, found), method, doubt, seen, seed, annotate, people)
    notes += told.notes
    return told.decisions


def _left(rows: Rows, found: list[Decision]) -> Array:
    """The rows that no check has dropped."""
    gone = {decision["row"] for decision in found if decision["action"] == "drop"}
    return np.array([row for row in range(len(rows.synthetic)) if row not in gone], dtype=np.int64)


def check_options(options: Mapping[str, Any], columns: Collection[Any]) -> None:
    """Raises OptionError for options of `curate` that no table of these columns can be curated with; what is
    not given is as in `curate`.
    """
    only = options.get("only")
    check_names(only)
    if options.get("without"):
        check_names(options["without"])
    arguments.number("near", options.get("near", NEAR), 0.05, 1.0)
    method = arguments.choice("method", options.get("method", LABEL_METHODS[0]), LABEL_METHODS)
    doubt = arguments.choice("doubt", options.get("doubt", DOUBTS[0]), DOUBTS)
    if doubt == "steps" and method not in ("auto", "weigh"):
        raise OptionError(
            f"--doubt steps weighs rows: leave out the method '{method}', or choose another way to doubt."
        )
    check_embedder(options.get("embed"))
    text, label = options.get("text"), options.get("label")
    for what, name in (("text", text), ("label", label)):
        if name is not None and not is_column(name, columns):
            raise OptionError(
                f"the {what} {shown(name)} is not a column of the synthetic table: choose one of "
                f"{listed(columns)}."
            )
    if text is not None and text == label:
        raise OptionError(
            f"the column {shown(text)} is named as text and as label: name another column, or leave one out."
        )
    if label is None and (
        (only is not None and "labels" in only) or method != LABEL_METHODS[0] or doubt != DOUBTS[0]
    ):
        raise OptionError("the check 'labels' needs a column of labels: name it as label (--label).")


def check_names(only: Collection[str] | None) -> list[str]:
    """The names of checks in their order; None: the usual ones. Raises OptionError for others."""
    wanted = USUAL_CHECKS if only is None else (only,) if isinstance(only, str) else tuple(only)
    if not wanted:
        raise OptionError(f"no check was asked for: choose from {', '.join(NAMES)}.")
    for name in wanted:
        if name not in NAMES:
            raise OptionError(f"there is no check {shown(name)}: choose from {', '.join(NAMES)}.")
    return [name for name in NAMES if name in wanted]


def rows_to_check(
    synthetic: pd.DataFrame, real: pd.DataFrame | None, text: Any, label: Any, schema: Schema | None
) -> Rows:
    """What `curate` looks at; the arguments and errors are its own."""
    if not len(synthetic):
        raise DataError("the synthetic table has no rows: give a table with rows.")
    if real is not None:
        real = sources.table("the real table", real)
        odd = [name for name in [*real.columns, *synthetic.columns] if name not in real.columns]
        odd += [name for name in real.columns if name not in synthetic.columns]
        if odd:
            raise DataError(
                f"the synthetic and the real table differ in these columns: {listed(odd)}: leave them out of "
                "both."
            )
    guessed = schema is None and real is None
    if schema is None:
        schema = infer(_without_broken_json(synthetic) if real is None else real)
    if text is not None:
        return Rows(synthetic, real, _with_text(schema, text), [text], label)
    texts = [c.name for c in schema.columns if c.is_textual and c.name != label]
    columns = schema.columns if guessed else []
    sentences = [c.name for c in columns if c.name != label and _of_sentences(synthetic[c.name], c)]
    return Rows(synthetic, real, schema, texts, label, sentences)


def _without_broken_json(table: pd.DataFrame) -> pd.DataFrame:
    """The table without the cells of JSON columns that do not parse, which are for the check "parses"."""
    found = table.copy(deep=False)
    for at, name in enumerate(table.columns):
        cells = table.iloc[:, at]
        texts = cells.dropna().tolist() if cells.dtype == object or is_string_dtype(cells.dtype) else []
        if texts and all(isinstance(text, str) for text in texts) and is_json_text(texts):
            found[name] = cells.mask(cells.map(lambda text: isinstance(text, str) and not can_read(text)))
    return found


def _with_text(schema: Schema, text: Any) -> Schema:
    """The column that was named as text is one, also where few texts come again and again."""
    if schema[text].is_number_or_date:
        raise OptionError(
            f"column '{text}' holds no texts but is of kind {schema[text].kind}: name a column of texts."
        )
    if schema[text].is_textual:
        return schema
    return replace(schema, columns=[replace(c, kind="text") if c.name == text else c for c in schema.columns])


def _of_sentences(values: pd.Series, column: Column) -> bool:
    """Whether half of the values of a category or constant are sentences."""
    if column.kind not in ("category", "constant"):
        return False
    texts = [value for value in values.dropna().unique().tolist() if isinstance(value, str)]
    return 2 * sum(len(words_of(text)) >= LEAST_WORDS for text in texts) >= max(len(texts), 1)


def _need_rows(decisions: Decisions) -> None:
    if len(decisions.dropped()) < decisions.rows:
        return
    drops = decisions.table[decisions.table["action"] == "drop"]
    worst = drops.groupby("check")["row"].nunique().sort_values(ascending=False, kind="stable")
    raise DataError(
        f"no row would be left: the check '{worst.index[0]}' drops {worst.iloc[0]:,} of {decisions.rows:,}: "
        "leave it out, or give real rows that are like the synthetic ones."
    )
