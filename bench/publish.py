"""Figures in words: mean and spread, the machine, and the place of a table in bench/RESULTS.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np


def mean(values: Sequence[float], digits: int) -> str:
    """Mean ± standard deviation; the mean alone of one value."""
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


def machine(threads: int | None = None) -> str:
    """Cores, processor and software; threads: of each process (None: as many as there are cores)."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        model = models[0] if models else model
    software = f"Python {platform.python_version()}"
    if find_spec("torch"):
        software += f", torch {version('torch')}"
    cores = os.cpu_count() or 1
    return f"{cores} cores ({model}), {threads or cores} threads, {software}"


def marks(name: str) -> tuple[str, str]:
    """The lines between which a command's table stands."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def publish(text: str, path: Path, name: str) -> None:
    """Puts the text between the command's marks in the file, which are added at the end if there are none.

    What stands outside the marks is left alone.
    """
    begin, end = marks(name)
    old = path.read_text() if path.exists() else "# Results\n"
    if begin not in old:
        old += f"\n{begin}\n{end}\n"
    before, rest = old.split(begin, 1)
    path.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end, 1)[1]}")
