"""The arms of every family of sets: what is fitted, what it writes and what is measured of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import lookalike
from bench.places import ENVIRONMENTS, WORK
from bench.records import figures, latents
from bench.records.ngram import Writer
from bench.records.sets import SETS, Set, load
from bench.tables import columns, peers
from lookalike import DiffLM
from lookalike.codec.shape import infer_shape

ROWS = 5_000  # synthetic rows, at most; else as many as there are training rows
VALID_ROWS = 200  # with valid_only, which draws a row again where it is not valid
TOOL_ROWS = 200  # of specifications, which take some hundred tokens each
FEWEST = 50  # rows that are worth judging
SHOWN, LETTERS = 20, 400  # rows of every set that are kept for the eye, and letters of each
Table = pd.DataFrame
Arms = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Trial:
    """How every set is measured.

    data: the folder of the sets; max_time: of every fit, as "90s"; backbone: the path of a pretrained model,
    or ""; rows: of train and test at most, 0 for all; threads: of every process.
    """

    data: Path
    max_time: str
    backbone: str
    rows: int
    threads: int

    @property
    def options(self) -> dict[str, Any]:
        """What every DiffLM is made with."""
        return {"max_time": self.max_time} | ({"backbone": self.backbone} if self.backbone else {})


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
            out["latents"] = latents.measure(model, train, test, set_.text, label, judge, seed)
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


def table_set(name: str, set_: Set, train: Table, test: Table, seed: int, trial: Trial) -> dict[str, Any]:
    model, fit_s = fitted(train, seed, trial.options)
    made, sample_s = timed(lambda: model.sample(len(train), seed=seed))
    own, real = figures.table(train, made, test, set_.label, seed)
    arms: Arms = {"lookalike": {"fit_s": fit_s, "sample_s": sample_s} | own, "test rows": real}
    peer = ENVIRONMENTS / "mostlyai" / "complete"
    if peer.exists() and not trial.backbone:
        path = WORK / f"{name}-tabularargn-{seed}.csv.gz"
        dates = {c.name: c.format for c in lookalike.infer(train).columns if c.kind == "datetime"}
        source = trial.data / "mixed" / name / "train.csv.gz"
        facts = peers.run("tabularargn", source, path, seed, trial.threads, dates=list(dates))
        if "error" in facts:
            raise RuntimeError(facts["error"])
        peer_rows = columns.read(path)
        for column, written in dates.items():  # as the real ones are written
            peer_rows[column] = pd.to_datetime(peer_rows[column]).dt.strftime(written)
        arms["tabularargn"] = facts | figures.table(train, peer_rows, test, set_.label, seed)[0]
    return {"arms": arms, "samples": shown(made)}


def one(name: str, seed: int, trial: Trial) -> dict[str, Any]:
    """All figures of one set and seed."""
    set_ = SETS[name]
    train, test = load(trial.data, name)
    if trial.rows:  # to try the benchmark itself
        train, test = (
            t.sample(min(trial.rows, len(t)), random_state=0).reset_index(drop=True) for t in (train, test)
        )
    started = time.perf_counter()
    ways: dict[str, Callable[[], dict[str, Any]]] = {
        "text": lambda: text_set(set_, train, test, seed, trial.options),
        "code": lambda: code_set(name, set_, train, test, seed, trial.options),
        "tools": lambda: tool_set(set_, train, test, seed, trial.options),
        "table": lambda: table_set(name, set_, train, test, seed, trial),
    }
    found = ways[set_.family]()
    facts = {"max_time": trial.max_time, "train": len(train), "test": len(test)}
    return facts | {"seconds": time.perf_counter() - started} | found
