"""Languages of code: which one texts are written in, and whether a text parses.

JSON is parsed by `json`, Python by `ast`, SQL by sqlglot (extra `code`).
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any

from lookalike.errors import MissingDependency

LOOKED_AT = 300  # real values from which a column is recognised
SURE = 0.9  # share of them that must agree
SQL = re.compile(r"\s*(select|insert|update|delete|with|create|alter|drop)\b", re.IGNORECASE)
PYTHON = re.compile(r"^\s*(def|class|import|from|for|if|while|return|print|with|try)\b|=|\(", re.MULTILINE)


def parse_json(text: str) -> Any:
    """The object or list that a text holds; None where it holds none."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (dict, list)) else None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


@lru_cache(maxsize=16)
def exact(kind: Any) -> Any:
    """A validator class of the package jsonschema that knows decimals: to it 0.07 is a multiple of 0.01."""
    from jsonschema.validators import extend

    return extend(kind, {"multipleOf": _multiple})


def _multiple(validator: Any, step: Any, value: Any, schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if validator.is_type(value, "number") and Fraction(repr(value)) % Fraction(repr(step)):
        yield ValidationError(f"{value!r} is not a multiple of {step!r}")


def parses_python(text: str) -> bool:
    return bool(text.strip()) and _tree(text) is not None


def _tree(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _does_something(text: str) -> bool:
    """Whether a text is Python that calls or defines: numbers in brackets parse too, but are no code."""
    tree = _tree(text) if PYTHON.search(text) else None
    return tree is not None and any(
        isinstance(node, ast.Call) or (isinstance(node, ast.stmt) and not isinstance(node, ast.Expr))
        for node in ast.walk(tree)
    )


def parses_sql(text: str) -> bool:
    try:
        import sqlglot
    except ImportError:
        raise MissingDependency("sqlglot", "code") from None
    try:
        return bool(sqlglot.parse_one(text))
    except (sqlglot.errors.SqlglotError, RecursionError):
        return False


PARSERS: dict[str, Callable[[str], bool]] = {
    "json": lambda text: parse_json(text) is not None,
    "sql": parses_sql,
    "python": parses_python,
}


def language(texts: list[str]) -> str | None:
    """ "json", "sql" or "python" where nine in ten of the texts are that; else None."""
    some = texts[:LOOKED_AT]
    if not some:
        return None

    def agree(test: Callable[[str], Any]) -> bool:
        return sum(bool(test(text)) for text in some) >= SURE * len(some)

    if agree(PARSERS["json"]):
        return "json"
    if agree(SQL.match):
        return "sql"
    if agree(_does_something):
        return "python"
    return None
