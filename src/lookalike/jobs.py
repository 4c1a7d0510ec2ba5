"""A job in shards: how they are dealt to workers, and the processes of this machine that do them.

A worker loads what the job needs once, and does one shard after the other. One that dies costs its shard
alone: another worker does it again. Ray's workers (`scale.py`) are dealt to by the same function.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

from lookalike import errors
from lookalike.errors import DataError, UserError

TRIES = 3  # workers that a shard may end
GRACE = 10.0  # seconds that workers have to tidy up where the work is stopped
UNFIT = "no worker process could begin: what Python said of it is above."
OFTEN = (
    "shard {} ended its worker {} times, as a full memory does: choose fewer workers (--workers) or more "
    "shards; the shards that are done stay."
)


class Job(Protocol):
    """What a worker is sent, by pickle.

    It may have `alone`: a shard that cannot be done ends no other; and `here`: what it shares is on this
    machine, where its workers have to be.
    """

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


class Workers(Protocol):
    """Who does the shards: processes of this machine, or actors of Ray."""

    def start(self) -> None:
        """One more. It says "ready" once it can be given a shard."""
        ...

    def give(self, worker: Any, shard: int) -> None: ...

    def heard(self) -> tuple[Hashable, str, Any]:
        """Waits until a worker says something: (who, what, of it). What: "ready"; "done" and a Done; "error"
        and (its type, its sentence); "fault" and where it happened; "dead" and why.
        """
        ...


def dealt(job: Job, todo: Sequence[int], workers: Workers, several: int) -> Iterator[Done]:
    """The shards as they are done, in any order, by so many workers at once."""
    waiting, missing, deaths = list(reversed(todo)), len(todo), Counter[int]()
    busy, alive = dict[Hashable, int](), several
    for _ in range(several):
        workers.start()
    while missing:
        worker, what, value = workers.heard()
        shard = busy.pop(worker, None)
        if what == "error":
            raise error_of(*value)
        if what == "fault":
            raise RuntimeError(value)
        if what == "dead":
            alive -= 1
            if shard is not None:
                deaths[shard] += 1
                if deaths[shard] < TRIES:
                    waiting.append(shard)
                else:
                    missing -= 1
                    yield given_up(job, shard)
                if waiting:
                    workers.start()
                    alive += 1
            elif not alive:  # none has begun
                raise DataError(value)
            continue
        if waiting:
            busy[worker] = waiting.pop()
            workers.give(worker, busy[worker])
        if what == "done":
            missing -= 1
            yield value


def timed(do: Callable[[int], tuple[int, Any]], shard: int) -> Done:
    begun = perf_counter()
    rows, facts = do(shard)
    return Done(shard, rows, perf_counter() - begun, facts)


class Doing:
    """In a worker: does shards of a job, which is loaded with the first; what it says is for `dealt`."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._do: Callable[[int], tuple[int, Any]] | None = None

    def __call__(self, shard: int) -> tuple[str, Any]:
        try:
            self._do = self._do or self._job.open()
            return "done", timed(self._do, shard)
        except UserError as error:
            return "error", (type(error).__name__, str(error))
        except Exception:
            return "fault", traceback.format_exc()


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
    ends; where it is stopped they tidy up first, so that what a language model was paid is counted.
    """
    crew = _Processes(job)
    try:
        yield from dealt(job, todo, crew, min(workers, len(todo)))
    finally:
        crew.end()


def search_path() -> str:
    """The PYTHONPATH by which another process finds this package, too."""
    source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return os.pathsep.join([source, *filter(None, [os.environ.get("PYTHONPATH")])])


@contextmanager
def environment(**more: str) -> Iterator[None]:
    """While it lasts, other processes that are started find this package, and these variables."""
    given = more | {"PYTHONPATH": search_path()}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _Processes:
    """`Workers` that are processes of this machine."""

    def __init__(self, job: Job) -> None:
        self._job, self._crew = job, list[_Process]()
        self._said: queue.Queue[tuple[_Process, str, Any]] = queue.Queue()

    def start(self) -> None:
        self._crew.append(_Process(self._job, self._said))

    def give(self, worker: _Process, shard: int) -> None:
        worker.busy = True
        worker.send(shard)

    def heard(self) -> tuple[_Process, str, Any]:
        worker, what, value = self._said.get()
        worker.busy = False
        if what == "dead":
            worker.end()
            self._crew.remove(worker)
        return worker, what, value

    def end(self) -> None:
        try:
            busy = [one for one in self._crew if one.busy]
            for one in busy:
                one.process.terminate()
            until = perf_counter() + GRACE
            for one in busy:
                with suppress(subprocess.TimeoutExpired):
                    one.process.wait(max(0.0, until - perf_counter()))
        finally:
            for one in self._crew:
                one.end()


class _Process:
    """One that is sent a job, then numbers of shards; what it says goes to the queue."""

    def __init__(self, job: Job, said: queue.Queue[tuple[_Process, str, Any]]) -> None:
        self.busy = False
        self._said = said
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from lookalike.jobs import work; work()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": search_path()},
            start_new_session=True,  # Ctrl-C is for this process, which ends its workers
        )
        self.send(job)
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, value: Any) -> None:
        assert self.process.stdin is not None
        with suppress(OSError):  # a dead one is noticed by `_listen`
            pickle.dump(value, self.process.stdin)
            self.process.stdin.flush()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        try:
            while True:
                self._said.put((self, *pickle.load(self.process.stdout)))
        except (EOFError, pickle.UnpicklingError, OSError, ValueError):
            self._said.put((self, "dead", UNFIT))

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

    def say(answer: tuple[str, Any]) -> None:
        pickle.dump(answer, answers)
        answers.flush()

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # who asked has been stopped
    threading.Thread(target=listen, daemon=True).start()
    try:
        do = Doing(asked.get())
        say(("ready", None))
        while True:
            say(do(asked.get()))
    except KeyboardInterrupt:
        os._exit(0)  # not by the interpreter's end, which a thread that reads cannot survive


def error_of(kind: str, message: str) -> UserError:
    """The error of another process, of the same type."""
    found = getattr(errors, kind, UserError)
    made: UserError = found.__new__(found)
    Exception.__init__(made, message)
    return made
