"""What the tests of `llm` share; the local server is in tests/conftest.py."""

from __future__ import annotations

import pytest

pytest.importorskip("aiohttp")
