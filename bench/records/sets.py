"""The sets of `python -m bench.records` as tables: real rows to learn from, and others that no model sees."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.tables.columns import read

TEST = 0.2  # of the sets that come without a split of their own; drawn once, the same for every seed
WIKISQL = (5_000, 1_000)  # rows of the train and of the test split, drawn once
JSON = {"ensure_ascii": False}
Table = pd.DataFrame


@dataclass(frozen=True)
class Set:
    """family: which figures ("text", "code", "tools", "table"); read: folder -> (train, test).

    text: the column of words (or of code); label: of classes; language: of a column of code; json: columns of
    JSON text; given: the JSON Schema that a JSON column is known to have.
    """

    family: str
    read: Callable[[Path], tuple[Table, Table]]
    text: str
    label: str | None = None
    language: str | None = None
    json: tuple[str, ...] = ()
    given: dict[str, dict[str, Any]] | None = None


def _split(table: Table, share: float = TEST) -> tuple[Table, Table]:
    """A fixed part of the rows as test."""
    order = np.random.default_rng(0).permutation(len(table))
    cut = round(share * len(table))
    return (
        table.iloc[np.sort(order[cut:])].reset_index(drop=True),
        table.iloc[np.sort(order[:cut])].reset_index(drop=True),
    )


def _csv(path: Path) -> Table:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _labelled(name: str, folder: Path) -> tuple[Table, Table]:
    train, test = (_csv(folder / "text" / f"{name}_{part}.csv.gz") for part in ("train", "test"))
    return train, test


def _sms(folder: Path) -> tuple[Table, Table]:
    return _split(_csv(folder / "text" / "sms_spam.csv.gz"))


def _mbpp(folder: Path) -> tuple[Table, Table]:
    rows = _lines(folder / "code" / "mbpp.jsonl.gz")
    # lookalike.evaluate takes no fewer than 200 rows as a reference
    return _split(Table([{"text": row["text"], "code": row["code"]} for row in rows]), 0.25)


def _advising(folder: Path) -> tuple[Table, Table]:
    # its own splits keep questions or queries apart on purpose: their parts are not alike, as a holdout is
    rows = _lines(folder / "code" / "text2sql_advising.jsonl.gz")
    return _split(Table([{"question": row["question"], "sql": row["sql"]} for row in rows]))


def _wikisql(folder: Path) -> tuple[Table, Table]:
    rows = Table(_lines(folder / "code" / "text2sql_wikisql.jsonl.gz"))
    draw = np.random.default_rng(0)
    parts = []
    for part, n in zip(("train", "test"), WIKISQL, strict=True):
        own = rows.loc[rows.question_split == part, ["question", "sql"]]
        parts.append(own.iloc[draw.permutation(len(own))[:n]].reset_index(drop=True))
    return parts[0], parts[1]


def _bfcl(name: str, folder: Path) -> tuple[Table, Table]:
    """question: what the user says; function: the specifications; calls: the call that answers, if known."""
    calls = {}
    answers = folder / "tools" / "bfcl_v4" / "possible_answer" / f"{name}.jsonl.gz"
    if answers.exists():
        calls = {row["id"]: json.dumps(_calls(row["ground_truth"]), **JSON) for row in _lines(answers)}
    rows = []
    for row in _lines(folder / "tools" / "bfcl_v4" / f"{name}.jsonl.gz"):
        said = "\n".join(message["content"] for message in row["question"][0])
        found = {"question": said, "function": json.dumps(row["function"], **JSON)}
        rows.append(found | ({"calls": calls[row["id"]]} if calls else {}))
    return _split(Table(rows))


def _calls(truth: list[dict[str, dict[str, list[Any]]]]) -> list[dict[str, Any]]:
    """The first accepted value of every argument; one that may be left out is left out."""
    return [
        {
            "name": name,
            "arguments": {key: _plain(values[0]) for key, values in own.items() if "" not in values},
        }
        for call in truth
        for name, own in call.items()
    ]


def _plain(value: Any) -> Any:
    """An argument that is an object lists the accepted values of each of its keys in turn."""
    if isinstance(value, dict):
        return {key: _plain(v[0]) if isinstance(v, list) and v else v for key, v in value.items()}
    return value


API = (
    "domain", "framework", "functionality", "api_name", "api_call", "api_arguments",
    "python_environment_requirements", "performance", "description",
)  # fmt: skip


def _api(row: dict[str, Any]) -> str:
    """Without its example code, which is longer than all the rest."""
    return json.dumps({key: row[key] for key in API if row.get(key) is not None}, **JSON)


def _huggingface(folder: Path) -> tuple[Table, Table]:
    rows = _lines(folder / "tools" / "apibench" / "huggingface_api.jsonl.gz")
    return _split(Table([{"domain": row["domain"], "api": _api(row)} for row in rows]))


def _torchhub(folder: Path) -> tuple[Table, Table]:
    rows = []
    for row in _lines(folder / "tools" / "apibench" / "torchhub_train.jsonl.gz"):
        asked = re.search(r"'Instruction':\s*(.*?),\s*'Output'", row["code"], re.DOTALL)
        said = asked.group(1).strip("\"' ") if asked else ""
        rows.append({"instruction": said, "api": _api(row["api_data"])})
    return _split(Table(rows))


def _mixed(name: str, folder: Path) -> tuple[Table, Table]:
    return read(folder / "mixed" / name / "train.csv.gz"), read(folder / "mixed" / name / "test.csv.gz")


TEXT = {"type": "string"}
FUNCTIONS = {  # what BFCL calls a function specification
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "properties": {
            "name": TEXT,
            "description": TEXT,
            "parameters": {
                "type": "object",
                "properties": {
                    "type": {"type": "string", "enum": ["dict", "object"]},
                    "required": {"type": "array", "items": TEXT},
                    "optional": {"type": "array", "items": TEXT},
                    "properties": {
                        "type": "object",
                        "additionalProperties": {
                            "type": "object",
                            "properties": {"type": TEXT, "description": TEXT},
                            "required": ["type"],
                        },
                    },
                },
                "required": ["type", "properties"],
                "additionalProperties": False,
            },
        },
        "required": ["name", "description", "parameters"],
        "additionalProperties": False,
    },
}
CALLS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "properties": {"name": TEXT, "arguments": {"type": "object"}},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    },
}
APIS = {
    "type": "object",
    "properties": {key: {} if key in API[5:8] or key == "functionality" else TEXT for key in API},
    "required": ["domain", "framework", "functionality", "api_name", "api_call", "description"],
    "additionalProperties": False,
}


def _functions(name: str, calls: bool = False) -> Set:
    given = {"function": FUNCTIONS} | ({"calls": CALLS} if calls else {})
    return Set("tools", partial(_bfcl, name), "question", json=tuple(given), given=given)


SETS = {
    "banking77": Set("text", partial(_labelled, "banking77"), "text", "category"),
    "sms_spam": Set("text", _sms, "text", "label"),
    "sst2": Set("text", partial(_labelled, "sst2_sentences"), "text", "label"),
    "mbpp": Set("code", _mbpp, "code", language="python"),
    "wikisql": Set("code", _wikisql, "sql", language="sql"),
    "advising": Set("code", _advising, "sql", language="sql"),
    "simple_python": _functions("simple_python", calls=True),
    "live_simple": _functions("live_simple"),
    "multiple": _functions("multiple"),
    "live_multiple": _functions("live_multiple"),
    "huggingface_api": Set("tools", _huggingface, "api", "domain", json=("api",), given={"api": APIS}),
    "torchhub": Set("tools", _torchhub, "instruction", json=("api",), given={"api": APIS}),
    "rail_accidents": Set("table", partial(_mixed, "rail_accidents"), "GeoLocation", "AccidentType"),
    "birdstrikes": Set("table", partial(_mixed, "birdstrikes"), "Wildlife Species", "Phase of flight"),
}


def load(folder: Path, name: str) -> tuple[Table, Table]:
    """(train, test)."""
    return SETS[name].read(folder)
