"""What the tests of `prompting` share: a server that writes plausible records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WRITER = Path(__file__).with_name("writer.py")


@pytest.fixture
def writing(serve: Callable[..., Any]) -> Callable[..., Any]:
    """writing("refusing", "--fault", "500=0.1") -> a server whose replies writer.py writes."""
    return lambda function="good", *options: serve("--writer", f"{WRITER}:{function}", *options)
