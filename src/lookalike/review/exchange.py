"""Answers in files: our own as JSONL or CSV, out and in; in from Argilla's and Label Studio's JSON exports.

A line of our own has row (from 0), turn, part, reviewer, answer, value, seconds, time, table and key. Records
of the other tools are found in the table by a field `row` that was given to them, or else by their texts.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lookalike.arguments import brief
from lookalike.atomic import replace_text
from lookalike.errors import DataError, file_errors
from lookalike.review.cards import Cards
from lookalike.review.outcome import answer_of
from lookalike.review.queue import Item
from lookalike.review.server import page
from lookalike.review.store import Answer, State
from lookalike.table.cells import written

FIELDS = ("row", "turn", "part", "reviewer", "answer", "value", "seconds", "time", "table", "key")
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"


def write(path: str | Path, state: State, items: Sequence[Item], table: str) -> int:
    """Writes the answers that stand to a .jsonl or .csv file; returns how many. table: its fingerprint."""
    parts = {(item.row, item.turn): item.part for item in items}
    answers = sorted((one for some in state.standing.values() for one in some), key=lambda one: one.number)
    rows = [
        one._asdict() | {"part": parts.get((one.row, one.turn), "found"), "table": table} for one in answers
    ]
    lines = [{name: row[name] for name in FIELDS} for row in rows]
    with file_errors(path, "written"):
        if Path(path).suffix == ".csv":
            text = io.StringIO()
            writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
            writer.writeheader()
            for line in lines:
                value = line["value"]
                edited = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
                writer.writerow(line | {"value": edited})
            replace_text(path, text.getvalue())
        else:
            replace_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return len(lines)


def static_page(cards: Cards, items: Sequence[Item], config: Mapping[str, Any], table: str) -> str:
    """The page with all its cards inside, which works from disk and keeps its answers in the browser."""
    source = page({"id": table, "config": dict(config), "cards": [cards.card(item) for item in items]})
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    return source.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n{policy}', 1).replace(
        ' nonce="__NONCE__"', ""
    )


@dataclass
class Said:
    """An answer as a file tells it. place: the row from 0, or the texts of its fields by name."""

    place: int | dict[str, str]
    reviewer: str
    answer: str
    value: Any = None
    turn: int = 1
    seconds: float | None = None
    time: float | None = None
    table: str | None = None
    key: str = ""
    id: str = ""


@dataclass
class Read:
    """The answers of a file, and sentences on those that were left out."""

    answers: list[Answer] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read(path: str | Path, cards: Cards, table: str) -> Read:
    """The answers of a file on the rows of a table, whose fingerprint is `table`.

    Raises DataError for a file that holds no answers, or those on another table.
    """
    found, places, lost = Read(), _Places(cards), Counter[str]()
    for one in said(path):
        if one.table is not None and one.table != table:
            raise DataError(f"{path} holds answers on another table: give the table that was reviewed.")
        row = places.row(one)
        if row is None:
            lost["are on rows that the table does not have"] += 1
            continue
        facts = vars(one) | {"row": row}
        if one.answer == "label" and one.value == cards.label_of(row) and cards.pair is None:
            facts |= {"answer": "keep", "value": None}
        facts["key"] = one.key or _key(facts)
        try:
            answer = answer_of(cards, facts)
        except DataError as error:
            lost[f"cannot be used ({str(error).split(':')[0]})"] += 1
            continue
        if answer is None:
            lost["are not complete"] += 1
        else:
            found.answers.append(answer)
    if not found.answers:
        reason = f" that can be used: {lost.total():,} {next(iter(lost))}" if lost else ""
        raise DataError(f"{path} holds no answers{reason}.")
    found.notes = [
        f"{count:,} answers of {path} {reason} and were left out" for reason, count in lost.items()
    ]
    return found


class _Places:
    """Finds the row of a record: by its number, or by its texts; equal rows are taken in their order."""

    def __init__(self, cards: Cards) -> None:
        self._cards = cards
        self._names = [name for name in cards.table.columns if name != cards.label]
        self._rows: dict[tuple[str, ...], dict[tuple[str | None, ...], list[int]]] = {}
        self._taken: Counter[tuple[Any, ...]] = Counter()

    def row(self, one: Said) -> int | None:
        if isinstance(one.place, int):
            return one.place if 0 <= one.place < len(self._cards.table) else None
        names = tuple(str(name) for name in self._names if str(name) in one.place)
        if names:
            rows = self._index(names).get(tuple(one.place[name] for name in names), [])
        elif self._cards.text is not None:  # fields of other names: whichever holds the text
            index = self._index((str(self._cards.text),))
            rows = next((index[text,] for text in one.place.values() if (text,) in index), [])
        else:
            rows = []
        if not rows:
            return None
        turn = (one.reviewer, rows[0])
        self._taken[turn] += 1
        return rows[(self._taken[turn] - 1) % len(rows)]

    def _index(self, names: tuple[str, ...]) -> dict[tuple[str | None, ...], list[int]]:
        if names not in self._rows:
            by_name = {str(name): name for name in self._names}
            columns = [
                [written(cell) for cell in self._cards.table[by_name[name]].tolist()] for name in names
            ]
            index: dict[tuple[str | None, ...], list[int]] = {}
            for row, cells in enumerate(zip(*columns, strict=True)):
                index.setdefault(cells, []).append(row)
            self._rows[names] = index
        return self._rows[names]


def _key(facts: Mapping[str, Any]) -> str:
    told = [facts[name] for name in ("row", "turn", "reviewer", "answer", "value", "time", "id")]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()[:32]


def said(path: str | Path) -> list[Said]:
    """The answers of a file, whichever tool wrote it. Raises DataError for a file that holds none."""
    found: list[Said] = []
    records = _records(path)
    for record in records:
        if "answer" in record and "row" in record:
            found += _own(record)
        elif "responses" in record:
            found += _argilla(record)
        elif "annotations" in record or "completions" in record:
            found += _label_studio(record)
        elif "annotator" in record or "lead_time" in record:
            found += _label_studio_short(record)
    if not found:
        known = "the JSONL or CSV of a review, or the JSON that Argilla or Label Studio exports"
        raise DataError(f"{path} holds no answers of reviewers: give {known}.")
    return found


def _records(path: str | Path) -> list[dict[str, Any]]:
    with file_errors(path, "read"):
        text = Path(path).read_text(encoding="utf-8-sig")
    try:
        if Path(path).suffix.lower() == ".csv":
            return [dict(row) for row in csv.DictReader(io.StringIO(text))]
        whole = json.loads(text) if text.lstrip()[:1] == "[" else None
        if whole is None and text.lstrip()[:1] == "{":
            try:
                whole = json.loads(text)  # one object: the records of an export, or a single line
                whole = whole["records"] if isinstance(whole.get("records"), list) else [whole]
            except ValueError:
                whole = _lines(path, text)
    except ValueError as error:
        raise DataError(f"{path} is not valid JSON ({brief(error)}): export it again.") from None
    if len(whole or []) == 1 and "decisions" in (whole or [{}])[0]:
        raise DataError(f"{path} holds decisions, not answers: name it with --decisions.")
    return [one for one in whole or [] if isinstance(one, dict)]


def _lines(path: str | Path, text: str) -> list[Any]:
    """The values of JSONL; only a line feed ends a line, as texts may hold what Unicode calls one."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            found += [json.loads(line)] if line.strip() else []
        except ValueError as error:
            raise DataError(
                f"{path}, line {number}, is not valid JSON ({brief(error)}): mend it, or export it again."
            ) from None
    return found


