"""Records of every kind: texts, code, queries, tool specifications and mixed tables, learned and judged.

    python bench/records.py --data FOLDER [--sets banking77,...] [--seeds 0,1,2] [--max-time 90s]
    python bench/records.py --data FOLDER --ablation   injection x rate x prior, on one table and one text set
    python bench/records.py --data FOLDER --speed      tokens a second beside a plain transformers loop

FOLDER holds the folders text, code, tools, mixed and tabular (see record_sets.py). Every (set, seed) runs in
a process of its own, and its figures go to --out when it is done: an interrupted benchmark goes on where it
stopped, and a set that failed is tried again. The tables, and 20 rows of every set, go between the marks of
bench/RESULTS.md. --max-time: of every fit (a set has one or two of them). --backbone: a pretrained model by
its path; its figures stand beside the others. --again: sets whose earlier figures are forgotten. --jobs: as
many processes at once, each with its share of the processors; two of one thread learn 1.4 times as much as
one of two threads, as these models are small.

What every figure means stands in record_figures.py and record_latents.py. "No latent" is the same
language model at rate 0, so that the latent says nothing: a plain language model of the same architecture,
trained as long. "n-gram" is ngram.py.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import pandas as pd
import record_figures as figures
import record_latents
import score
import tables
from ngram import Writer
from record_ablation import RATES, TABLE, TEXT, VARIANTS, ablate
from record_sets import SETS, Set, load
from record_speed import speed
from record_tables import RECORDS_MARKS, records

import lookalike
from lookalike import DiffLM
from lookalike.codec.shape import infer_shape

HERE = Path(__file__).resolve().parent
ROWS = 5_000  # synthetic rows, at most; else as many as there are training rows
VALID_ROWS = 200  # with valid_only, which draws a row up to `TRIES` times
TOOL_ROWS = 200  # of specifications, which take some hundred tokens each
FEWEST = 50  # rows that are worth judging
SHOWN, LETTERS = 20, 400  # rows of every set that are kept for the eye, and letters of each
TIME = "90s"
Table = pd.DataFrame
Arms = dict[str, dict[str, Any]]


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def fitted(
    train: Table, seed: int, options: dict[str, Any], schema: Any = None, **more: Any
) -> tuple[DiffLM, float]:
    return timed(lambda: DiffLM(seed=seed, progress=False, **options, **more).fit(train, schema))


def written(train: Table, rows: int, seed: int, label: str | None) -> tuple[Table, dict[str, float]]:
    """Rows of n-gram models, one for each column and each class of `label`; the times, and the orders."""
    labels = train[label].tolist() if label else [None] * len(train)
    columns, facts = {}, {"fit_s": 0.0, "sample_s": 0.0}
    for name in (name for name in train.columns if name != label):
        texts = train[name].fillna("").astype(str).tolist()
        writer, fit_s = timed(lambda texts=texts: Writer(texts, labels, seed))
        (columns[name], classes), sample_s = timed(lambda writer=writer: writer.write(rows, seed))
        facts |= {"fit_s": facts["fit_s"] + fit_s, "sample_s": facts["sample_s"] + sample_s}
        facts[f"order of {name}"] = writer.order
        if label:
            columns[label] = classes
    return Table(columns)[list(train.columns)], facts


def shown(table: Table) -> list[str]:
    """Rows as lines, for the eye."""
    return [
        " | ".join(" ".join(str(cell).split()) for cell in row)[:LETTERS]
        for row in table.head(SHOWN).itertuples(index=False)
    ]


def text_set(set_: Set, train: Table, test: Table, seed: int, options: dict[str, Any]) -> dict[str, Any]:
    assert set_.label is not None
    rows, label = min(len(train), ROWS), set_.label
    arms: Arms = {}
    out: dict[str, Any] = {"arms": arms}
    judge = figures.classifier().fit(train[set_.text], train[label])

    def judged(name: str, made: Table, facts: dict[str, float]) -> None:
        own, real = figures.report(train, made, test, set_.text, seed)
        own |= figures.utility(made, test, set_.text, label) | figures.texts(train, made, set_.text, seed)
        arms[name] = facts | own | figures.tokens(test, made, set_.text)
        arms.setdefault("test rows", {}).update(real)

    for name, more in (("lookalike", {}), ("no latent", {"rate": 0.0})):
        model, fit_s = fitted(train, seed, options, **more)
        made, sample_s = timed(lambda model=model: model.sample(rows, seed=seed))
        judged(name, made, {"fit_s": fit_s, "sample_s": sample_s})
        if name == "lookalike":
            out["samples"] = shown(made)
            out["latents"] = record_latents.measure(model, train, test, set_.text, label, judge, seed)
    judged("n-gram", *written(train, rows, seed, label))
    some = train.sample(rows, random_state=seed)
    arms["test rows"] |= figures.texts(train, test, set_.text, seed) | figures.tokens(test, some, set_.text)
    arms["test rows"] |= figures.utility(some, test, set_.text, label)
    return out


def code_set(
    name: str, set_: Set, train: Table, test: Table, seed: int, options: dict[str, Any]
) -> dict[str, Any]:
    arms: Arms = {}
    rows, runs = min(len(train), ROWS), figures.runner(name, set_, train, test)
    out: dict[str, Any] = {"arms": arms}

    def judged(arm: str, made: Table, facts: dict[str, float]) -> None:
        own, real = figures.report(train, made, test, set_.text, seed)
        own |= figures.texts(train, made, set_.text, seed) | figures.tokens(test, made, set_.text)
        arms[arm] = facts | own | figures.code(made, set_, runs)
        arms.setdefault("test rows", {}).update(real)

    for arm, more in (("lookalike", {}), ("no latent", {"rate": 0.0})):
        model, fit_s = fitted(train, seed, options, **more)
        made, sample_s = timed(lambda model=model: model.sample(rows, seed=seed))
        judged(arm, made, {"fit_s": fit_s, "sample_s": sample_s})
        if arm == "lookalike":
            out["samples"] = shown(made)
            chunks, sample_s = timed(
                lambda model=model: list(
                    model.sample_chunks(min(rows, VALID_ROWS), seed=seed, valid_only=True)
                )
            )
            assert model.accepted is not None
            kept, drawn = model.accepted
            facts = {"fit_s": fit_s, "sample_s": sample_s, "rows": kept, "accepted": kept / drawn}
            if kept >= FEWEST:
                judged("valid only", pd.concat(chunks, ignore_index=True), facts)
            else:
                arms["valid only"] = facts
    judged("n-gram", *written(train, rows, seed, None))
    arms["test rows"] |= figures.texts(train, test, set_.text, seed) | figures.code(test, set_, runs)
    arms["test rows"] |= figures.tokens(test, train.sample(len(test), random_state=seed), set_.text)
    return out


def _kinds(train: Table, set_: Set) -> lookalike.Schema:
    schema = lookalike.infer(train)
    for column in set_.json:
        if schema[column].kind != "json":  # few or equal values are a category or constant otherwise
            schema[column].kind = "json"
    return schema


def tool_set(set_: Set, train: Table, test: Table, seed: int, options: dict[str, Any]) -> dict[str, Any]:
    assert set_.given is not None
    arms: Arms = {}
    rows, inferred, given = min(len(train), TOOL_ROWS), _kinds(train, set_), _kinds(train, set_)
    for column, shape in set_.given.items():
        given[column].json_schema = shape
    shapes = {name: infer_shape([json.loads(text) for text in train[name]]) for name in set_.json}
    schemas = {"inferred": shapes, "given": set_.given}
    out: dict[str, Any] = {"arms": arms}
    for arm, schema in (("lookalike", inferred), ("schema given", given)):
        model, fit_s = fitted(train, seed, options, schema)
        made, sample_s = timed(lambda model=model: model.sample(rows, seed=seed))
        arms[arm] = {"fit_s": fit_s, "sample_s": sample_s} | figures.tools(train, made, set_, schemas)
        out.setdefault("samples", shown(made))
    made, facts = written(train, rows, seed, None)
    arms["n-gram"] = facts | figures.tools(train, made, set_, schemas)
    arms["test rows"] = figures.tools(train, test, set_, schemas)
    return out


def table_set(
    name: str, set_: Set, train: Table, test: Table, seed: int, args: argparse.Namespace
) -> dict[str, Any]:
    model, fit_s = fitted(train, seed, args.options)
    made, sample_s = timed(lambda: model.sample(len(train), seed=seed))
    own, real = figures.table(train, made, test, set_.label, seed)
    arms: Arms = {"lookalike": {"fit_s": fit_s, "sample_s": sample_s} | own, "test rows": real}
    peer = HERE / "envs" / "mostlyai" / "complete"
    if peer.exists() and not args.backbone:
        path = HERE / "work" / f"{name}-tabularargn-{seed}.csv.gz"
        dates = {c.name: c.format for c in lookalike.infer(train).columns if c.kind == "datetime"}
        real = args.data / "mixed" / name / "train.csv.gz"
        facts = tables.run("tabularargn", real, path, seed, args.threads, dates=list(dates))
        if "error" in facts:
            raise RuntimeError(facts["error"])
        peer_rows = score.read(path)
        for column, written in dates.items():  # as the real ones are written
            peer_rows[column] = pd.to_datetime(peer_rows[column]).dt.strftime(written)
        arms["tabularargn"] = facts | figures.table(train, peer_rows, test, set_.label, seed)[0]
    return {"arms": arms, "samples": shown(made)}


def one(name: str, seed: int, args: argparse.Namespace) -> dict[str, Any]:
    """All figures of one set and seed."""
    set_ = SETS[name]
    train, test = load(args.data, name)
    if args.rows:  # to try the benchmark itself
        train, test = (
            t.sample(min(args.rows, len(t)), random_state=0).reset_index(drop=True) for t in (train, test)
        )
    started = time.perf_counter()
    ways: dict[str, Callable[[], dict[str, Any]]] = {
        "text": lambda: text_set(set_, train, test, seed, args.options),
        "code": lambda: code_set(name, set_, train, test, seed, args.options),
        "tools": lambda: tool_set(set_, train, test, seed, args.options),
        "table": lambda: table_set(name, set_, train, test, seed, args),
    }
    found = ways[set_.family]()
    facts = {"max_time": args.max_time, "train": len(train), "test": len(test)}
    return facts | {"seconds": time.perf_counter() - started} | found


def alone(key: str, args: argparse.Namespace) -> dict[str, Any]:
    """The same in a process of its own: its figures, or {"error": the last lines}."""
    command = [sys.executable, str(HERE / "records.py"), "--one", key, "--data", str(args.data)]
    command += ["--max-time", args.max_time, "--jobs", str(args.jobs), "--rows", str(args.rows)]
    command += ["--backbone", args.backbone] if args.backbone else []
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(args.threads))
    path = {"PYTHONPATH": str(HERE.parent / "src")}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | threads | path)
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        return {"error": "\n".join(done.stderr.strip().splitlines()[-5:]), "max_time": args.max_time}
    return json.loads(lines[-1])


def worker(key: str, args: argparse.Namespace) -> dict[str, Any]:
    kind, *names = key.split(":")
    if kind == "ablation":
        name, variant, rate, seed = names
        return ablate(args.data, name, variant, float(rate), int(seed), args.options, args.rows)
    if kind == "speed":
        return speed(*load(args.data, "sms_spam"), int(names[0]), args.rows)
    return one(names[0], int(names[1]), args)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", default="", help=f"of {', '.join(SETS)} (default: all)")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--max-time", default=TIME, help=f"of every fit (default {TIME})")
    parser.add_argument("--backbone", default="", help="path of a pretrained model")
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--speed", action="store_true", help="alone on the machine")
    parser.add_argument("--again", default="", help="sets whose earlier figures are forgotten")
    parser.add_argument("--report-only", action="store_true")
    parser.add_argument("--rows", type=int, default=0, help="of train and test, to try the benchmark itself")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once (default 1)")
    parser.add_argument("--out", type=Path, default=HERE / "records.json")
    parser.add_argument("--results", type=Path, default=HERE / "RESULTS.md")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.threads = max(1, (os.cpu_count() or 1) // args.jobs)
    args.options = {"max_time": args.max_time} | ({"backbone": args.backbone} if args.backbone else {})
    if args.one:
        print(json.dumps(worker(args.one, args)))
        return
    choices = (TABLE, TEXT) if args.ablation else tuple(SETS)
    sets = args.sets.split(",") if args.sets else list(choices)
    again = set(filter(None, args.again.split(",")))
    for wrong in {*sets, *again} - set(choices):
        parser.error(f"there is no set {wrong!r}: choose from {', '.join(choices)}")
    seeds = [int(seed) for seed in args.seeds.split(",")]
    results = json.loads(args.out.read_text()) if args.out.exists() else {"runs": {}}
    known = Path(args.backbone).name if args.backbone else "built in"
    keys = [f"records:{name}:{seed}" for seed in seeds for name in sets]
    if args.ablation:
        keys = [
            f"ablation:{name}:{variant}:{rate:g}:{seed}"
            for seed in seeds
            for name in sets
            for variant in VARIANTS
            for rate in RATES[name]
            if rate or variant == VARIANTS[0]  # without a latent all are one
        ]
    elif args.speed:
        keys = [f"speed:{seed}" for seed in seeds]
    runs = results["runs"].setdefault(known, {})
    todo = []
    for key in [] if args.report_only else keys:
        old = runs.get(key)
        if not old or "error" in old or again & set(key.split(":")):
            todo.append(key)
        elif old.get("max_time", args.max_time) != args.max_time and not args.speed:
            parser.error(f"{args.out.name} has {key} at --max-time {old['max_time']}: name it in --again")
    machine = f"{tables.machine(args.threads)} each, {args.jobs} process(es) at once"
    pool = ThreadPoolExecutor(args.jobs)
    futures = {pool.submit(alone, key, args): key for key in todo}
    try:
        for future in as_completed(futures):
            key, found = futures[future], future.result() | {"machine": machine}
            runs[key] = found
            args.out.write_text(json.dumps(results, indent=1))
            told = {k: v for k, v in found.items() if k != "samples"}
            print(key, json.dumps(told), flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
    text = "`python bench/records.py --data FOLDER`.\n\n" + records(results)
    tables.publish(text, args.results, RECORDS_MARKS)
    print("\n" + text)


if __name__ == "__main__":
    main()
