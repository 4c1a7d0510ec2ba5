"""What a value of a recipe has to pass: a name of `CHECKS`, a function, or an expression of the row.

words:3..60       so many words             parses:sql    it parses as json, python or sql
runs:COLUMN       SQL that runs on a database that the SQL of another column makes
calls:COLUMN      a call of one of the tools of another column, with arguments that fit
evolved:COLUMN    an instruction that asks for more than the one it was made from (growth/evolving.py)
answered:COLUMN   a response to an instruction that says it cannot be answered, or says nothing, fails
states:COLUMNS    a text that states the value of each of these columns, a comma between (texts/stated.py)
novel             ROUGE-L to no accepted row is above .7 (growth/novelty.py)
novel:COLUMN      nor to a text of that column
module:name       a function of the value and its row      value in text   a Jinja expression of both
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lookalike.arguments import shown
from lookalike.errors import OptionError
from lookalike.prompting.growth.evolving import eliminated
from lookalike.prompting.growth.novelty import novel
from lookalike.prompting.recipes.columns import Check
from lookalike.prompting.recipes.functions import function_of, is_named, passes
from lookalike.prompting.recipes.templates import Template
from lookalike.texts.measures import ABSOLUTE, MEASURES
from lookalike.texts.meta import META
from lookalike.texts.refusals import REFUSALS
from lookalike.texts.stated import states
from lookalike.texts.syntax import PARSERS, exact, parse_json
from lookalike.texts.words import words_of

Test = Callable[[Any, Mapping[str, Any]], bool]

OTHERS = ("near", "exact", "novel", "copy", "language")  # they look at other rows: see running.py
EACH = ("refusal", "meta")  # of a dialogue they hold of each of its turns
LONGEST_QUERY = 2.0  # seconds
_WORDS = re.compile(r"words:(\d*)\.\.(\d*)")
_OF_COLUMN = re.compile(r"(runs|calls|evolved|answered|novel|states):(.*)")


def _measure(name: str) -> Test:
    low, high = ABSOLUTE[name]
    return lambda value, row: low <= MEASURES[name](text_of(value)) <= high


def _without(patterns: tuple[re.Pattern[str], ...]) -> Test:
    return lambda value, row: not any(one.search(text_of(value)) for one in patterns)


CHECKS: dict[str, Test] = {
    "refusal": _without(tuple(REFUSALS)),
    "meta": _without(tuple(META)),
    **{name: _measure(name) for name in MEASURES},
}


def text_of(value: Any) -> str:
    """A value as a text: what is nested as its JSON, turns of a dialogue one below the other."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(one, dict) and "content" in one for one in value):
        return "\n".join(str(one["content"]) for one in value)
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def check_of(given: Any, place: Callable[[int], str], folder: Path) -> Check:
    """A check as a recipe writes it; place: line -> where it stands; folder: of the recipe.

    Raises OptionError for one that is none.
    """
    if callable(given):
        function = function_of(given, place(1), folder)
        return Check(function.name, "alone", passes(function))
    if not isinstance(given, str) or not given.strip():
        raise OptionError(f"{place(1)}: check is {shown(given)}: {_known()}.")
    if given in OTHERS:
        return Check(given, given)
    if given in CHECKS:
        return Check(given, "alone", CHECKS[given])
    if given.startswith("parses:"):
        language = given.removeprefix("parses:")
        if language not in PARSERS:
            raise OptionError(f"{place(1)}: check {given}: choose one of {', '.join(PARSERS)}.")
        return Check(given, "alone", lambda value, row: PARSERS[language](text_of(value)))
    if found := _WORDS.fullmatch(given):
        least, most = int(found[1] or 0), int(found[2] or 2**31)
        if least > most:
            raise OptionError(
                f"{place(1)}: check {given}: no text has so many words: write the fewest first."
            )
        return Check("words", "alone", lambda value, row: least <= len(words_of(text_of(value))) <= most)
    if given.startswith("words:"):
        raise OptionError(f"{place(1)}: check {shown(given)}: write the fewest and the most, as words:3..60.")
    if found := _OF_COLUMN.fullmatch(given):
        if not found[2].strip(", "):
            raise OptionError(f"{place(1)}: check {shown(given)} names no column: write one after the colon.")
        if found[1] == "states":
            return _stating(found[2])
        column, test = found[2], OF_COLUMN[found[1]]
        return Check(found[1], "alone", lambda value, row: test(value, row[column]), frozenset({column}))
    if is_named(given):
        function = function_of(given, place(1), folder)
        return Check(given, "alone", passes(function))
    template = Template(given, place, expression=True)
    names = template.names - {"value"}
    if template.names == {given}:
        raise OptionError(f"{place(1)}: there is no check {shown(given)}: {_known()}.")
    return Check(given, "alone", lambda value, row: bool(template({**row, "value": value})), names)


