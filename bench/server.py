"""The server of the tests, which simulates a language model: a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from typing import Any

from bench.places import ROOT

SERVER = ROOT / "tests" / "llm" / "server.py"
CORPUS = ROOT / "tests" / "llm" / "corpus.py"  # draws what it writes from a file of rows


def serve(*options: str, variables: dict[str, str] | None = None) -> tuple[subprocess.Popen[str], str]:
    """A running server and its base URL; variables: of its process (None: those of this one)."""
    server = subprocess.Popen(
        [sys.executable, SERVER, *options], stdout=subprocess.PIPE, text=True, env=variables
    )
    assert server.stdout is not None
    return server, server.stdout.readline().strip()


def stats(url: str) -> dict[str, Any]:
    """What the server has counted so far."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/stats") as answer:
        return json.load(answer)
