"""Fits one method on a table and samples rows: one process, started by bench/tables/peers.py.

    python -m bench.tables.run METHOD TRAIN OUT [--rows N] [--made N] [--seed 0] [--options JSON]

writes the synthetic table to OUT (.csv.gz) and prints one line of JSON: the seconds of fitting, the seconds
of sampling (after a first small sample, so that what happens only once is not counted) and the peak memory in
MB. Importing is not timed. `--options` go to the method's constructor: the benchmark passes none, so every
method runs at its defaults.
"""

import json
import resource
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd

from bench import command

Sample = Callable[[int], pd.DataFrame]
Fit = Callable[[], Sample]


def lookalike(table: pd.DataFrame, seed: int, options: dict[str, Any]) -> Fit:
    from lookalike import DiffLM

    def fit() -> Sample:
        model = DiffLM(seed=seed, **options).fit(table)
        return lambda rows: model.sample(rows, seed=seed)

    return fit


def refined(table: pd.DataFrame, seed: int, options: dict[str, Any]) -> Fit:
    return lookalike(table, seed, options | {"refine": True})


def tabularargn(table: pd.DataFrame, seed: int, options: dict[str, Any]) -> Fit:
    from mostlyai.engine import TabularARGN

    def fit() -> Sample:
        return TabularARGN(random_state=seed, **options).fit(table).sample

    return fit


def sdv(table: pd.DataFrame, seed: int, options: dict[str, Any], name: str) -> Fit:
    import numpy as np
    import torch
    from sdv import single_table
    from sdv.metadata import Metadata

    np.random.seed(seed)  # SDV has no seed of its own
    torch.manual_seed(seed)
    metadata = Metadata.detect_from_dataframes({"t": table})
    for column in table.columns:
        # At a guess such as "country code" SDV would write made-up values instead of modelling the real ones.
        if metadata.tables["t"].columns[column]["sdtype"] not in (
            "categorical",
            "numerical",
            "datetime",
            "boolean",
        ):
            kind = "numerical" if pd.api.types.is_numeric_dtype(table[column]) else "categorical"
            metadata.update_column(column, sdtype=kind)
    metadata.tables["t"].primary_key = None

    def fit() -> Sample:
        model = getattr(single_table, name)(metadata, **options)
        model.fit({"t": table})
        return lambda rows: model.sample(rows)["t"]

    return fit


def gaussiancopula(table: pd.DataFrame, seed: int, options: dict[str, Any]) -> Fit:
    return sdv(table, seed, options, "GaussianCopulaSynthesizer")


def tvae(table: pd.DataFrame, seed: int, options: dict[str, Any]) -> Fit:
    return sdv(table, seed, options, "TVAESynthesizer")


def simple(table: pd.DataFrame, seed: int, options: dict[str, Any], name: str) -> Fit:
    from bench.tables import simple

    fit: Fit = getattr(simple, name)(table, seed, **options)
    return fit


METHODS: dict[str, Callable[[pd.DataFrame, int, dict[str, Any]], Fit]] = {
    "lookalike": lookalike,
    "lookalike-refined": refined,
    "tabularargn": tabularargn,
    "gaussiancopula": gaussiancopula,
    "tvae": tvae,
    **{name: partial(simple, name=name) for name in ("cart", "copula", "shuffled")},
}


def main() -> None:
    parser = command.parser("bench.tables.run", __doc__)
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("train", type=command.file)
    parser.add_argument("out")
    parser.add_argument("--rows", type=int, help="train on ROWS rows drawn at random")
    parser.add_argument("--made", type=int, help="sample so many rows instead of as many as were learned")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--options", type=json.loads, default={})
    parser.add_argument("--dates", action="append", default=[], help="a column that is read as dates")
    args = parser.parse_args()

    table = pd.read_csv(args.train, keep_default_na=False, na_values=[""], parse_dates=args.dates)
    if args.rows:
        table = table.sample(args.rows, random_state=0).reset_index(drop=True)
    fit = METHODS[args.method](table, args.seed, args.options)
    begin = time.perf_counter()
    sample = fit()
    fitted = time.perf_counter()
    sample(min(len(table), 1000))
    warm = time.perf_counter()
    synthetic = sample(args.made or len(table))
    end = time.perf_counter()
    synthetic.to_csv(args.out, index=False)
    memory = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    figures = {
        "fit_s": fitted - begin,
        "sample_s": end - warm,
        "rows": len(synthetic),
        "rss_mb": sum(memory) / 1024,
    }
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
