"""Command lines of the benchmarks: what they are called, which files they take, and how they are quoted."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

PLACES = (
    "--data",
    "--out",
    "--results",
    "--work",
    "--minilm",
)  # options whose value is a place on the machine


def parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """Of the command `python -m name`, whose description is shown as it stands."""
    return argparse.ArgumentParser(
        prog=f"python -m {name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # `quoted` knows options by their whole names
    )


def file(text: str) -> Path:
    """The type of an argument that names a file."""
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text!r}")
    return Path(text)


def folder(text: str) -> Path:
    """The type of an argument that names a folder."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text!r}")
    return Path(text)


def count(text: str) -> int:
    """The type of an argument that is a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def chosen(asked: argparse.ArgumentParser, kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Ends the command with a sentence at a name that is not known."""
    known = list(known)
    for wrong in sorted(set(names) - set(known)):
        asked.error(f"there is no {kind} {wrong!r}: choose from {', '.join(known)}")


def present(asked: argparse.ArgumentParser, paths: Iterable[Path]) -> None:
    """Ends the command with a sentence at a file of --data that is not there."""
    for path in paths:
        if not path.is_file():
            asked.error(f"there is no file {str(path)!r}: --data names the folder of the data")


def quoted(name: str, words: Sequence[str]) -> str:
    """The command as it is published: the data is at FOLDER, and no other place is named."""
    kept, at = [f"python -m {name}"], 0
    while at < len(words):
        option, is_there, _ = words[at].partition("=")
        at += 1 if is_there or option not in PLACES else 2
        if option not in PLACES:
            kept.append(shlex.quote(words[at - 1]))
        elif option == "--data":
            kept.append("--data FOLDER")
    return " ".join(kept)
