"""Where an endpoint is, and what goes with every call."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from lookalike.errors import EndpointError, OptionError
from lookalike.llm import LLM, wait
from lookalike.llm.address import address, split_url
from tests.processes import environment

Serve = Callable[..., Any]
KEY = "sk-very-secret-0123456789"


@pytest.mark.parametrize(
    ("url", "base", "query"),
    [
        (" http://h:1/v1/ ", "http://h:1/v1", ""),
        ("http://h/v1/chat/completions", "http://h/v1", ""),
        ("https://x.azure.com/openai/d/chat/completions?api-version=2024-10-21",
         "https://x.azure.com/openai/d", "api-version=2024-10-21"),
    ],
)  # fmt: skip
def test_urls_are_taken_as_people_copy_them(url: str, base: str, query: str) -> None:
    assert split_url(url) == (base, query)


@pytest.mark.parametrize(
    "url", ["http://h/v1?key=abc", "http://u:p@h/v1", "http://h/v1#x", "h:1", "ftp://h", "http://h:x/v1"]
)
def test_urls_that_cannot_be_or_hold_a_secret_are_refused(url: str) -> None:
    with pytest.raises(OptionError) as caught:
        split_url(url)
    assert "abc" not in str(caught.value)


def test_azure_gets_its_key_in_its_header(serve: Serve) -> None:
    server = serve("--azure", "--key", KEY)
    llm = LLM("m", f"{server.url}?api-version=2024-10-21", KEY)
    assert wait(llm.ask("Hi")).text and "?" not in llm.account
    assert wait(llm.of_model("n").ask("Hi")).text
    sent = address("https://x.openai.azure.com/openai/v1", KEY).sent_headers()
    assert sent["api-key"] == KEY and "Authorization" not in sent
    with pytest.raises(EndpointError, match="does not accept the key"):
        wait(LLM("m", server.url, KEY).ask("Hi"))


def test_further_headers_go_with_every_call(serve: Serve) -> None:
    server = serve("--header", "X-Team=data")
    assert wait(LLM("m", server.url, headers={"X-Team": "data"}).ask("Hi")).text
    with pytest.raises(EndpointError, match="X-Team is missing"):
        wait(LLM("m", server.url).ask("Hi"))
    for wrong in ({"a b": "x"}, {"X": "two\nlines"}, ["X"], {"X": 1}):
        with pytest.raises(OptionError):
            address("http://h/v1", None, wrong)  # type: ignore[arg-type]


def test_a_proxy_that_is_down_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free.getsockname()[1]}")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(
        EndpointError, match=r"the proxy on the way to http://example.invalid/v1 .*HTTP_PROXY"
    ):
        wait(LLM("m", "http://example.invalid/v1", progress=False).ask("Hi"))
    assert os.environ["no_proxy"] == ""


def test_a_certificate_that_nobody_knows_is_refused_until_it_is_named(serve: Serve, tmp_path: Path) -> None:
    issuer = trustme.CA()
    known, served = tmp_path / "issuer.pem", tmp_path / "server.pem"
    issuer.cert_pem.write_to_path(str(known))
    issuer.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(served))
    server = serve("--tls", str(served))
    with pytest.raises(EndpointError, match=r"certificate of https://127.* is not accepted .*SSL_CERT_FILE"):
        wait(LLM("m", server.url, progress=False).ask("Line"))
    ask = f"from lookalike.llm import LLM, wait; print(wait(LLM('m', {server.url!r}).ask('Line')).text)"
    given = environment() | {"SSL_CERT_FILE": str(known)}
    told = subprocess.run([sys.executable, "-c", ask], env=given, capture_output=True, text=True)
    assert told.returncode == 0 and len(told.stdout.split()) >= 4, told.stderr
