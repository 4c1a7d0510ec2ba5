"""What reviewers answered, on disk: only added to, and committed before the page is told that it is kept.

SQLite in WAL mode, so that several servers and browsers may write at once. An answer is a row; undoing one is
another row, which names it. Killing the server, or the machine, loses nothing that the page calls saved.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from lookalike.errors import LIMITED, DataError, at_limit, first_line
from lookalike.review.queue import Item

FORMAT = 1
APPLICATION = 0x6C6C7276  # "llrv": tells these files from any other SQLite file
BUSY = 20.0  # seconds that one process waits for another's transaction
SMALLEST = 200_000  # bytes that the files of a review need beside its answers
LEASE = 120.0  # seconds that an item is kept for the reviewer who has it on the screen
ANSWERS = ("keep", "label", "drop", "edit", "skip")
TABLES = (
    "CREATE TABLE IF NOT EXISTS answers (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, "
    "row INTEGER NOT NULL, turn INTEGER NOT NULL, reviewer TEXT NOT NULL, answer TEXT NOT NULL, value TEXT, "
    "seconds REAL, time REAL NOT NULL, undoes INTEGER)",
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS queue (place INTEGER PRIMARY KEY, row INTEGER NOT NULL, "
    "turn INTEGER NOT NULL, part TEXT NOT NULL, UNIQUE (row, turn))",
    "CREATE TABLE IF NOT EXISTS leases (row INTEGER NOT NULL, turn INTEGER NOT NULL, "
    "reviewer TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (row, turn))",
)
ADD = (
    "INSERT OR IGNORE INTO answers (key, row, turn, reviewer, answer, value, seconds, time, undoes) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


COLUMNS = "row, turn, reviewer, answer, value, seconds, time, number, key"


class Answer(NamedTuple):
    """What a reviewer said of an item. answer: one of `ANSWERS`. value: the label for "label", the new cells
    by column for "edit", else None. seconds: from when it was shown. time: when it came, in Unix seconds.
    """

    row: int
    turn: int
    reviewer: str
    answer: str
    value: Any = None
    seconds: float | None = None
    time: float = 0.0
    number: int = 0  # in the order in which they came
    key: str = ""  # of this answer alone


@dataclass(frozen=True)
class State:
    """What stands now: answers that are not undone, by (row, turn), the earlier ones first."""

    standing: Mapping[tuple[int, int], Sequence[Answer]]
    reviewers: frozenset[str]
    number: int  # of the last row, so that of two states the later one is known


class Store:
    """The file of a review. Raises DataError for a file that is something else, and where it cannot be
    written: a full disk, no permission.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._seen = 0
        self._standing: dict[tuple[int, int], list[Answer]] = {}
        self._reviewers: set[str] = set()
        self._places: dict[int, tuple[int, int]] = {}  # number of an answer -> its (row, turn)
        with self._errors():
            # answers wait for the disk; what is only of this hour, such as leases, does not
            self._answers, self._passing = self._connect("FULL"), self._connect("NORMAL")
            self._prepare()

    def close(self) -> None:
        with self._lock:
            self._passing.close()
            self._answers.close()  # the last one folds the log into the file

    def fact(self, name: str, value: Any = None) -> Any:
        """A fact that is kept beside the answers, such as the table's fingerprint; value: sets it."""
        with self._errors(), self._lock:
            if value is not None:
                self._answers.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))
                return value
            row = self._answers.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def queue(self, items: Sequence[Item] | None = None) -> list[Item]:
        """The queue, in its order; items: is kept in place of the one that was."""
        with self._errors(), self._lock:
            if items is not None:
                self._answers.execute("BEGIN IMMEDIATE")
                with self._answers:  # commits
                    self._answers.execute("DELETE FROM queue")
                    rows = [(place, *item) for place, item in enumerate(items)]
                    self._answers.executemany("INSERT INTO queue VALUES (?, ?, ?, ?)", rows)
            return [
                Item(*row)
                for row in self._answers.execute("SELECT row, turn, part FROM queue ORDER BY place")
            ]

    def add(self, answer: Answer) -> bool:
        """Keeps an answer; it is on disk when this returns. One whose key is known, as it was sent again
        because the reply was lost, counts once. Returns whether it is new.
        """
        value = None if answer.value is None else json.dumps(answer.value, ensure_ascii=False)
        when = answer.time or time.time()
        facts = (answer.key, answer.row, answer.turn, answer.reviewer, answer.answer, value, answer.seconds)
        with self._errors(), self._lock:
            return self._answers.execute(ADD, (*facts, when, None)).rowcount == 1

    def undo(self, key: str, reviewer: str) -> Answer | None:
        """Takes back the reviewer's last answer that stands, and returns it; None where there is none.

        key: of this wish alone, as in `add`.
        """
        with self._errors(), self._lock:
            query = "SELECT undoes FROM answers WHERE key = ? AND answer = 'undo'"
            before = self._answers.execute(query, (key,)).fetchone()
            if before is not None:
                query = f"SELECT {COLUMNS} FROM answers WHERE number = ?"
                return _answer(self._answers.execute(query, before).fetchone())
            self._refresh()
            own = [a for some in self._standing.values() for a in some if a.reviewer == reviewer]
            if not own:
                return None
            last = max(own, key=lambda answer: answer.number)
            facts = (key, last.row, last.turn, reviewer, "undo", None, None, time.time(), last.number)
            self._answers.execute(ADD, facts)
            return last

    def state(self) -> State:
        """What stands now, with the answers of other processes."""
        with self._errors(), self._lock:
            self._refresh()
            return State(
                # of one reviewer the last answer counts; where that is undone, the one before
                {
                    place: tuple({one.reviewer: one for one in some}.values())
                    for place, some in self._standing.items()
                    if some
                },
                frozenset(self._reviewers),
                self._seen,
            )

    def _refresh(self) -> None:
        query = f"SELECT {COLUMNS}, undoes FROM answers WHERE number > ? ORDER BY number"
        for *facts, undoes in self._answers.execute(query, (self._seen,)).fetchall():
            answer = _answer(facts)
            self._seen = answer.number
            self._reviewers.add(answer.reviewer)
            if undoes is not None:
                place = self._places.get(undoes, (-1, -1))
                some = self._standing.get(place, [])
                self._standing[place] = [one for one in some if one.number != undoes]
                continue
            self._places[answer.number] = answer.row, answer.turn
            self._standing.setdefault((answer.row, answer.turn), []).append(answer)

    def lease(self, reviewer: str, items: Sequence[Item], held: Collection[tuple[int, int]]) -> Item | None:
        """The next item for a reviewer, which nobody else is given for two minutes; None where none is left.

        An item comes a second time to another reviewer than the first time, where there is another one. held:
        (row, turn) of those that the reviewer's page has.
        """
        state, now = self.state(), time.time()
        with self._errors(), self._lock:
            self._passing.execute("BEGIN IMMEDIATE")
            with self._passing:
                rows = self._passing.execute("SELECT * FROM leases WHERE until > ?", (now,)).fetchall()
                leased = {(row, turn): name for row, turn, name, _ in rows}
                several = len({reviewer, *state.reviewers, *leased.values()}) > 1
                found = None
                for one in items:
                    place, first = (one.row, one.turn), state.standing.get((one.row, 1), ())
                    if place in held or place in state.standing or leased.get(place, reviewer) != reviewer:
                        continue
                    again = any(answer.reviewer == reviewer for answer in first)
                    if one.turn > 1 and (not first or (again and several)):
                        continue
                    found = one
                    break
                for place in [*held, *([(found.row, found.turn)] if found else [])]:
                    values = (*place, reviewer, now + LEASE)
                    self._passing.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)", values)
        return found

    def _connect(self, synchronous: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        end = time.monotonic() + BUSY
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:  # changing it does not wait for others by itself
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(0.02)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        return connection

    def _prepare(self) -> None:
        self._answers.execute("BEGIN IMMEDIATE")  # two may begin the same review at once
        with self._answers:
            (application,) = self._answers.execute("PRAGMA application_id").fetchone()
            (version,) = self._answers.execute("PRAGMA user_version").fetchone()
            (tables,) = self._answers.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if (application != APPLICATION and tables) or (application == APPLICATION and version > FORMAT):
                raise DataError(f"{self.path} holds no review that this version reads: name another file.")
            for table in TABLES:
                self._answers.execute(table)
            if not tables:
                self._answers.execute(f"PRAGMA application_id = {APPLICATION}")
                self._answers.execute(f"PRAGMA user_version = {FORMAT}")

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            name, said = getattr(error, "sqlite_errorname", "") or "", first_line(error)
            # where the shared memory of the log cannot grow, SQLite says that reading failed
            grows = name.startswith("SQLITE_IOERR") and shutil.disk_usage(self.path.parent).free < SMALLEST
            if at_limit(error, self.path):
                reason = LIMITED
            elif name.startswith("SQLITE_FULL") or "disk is full" in said or grows:
                reason = "the disk is full: free some space"
            elif name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
                reason = "it holds no review: name another file"
            elif name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
                reason = "it may not be written: check the folder and its permissions"
            elif name.startswith("SQLITE_BUSY"):
                reason = "another program has it locked: close that"
            else:
                reason = said
            raise DataError(f"{self.path} cannot be used, {reason}.") from None


def _answer(row: Sequence[Any]) -> Answer:
    answer = Answer(*row)
    return answer if answer.value is None else answer._replace(value=json.loads(answer.value))
