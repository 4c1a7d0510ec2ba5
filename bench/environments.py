"""The environments of the benchmarks' peers: made on first use under bench/envs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent


def make(name: str, *steps: Sequence[str | Path]) -> Path:
    """The Python of an environment, which is installed first if it is not there.

    steps: what pip is asked for, one call after the other.
    """
    folder = HERE / "envs" / name
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"making the environment {folder.relative_to(HERE.parent)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        for packages in steps:
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        (folder / "complete").touch()
    return python
