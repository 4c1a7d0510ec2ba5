"""The metrics of a report, section by section."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lookalike.progress import bar

from . import (
    detection,
    diversity,
    fidelity,
    identifying,
    manifold,
    privacy,
    space,
    structured,
    texts,
    utility,
)
from .columns import Column, read_columns
from .pairs import MOST_PAIRS, Pair, pair_errors
from .verdict import verdict

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[Any]

FORMAT = 2
SECTIONS = ("fidelity", "diversity", "utility", "privacy")
SMALL = 200  # rows below which chance rules every figure
SHOWN_PAIRS = 50
MOST_MAPPED = 50  # columns up to which all pairs are drawn
SHOWN_ROWS = 8
SHOWN_POINTS = 400  # of each table in the projection
LEAK = 0.02  # share of the holdout in the real table, above that of twins, from which it is called a leak


@dataclass(frozen=True)
class Limits:
    """Rows of each table that the metrics see, at most; pair_cells: rows x pairs; folds: of the C2ST."""

    columns: int = 100_000
    pair_cells: int = 20_000_000
    detection: int = 20_000
    points: int = 10_000
    models: int = 20_000
    texts: int = 10_000
    folds: int = 5


FULL = Limits()
QUICK = Limits(10_000, 1_000_000, 4_000, 2_000, 2_000, 2_000, folds=3)


def measure(
    tables: dict[str, pd.DataFrame],
    target: str | None,
    text: str | None,
    made: Collection[Any],
    seed: int,
    only: Collection[str],
    quick: bool,
    progress: bool,
) -> dict[str, Any]:
    """All figures of the sections named in `only`, as `Report.to_dict` documents them; made: as `evaluate`'s
    `ids`.
    """
    limits = QUICK if quick else FULL
    columns = read_columns(tables, text, made)
    rng = np.random.default_rng(seed)
    rows = {table: len(t) for table, t in tables.items()}
    skipped: dict[str, str] = {}
    apart = _split(rows, rng)
    compared = _match(rows if apart is None else {t: len(at) for t, at in apart.items()}, limits, skipped)
    if apart is not None:
        skipped["reference"] = (
            f"no holdout was given: {compared['holdout']:,} of the real rows were split off as the "
            "reference of fidelity and diversity; the synthesizer saw them, so utility and attacks could not "
            "be judged."
        )
    figures: dict[str, Any] = {
        "format": FORMAT,
        "tables": {
            "rows": rows | {"holdout": rows.get("holdout")},
            "columns": len(columns),
            "split": apart is not None,
        },
        "target": target,
        "seed": seed,
        **{section: {} for section in SECTIONS},
        "columns": {str(column.name): {"kind": column.kind} for column in columns},
        "pairs": [],
        "pair_map": {},
        "giveaways": [],
        "roc": {},
        "projection": {},
        "models": {},
        "attacks": {},
        "identifying": {},
        "texts": {},
        "structured": {},
        "sizes": {"columns": compared},
        "skipped": skipped,
        "warnings": _warnings(columns, rows),
        "examples": {"first": _examples(tables["synthetic"].head(SHOWN_ROWS))},
    }
    ids = [str(column.name) for column in columns if column.kind == "id"]
    if ids:
        skipped["ids"] = f"ids, keys and pseudonyms have no distribution to compare: {', '.join(ids)}."
    drawn = _draw(rows if apart is None else apart, compared, rng)
    some = [column.take(drawn) for column in columns]
    steps: list[tuple[str, str | None, Callable[[], None]]] = [
        ("column shapes", "fidelity", lambda: _shapes(figures, columns, some, rng)),
        ("column pairs", "fidelity", lambda: _pairs(figures, some, compared, limits, rng)),
        (
            "the detector",
            "fidelity",
            lambda: _detection(
                figures, some, compared, limits, seed, tables["synthetic"], drawn["synthetic"]
            ),
        ),
        ("neighbours", None, lambda: _points(figures, columns, some, compared, limits, only, rng)),
        ("values of few rows", "privacy", lambda: _identifying(figures, columns, seed)),
        ("diversity", "diversity", lambda: _diversity(figures, some, rng)),
        ("texts", None, lambda: _texts(figures, columns, some, text, limits, only, seed)),
        ("code and tools", "fidelity", lambda: _structured(figures, some, limits)),
        ("models", "utility", lambda: _utility(figures, columns, rows, limits, seed)),
    ]
    steps = [step for step in steps if step[1] is None or step[1] in only]
    with bar(len(steps), "measuring", unit="metrics", progress=progress) as shown:
        for number, (_, _, step) in enumerate(steps, 1):
            step()
            shown.set_postfix_str(steps[number][0] if number < len(steps) else "")  # what is measured next
            shown.update(1)
    figures["privacy"] |= {"exact_copies": fidelity.copies(columns)} if "privacy" in only else {}
    figures["verdict"] = verdict(figures)
    return figures


def _warnings(columns: list[Column], rows: dict[str, int]) -> list[str]:
    found = [note for column in columns for note in column.notes][:10]
    if min(rows["real"], rows["synthetic"]) < SMALL:
        found.append(f"with fewer than {SMALL} rows in a table, chance rules every figure.")
    kept = [column for column in columns if column.kind != "id"]
    if "holdout" in rows and kept:
        keys = {t: fidelity.row_keys([c.identity[t] for c in kept]) for t in ("real", "holdout")}
        values, number = np.unique(keys["real"], return_counts=True)
        twins = float(number[number > 1].sum() / rows["real"])  # what a fresh row would be, about
        shared = float(np.isin(keys["holdout"], values).mean())
        if shared > twins + max(LEAK, 3 * np.sqrt(shared / rows["holdout"])):
            found.append(
                f"{shared:.1%} of the holdout rows are in the real table, too (chance would explain "
                f"{twins:.1%}): a leak between the two, which makes the holdout's figures meaningless."
            )
    return found


def _shapes(
    figures: dict[str, Any], columns: list[Column], some: list[Column], rng: np.random.Generator
) -> None:
    from .histogram import histogram

    shape, each = fidelity.shapes(some, rng)
    figures["fidelity"] |= {
        "shape_error": shape,
        "missing_error": fidelity.missing(some),
        "unseen": fidelity.strange_rows(columns, ("category",)),
        "out_of_range": fidelity.strange_rows(columns, ("number", "datetime")),
    }
    errors = dict(zip([c.name for c in some if c.compared], each, strict=True))
    for column, sampled in zip(columns, some, strict=True):
        others = [table for table in column.identity if table != "real"]
        figures["columns"][str(column.name)] |= {
            "shape_error": errors.get(column.name, fidelity.entry(float("nan"))),
            "pair_error": None,
            "importance": 0.0,
            "missing": {table: fidelity.missing_rate(column, table) for table in column.identity},
            "strange": {table: float(fidelity.strange(column, table).mean()) for table in others},
            "histogram": histogram(sampled),
        }


def _pairs(
    figures: dict[str, Any],
    some: list[Column],
    compared: dict[str, int],
    limits: Limits,
    rng: np.random.Generator,
) -> None:
    names = [str(column.name) for column in some if column.compared]
    count = max(1, min(len(names) * (len(names) - 1) // 2, MOST_PAIRS))
    most = max(limits.pair_cells // count, 2000)
    in_pairs = {table: min(n, most) for table, n in compared.items()}
    pair, worst, every, by_column = pair_errors(_sample(some, in_pairs, rng), rng)
    if every > MOST_PAIRS:
        figures["skipped"]["pairs"] = (
            f"{count:,} of the {every:,} pairs of columns were drawn at random and measured."
        )
    target = str(figures["target"])
    if len(names) <= MOST_MAPPED:
        figures["pair_map"] = {"columns": names, "errors": _square(names, worst)}
    figures["fidelity"]["pair_error"] = pair
    figures["pairs"] = [vars(p) | {"target": target in (p.first, p.second)} for p in worst[:SHOWN_PAIRS]]
    figures["sizes"]["pairs"] = in_pairs
    for name, error in by_column.items():
        figures["columns"][name]["pair_error"] = error


def _square(names: list[str], pairs: list[Pair]) -> list[list[float | None]]:
    place = {name: i for i, name in enumerate(names)}
    out: list[list[float | None]] = [[None] * len(names) for _ in names]
    for pair in pairs:
        i, j = place[pair.first], place[pair.second]
        out[i][j] = out[j][i] = pair.error
    return out


def _detection(
    figures: dict[str, Any],
    some: list[Column],
    compared: dict[str, int],
    limits: Limits,
    seed: int,
    table: pd.DataFrame,
    numbers: Array,
) -> None:
    """numbers: which rows of the synthetic table those of `some` are."""
    useful = [column for column in some if column.parts]
    rows = detection.rows_used(len(useful), [*compared.values(), limits.detection])
    figures["sizes"]["detection"] = rows
    if rows < 20 or not useful:
        nothing = fidelity.entry(float("nan"))
        figures["fidelity"] |= {"c2st_auc": nothing, "c2st_auc_linear": nothing}
        figures["skipped"]["detection"] = (
            "a classifier needs at least 20 rows of each table and a column that is not an id."
        )
        return
    detected, detail = detection.measure(useful, list(compared), rows, limits.folds, seed)
    figures["fidelity"] |= detected
    figures["giveaways"], figures["roc"] = detail["giveaways"], detail["roc"]
    figures["examples"]["telltale"] = _examples(table.iloc[numbers[detail["telltale"][:SHOWN_ROWS]]])
    for one in figures["giveaways"]:
        figures["columns"][one["column"]]["importance"] = one["importance"]


def _points(
    figures: dict[str, Any],
    columns: list[Column],
    some: list[Column],
    compared: dict[str, int],
    limits: Limits,
    only: Collection[str],
    rng: np.random.Generator,
) -> None:
    """What needs distances between rows, of any section."""
    usable = any(column.parts for column in some)
    wanted = {table: min(n, 2 * limits.points) for table, n in compared.items()}
    if min(wanted.values()) < 20 or not usable:
        figures["skipped"]["neighbours"] = (
            "distances between rows need at least 20 rows of each table and a column that is not an id."
        )
        return
    near = _sample(some, wanted, rng)
    places, owner = space.points(near)
    few = {table: p[: limits.points] for table, p in places.items()}
    figures["sizes"]["neighbours"] = {table: len(p) for table, p in few.items()}
    if "fidelity" in only:
        figures["fidelity"] |= manifold.measure(few, rng)
        figures["projection"] = space.projection(few, SHOWN_POINTS)
    if "diversity" in only:
        figures["diversity"]["near_duplicates"] = diversity.near_duplicates(few, rng)
    if "privacy" in only:
        figures["privacy"]["rare_values"] = privacy.rare_values(columns, some)
        if figures["tables"]["split"]:  # what the synthesizer saw is no holdout here
            seen = {t: min(len(codes), limits.points) for t, codes in columns[0].identity.items()}
            few = space.points(_sample(columns, seen, rng))[0]
        figures["privacy"]["nndr"] = privacy.nndr(few, rng)
        if figures["tables"]["split"] or compared.get("holdout", 0) < privacy.FEWEST:
            figures["skipped"]["privacy"] = (
                "attacks on membership and attributes need a real holdout of at least 40 rows."
            )
            return
        own, figures["attacks"] = privacy.measure(places, owner, near, figures["target"], limits.points, rng)
        figures["privacy"] |= own


def _identifying(figures: dict[str, Any], columns: list[Column], seed: int) -> None:
    found, figures["identifying"] = identifying.measure(columns, np.random.default_rng(seed))
    figures["privacy"] |= found
    every, looked_at = len(columns) * (len(columns) - 1) // 2, identifying.most_pairs(columns)
    if every > looked_at:
        figures["skipped"]["identifying"] = (
            f"{looked_at:,} of the {every:,} pairs of columns were looked at for combinations of few real "
            "rows: those of columns with the most such values."
        )


def _diversity(figures: dict[str, Any], some: list[Column], rng: np.random.Generator) -> None:
    figures["diversity"] |= {"unique_rows": diversity.unique_rows(some), **diversity.coverage(some, rng)}


def _texts(
    figures: dict[str, Any],
    columns: list[Column],
    some: list[Column],
    text: str | None,
    limits: Limits,
    only: Collection[str],
    seed: int,
) -> None:
    wordy = [i for i, c in enumerate(some) if c.texts is not None and (text is None or c.name == text)]
    if not wordy:
        return
    column = some[wordy[0]]
    rows = {table: np.arange(min(len(codes), limits.texts)) for table, codes in column.identity.items()}
    entries, figures["texts"] = texts.measure(column.take(rows), seed)
    for section, found in entries.items():
        if section in only:
            figures[section] |= found
    if "privacy" in only:
        every = columns[wordy[0]]  # copies are looked for among all training texts
        held = {t: rows.get(t, np.arange(0)) for t in every.identity}
        drawn = held | {"real": np.arange(min(len(every.identity["real"]), limits.columns))}
        figures["privacy"]["verbatim"], figures["texts"]["verbatim"] = texts.verbatim(every.take(drawn))
    if len(wordy) > 1:
        figures["skipped"]["texts"] = (
            f"of the text columns only '{column.name}' was read as text; name another to read that one."
        )


def _structured(figures: dict[str, Any], some: list[Column], limits: Limits) -> None:
    rows = {table: np.arange(min(len(codes), limits.texts)) for table, codes in some[0].identity.items()}
    found, figures["structured"], notes = structured.measure([column.take(rows) for column in some])
    figures["fidelity"] |= found
    if notes:
        figures["skipped"]["structured"] = " ".join(notes)


def _utility(
    figures: dict[str, Any], columns: list[Column], rows: dict[str, int], limits: Limits, seed: int
) -> None:
    if figures["target"] is None:
        figures["skipped"]["utility"] = "no target was named, so no model was trained."
    elif "holdout" not in rows:
        figures["skipped"]["utility"] = (
            "models need a real holdout to be tested on: rows that the synthesizer saw would flatter it."
        )
    else:
        wanted = {table: min(n, limits.models) for table, n in rows.items()}
        drawn = _sample(columns, wanted, np.random.default_rng(seed))
        entries, figures["models"], reason = utility.measure(
            drawn, figures["target"], seed, quick=limits is QUICK
        )
        figures["utility"] |= entries
        if reason:
            figures["skipped"]["utility"] = reason


def _split(rows: dict[str, int], rng: np.random.Generator) -> dict[str, Array] | None:
    """Table -> row numbers, half of the real rows as a holdout; None with a holdout or with few rows.

    Honest for what compares distributions: two halves of the real table are two real samples. Not for what
    asks whether the synthesizer saw a row.
    """
    if "holdout" in rows or rows["real"] < 2 * SMALL:
        return None
    real = rng.permutation(rows["real"])
    half = len(real) // 2
    return {"real": real[half:], "synthetic": np.arange(rows["synthetic"]), "holdout": real[:half]}


def _match(rows: dict[str, int], limits: Limits, skipped: dict[str, str]) -> dict[str, int]:
    """How many rows of each table are compared: equal numbers but of the real one; no tiny holdout."""
    compared = {table: min(n, limits.columns) for table, n in rows.items()}
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


def _draw(
    rows: Mapping[str, Array | int], wanted: dict[str, int], rng: np.random.Generator
) -> dict[str, Array]:
    """Row numbers: the wanted number of each wanted table's (a number n: of 0..n-1), in a random order."""
    return {table: rng.permutation(rows[table])[:n] for table, n in wanted.items()}


def _sample(columns: list[Column], wanted: dict[str, int], rng: np.random.Generator) -> list[Column]:
    """The wanted number of rows of each wanted table, in a random order."""
    drawn = _draw({t: len(codes) for t, codes in columns[0].identity.items()}, wanted, rng)
    return [column.take(drawn) for column in columns]


def _examples(some: pd.DataFrame) -> dict[str, Any]:
    """{"columns", "data"} of some rows, as text; missing is empty."""
    cells = [
        ["" if gone else str(value) for value, gone in zip(row, lost, strict=True)]
        for row, lost in zip(some.astype(object).to_numpy(), some.isna().to_numpy(), strict=True)
    ]
    return {"columns": [str(name) for name in some.columns], "data": cells}
