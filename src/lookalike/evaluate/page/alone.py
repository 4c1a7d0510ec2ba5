"""The report of a table without a real one, as one HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def page(facts: Mapping[str, Any], said: Mapping[str, str]) -> str:
    """The report as HTML. facts: as of `Alone.to_dict`; said: column -> its figures in a line."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    here = Path(__file__).parent / "templates"
    jinja = Environment(loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined)
    return jinja.get_template("alone.html.j2").render(facts=facts, said=said)
