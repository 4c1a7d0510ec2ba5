"""A recipe read: a TOML file or a dict becomes a `Plan`; what is wrong with it is named with its line."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lookalike.arguments import as_number, shown
from lookalike.errors import OptionError, file_errors
from lookalike.prompting.recipes.columns import Plan, RecipeColumn, Served
from lookalike.prompting.recipes.kinds import Reader
from lookalike.prompting.recipes.lines import Lines
from lookalike.prompting.recipes.order import ordered
from lookalike.prompting.recipes.templates import is_of_jinja

TOP = (
    "task",
    "rows",
    "label",
    "text",
    "system",
    "temperature",
    "max_tokens",
    "tries",
    "models",
    "columns",
    "grow",
)
MODEL = ("model", "url", "key_env", "max_calls", "max_tokens", "max_cost", "price_in", "price_out",
         "concurrency", "timeout")  # fmt: skip
WHOLE = ("max_calls", "max_tokens", "concurrency")
LIMITS = ("max_calls", "max_tokens", "max_cost", "price_in", "price_out")
RESERVED = ("task", "value", "turns", "turn", "role", "row")  # names that a template has beside the columns


def read(recipe: str | Path | Mapping[str, Any]) -> Plan:
    """The plan of a recipe, the path of a TOML file or a dict of the same keys.

    Raises OptionError, or DataError for a file that cannot be read, before anything is asked.
    """
    if isinstance(recipe, Mapping):
        return _plan(recipe, Lines(None), Path())
    if not isinstance(recipe, str | Path):
        raise OptionError(f"the recipe is {shown(recipe)}: give the path of a TOML file, or a dict.")
    path = Path(recipe)
    with file_errors(path):
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OptionError(_broken(path, str(error))) from None
    return _plan(found, Lines(path, text), path.parent)


def _broken(path: Path, said: str) -> str:
    where = re.search(r"line (\d+)", said)
    reason = re.sub(r" \(at .*\)$", "", said).strip()
    return f"{path}{f', line {where[1]}' if where else ''}: this is not valid TOML: {reason}."


def _plan(found: Mapping[str, Any], lines: Lines, folder: Path) -> Plan:
    for key in found:
        if key not in TOP:
            raise OptionError(
                f"{lines.at(key)}: '{key}' is no key of a recipe: the keys are {', '.join(TOP)}."
            )
    given = found.get("columns")
    if not isinstance(given, Mapping) or not given:
        raise OptionError(
            f"{lines.at('columns')}: there are no columns: write a table [columns.NAME] for each one."
        )
    models = _models(found.get("models", {}), lines)
    names = tuple(given)
    for name in names:
        own = name in RESERVED or is_of_jinja(name)
        if own or not re.fullmatch(r"[A-Za-z_]\w*", name):
            why = "a template has it for itself" if own else "templates could not say it"
            raise OptionError(
                f"{lines.at('columns', name)}: a column cannot be called {shown(name)}, as {why}: choose a "
                "name of letters, digits and underscores."
            )
    reader = Reader(found, lines, folder, names, tuple(models))
    columns = [reader.column(name, given[name]) for name in names]
    reader.check_calls(columns)
    order = ordered(columns)
    kept = tuple(one.name for one in columns if one.keep)
    if not kept:
        raise OptionError(f"{lines.at('columns')}: no column is kept: take keep = false out of one.")
    return Plan(
        order,
        kept,
        _text(found, "task", lines),
        _whole(found, "rows", lines),
        _label(found, kept, lines),
        _texts(found, columns, lines),
        models,
        _grow(found, lines),
        _version(found),
        lines.at(),
        lines.at,
    )


def _models(given: Any, lines: Lines) -> dict[str, Served]:
    if not isinstance(given, Mapping):
        raise OptionError(f"{lines.at('models')}: models is {shown(given)}: write tables [models.NAME].")
    found = {}
    for name, one in given.items():
        place = lines.at("models", name)
        if not isinstance(one, Mapping):
            raise OptionError(f"{place}: the model {name} is {shown(one)}: write a table [models.{name}].")
        for key in one:
            if key not in MODEL:
                raise OptionError(f"{lines.at('models', name, key)}: '{key}' is no key of a model: they are "
                                  f"{', '.join(MODEL)}.")  # fmt: skip
        for key in ("model", "url", "key_env"):
            if key in one and (not isinstance(one[key], str) or not one[key].strip()):
                raise OptionError(
                    f"{lines.at('models', name, key)}: {key} is {shown(one[key])}: write a text."
                )
        if "model" not in one:
            raise OptionError(f'{place}: the model {name} has no name at its endpoint: add  model = "...".')
        for key in (*LIMITS, "concurrency", "timeout"):
            value = as_number(one.get(key, 1))
            if value is None or value < 0 or (key in ("concurrency", "timeout") and not value):
                raise OptionError(
                    f"{lines.at('models', name, key)}: {key} is {shown(one[key])}: write a number."
                )
            if key in WHOLE and value != int(value):
                raise OptionError(
                    f"{lines.at('models', name, key)}: {key} is {shown(one[key])}: write a whole number."
                )
        limits = {key: one[key] for key in LIMITS if key in one}
        if "max_cost" in limits and not {"price_in", "price_out"} <= set(limits):
            raise OptionError(
                f"{lines.at('models', name, 'max_cost')}: max_cost needs price_in and price_out."
            )
        found[name] = Served(name, one["model"], one.get("url"), one.get("key_env"), limits,
                             one.get("concurrency"), one.get("timeout"), place)  # fmt: skip
    return found


def _text(found: Mapping[str, Any], key: str, lines: Lines) -> str | None:
    value = found.get(key)
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise OptionError(f"{lines.at(key)}: {key} is {shown(value)}: write a text.")
    return value


def _whole(found: Mapping[str, Any], key: str, lines: Lines) -> int | None:
    value = found.get(key)
    if value is not None and (type(value) is not int or value < 1):
        raise OptionError(f"{lines.at(key)}: {key} is {shown(value)}: write a whole number of at least 1.")
    return value


def _label(found: Mapping[str, Any], kept: tuple[str, ...], lines: Lines) -> str | None:
    label = found.get("label")
    if label is not None and label not in kept:
        raise OptionError(f"{lines.at('label')}: the label {shown(label)} is no column that is kept: choose "
                          f"one of {', '.join(kept)}.")  # fmt: skip
    return label


def _texts(found: Mapping[str, Any], columns: list[RecipeColumn], lines: Lines) -> tuple[str, ...]:
    given = found.get("text")
    kept = [one.name for one in columns if one.keep]
    if given is None:
        return tuple(one.name for one in columns if one.keep and Reader.is_text(one))
    some = given if isinstance(given, list) else [given]
    for name in some:
        if name not in kept:
            raise OptionError(f"{lines.at('text')}: text is {shown(name)}, no column that is kept: take "
                              f"{', '.join(kept)}.")  # fmt: skip
    return tuple(some)


def _grow(found: Mapping[str, Any], lines: Lines) -> Mapping[str, Any] | None:
    given = found.get("grow")
    if given is not None and (not isinstance(given, Mapping) or "by" not in given):
        raise OptionError(
            f'{lines.at("grow")}: grow is {shown(given)}: write a table [grow] with  by = "...".'
        )
    return given


def _version(found: Mapping[str, Any]) -> str:
    def plain(value: Any) -> Any:
        code = getattr(value, "__code__", None)
        return code.co_code.hex() if code is not None else str(value)

    text = json.dumps(found, sort_keys=True, default=plain)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
