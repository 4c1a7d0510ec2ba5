"""Python in a process of its own, with the source of this project; servers of other packages."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.paths import SRC


def environment() -> dict[str, str]:
    """That of the tests, with the source and one thread."""
    return {**os.environ, "PYTHONPATH": str(SRC), "OMP_NUM_THREADS": "1"}


def python(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`python ARGUMENTS` in a folder, to its end."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment(), cwd=folder, capture_output=True, text=True)


@contextmanager
def language_model(command: Callable[[int], list[str]], log: Path, seconds: float) -> Iterator[str]:
    """The base URL of a server that is asked once it names its models, and killed at the end.

    command: port -> what starts it. log: where its output goes.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(log, "w") as file:
        process = subprocess.Popen(command(port), stdout=file, stderr=subprocess.STDOUT)
    base = f"http://127.0.0.1:{port}/v1"
    try:
        for _ in range(round(10 * seconds)):
            assert process.poll() is None, log.read_text()[-2000:]
            try:
                urllib.request.urlopen(f"{base}/models").close()
                break
            except urllib.error.URLError:
                time.sleep(0.1)
        yield base
    finally:
        process.kill()
        process.wait()
