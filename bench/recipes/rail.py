"""Accidents of railways with a narrative: DiffLM draws the typed columns and a language model writes the text
to them, each checked by `states:` and asked for again where a fact is missing, beside DiffLM alone, which
learns both, and the language model alone, which writes both from five real rows that it is shown.

    python -m bench.recipes.rail --data FOLDER --out bench/results/recipes-rail.json
    python -m bench.recipes.rail --data FOLDER --llm URL --model NAME --rows 40

The set has no narratives: one is planted in each real row, which names its date, its damage and its county.
Without --llm the writer is simulated (rail_writer.py): it gets one fact in ten wrong. Agreement is the share
of facts in a narrative that are those of its row: of the simulated writer in the very words in which it was
planted, of a real one by `states`, in any. Faithful is 1 - the mean total variation distance to the
test rows, of single columns and of pairs (numbers in ten bins of the test rows); the real rows say what can
be had.
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
from lookalike.texts.stated import states

TYPED = ["AccidentType", "DisplayDate", "EquipmentDamage", "County", "StateName", "TYPE_OF_TRACK", "Injuries"]
FACTS = {"date": "DisplayDate", "place": "County", "damage": "EquipmentDamage"}
PROMPT = """Write a short report of an accident of a railway ({{ AccidentType }}).
Date: {{ DisplayDate }}; damage: {{ EquipmentDamage }}; county: {{ County }}.
Write only the report."""
SHOWN = 5  # real rows in a prompt for a whole row
BINS = 10


def main() -> None:
    one = parser("bench.recipes.rail", __doc__)
    one.add_argument("--data", type=folder, required=True, help="the folder with mixed/rail_accidents")
    one.add_argument("--train", type=count, default=3000, help="real rows to learn from")
    one.add_argument("--rows", type=count, default=500)
    one.add_argument("--seconds", type=count, default=60, help="for each model to learn")
    one.add_argument("--llm", help="the endpoint of a real model (default: a simulated one)")
    one.add_argument("--model", default="m", help="its name there")
    one.add_argument("--out", type=Path, help="write the figures to this .json file")
    args = one.parse_args()
    files = [args.data / "mixed" / "rail_accidents" / f"{name}.csv.gz" for name in ("train", "test")]
    present(one, files)
    train, test = (pd.read_csv(path)[TYPED].dropna().reset_index(drop=True) for path in files)
    if args.llm:
        found = measured(train.iloc[: args.train], test, args.rows, args.seconds, args.llm, args.model)
    else:
        writer = f"{ROOT / 'bench' / 'recipes' / 'rail_writer.py'}:write"
        server, url = serve("--writer", writer, "--sampling")
        try:
            found = measured(train.iloc[: args.train], test, args.rows, args.seconds, url, args.model)
        finally:
            server.kill()
    print(json.dumps(found, indent=1))
    if args.out:
        args.out.write_text(json.dumps(found, indent=1) + "\n")


def measured(
    train: pd.DataFrame, test: pd.DataFrame, rows: int, seconds: int, url: str, model: str
) -> dict[str, Any]:
    """The figures of all arms; seconds: for each model to learn."""
    rng = random.Random(0)
    cells = train[["DisplayDate", "EquipmentDamage", "County"]].astype(str).to_numpy().tolist()
    planted = train.assign(report=[narrative(*one, rng) for one in cells])
    tables = {"real rows": planted}
    tables["DiffLM alone"] = lookalike.DiffLM(max_time=seconds, progress=False).fit(planted).sample(rows)
    typed = lookalike.DiffLM(max_time=seconds, progress=False).fit(train)
    with tempfile.TemporaryDirectory() as name:
        typed.save(Path(name) / "model")
        drawn = {one: {"sample": f"model:{name}/model"} for one in TYPED}
        for name, checked in (("DiffLM and the writer, checked", True), ("DiffLM and the writer", False)):
            tables[name] = _written(drawn, None, rows, url, model, checked)
    for name, checked in (("the writer alone", False), ("the writer alone, checked", True)):
        tables[name] = _written(_asked(train), train, rows, url, model, checked)
    tables["DiffLM of typed columns"] = typed.sample(rows, seed=1)
    return {
        name: {**agreement(table, model == "m"), "faithful columns": faithful(table, test, 1),
               "faithful pairs": faithful(table, test, 2), "rows": len(table), **table.attrs}
        for name, table in tables.items()
    }  # fmt: skip


def _written(
    columns: dict[str, Any], real: pd.DataFrame | None, rows: int, url: str, model: str, checked: bool
) -> pd.DataFrame:
    """Rows of a recipe: these columns, then the narrative. checked: it has to state its facts, else it is
    asked for again.
    """
    llm = LLM(model, url, concurrency=4 if model != "m" else 64, timeout=900.0, progress=False)
    report: dict[str, Any] = {"prompt": PROMPT, "max_tokens": 100}
    if checked:
        report["check"] = f"states:{','.join(FACTS.values())}"
    recipe = lookalike.Recipe(
        {"columns": {**columns, "report": report}}, llm, load=lookalike.DiffLM.load, progress=False
    )
    found = recipe.fit(real).sample(rows)
    said = recipe.summary()
    found.attrs = {"calls": said["calls"], "rejected": said["rejected"], "again": said["again"]}
    return found


def _asked(train: pd.DataFrame) -> dict[str, Any]:
    """The typed columns in one reply of the language model, which is shown some real rows."""
    columns: dict[str, Any] = {
        f"real_{name}": {"real": name, "several": SHOWN, "keep": False} for name in TYPED
    }
    row = "; ".join(f"{name}: {{{{ real_{name}[at] }}}}" for name in TYPED)
    shown = f"Accidents of railways, one a line:\n{{% for at in range({SHOWN}) %}}{row}\n{{% endfor %}}"
    for name in TYPED:
        number = pd.api.types.is_numeric_dtype(train[name])
        kind = {"type": "integer"} if number else {"type": "string", "minLength": 1, "maxLength": 60}
        asked = f"{name} of one more accident, like these but none of them"
        columns[name] = {"call": "row", "prompt": asked, "schema": kind, "max_tokens": 200}
    columns[TYPED[0]]["prompt"] = f"{columns[TYPED[0]]['prompt']}. {shown}"
    return columns


def agreement(table: pd.DataFrame, planted: bool) -> dict[str, float]:
    """The share of facts in the narratives that are those of their rows, and of narratives that have all of
    them. planted: they stand there in the words of `narrative`.
    """
    if "report" not in table:
        return {}
    found = []
    for row in table.to_dict("records"):
        text = str(row["report"])
        day, county, damage = (str(row[name]) for name in FACTS.values())
        if planted:
            said = (f"ON {day.split(' ')[0]} ", f"IN {county} COUNTY", f"WAS {damage} DOLLARS")
            found.append([one in text for one in said])
        else:
            found.append([states(text, row[name]) for name in FACTS.values()])
    shares = np.mean(found, axis=0)
    facts = {name: round(float(one), 3) for name, one in zip(FACTS, shares, strict=True)}
    return {**facts, "all three": round(float(np.all(found, axis=1).mean()), 3)}


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
