"""Where the keys of a TOML file stand, which `tomllib` does not tell: a mistake is named with its line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

HEADER = re.compile(r"\s*\[\[?\s*(.+?)\s*\]\]?\s*(#.*)?$")
KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=\s*(.*)""")
PART = re.compile(r""""([^"]*)"|'([^']*)'|([\w-]+)""")
QUOTES = ('"""', "'''")

Steps = tuple[str, ...]


class Lines:
    """The lines of the keys of a recipe.

    name: of the file, None for a dict, which has no lines. text: of the file.
    """

    def __init__(self, name: Path | None, text: str = "") -> None:
        self.name = name
        self._lines: dict[Steps, int] = {}
        self._first: dict[Steps, int] = {}  # of a text over several lines: that of its first letter
        self._read(text.splitlines())

    def at(self, *path: str) -> str:
        """The place of a key for a sentence: "r.toml, line 12", of a dict "the recipe"."""
        line = self.line(*path)
        if self.name is None:
            return "the recipe"
        return f"{self.name}" if line is None else f"{self.name}, line {line}"

    def line(self, *path: str) -> int | None:
        """The line of the key, else of what it lies in; None where nothing of it is known."""
        for end in range(len(path), 0, -1):
            inside = [line for one, line in self._lines.items() if one[:end] == path[:end]]
            if inside:
                return min(inside)
        return None

    def inside(self, line: int, *path: str) -> str:
        """The place of a line (from 1) of a key's text."""
        if self.name is None:
            return f"the recipe, line {line} of '{path[-1]}'"
        first = self._first.get(path, self.line(*path))
        return f"{self.name}" if first is None else f"{self.name}, line {first + line - 1}"

    def _read(self, lines: Sequence[str]) -> None:
        table: Steps = ()
        closing: str | None = None  # of a text over several lines
        for number, line in enumerate(lines, 1):
            if closing is not None:
                closing = None if closing in line else closing
                continue
            header, key = HEADER.match(line), KEY.match(line)
            if key:
                path = (*table, *_parts(key[1]))
                self._lines.setdefault(path, number)
                opening = next((one for one in QUOTES if key[2].startswith(one)), None)
                if opening is not None:
                    self._first[path] = number + (key[2].strip() == opening)
                    closing = None if opening in key[2][3:] else opening
                elif key[2].startswith("{"):
                    for inner in re.finditer(r"""[{,]\s*([\w-]+)\s*=""", key[2]):
                        self._lines.setdefault((*path, inner[1]), number)
            elif header:
                table = _parts(header[1])
                self._lines.setdefault(table, number)


def _parts(text: str) -> Steps:
    return tuple(next(filter(None, one), "") for one in PART.findall(text))
