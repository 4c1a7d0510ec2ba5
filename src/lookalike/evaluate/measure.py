"""The metrics of a report, section by section."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lookalike import __version__
from lookalike.evaluate import shown, space
from lookalike.evaluate.chapters import (
    detection,
    diversity,
    fidelity,
    identifying,
    manifold,
    privacy,
    structured,
    texts,
    utility,
)
from lookalike.evaluate.chapters.pairs import MOST_PAIRS, Pair, pair_errors
from lookalike.evaluate.columns import Column, read_columns
from lookalike.evaluate.page.histogram import histogram
from lookalike.evaluate.rows import (
    FULL,
    QUICK,
    SMALL,
    Limits,
    at_most,
    draw,
    match,
    sample,
    split,
    whole_rows,
)
from lookalike.evaluate.verdict import strange_detector, verdict
from lookalike.progress import bar

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[Any]

FORMAT = 2
SECTIONS = ("fidelity", "diversity", "utility", "privacy")
SHOWN_PAIRS = 50
MOST_MAPPED = 50  # columns up to which all pairs are drawn
SHOWN_ROWS = 8
SHOWN_POINTS = 400  # of each table in the projection
OFTEN = 0.5  # share of the real rows that have a twin, from which copies say little
LEAK = 0.02  # share of the holdout in the real table, above that of twins, from which it is called a leak


def measure(
    tables: dict[str, pd.DataFrame],
    target: str | None,
    text: str | None,
    made: Collection[Any],
    seed: int,
    only: Collection[str],
    quick: bool,
    show_real: bool,
    names: Mapping[str, str],
    progress: bool,
) -> dict[str, Any]:
    """All figures of the sections named in `only`, as `Report.to_dict` documents them; made: as `evaluate`'s
    `ids`.
    """
    began = time.perf_counter()
    limits = QUICK if quick else FULL
    columns = read_columns(tables, text, made)
    rng = np.random.default_rng(seed)
    rows = {table: len(t) for table, t in tables.items()}
    skipped: dict[str, str] = {}
    apart = split(rows, rng)
    compared = match(rows if apart is None else {t: len(at) for t, at in apart.items()}, limits, skipped)
    if apart is not None:
        skipped["reference"] = (
            f"no holdout was given: {len(apart['holdout']):,} of the real rows were split off as the "
            "reference of fidelity and diversity; the synthesizer saw them, so utility and attacks could not "
            "be judged."
        )
    figures = _begun(columns, rows, names, target, seed, show_real) | {
        "sizes": {"matched": compared},
        "skipped": skipped,
    }
    figures["tables"]["split"] = apart is not None
    ids = [str(column.name) for column in columns if column.kind == "id"]
    if ids:
        skipped["ids"] = f"ids, keys and pseudonyms have no distribution to compare: {', '.join(ids)}."

    def show(numbers: Array) -> dict[str, Any]:
        return shown.rows(tables["synthetic"], columns, numbers, show_real)

    whole, yardstick = whole_rows(columns, apart, "holdout" in compared, rng)
    drawn = draw(rows if apart is None else apart, compared, rng)
    some = [column.take(drawn) for column in columns]
    figures["examples"] = {"first": show(np.arange(min(SHOWN_ROWS, rows["synthetic"])))}
    figures["sizes"]["columns"] = {table: len(codes) for table, codes in whole[0].identity.items()}
    steps: list[tuple[str, str | None, Callable[[], None]]] = [
        ("column shapes", "fidelity", lambda: _shapes(figures, columns, whole, yardstick, rng)),
        ("column pairs", "fidelity", lambda: _pairs(figures, whole, yardstick, limits, rng)),
        (
            "the detector",
            "fidelity",
            lambda: _detection(figures, some, compared, limits, seed, show, drawn["synthetic"]),
        ),
        ("neighbours", None, lambda: _points(figures, columns, some, compared, limits, only, rng)),
        ("values of few rows", "privacy", lambda: _identifying(figures, columns, seed)),
        ("diversity", "diversity", lambda: _diversity(figures, columns, whole, some, limits, rng)),
        ("texts", None, lambda: _texts(figures, columns, some, text, limits, only, seed)),
        ("code and tools", "fidelity", lambda: _structured(figures, some, limits)),
        ("models", "utility", lambda: _utility(figures, columns, rows, limits, seed)),
    ]
    steps = [step for step in steps if step[1] is None or step[1] in only]
    with bar(len(steps), "measuring", unit="metrics", progress=progress) as line:
        for number, (_, _, step) in enumerate(steps, 1):
            step()
            line.set_postfix_str(steps[number][0] if number < len(steps) else "")  # what is measured next
            line.update(1)
    figures["privacy"] |= fidelity.copies(columns) if "privacy" in only else {}
    if not show_real and figures["texts"]:
        figures["texts"]["verbatim"] = []
    figures["warnings"] += strange_detector(figures)
    figures["verdict"] = verdict(figures)
    figures["about"]["seconds"] = round(time.perf_counter() - began, 1)
    return figures


def _begun(
    columns: list[Column],
    rows: dict[str, int],
    names: Mapping[str, str],
    target: str | None,
    seed: int,
    show_real: bool,
) -> dict[str, Any]:
    """The figures before anything is measured."""
    tables = {
        table: {"name": names.get(table, table), "rows": n, "columns": len(columns)}
        for table, n in rows.items()
    }
    return {
        "format": FORMAT,
        "about": {
            "lookalike": __version__,
            "date": datetime.now().astimezone().isoformat(timespec="seconds"),
            "seconds": 0.0,
            "seed": seed,
            "tables": tables,
        },
        "tables": {"rows": rows | {"holdout": rows.get("holdout")}, "columns": len(columns)},
        "target": target,
        "seed": seed,
        "show_real": show_real,
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
        "warnings": _warnings(columns, rows),
    }


def _warnings(columns: list[Column], rows: dict[str, int]) -> list[str]:
    found = [note for column in columns for note in column.notes][:10]
    kept = [column for column in columns if column.kind != "id"]
    twins = float(fidelity.twins(kept)["real"].mean()) if kept else 0.0  # what a fresh row would be, about
    if twins > OFTEN:
        found.append(
            f"{twins:.0%} of the real rows equal another real row in every column but ids, so copies say "
            "little; drop repeated rows if the real table should have none."
        )
    if min(rows["real"], rows["synthetic"]) < SMALL:
        found.append(f"with fewer than {SMALL} rows in a table, chance rules every figure.")
    if "holdout" in rows and kept:
        shared = float(fidelity.twins(kept)["holdout"].mean())
        if shared > twins + max(LEAK, 3 * np.sqrt(shared / rows["holdout"])):
            found.append(
                f"{shared:.1%} of the holdout rows are in the real table, too (chance would explain "
                f"{twins:.1%}): a leak between the two, which makes the holdout's figures meaningless."
            )
    return found


def _shapes(
    figures: dict[str, Any],
    columns: list[Column],
    whole: list[Column],
    yardstick: list[Column] | None,
    rng: np.random.Generator,
) -> None:
    shape, each = fidelity.shapes(whole, rng, yardstick)
    figures["fidelity"] |= {
        "shape_error": shape,
        "missing_error": fidelity.missing(whole, yardstick),
        "unseen": fidelity.strange_rows(columns, ("category",)),
        "out_of_range": fidelity.strange_rows(columns, ("number", "datetime")),
    }
    errors = dict(zip([c.name for c in columns if c.compared], each, strict=True))
    for column in columns:
        others = [table for table in column.identity if table != "real"]
        figures["columns"][str(column.name)] |= {
            "shape_error": errors.get(column.name, fidelity.entry(float("nan"))),
            "pair_error": None,
            "importance": 0.0,
            "missing": {table: fidelity.missing_rate(column, table) for table in column.identity},
            "strange": {table: float(fidelity.strange(column, table).mean()) for table in others},
            "histogram": histogram(column),
        }


def _pairs(
    figures: dict[str, Any],
    whole: list[Column],
    yardstick: list[Column] | None,
    limits: Limits,
    rng: np.random.Generator,
) -> None:
    names = [str(column.name) for column in whole if column.compared]
    count = max(1, min(len(names) * (len(names) - 1) // 2, MOST_PAIRS))
    in_pairs = {t: min(len(codes), limits.pair_cells // count) for t, codes in whole[0].identity.items()}
    some, other = at_most(whole, in_pairs, rng), yardstick and at_most(yardstick, in_pairs, rng)
    pair, worst, every, by_column = pair_errors(some, rng, other)
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
    show: Callable[[Array], dict[str, Any]],
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
    figures["examples"]["telltale"] = show(numbers[detail["telltale"][:SHOWN_ROWS]])
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
    near = sample(some, wanted, rng)
    places, owner = space.points(near)
    few = {table: p[: limits.points] for table, p in places.items()}
    figures["sizes"]["neighbours"] = {table: len(p) for table, p in few.items()}
    figures["sizes"]["kernel"] = min(*map(len, few.values()), manifold.KERNEL_ROWS)
    if "fidelity" in only:
        figures["fidelity"] |= manifold.measure(few, rng)
        figures["projection"] = space.projection(few, SHOWN_POINTS)
    if "diversity" in only:
        figures["diversity"]["near_duplicates"] = diversity.near_duplicates(few, rng)
    if "privacy" in only:
        figures["privacy"]["rare_values"] = privacy.rare_values(columns, some)
        if figures["tables"]["split"]:  # what the synthesizer saw is no holdout here
            seen = {t: min(len(codes), limits.points) for t, codes in columns[0].identity.items()}
            few = space.points(sample(columns, seen, rng))[0]
        figures["privacy"]["nndr"] = privacy.nndr(few, rng)
        if figures["tables"]["split"] or compared.get("holdout", 0) < privacy.FEWEST:
            figures["skipped"]["privacy"] = (
                "attacks on membership and attributes need a real holdout of at least 40 rows."
            )
            return
        own, figures["attacks"] = privacy.measure(places, owner, near, figures["target"], limits.points, rng)
        figures["privacy"] |= own


def _identifying(figures: dict[str, Any], columns: list[Column], seed: int) -> None:
    personal = [str(column.name) for column in columns if column.personal]
    found, figures["identifying"] = identifying.measure(columns, np.random.default_rng(seed), personal)
    figures["privacy"] |= found
    every, looked_at = len(columns) * (len(columns) - 1) // 2, identifying.most_pairs(columns)
    if every > looked_at:
        figures["skipped"]["identifying"] = (
            f"{looked_at:,} of the {every:,} pairs of columns were looked at for combinations of few real "
            "rows: those of columns with the most such values."
        )


def _diversity(
    figures: dict[str, Any],
    columns: list[Column],
    whole: list[Column],
    some: list[Column],
    limits: Limits,
    rng: np.random.Generator,
) -> None:
    if figures["tables"]["split"]:  # how often rows repeat needs no other rows than the real ones
        rows = {table: len(codes) for table, codes in columns[0].identity.items()}
        least = min(*rows.values(), limits.matched)
        drawn = draw(rows, {"real": least, "synthetic": least}, rng)
        some = [column.take(drawn | {"holdout": drawn["real"]}) for column in columns]
    figures["sizes"]["repeats"] = len(some[0].identity["synthetic"])
    figures["diversity"] |= {"unique_rows": diversity.unique_rows(some), **diversity.coverage(whole, rng)}


def _texts(
    figures: dict[str, Any],
    columns: list[Column],
    some: list[Column],
    text: str | None,
    limits: Limits,
    only: Collection[str],
    seed: int,
) -> None:
    every = [i for i, column in enumerate(some) if column.texts is not None]
    wordy = [i for i in every if (some[i].words if text is None else some[i].name == text)]
    if every and not wordy:
        names = ", ".join(f"'{some[i].name}'" for i in every[:5])
        figures["skipped"]["texts"] = (
            f"no column of prose was found: name one of {names} to have it read as text."
        )
    if not wordy:
        return
    chosen = max(wordy, key=lambda i: some[i].words)
    column = some[chosen]
    rows = {table: np.arange(min(len(codes), limits.texts)) for table, codes in column.identity.items()}
    entries, figures["texts"] = texts.measure(column.take(rows), seed)
    for section, found in entries.items():
        if section in only:
            figures[section] |= found
    if "privacy" in only:
        training = columns[chosen]  # copies are looked for among all training texts
        held = {t: rows.get(t, np.arange(0)) for t in training.identity}
        drawn = held | {"real": np.arange(min(len(training.identity["real"]), limits.matched))}
        figures["privacy"]["verbatim"], figures["texts"]["verbatim"] = texts.verbatim(training.take(drawn))
    if len(every) > 1:
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
        drawn = sample(columns, wanted, np.random.default_rng(seed))
        entries, figures["models"], reason = utility.measure(
            drawn, figures["target"], seed, quick=limits is QUICK
        )
        figures["utility"] |= entries
        if reason:
            figures["skipped"]["utility"] = reason