def _own(record: Mapping[str, Any]) -> Iterator[Said]:
    """A line of our own; of CSV everything is text."""
    facts: dict[str, Any] = {name: record.get(name) for name in FIELDS}
    for name, kind in (("row", int), ("turn", int), ("seconds", float), ("time", float)):
        if isinstance(facts[name], str):
            try:
                facts[name] = kind(facts[name]) if facts[name] else None
            except ValueError:
                return
    if facts["answer"] == "edit" and isinstance(facts["value"], str):
        try:
            facts["value"] = json.loads(facts["value"])
        except ValueError:
            return
    if type(facts["row"]) is int and isinstance(facts["reviewer"], str):
        yield Said(
            facts["row"],
            facts["reviewer"],
            str(facts["answer"]),
            facts["value"] or None,
            facts["turn"] or 1,
            facts["seconds"],
            facts["time"],
            facts["table"] or None,
            facts["key"] or "",
        )


def _argilla(record: Mapping[str, Any]) -> Iterator[Said]:
    """A record of Argilla: responses by question (2.x) or a list of them by user (1.x)."""
    place = _place(record.get("metadata"), record.get("fields"))
    given = record["responses"]
    by_user: dict[str, tuple[str, list[Any]]] = {}
    if isinstance(given, Mapping):
        for answers in given.values():
            for one in answers or []:
                user = str(one.get("user_id"))
                values = by_user.setdefault(user, (str(one.get("status") or "submitted"), []))[1]
                values.append(one.get("value"))
    else:
        for one in given or []:
            values = [value.get("value") for value in (one.get("values") or {}).values()]
            by_user[str(one.get("user_id"))] = str(one.get("status") or "submitted"), values
    for user, (status, values) in by_user.items():
        if status != "draft":
            yield _choice(place, user, values if status == "submitted" else [], id=str(record.get("id")))


