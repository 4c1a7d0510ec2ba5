"""The recipes that come with lookalike, to be edited."""

from __future__ import annotations

from pathlib import Path

from lookalike.arguments import choice

FOLDER = Path(__file__).with_name("shipped")


def about() -> dict[str, str]:
    """Name of each recipe -> what it makes, its first line."""
    return {
        path.stem: path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
        for path in sorted(FOLDER.glob("*.toml"))
    }


def source(name: str) -> str:
    """The text of a recipe. Raises OptionError for a name that is none."""
    return (FOLDER / f"{choice('the recipe', name, about())}.toml").read_text(encoding="utf-8")
