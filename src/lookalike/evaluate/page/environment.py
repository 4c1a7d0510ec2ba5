"""The templates of the pages, ready to be rendered: everything that comes from a table is escaped."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.markup import palette

if TYPE_CHECKING:
    from jinja2 import Template


def template(name: str) -> Template:
    """A file of templates/."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["palette"] = palette()
    return environment.get_template(name)


def data_link(text: str) -> str:
    """JSON as a data: link."""
    return "data:application/json;base64," + base64.b64encode(text.encode("utf-8", "replace")).decode()
