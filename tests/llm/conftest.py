"""What the tests of `llm` share; the local server is in tests/conftest.py."""

import pytest

pytest.importorskip("aiohttp")
