"""Processes of the benchmarks: the environments of peers, made on first use under bench/envs, and what a
process finds in its variables."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.places import ENVIRONMENTS, ROOT

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def make(name: str, *steps: Sequence[str | Path]) -> Path:
    """The Python of an environment, which is installed first if it is not there.

    steps: what pip is asked for, one call after the other.
    """
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"making the environment {folder.relative_to(ROOT)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        for packages in steps:
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        (folder / "complete").touch()
    return python


def variables(threads: int | None = None, *, peer: bool = False) -> dict[str, str]:
    """The variables of a process that runs a module of bench, in whatever folder it is started.

    threads: of every library; None leaves them as they are. A peer finds bench alone on its path, and every
    other process finds the source of lookalike in this repository, too.
    """
    path = [str(ROOT)]
    if not peer:
        path += [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    return found if threads is None else found | dict.fromkeys(THREADS, str(threads))
