"""The report of a table without a real one, as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lookalike.evaluate.alone import Alone


def page(found: Alone) -> str:
    """The report as HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    here = Path(__file__).parent / "templates"
    jinja = Environment(loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined)
    said = {name: found.said(name) for name in found.columns}
    return jinja.get_template("alone.html.j2").render(facts=found.to_dict(), said=said)
