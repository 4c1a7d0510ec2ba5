"""What was asked and answered, on disk: every reply is committed before it is used, and never paid for twice.

SQLite in WAL mode. One thread writes, everything that waits in one transaction (group commit), so that a
busy run pays for the disk once per batch and not once per reply.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import queue
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lookalike.errors import LIMITED, LedgerError, at_limit, first_line, is_full
from lookalike.llm.budget import NOTHING, Spent, add

FORMAT = 1
APPLICATION = 0x6C6C6D31  # "llm1": tells a ledger from any other SQLite file
BUSY = 60.0  # seconds that one process waits for another's transaction
SPARE = 4 << 20  # bytes set aside, for the replies that are in flight when the disk fills up
ROWS = 256  # per INSERT: one statement, because each lets go of the interpreter lock and waits to get it back
TABLES = (
    "CREATE TABLE IF NOT EXISTS replies (key BLOB NOT NULL UNIQUE, body NOT NULL, way TEXT NOT NULL, "
    "finish TEXT, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, made REAL NOT NULL)",
    "CREATE TABLE IF NOT EXISTS totals (account TEXT PRIMARY KEY, calls INTEGER NOT NULL, "
    "tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, seconds REAL NOT NULL)",
)
COLUMNS = "key, body, way, finish, tokens_in, tokens_out"
ADD = (
    "INSERT INTO totals VALUES (?, ?, ?, ?, ?) ON CONFLICT (account) DO UPDATE SET "
    "calls = calls + excluded.calls, tokens_in = tokens_in + excluded.tokens_in, "
    "tokens_out = tokens_out + excluded.tokens_out, "
    "seconds = seconds + excluded.seconds RETURNING calls, tokens_in, tokens_out, seconds"
)


class Entry(NamedTuple):
    """A reply as it is kept: the text, or the vector's float32 bytes; how it was asked for; why it ended."""

    body: str | bytes
    way: str
    finish: str | None
    tokens_in: int
    tokens_out: int


Kept = tuple[dict[bytes, Entry], Spent]  # what the ledger now holds for the keys, and the account's totals


@dataclass
class _Write:
    account: str
    rows: Mapping[bytes, Entry]
    spent: Spent
    done: asyncio.Future[Kept]
    kept: dict[bytes, Entry] = field(default_factory=dict)
    totals: Spent = NOTHING


