"""The options of a verb from a TOML file, and back: `--config FILE`.

The names are those of the long options (gen-size = 10), and `real` for REAL. What stands on the command line
counts more than what stands in the file.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lookalike.atomic import replace_text
from lookalike.errors import OptionError, file_errors

NEVER = {
    "help",
    "key",
    "header",
    "config",
}  # a key belongs into the environment, not into a file that is shared


def expand(parser: argparse.ArgumentParser, argv: Sequence[str]) -> list[str]:
    """A verb's arguments, with those of the file that `--config` names put before the others.

    Raises OptionError for a file that cannot be read, an option that the verb does not have, or a value that
    is no text, number, truth value or list of these.
    """
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--config")
    named, rest = own.parse_known_args(argv)
    return rest if named.config is None else [*_arguments(parser, named.config), *rest]


def write(path: Path, values: Mapping[str, Any]) -> None:
    """A TOML file of options; None and empty lists are left out."""
    lines = [
        f"{name.replace('_', '-')} = {_toml(value)}\n"
        for name, value in values.items()
        if value is not None and value != [] and name not in NEVER
    ]
    replace_text(path, "".join(lines))


def _arguments(parser: argparse.ArgumentParser, path: str) -> list[str]:
    with file_errors(path), open(path, "rb") as file:
        found = tomllib.load(file)
    actions = {o.removeprefix("--"): a for a in parser._actions for o in a.option_strings if o[:2] == "--"}
    actions |= {a.dest: a for a in parser._actions if not a.option_strings}
    options: list[str] = []
    for name, value in found.items():
        action = None if name in NEVER else actions.get(name)
        if action is None:
            known = ", ".join(sorted(set(actions) - NEVER))
            raise OptionError(f"{path}: '{name}' is not an option that it may hold: choose one of {known}.")
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, str | int | float):
                raise OptionError(f"{path}: {name} = {one!r}: write a text, a number, true, false or a list.")
            if action.nargs == 0 and not isinstance(one, bool):
                raise OptionError(f"{path}: {name} is {one!r}: write true or false.")
            if action.nargs == 0:
                options += [f"--{name}"] if one else []
            elif action.nargs == "?" and isinstance(one, bool):  # an option whose value may be left out
                options.append(f"--{name}={action.const if one else 0}")
            else:
                options.append(f"--{name}={one}" if action.option_strings else str(one))
    return options


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON's escapes are TOML's
