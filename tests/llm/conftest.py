"""The local server, started as a process of its own with the options that a test needs."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp")

SERVER = Path(__file__).with_name("server.py")


class Served:
    """A running server: `url` is its base URL."""

    def __init__(self, options: tuple[str, ...]) -> None:
        self.process = subprocess.Popen([sys.executable, SERVER, *options], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def stats(self) -> dict[str, Any]:
        with urllib.request.urlopen(self.url.removesuffix("/v1") + "/stats") as answer:
            return json.load(answer)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """serve("--latency", "0.1") -> a running server, stopped after the test."""
    running: list[Served] = []

    def start(*options: str) -> Served:
        running.append(Served(options))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture(autouse=True)
def no_endpoint_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
