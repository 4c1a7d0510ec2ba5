"""The report of a table without a real one, as one HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lookalike.evaluate.page.environment import template


def page(facts: Mapping[str, Any], said: Mapping[str, str]) -> str:
    """The report as HTML. facts: as of `Alone.to_dict`; said: column -> its figures in a line."""
    return template("alone.html.j2").render(facts=facts, said=said)
