"""`evaluate`: two tables in, one `Report` out."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from lookalike.errors import DataError, OptionError

from . import detection, fidelity
from .columns import Column, read_columns
from .pairs import MOST_PAIRS, pair_errors
from .verdict import grades, telling, verdict

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
MOST_ROWS = 100_000  # of a table, for columns
MOST_PAIR_CELLS = 20_000_000  # rows x pairs
SMALL = 200  # rows below which chance rules every figure
SHOWN_PAIRS = 50
SHOWN_ROWS = 8


class Report:
    """What was measured; made by `evaluate`.

    `to_dict()` gives JSON values; `save("report.html")` writes one self-contained page, `save("report.json")`
    the figures; `print(report)` a short table.
    """

    def __init__(self, figures: dict[str, Any]) -> None:
        self._figures = figures

    def to_dict(self) -> dict[str, Any]:
        """Every figure, as nested dicts of JSON values.

        `fidelity` and `privacy` hold entries {"value", "reference", "low", "high"}: the figure, the same of
        the real holdout (None without one), and the 95% interval of the figure. `columns` has the detail by
        column, `pairs` the worst pairs, `giveaways` the columns by which the detector knows synthetic rows,
        `sizes` the rows that were compared, `skipped` what could not be judged and why, `warnings` what to be
        careful about.
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
        temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            temporary.write_text(text + "\n", encoding="utf-8")
            os.replace(temporary, path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise DataError(f"the report cannot be written to '{path}': {error.strerror}.") from None

    def __repr__(self) -> str:
        figures = self._figures
        sizes = ", ".join(f"{n:,} {table}" for table, n in figures["tables"]["rows"].items() if n)
        lines = [
            f"{sizes} rows of {figures['tables']['columns']} columns",
            figures["verdict"]["headline"],
            "",
        ]
        held = figures["tables"]["rows"]["holdout"] is not None
        lines.append(f"{'':34}{'synthetic':>10}{'real holdout' if held else '':>14}   95% interval")
        for row in grades(figures):
            lines.append(
                f"{row['title']:34}{row['value']:>10}{row['reference'] if held else '':>14}   "
                f"{row['interval']:16}{row['grade'] or ''}".rstrip()
            )
        if best := [f"{g['column']} ({g['importance']:.3f})" for g in telling(figures)[:3]]:
            lines += ["", f"most telling columns (AUC lost when shuffled): {', '.join(best)}"]
        lines += [f"note: {text}" for text in [*figures["warnings"], *figures["skipped"].values()]]
        return "\n".join(lines)


def evaluate(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    holdout: pd.DataFrame | None = None,
    target: str | None = None,
    seed: int = 0,
) -> Report:
    """Compare a synthetic table with the real one it was learned from.

    real: the rows that the synthesizer saw. synthetic: what it made, with the same columns. holdout: real
    rows that it did not see; every figure then stands beside what these rows score, on as many rows of each
    (a smaller table differs more by chance alone). target: the column that a model would predict; its pairs
    are marked.
    seed: of the row samples, the folds and the bootstrap.

    Measures column shapes, column pairs, missing values, unseen and out-of-range values, detection by
    gradient boosting and by logistic regression, and exact copies; see `fidelity.py` and `detection.py` for
    the formulas.

    Raises DataError where a table is empty, has other columns or values that do not fit their column;
    OptionError for an unknown target.
    """
    if target is not None and target not in real.columns:
        names = ", ".join(f"'{name}'" for name in real.columns[:20])
        raise OptionError(f"the target '{target}' is not a column: choose one of {names}.")
    tables = {"real": real, "synthetic": synthetic} | ({} if holdout is None else {"holdout": holdout})
    # Small steps: a second thread gains little, and on a busy machine it waits ten times what it works.
    with threadpool_limits(1):
        return Report(_plain(_measure(tables, target, seed)))


def _measure(tables: dict[str, pd.DataFrame], target: str | None, seed: int) -> dict[str, Any]:
    columns = read_columns(tables)
    rng = np.random.default_rng(seed)
    warnings = [note for column in columns for note in column.notes][:10]
    skipped: dict[str, str] = {}
    rows = {table: len(t) for table, t in tables.items()}
    if min(rows["real"], rows["synthetic"]) < SMALL:
        warnings.append(f"with fewer than {SMALL} rows in a table, chance rules every figure.")
    compared = _match(rows, skipped)
    some = _sample(columns, rows, compared, rng)
    shape, each = fidelity.shapes(some, rng)
    comparable = sum(column.compared > 0 for column in columns)
    count = max(1, min(comparable * (comparable - 1) // 2, MOST_PAIRS))
    most = max(MOST_PAIR_CELLS // count, 2000)
    in_pairs = {table: min(n, most) for table, n in compared.items()}
    pair, worst, every, by_column = pair_errors(_sample(some, compared, in_pairs, rng), rng)
    if every > MOST_PAIRS:
        skipped["pairs"] = f"{count:,} of the {every:,} pairs of columns were drawn at random and measured."
    ids = [str(column.name) for column in columns if column.kind == "id"]
    if ids:
        skipped["ids"] = f"unique ids have no distribution to compare: {', '.join(ids)}."
    detected, giveaways, detector_rows = _detect(some, compared, seed, skipped)
    figures: dict[str, Any] = {
        "format": FORMAT,
        "tables": {"rows": rows | {"holdout": rows.get("holdout")}, "columns": len(columns)},
        "target": target,
        "seed": seed,
        "fidelity": {
            "shape_error": shape,
            "pair_error": pair,
            "missing_error": fidelity.missing(some),
            "unseen": fidelity.strange_rows(columns, ("category",)),
            "out_of_range": fidelity.strange_rows(columns, ("number", "datetime")),
            **detected,
        },
        "privacy": {"exact_copies": fidelity.copies(columns)},
        "columns": _details(columns, some, each, by_column, giveaways),
        "pairs": [vars(p) | {"target": str(target) in (p.first, p.second)} for p in worst[:SHOWN_PAIRS]],
        "giveaways": giveaways,
        "sizes": {"columns": compared, "pairs": in_pairs, "detection": detector_rows},
        "skipped": skipped,
        "warnings": warnings,
        "examples": _examples(tables["synthetic"]),
    }
    figures["verdict"] = verdict(figures)
    return figures


def _match(rows: dict[str, int], skipped: dict[str, str]) -> dict[str, int]:
    """How many rows of each table are compared: equal numbers but of the real one; no tiny holdout."""
    compared = {table: min(n, MOST_ROWS) for table, n in rows.items()}
    if "holdout" not in rows:
        skipped["reference"] = (
            "no real holdout was given, so nothing shows what another real sample would score."
        )
    elif rows["holdout"] >= min(SMALL, rows["synthetic"]):
        compared["synthetic"] = compared["holdout"] = min(compared["synthetic"], compared["holdout"])
    else:
        del compared["holdout"]
        skipped["reference"] = (
            f"the holdout has {rows['holdout']:,} rows: too few for a reference, except for shares of rows."
        )
    return compared


def _sample(
    columns: list[Column], rows: dict[str, int], wanted: dict[str, int], rng: np.random.Generator
) -> list[Column]:
    """The wanted number of rows of each wanted table, in a random order."""
    drawn = {table: rng.permutation(rows[table])[:n] for table, n in wanted.items()}
    return [column.take(drawn) for column in columns]


def _detect(
    columns: list[Column], compared: dict[str, int], seed: int, skipped: dict[str, str]
) -> tuple[dict[str, Any], list[dict[str, Any]], int]:
    """(the two detection entries, the columns by importance, the rows of each table that were used)."""
    useful = [column for column in columns if column.parts]
    rows = detection.rows_used(len(useful), list(compared.values()))
    nothing = fidelity.entry(float("nan"))
    if rows < 20 or not useful:
        skipped["detection"] = (
            "a classifier needs at least 20 rows of each table and a column that is not an id."
        )
        return {"c2st_auc": nothing, "c2st_auc_linear": nothing}, [], rows
    out, reference, importance = {}, {}, np.zeros(0)
    for table in (t for t in compared if t != "real"):
        data = detection.features(useful, table, rows, np.random.default_rng(seed))
        score, lost = detection.boosted(data, seed, rank=table == "synthetic")
        plain = detection.linear(data, seed)
        half = len(plain) // 2
        labels = np.repeat([0, 1], half)
        if table == "holdout":
            reference = {
                "c2st_auc": detection.auc(score, data.y),
                "c2st_auc_linear": detection.auc(plain, labels),
            }
            continue
        rng = np.random.default_rng(seed)
        out = {
            "c2st_auc": (detection.auc(score, data.y), detection.auc_spread(score, data.y, rng)),
            "c2st_auc_linear": (detection.auc(plain, labels), detection.auc_spread(plain, labels, rng)),
        }
        importance = lost
    ranked = [
        {"column": str(useful[i].name), "importance": float(importance[i])}
        for i in np.argsort(-np.nan_to_num(importance), kind="stable")
        if importance[i] > 0
    ]
    entries = {
        name: fidelity.entry(value, reference.get(name), spread) for name, (value, spread) in out.items()
    }
    return entries, ranked, rows


def _details(
    columns: list[Column],
    some: list[Column],
    each: list[dict[str, Any]],
    by_column: dict[str, float],
    giveaways: list[dict[str, Any]],
) -> dict[str, Any]:
    from .histogram import histogram

    errors = dict(zip([c.name for c in some if c.compared], each, strict=True))
    importance = {g["column"]: g["importance"] for g in giveaways}
    out = {}
    for column, sampled in zip(columns, some, strict=True):
        others = [table for table in column.identity if table != "real"]
        out[str(column.name)] = {
            "kind": column.kind,
            "shape_error": errors.get(column.name, fidelity.entry(float("nan"))),
            "pair_error": by_column.get(str(column.name)),
            "importance": importance.get(str(column.name), 0.0),
            "missing": {table: fidelity.missing_rate(column, table) for table in column.identity},
            "strange": {table: float(fidelity.strange(column, table).mean()) for table in others},
            "histogram": histogram(sampled),
        }
    return out


def _examples(table: pd.DataFrame) -> dict[str, Any]:
    """{"columns", "data"} of the first rows, as text; missing is empty."""
    cells = [
        ["" if gone else str(value) for value, gone in zip(row, lost, strict=True)]
        for row, lost in zip(
            table.head(SHOWN_ROWS).astype(object).to_numpy(),
            table.head(SHOWN_ROWS).isna().to_numpy(),
            strict=True,
        )
    ]
    return {"columns": [str(name) for name in table.columns], "data": cells}


def _plain(value: Any) -> Any:
    """The same with numpy numbers as Python's, nan as None and keys as strings."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
