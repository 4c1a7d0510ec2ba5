"""A job in shards, and the processes of this machine that do it.

A worker loads what the job needs once, and does one shard after the other. One that dies costs its shard
alone: another worker does it again.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

from lookalike import errors
from lookalike.errors import DataError, UserError

TRIES = 3  # workers that a shard may end
OFTEN = (
    "shard {} ended its worker {} times, as a full memory does: choose fewer workers (--workers) or more "
    "shards; the shards that are done stay."
)


class Job(Protocol):
    """What a worker is sent, by pickle."""

    def open(self) -> Callable[[int], tuple[int, Any]]:
        """Loads what all shards need; the function does a shard: number -> (rows, what else is told of
        it).
        """
        ...


@dataclass(frozen=True)
class Done:
    """A shard that is done: its rows, the seconds it took, and what else the job tells of it."""

    shard: int
    rows: int
    seconds: float
    facts: Any = None


def timed(do: Callable[[int], tuple[int, Any]], shard: int) -> Done:
    begun = perf_counter()
    rows, facts = do(shard)
    return Done(shard, rows, perf_counter() - begun, facts)


def given_up(job: Job, shard: int) -> Done:
    """A shard that always ends its worker: done for, where the job has shards `alone`; else a DataError."""
    why = OFTEN.format(shard, TRIES)
    if not getattr(job, "alone", False):
        raise DataError(why)
    return Done(shard, 0, 0.0, why)


def in_this_process(job: Job, todo: Sequence[int]) -> Iterator[Done]:
    do = job.open()
    for shard in todo:
        yield timed(do, shard)


# --- processes -----------------------------------------------------------------------------------------


def in_processes(job: Job, todo: Sequence[int], workers: int) -> Generator[Done, None, None]:
    """The shards as they are done, in any order, by so many processes. They end with this one, however it
    ends.
    """
    waiting = list(reversed(todo))
    deaths: dict[int, int] = {}
    said: queue.Queue[tuple[_Worker, Any]] = queue.Queue()
    crew = [_Worker(job, said) for _ in range(min(workers, len(todo)))]
    try:
        for one in crew:
            one.give(waiting.pop())
        missing = len(todo)
        while missing:
            worker, answer = said.get()
            if isinstance(answer, Done):
                missing -= 1
                yield answer
            elif isinstance(answer, UserError):
                raise answer
            elif answer is None:  # it is dead
                shard = worker.shard
                if shard is None:
                    continue  # it had nothing to do
                deaths[shard] = deaths.get(shard, 0) + 1
                crew.remove(worker)
                if deaths[shard] < TRIES:
                    waiting.append(shard)
                else:
                    missing -= 1
                    yield given_up(job, shard)
                if not missing:
                    break
                worker = _Worker(job, said)
                crew.append(worker)
            else:
                raise RuntimeError(answer)
            if waiting:
                worker.give(waiting.pop())
            else:
                worker.shard = None
    finally:
        for one in crew:
            one.end()


def search_path() -> str:
    """The PYTHONPATH by which another process finds this package, too."""
    source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return os.pathsep.join([source, *filter(None, [os.environ.get("PYTHONPATH")])])


class _Worker:
    """A process that is sent a job, then numbers of shards; what it says goes to the queue, None at its
    end.
    """

    def __init__(self, job: Job, said: queue.Queue[tuple[_Worker, Any]]) -> None:
        self.shard: int | None = None
        self._said = said
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from lookalike.jobs import work; work()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": search_path()},
            start_new_session=True,  # Ctrl-C is for this process, which ends its workers
        )
        self._send(job)
        threading.Thread(target=self._listen, daemon=True).start()

    def give(self, shard: int) -> None:
        self.shard = shard
        self._send(shard)

    def _send(self, value: Any) -> None:
        assert self.process.stdin is not None
        with suppress(OSError):  # a dead one is noticed by `_listen`
            pickle.dump(value, self.process.stdin)
            self.process.stdin.flush()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        try:
            while True:
                kind, value = pickle.load(self.process.stdout)
                self._said.put((self, error_of(*value) if kind == "error" else value))
        except (EOFError, pickle.UnpicklingError, OSError, ValueError):
            self._said.put((self, None))

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()


def work() -> None:
    """What a worker process does: takes a job and shards from standard input until that ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever is printed here is for people
    asked: queue.Queue[Any] = queue.Queue()

    def listen() -> None:
        while True:
            try:
                asked.put(pickle.load(sys.stdin.buffer))
            except (EOFError, pickle.UnpicklingError):
                os._exit(0)  # who asked is gone, or wants no more

    threading.Thread(target=listen, daemon=True).start()
    do = None
    job = asked.get()
    while True:
        shard = asked.get()
        try:
            do = do or job.open()
            answer: tuple[str, Any] = ("done", timed(do, shard))
        except UserError as error:
            answer = ("error", (type(error).__name__, str(error)))
        except BaseException:
            answer = ("fault", traceback.format_exc())
        pickle.dump(answer, answers)
        answers.flush()


def error_of(kind: str, message: str) -> UserError:
    """The error of another process, of the same type."""
    found = getattr(errors, kind, UserError)
    made: UserError = found.__new__(found)
    Exception.__init__(made, message)
    return made
