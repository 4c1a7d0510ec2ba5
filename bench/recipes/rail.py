"""Accidents of railways with a narrative: DiffLM draws the typed columns and a language model writes the text
to them, beside DiffLM alone, which learns both.

    python -m bench.recipes.rail --data FOLDER --out bench/results/recipes-rail.json

The set has no narratives: one is planted in each real row, which names its date, its damage and its county.
The writer is simulated (rail_writer.py) and gets one fact in ten wrong. Agreement is the share of facts in a
narrative that are those of its row. Faithful is 1 - the mean total variation distance to the test rows, of
single columns and of pairs (numbers in ten bins of the test rows); the real rows say what can be had.
"""

from __future__ import annotations

import json
import random
import tempfile
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import lookalike
from bench.command import count, folder, parser, present
from bench.places import ROOT
from bench.recipes.rail_writer import narrative
from bench.server import serve
from lookalike.llm import LLM

TYPED = ["AccidentType", "DisplayDate", "EquipmentDamage", "County", "StateName", "TYPE_OF_TRACK", "Injuries"]
PROMPT = """Write a short report of an accident of a railway ({{ AccidentType }}).
Date: {{ DisplayDate }}; damage: {{ EquipmentDamage }}; county: {{ County }}.
Write only the report."""
BINS = 10


def main() -> None:
    one = parser("bench.recipes.rail", __doc__)
    one.add_argument("--data", type=folder, required=True, help="the folder with mixed/rail_accidents")
    one.add_argument("--train", type=count, default=3000, help="real rows to learn from")
    one.add_argument("--rows", type=count, default=500)
    one.add_argument("--seconds", type=count, default=60, help="for each model to learn")
    one.add_argument("--out", type=Path, help="write the figures to this .json file")
    args = one.parse_args()
    files = [args.data / "mixed" / "rail_accidents" / f"{name}.csv.gz" for name in ("train", "test")]
    present(one, files)
    train, test = (pd.read_csv(path)[TYPED].dropna().reset_index(drop=True) for path in files)
    found = measured(train.iloc[: args.train], test, args.rows, args.seconds)
    print(json.dumps(found, indent=1))
    if args.out:
        args.out.write_text(json.dumps(found, indent=1) + "\n")


def measured(train: pd.DataFrame, test: pd.DataFrame, rows: int, seconds: int) -> dict[str, Any]:
    rng = random.Random(0)
    cells = train[["DisplayDate", "EquipmentDamage", "County"]].astype(str).to_numpy().tolist()
    planted = train.assign(report=[narrative(*one, rng) for one in cells])
    alone = lookalike.DiffLM(max_time=seconds, progress=False).fit(planted).sample(rows)
    typed = lookalike.DiffLM(max_time=seconds, progress=False).fit(train)
    server, url = serve("--writer", f"{ROOT / 'bench' / 'recipes' / 'rail_writer.py'}:write", "--sampling")
    try:
        with tempfile.TemporaryDirectory() as name:
            typed.save(Path(name) / "model")
            columns: dict[str, Any] = {one: {"sample": f"model:{name}/model"} for one in TYPED}
            columns["report"] = {"prompt": PROMPT, "max_tokens": 100}
            llm = LLM("m", url, progress=False)
            recipe = lookalike.Recipe({"columns": columns}, llm, load=lookalike.DiffLM.load, progress=False)
            together = recipe.fit(None).sample(rows)
    finally:
        server.kill()
    tables = {"real rows": planted, "DiffLM alone": alone, "DiffLM and the writer": together}
    return {
        name: {**agreement(table), "faithful columns": faithful(table, test, 1),
               "faithful pairs": faithful(table, test, 2), "rows": len(table)}
        for name, table in (tables | {"DiffLM of typed columns": typed.sample(rows, seed=1)}).items()
    }  # fmt: skip


def agreement(table: pd.DataFrame) -> dict[str, float]:
    """The share of facts in the narratives that are those of their rows."""
    if "report" not in table:
        return {}
    found = []
    for row in table.to_dict("records"):
        text = str(row["report"])
        found.append(
            (
                f"ON {str(row['DisplayDate']).split(' ')[0]} " in text,
                f"IN {row['County']} COUNTY" in text,
                f"WAS {row['EquipmentDamage']} DOLLARS" in text,
            )
        )
    shares = np.mean(found, axis=0)
    return {name: round(float(one), 3) for name, one in zip(("date", "place", "damage"), shares, strict=True)}


def faithful(table: pd.DataFrame, test: pd.DataFrame, columns: int) -> float:
    """1 - the mean total variation distance of all choices of so many columns."""
    ours, theirs = (
        pd.DataFrame({name: _binned(one[name], test[name]) for name in TYPED}) for one in (table, test)
    )
    distances = []
    for names in combinations(TYPED, columns):
        some = [one.groupby(list(names)).size() / len(one) for one in (ours, theirs)]
        distances.append(float(some[0].sub(some[1], fill_value=0.0).abs().sum()) / 2)
    return round(1 - float(np.mean(distances)), 3)


def _binned(values: pd.Series, known: pd.Series) -> pd.Series:
    """Bins of numbers, years of dates, else the values themselves."""
    if values.name == "DisplayDate":
        return values.astype(str).str.extract(r"/(\d{4})", expand=False).fillna("?")
    if not pd.api.types.is_numeric_dtype(known):
        return values.astype(str)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)))
    return pd.Series(np.digitize(pd.to_numeric(values, errors="coerce").fillna(-1), edges[1:-1])).astype(str)


if __name__ == "__main__":
    main()
