"""What the tests of `llm` share; the local server is in tests/conftest.py."""

from __future__ import annotations

import pytest

pytest.importorskip("aiohttp")


@pytest.fixture(autouse=True)
def no_endpoint_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
