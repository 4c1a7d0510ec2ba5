"""A run that was killed and started again makes the same table, and pays for nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Writing = Callable[..., Any]