class Ledger:
    """The replies of any number of runs, models and endpoints; two processes may use one at once.

    path: the SQLite file, made with its folder when missing. Raises LedgerError for a file that is something
    else or of another format version, and where the disk has no room.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with self._errors():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._reader = self._connect()
            self._writer = self._connect()
            self._prepare()
        self._spare = self.path.with_name(self.path.name + "-spare")
        self._set_aside()
        self._broken: LedgerError | None = None
        self._closed = False
        self._ended = False  # nobody writes any more
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="lookalike-ledger", daemon=True)
        self._thread.start()
        atexit.register(self.close)  # tidies up; what was kept is on disk without it

    def get(self, key: bytes) -> Entry | None:
        """The reply that is kept for a key, of this process or another."""
        with self._errors():
            row = self._reader.execute(f"SELECT {COLUMNS} FROM replies WHERE key = ?", (key,)).fetchone()
        return None if row is None else Entry(*row[1:])

    def put(self, account: str, rows: Mapping[bytes, Entry], spent: Spent) -> asyncio.Future[Kept]:
        """Keeps replies and adds to what their account (a model at an endpoint) has spent.

        The future is done when both are on disk; cancelling it does not undo them. Where another process has
        kept a reply for the same key, that one stays and is returned. Its error is a LedgerError.
        """
        write = _Write(account, rows, spent, asyncio.get_running_loop().create_future())
        self._queue.put(write)
        if self._ended or not self._thread.is_alive():  # looked at after the put, so that nobody is forgotten
            self._give_up()
        return write.done

    def check(self) -> None:
        """Raises the LedgerError that stopped the writing, so that no call is paid for that could not be
        kept.
        """
        if self._broken is not None:
            raise self._broken
        if not self._thread.is_alive():
            raise self._over()

    def totals(self, account: str) -> Spent:
        """What an account has spent so far, in all runs."""
        with self._errors():
            row = self._reader.execute(
                "SELECT calls, tokens_in, tokens_out, seconds FROM totals WHERE account = ?", (account,)
            ).fetchone()
        return Spent(*row) if row else Spent()

    def close(self) -> None:
        """Writes what is still waiting and closes the file."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        self._queue.put(None)
        self._thread.join()
        self._reader.close()
        self._writer.close()
        self._spare.unlink(missing_ok=True)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        connection.execute(
            "PRAGMA synchronous = FULL"
        )  # a reply survives a power cut, not only a killed process
        return connection

    def _prepare(self) -> None:
        """Makes the tables in an empty file, or checks that they are ours and of this version."""
        tables = self._writer.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application, version = (self._writer.execute(f"PRAGMA {name}").fetchone()[0] for name in _MARKS)
        if tables and application != APPLICATION:
            raise LedgerError(f"{self.path} is a database of another program: name another ledger.")
        if tables and version != FORMAT:
            raise LedgerError(
                f"{self.path} was written by another version of lookalike (format {version}, this one writes "
                f"{FORMAT}): use that version, or name a new ledger."
            )
        _patiently(lambda: self._writer.execute("PRAGMA journal_mode = WAL"))
        if not tables:
            self._writer.execute("BEGIN IMMEDIATE")
            for statement in TABLES:
                self._writer.execute(statement)
            self._writer.execute(f"PRAGMA application_id = {APPLICATION}")
            self._writer.execute(f"PRAGMA user_version = {FORMAT}")
            self._writer.execute("COMMIT")

    def _set_aside(self) -> None:
        with self._errors():
            self._spare.write_bytes(bytes(SPARE))

    def _work(self) -> None:
        """The writing thread: commits all that waits, then tells who waited. However it ends, nobody waits
        for it any longer.
        """
        writes: list[_Write] = []
        more = True
        try:
            while more:
                batch = [self._queue.get(), *self._waiting()]
                writes = [write for write in batch if write is not None]
                more = len(writes) == len(batch)
                if writes:
                    _tell(writes, self._commit_or_free(writes))
        except BaseException as error:  # a fault of this program, or no memory
            self._broken = self._error(error)
            _tell(writes, self._broken)
        finally:
            self._ended = True
            self._give_up()

    def _waiting(self) -> Iterator[_Write | None]:
        """Takes what is in the queue now."""
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._queue.get_nowait()

    def _give_up(self) -> None:
        """Tells those who still wait that nothing is written any more."""
        _tell([write for write in self._waiting() if write is not None], self._broken or self._over())

    def _over(self) -> LedgerError:
        return LedgerError(f"the ledger {self.path} is closed: open it again.")

    def _commit_or_free(self, writes: list[_Write]) -> LedgerError | None:
        """Commits; on a full disk once more, after giving back the room that was set aside for that."""
        try:
            with self._errors():
                try:
                    self._commit(writes)
                except sqlite3.Error as error:
                    if not is_full(error):
                        raise
                    self._spare.unlink(missing_ok=True)
                    self._broken = self._error(error)  # what is in flight is kept, nothing new is paid for
                    self._commit(writes)
        except LedgerError as error:
            self._broken = error
            return error
        return None

    def _commit(self, writes: list[_Write]) -> None:
        """One transaction for all of them; fills in what each of them kept and its account's totals."""
        rows = {key: entry for write in writes for key, entry in write.rows.items()}
        spent: dict[str, Spent] = defaultdict(Spent)
        for write in writes:
            spent[write.account] = add(spent[write.account], write.spent)
        sql = self._writer
        sql.execute("BEGIN IMMEDIATE")
        try:
            others = _insert(sql, rows)
            totals = {name: Spent(*sql.execute(ADD, (name, *one)).fetchone()) for name, one in spent.items()}
            sql.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                sql.execute("ROLLBACK")
            raise
        for write in writes:
            write.kept = {key: others.get(key, entry) for key, entry in write.rows.items()}
            write.totals = totals[write.account]

    def _error(self, error: BaseException) -> LedgerError:
        if is_full(error):
            fix = "is on a full disk: free some space and run again; the replies in it are kept"
        elif at_limit(error, self.path):
            fix = f"cannot be written, {LIMITED}, and run again; the replies in it are kept"
        elif "locked" in str(error):
            fix = f"was held by another process for {BUSY:.0f} s: stop that one, or name another ledger"
        elif "not a database" in str(error) or "malformed" in str(error):
            fix = "is damaged or no ledger: name another ledger"
        elif isinstance(error, sqlite3.Error | OSError):
            fix = f"cannot be used ({first_line(error)}): check its folder and permissions"
        else:
            what = f"{type(error).__name__}: {first_line(error)}"
            fix = f"cannot be written ({what}): run again; the replies in it are kept"
        return LedgerError(f"the ledger {self.path} {fix}.")

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._error(error) from None


def counted(path: str | Path, account: str) -> Spent:
    """What a ledger has counted for an account, which is not kept open; nothing where there is no ledger.

    Raises LedgerError as `Ledger` does.
    """
    if not Path(path).exists():
        return NOTHING
    ledger = Ledger(path)
    try:
        return ledger.totals(account)
    finally:
        ledger.close()


_MARKS = ("application_id", "user_version")


def _insert(sql: sqlite3.Connection, rows: Mapping[bytes, Entry]) -> dict[bytes, Entry]:
    """Inserts the replies; returns those that were there before for the same keys."""
    made, items, others = time.time(), list(rows.items()), {}
    for start in range(0, len(items), ROWS):
        part = items[start : start + ROWS]
        values = [value for key, entry in part for value in (key, *entry, made)]
        places = ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(part))
        count = sql.execute(f"INSERT OR IGNORE INTO replies VALUES {places}", values).rowcount
        if count < len(part):
            keys = [key for key, _ in part]
            found = sql.execute(
                f"SELECT {COLUMNS} FROM replies WHERE key IN ({', '.join('?' * len(keys))})", keys
            )
            others.update({row[0]: Entry(*row[1:]) for row in found})
    return others


def _tell(writes: list[_Write], error: LedgerError | None) -> None:
    """Wakes those who wait, once per event loop; a loop that has ended no longer waits."""
    loops: dict[asyncio.AbstractEventLoop, list[_Write]] = defaultdict(list)
    for write in writes:
        loops[write.done.get_loop()].append(write)

    def wake(some: list[_Write]) -> None:
        for write in some:
            if write.done.done():
                continue
            if error is not None:
                write.done.set_exception(error)
            else:
                write.done.set_result((write.kept, write.totals))

    for loop, some in loops.items():
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(wake, some)


def _patiently(action: Callable[[], object]) -> None:
    """Changing the journal's mode does not wait for a lock by itself."""
    end = time.monotonic() + BUSY
    while True:
        try:
            action()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.05)
