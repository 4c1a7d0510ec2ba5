"""Processes that begin at once: forks of one that has imported what they need.

A process that imports torch, pandas and scikit-learn takes some seconds of a CPU before it does anything.
Here each process that runs the tests has one such process beside it, which has done nothing else and has one
thread. How a command is found, imported and ended is looked at in processes that begin from nothing
(`tests/processes.py`).
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import IO, Any
from unittest import mock

from tests.paths import ROOT, SRC
from tests.short_fits import as_they_are, patched

SERVER = ROOT / "tests" / "llm" / "server.py"
PATHS = [str(SRC), str(ROOT), str(SERVER.parent)]
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "server",
        "aiohttp",
        "lookalike.cli.main",
        "lookalike.difflm.model",
        "lookalike.difflm.small.train",
        "lookalike.evaluate.report",
        "lookalike.pipeline",
        "sklearn.ensemble",
        "tests.forks",
    ]
)


class Forked:
    """A process that runs a function of a module; the part of `subprocess.Popen` that is asked for here.

    work: a function of a module, called with `arguments`; what it returns is the exit code. What is printed
    comes out of `stdout` and `stderr`. fed: whether it is told something by `stdin`, in bytes, and answers
    in bytes; its errors then go where those of the tests go.
    """

    def __init__(
        self, work: Callable[..., int | None], *arguments: Any, folder: Path | None = None, fed: bool = False
    ) -> None:
        pipes = [FORKS.Pipe(duplex=False) for _ in range(2)]
        ours = [out for out, _ in pipes]
        theirs = [into for _, into in pipes]
        if fed:
            theirs[1], ours[1] = ours[1], theirs[1]
        given = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(PATHS)}
        with mock.patch.dict(os.environ, given), mock.patch.object(sys, "path", [*PATHS, *sys.path]):
            self._process = FORKS.Process(
                target=_run,
                args=(work, arguments, str(folder or Path.cwd()), given, fed, *theirs),
                daemon=True,
            )
            self._process.start()
        self.stdout: IO[Any] = os.fdopen(os.dup(ours[0].fileno()), "rb" if fed else "r")
        self.stderr: IO[str] | None = None if fed else os.fdopen(os.dup(ours[1].fileno()))
        self.stdin: IO[bytes] | None = os.fdopen(os.dup(ours[1].fileno()), "wb") if fed else None
        for end in [*ours, *theirs]:
            end.close()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("a forked process", timeout or 0.0)
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What was printed to either pipe. It is read meanwhile: who prints to a full pipe waits."""
        assert self.stderr is not None
        said = ["", ""]

        def read(at: int, pipe: IO[str]) -> None:
            said[at] = pipe.read()

        readers = [
            Thread(target=read, args=one, daemon=True) for one in enumerate((self.stdout, self.stderr))
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        return said[0], said[1]

    def send_signal(self, number: signal.Signals) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def _run(
    work: Callable[..., int | None],
    arguments: tuple[Any, ...],
    folder: str,
    given: dict[str, str],
    fed: bool,
    out: Connection,
    other: Connection,
) -> None:
    gc.freeze()
    os.environ.clear()
    os.environ.update(given)
    os.chdir(folder)
    os.dup2(out.fileno(), 1)
    os.dup2(other.fileno(), 0 if fed else 2)
    out.close()
    other.close()
    if fed:
        sys.stdin = os.fdopen(0, closefd=False)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(work(*arguments))


def worker(asked: list[str], **_: object) -> Forked:
    """A worker of a job in shards, in place of the process that `lookalike.jobs` begins.

    Its fits are as short as those of the test.
    """
    assert asked == [sys.executable, "-c", "from lookalike.jobs import work; work()"]
    return Forked(_worker, as_they_are(), fed=True)


def _worker(parts: Mapping[str, Any]) -> None:
    from lookalike.jobs import work

    with patched(parts):
        work()


def command(arguments: list[str], before: str = "") -> int:
    """`lookalike ARGUMENTS`; before: Python code that runs first."""
    from lookalike.cli.main import main

    exec(before, {})
    return main(arguments)


def script(text: str, *arguments: str) -> None:
    """`python -c TEXT ARGUMENTS`."""
    sys.argv = ["-c", *arguments]
    exec(text, {"__name__": "__main__"})


def served(options: tuple[str, ...]) -> None:
    """tests/llm/server.py with these options."""
    import server

    sys.argv = [str(SERVER), *options]
    server.main()
