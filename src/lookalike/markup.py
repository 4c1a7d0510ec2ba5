"""Small pieces of HTML: what a notebook shows of a schema, a model, decisions; the colours of all pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

LEFT = 'style="text-align:left"'


Rows = Iterable[Sequence[object]]


def shown(title: str, head: Sequence[str], rows: Rows, notes: Iterable[str] = ()) -> str:
    """A title, a table and notes below it; everything is escaped."""
    top = "".join(f"<th {LEFT}>{escape(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr>{''.join(f'<td {LEFT}>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows
    )
    table = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>" if body else ""
    below = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<p><b>{escape(title)}</b></p>{table}{f'<ul>{below}</ul>' if below else ''}"


def palette() -> str:
    """CSS: the colours of all pages as variables, by daylight and in the dark."""
    return (Path(__file__).parent / "palette.css").read_text(encoding="utf-8")
