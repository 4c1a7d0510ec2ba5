"""What the tests of recipes share: a server whose replies writer.py writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp")
WRITER = Path(__file__).with_name("writer.py")


@pytest.fixture
def writing(serve: Callable[..., Any]) -> Callable[..., Any]:
    """writing("same", "--fault", "500=0.1") -> a server; each time that a prompt comes it answers afresh."""
    return lambda function="good", *options: serve("--writer", f"{WRITER}:{function}", "--sampling", *options)
