"""The README: short, and all that it names is there. Its blocks run in test_pages.py, its figures
are looked at in tests/bench/tables/test_pages.py."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from tests.docs.blocks import blocks, small
from tests.docs.conftest import WRITER
from tests.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_is_read_in_five_minutes() -> None:
    assert len(README.split()) <= 900
    for table in re.findall(r"(?:^\|.*\n)+", README, re.MULTILINE):
        assert len(table.splitlines()) <= 12 + 2
    assert README.count("![") == 1


def test_what_it_links_to_is_there() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / target).exists(), target
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make (\w+)`", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_a_run_of_a_language_model_takes_five_lines() -> None:
    """With its folder, in which the replies, the rows, the report and what it cost are kept."""
    (code,) = [code for language, code in blocks(README) if "SynAlign" in code]
    assert len(code.splitlines()) == 5 and 'ledger="out.run/' in code and 'run="out.run"' in code


@pytest.mark.parametrize("name", ["lookalike", "DiffLM", "SynAlign", "schema"])
def test_the_docstrings(name: str, reader: Path, serve: Callable[..., Any]) -> None:
    from lookalike.table import schema

    objects = {"lookalike": lookalike, "schema": schema}
    text = (objects.get(name) or getattr(lookalike, name)).__doc__
    found = (
        re.search(r"\n((?: {4,}[^\n]*(?:\n|$))+)", text.expandtabs())
        if name in objects
        else re.search(r"\n((?: {8}[^\n]*(?:\n|$))+)", text)
    )
    assert found is not None
    code = "\n".join(line.strip() for line in found[1].splitlines())
    space: dict[str, Any] = {"lookalike": lookalike}
    if name == "SynAlign":
        from lookalike.llm import LLM

        url = serve("--writer", f"{WRITER}:answer").url
        code, space["LLM"] = code.replace("http://127.0.0.1:8000/v1", url), LLM
    if name == "SynAlign" or name == "DiffLM":
        space["real"] = lookalike.read_table("examples/messages.csv")
    if name == "schema":
        space["df"] = pd.DataFrame({"zip": np.arange(60) % 7, "city": list("abc") * 20})
    exec(compile(small(code), name, "exec"), space)