def _label_studio(record: Mapping[str, Any]) -> Iterator[Said]:
    """A task of Label Studio with its annotations, of which the choices are read."""
    data = record.get("data") or {}
    place = _place(data, data)
    for one in record.get("annotations") or record.get("completions") or []:
        who = one.get("completed_by")
        who = (who.get("email") or who.get("id")) if isinstance(who, Mapping) else who
        values = [
            value[kind]
            for result in one.get("result") or []
            if isinstance(value := result.get("value"), Mapping)
            for kind in ("choices", "taxonomy", "rating", "labels")
            if kind in value
        ]
        skipped = one.get("was_cancelled") or one.get("skipped")
        made = _choice(place, str(who), [] if skipped else values, id=str(one.get("id")))
        made.seconds, made.time = one.get("lead_time"), _time(one.get("created_at"))
        yield made


def _label_studio_short(record: Mapping[str, Any]) -> Iterator[Said]:
    """A line of Label Studio's JSON-MIN: the task's data and its labels side by side."""
    known = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "row")
    data = {name: value for name, value in record.items() if name not in known}
    values = [data[name] for name in reversed(data) if name not in ("text",)][:1]
    made = _choice(_place(record, data), str(record.get("annotator")), values, id=str(record.get("id")))
    made.seconds, made.time = record.get("lead_time"), _time(record.get("created_at"))
    yield made


def _place(meta: Any, fields: Any) -> int | dict[str, str]:
    row = meta.get("row") if isinstance(meta, Mapping) else None
    if type(row) is int or (isinstance(row, str) and row.isdecimal()):
        return int(row)
    known = fields.items() if isinstance(fields, Mapping) else ()
    return {str(name): text for name, cell in known if (text := written(cell)) is not None}


def _choice(place: int | dict[str, str], reviewer: str, values: list[Any], id: str) -> Said:
    """The first value that is one label; without one the row was skipped."""
    while values and isinstance(values[0], list) and values[0]:
        values = [values[0][0], *values[1:]]
    value = next((text for one in values if (text := written(one)) not in (None, "[]")), None)
    return Said(place, reviewer, "skip" if value is None else "label", value, id=id)


def _time(text: Any) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError):
        return None
