"""A budget of several processes of one machine: what all have spent and hold, in a small SQLite file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path

from lookalike.errors import LIMITED, BudgetError, LedgerError, at_limit, first_line, is_full
from lookalike.llm.budget import Budget, Hold, Spent, add

BUSY = 60.0  # seconds that one process waits for another's transaction
AGAIN = 0.05  # seconds after which the first that waits looks at what other processes gave back
TABLES = (
    "CREATE TABLE IF NOT EXISTS spent (ledger TEXT PRIMARY KEY, calls, tokens_in, tokens_out, seconds)",
    "CREATE TABLE IF NOT EXISTS held (who TEXT PRIMARY KEY, process, calls, tokens_in, tokens_out, seconds)",
)
SUM = "SELECT total(calls), total(tokens_in), total(tokens_out), total(seconds) FROM "
PUT = (
    "INSERT INTO spent VALUES (?, ?, ?, ?, ?) ON CONFLICT (ledger) DO UPDATE SET "
    "calls = max(calls, excluded.calls), tokens_in = max(tokens_in, excluded.tokens_in), "
    "tokens_out = max(tokens_out, excluded.tokens_out), seconds = max(seconds, excluded.seconds)"
)


class SharedBudget(Budget):
    """As `Budget`, and no call passes its limits over all processes that share the file.

    own: the limits, and what was counted on them before. Ledgers are known by their places beside the file,
    so that the folder of both may be moved. What is lost with the file is counted again from the ledgers.
    Raises LedgerError where it cannot be used.
    """

    def __init__(self, path: str | Path, own: Budget) -> None:
        super().__init__(own.max_calls, own.max_tokens, own.max_cost, own.price_in, own.price_out, own.place)
        self._path, self._who, self._process = Path(path), uuid.uuid4().hex, process_of(os.getpid())
        self._ledgers: dict[str, object] = {}  # name in the file -> as it was given
        self._line: list[asyncio.Future[None]] = []  # calls of this process, of which the first is served
        with self._errors():
            self._sql = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
            self._sql.execute("PRAGMA synchronous = OFF")
            with self._alone():
                for statement in TABLES:
                    self._sql.execute(statement)
        own.tell(self)

    def count(self, ledger: object, total: Spent) -> None:
        name = os.path.relpath(str(ledger), self._path.parent)
        self._ledgers[name] = ledger
        with self._errors(), self._alone():
            self._sql.execute(PUT, (name, *total))
            self.spent = self._sum("spent")

    def tell(self, other: Budget) -> None:
        with self._errors():
            rows = self._sql.execute("SELECT * FROM spent").fetchall()
        for name, *total in rows:
            other.count(self._ledgers.get(name, self._path.parent / name), Spent(*total))

    async def reserve(self, most_in: int, most_out: int) -> Hold:
        asked = Spent(1, most_in, most_out)
        if not self._limited:
            return Hold(asked, asked)
        held = Spent(1, most_in + self._excess[0], most_out + self._excess[1])
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            if self._line[0] is not turn:
                await turn
            while not self._reserved(held):
                self._waiting = [asyncio.get_running_loop().create_future()]  # `release` ends it
                await asyncio.wait(self._waiting, timeout=AGAIN)
            return Hold(asked, held)
        finally:
            self._line.remove(turn)
            if self._line and not self._line[0].done():
                self._line[0].set_result(None)

    def _reserved(self, held: Spent) -> bool:
        """Holds so much, in one transaction with the look whether there is room; False where there is none
        now. Raises BudgetError where there will be none.
        """
        with self._errors(), self._alone():
            self.spent = self._sum("spent")
            if reason := self._passed(add(self.spent, held)):
                raise BudgetError(reason)
            self._forget_the_dead()
            room = not self._passed(add(add(self.spent, self._sum("held")), held))
            if room:
                self._hold(add(self._held, held))
            return room

    def release(self, hold: Hold, used: Spent | None = None) -> None:
        super().release(hold, used)
        if self._limited:
            with self._errors(), self._alone():
                self._hold(self._held)

    def close(self) -> None:
        """Gives back what is still held."""
        with contextlib.suppress(sqlite3.Error):
            self._sql.execute("DELETE FROM held WHERE who = ?", (self._who,))
        self._sql.close()

    def _hold(self, held: Spent) -> None:
        self._held = held
        self._sql.execute(
            "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?)", (self._who, self._process, *held)
        )

    def _sum(self, table: str) -> Spent:
        calls, tokens_in, tokens_out, seconds = self._sql.execute(SUM + table).fetchone()
        return Spent(int(calls), int(tokens_in), int(tokens_out), seconds)

    def _forget_the_dead(self) -> None:
        """What processes held that have ended: their calls are over."""
        for (process,) in self._sql.execute("SELECT DISTINCT process FROM held").fetchall():
            if has_ended(process):
                self._sql.execute("DELETE FROM held WHERE process = ?", (process,))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """A transaction, in which no other process looks or writes."""
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            self._sql.execute("COMMIT")

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            said = f"cannot be written, {LIMITED}" if at_limit(error, self._path) else _fix(error)
            raise LedgerError(f"the budget {self._path} {said}.") from None


def process_of(number: int) -> str:
    """What a process is called: its number, and where the system tells it when it began, which tells it from
    a later one of the same number.
    """
    try:
        facts = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return str(number)
    return f"{number} {'ended' if facts[0] == 'Z' else facts[19]}"


def has_ended(process: str) -> bool:
    """Whether the process of a name, as `process_of` gives it, is there no more."""
    number = int(str(process).split()[0])
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it is another user's
    now = process_of(number)
    return " " in now and now != process


def _fix(error: sqlite3.Error | OSError) -> str:
    if "locked" in str(error):
        return f"was held by another process for {BUSY:.0f} s: stop that one, and run again"
    if is_full(error):
        return "is on a full disk: free some space and run again; what was paid for is kept"
    if "not a database" in str(error) or "malformed" in str(error):
        return "is damaged: remove it, and run again: what was paid for is counted from the ledgers"
    return f"cannot be used ({first_line(error)}): check its folder"