def _stating(columns: str) -> Check:
    names = [one.strip() for one in columns.split(",") if one.strip()]

    def test(value: Any, row: Mapping[str, Any]) -> bool:
        return all(states(text_of(value), row[name]) for name in names)

    return Check("states", "alone", test, frozenset(names))


def _known() -> str:
    return (
        f"choose one of {', '.join((*CHECKS, *OTHERS))}, words:3..60, parses:sql, runs:COLUMN, calls:COLUMN, "
        'evolved:COLUMN, answered:COLUMN, novel:COLUMN, states:COLUMN,COLUMN, a function "module:name", or '
        'an expression such as "value | length < 200"'
    )


def runs(query: Any, schema: Any) -> bool:
    """Whether SQL runs on an empty database, in memory, that other SQL makes."""
    database = sqlite3.connect(":memory:")
    until = time.monotonic() + LONGEST_QUERY
    database.set_progress_handler(lambda: time.monotonic() > until, 10_000)
    database.set_authorizer(
        lambda action, *_: sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK
    )
    try:
        database.executescript(text_of(schema))
        database.execute(text_of(query)).fetchmany(1)
    except (sqlite3.Error, sqlite3.Warning, ValueError):
        return False
    finally:
        database.close()
    return True


def calls(call: Any, tools: Any) -> bool:
    """Whether a value is {"name", "arguments"} of one of the tools, or a list of such; the arguments fit the
    tool's JSON schema.
    """
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    call, tools = (parse_json(one) if isinstance(one, str) else one for one in (call, tools))
    known: dict[Any, Any] = {}
    for one in tools if isinstance(tools, list) else [tools]:
        one = one.get("function", one) if isinstance(one, dict) else None
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            known[one["name"]] = one.get("parameters", {})
    some = call if isinstance(call, list) else [call]
    for one in some:
        if not isinstance(one, dict) or one.get("name") not in known or "arguments" not in one:
            return False
        schema = known[one["name"]]
        try:
            validator_for(schema).check_schema(schema)
            if not exact(validator_for(schema))(schema).is_valid(one["arguments"]):
                return False
        except (SchemaError, TypeError, AttributeError):
            return False
    return bool(some)


def evolved(after: Any, before: Any) -> bool:
    """Whether an instruction came on from the one before."""
    return eliminated(text_of(before), text_of(after)) is None


def answered(response: Any, instruction: Any) -> bool:
    """Whether a response answers an instruction, by the elimination step of Evol-Instruct."""
    return eliminated("", text_of(instruction), text_of(response)) is None


def unlike(value: Any, texts: Any) -> bool:
    """Whether ROUGE-L to a text, or to each of a list, is at most .7."""
    some = texts if isinstance(texts, list) else [texts]
    return novel(text_of(value), [text_of(one) for one in some])


OF_COLUMN = {"runs": runs, "calls": calls, "evolved": evolved, "answered": answered,
             "novel": unlike}  # value, column -> bool  # fmt: skip
