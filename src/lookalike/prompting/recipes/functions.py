"""Functions of a recipe: the user's own Python, named as "module:name" or "file.py:name"."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lookalike.errors import OptionError, first_line

NAMED = re.compile(r"[\w./\\-]+:[A-Za-z_]\w*")


class Function:
    """A function of a row (a dict of its columns), or of a value and its row.

    name: as it was written; place: where, for a sentence.
    """

    def __init__(self, call: Callable[..., Any], name: str, place: str) -> None:
        self.call, self.name, self.place = call, name, place

    def __call__(self, *given: Any) -> Any:
        """Raises OptionError, with file and line, for whatever the function raises."""
        try:
            return self.call(*given)
        except Exception as error:
            raise OptionError(
                f"{self.place}: the function {self.name} fails with {type(error).__name__}"
                f"({first_line(error)!r}){_where(error)}: mend it, or have it return None, and run again."
            ) from None


def is_named(text: str) -> bool:
    """Whether a text is "module:name"."""
    return NAMED.fullmatch(text) is not None


def function_of(given: str | Callable[..., Any], place: str, folder: Path) -> Function:
    """The function that a recipe names; folder: of the recipe, where files and modules are looked for first.

    Raises OptionError where there is none.
    """
    if callable(given):
        return Function(given, getattr(given, "__name__", type(given).__name__), place)
    home, _, name = given.rpartition(":")
    try:
        module = _file(folder / home) if home.endswith(".py") else _module(home, folder)
        call = getattr(module, name)
    except Exception as error:  # whatever the module does when it is imported
        why = "there is no such file" if isinstance(error, FileNotFoundError) else first_line(error)
        raise OptionError(f"{place}: the function {given} cannot be loaded: {why}{_where(error)}.") from None
    if not callable(call):
        raise OptionError(f"{place}: {given} is no function: name one.")
    return Function(call, given, place)


def _file(path: Path) -> Any:
    name = f"lookalike_recipe_{abs(hash(str(path.absolute())))}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None or not path.exists():
            raise FileNotFoundError(path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[name] = module
    return sys.modules[name]


def _module(name: str, folder: Path) -> Any:
    sys.path.insert(0, str(folder.absolute()))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder.absolute()))


def _where(error: BaseException) -> str:
    """The line in which the user's code failed."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if not one.filename.startswith("<") and Path(one.filename) != Path(__file__)]
    own = [one for one in own if "importlib" not in one.filename]
    return f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""


def passes(function: Function) -> Callable[[Any, Mapping[str, Any]], bool]:
    """A check by a function of the value and its row."""
    return lambda value, row: bool(function(value, dict(row)))
