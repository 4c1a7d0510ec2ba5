"""Python in a process of its own, with the source of this project."""

import os
import subprocess
import sys
from pathlib import Path

from tests.paths import SRC


def environment() -> dict[str, str]:
    """That of the tests, with the source and one thread."""
    return {**os.environ, "PYTHONPATH": str(SRC), "OMP_NUM_THREADS": "1"}


def python(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`python ARGUMENTS` in a folder, to its end."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment(), cwd=folder, capture_output=True, text=True)
