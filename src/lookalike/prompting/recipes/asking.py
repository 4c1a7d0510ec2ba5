"""The requests of a recipe: for columns of one reply, for a turn, for a judge, for a better draft."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lookalike.arguments import shown
from lookalike.errors import OptionError
from lookalike.llm.request import Reply, Request
from lookalike.llm.structured import ReplyForm, closed
from lookalike.prompting.recipes.checks import text_of
from lookalike.prompting.recipes.columns import Judge, RecipeColumn, Written
from lookalike.prompting.recipes.templates import Template
from lookalike.texts.syntax import parse_json
from lookalike.texts.words import first_sentences

LONGER = 4  # times max_tokens, at most, of a reply of a schema that was cut off: a weak model never ends some
JUDGE_TOKENS = 400
SCORES = (1, 2, 3, 4, 5)
STAND_IN = "what the model will have written here once it was asked, in about a sentence or two of its own"
JUDGED = """{criteria}

This is to be judged:
---
{value}
---
First say in one or two sentences what is good and what is wrong with it, then give it a score: 1 (useless), \
2 (bad), 3 (acceptable), 4 (good), 5 (excellent)."""
AGAIN = """{prompt}

This was an earlier answer:
---
{value}
---
A reviewer gave it {score} of 5 points: {reason}
Write a better answer. Answer with the new version only."""
_SPEAKER = re.compile(r"^([^\W\d][\w ]{0,20}): (?=\S)", re.MULTILINE)
_MARK = re.compile(r"^(?:[-*•]|1[.)]) +(?=\S)")
VERDICT = closed({"reason": {"type": "string"}, "score": {"type": "integer", "enum": list(SCORES)}})


def source_of(column: RecipeColumn) -> Written:
    assert isinstance(column.source, Written)
    return column.source


def written(
    columns: Sequence[RecipeColumn], row: Mapping[str, Any], sample: int, earlier: Draft | None = None
) -> Request:
    """Asks for the columns of one reply, of which the row holds what they need.

    earlier: a draft that is to be made better.
    """
    first = source_of(columns[0])
    prompt = rendered(first.prompt, row)
    if len(columns) > 1:
        asked = [f"{one.name}: {rendered(source_of(one).prompt, row)}" for one in columns]
        prompt = "\n\n".join(["Write these fields:", *asked])
    if earlier is not None:
        prompt = AGAIN.format(
            prompt=prompt, value=text_of(earlier.value), score=earlier.score, reason=earlier.reason
        )
    system = None if first.system is None else rendered(first.system, row)
    return _request(prompt, system, schema_of(columns, row), sample, first)


def _request(
    prompt: str, system: str | None, schema: dict[str, Any] | None, sample: int, source: Written
) -> Request:
    messages = [] if system is None else [{"role": "system", "content": system}]
    messages.append({"role": "user", "content": prompt})
    most = None if schema is None else LONGER * source.max_tokens
    return Request(messages, schema, sample, source.max_tokens, source.temperature, most_tokens=most)


def judged(judge: Judge, value: Any, row: Mapping[str, Any], sample: int) -> Request:
    """Asks a judge for the reason and then the score of a value."""
    criteria = rendered(judge.criteria, {**row, "value": value})
    prompt = JUDGED.format(criteria=criteria, value=text_of(value))
    return Request([{"role": "user", "content": prompt}], VERDICT, sample, JUDGE_TOKENS, 0.0)


class Draft:
    """A value that was judged: score (1 to 5) and the judge's reason."""

    def __init__(self, value: Any, score: float, reason: str) -> None:
        self.value, self.score, self.reason = value, score, reason


class Standing(str):
    """A text that stands for one that is not yet written."""


def rendered(template: Template, row: Mapping[str, Any]) -> str:
    """A template's text; where a stand-in does not have what it asks for, its source."""
    try:
        return str(template(row))
    except Exception:
        if any(isinstance(row.get(name), Standing) for name in template.names):
            return template.source
        raise


def is_plain(columns: Sequence[RecipeColumn]) -> bool:
    """Whether a reply is the plain text of a single column."""
    return len(columns) == 1 and not source_of(columns[0]).values and source_of(columns[0]).schema is None


def schema_of(columns: Sequence[RecipeColumn], row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The JSON schema of a reply; None for plain text. Raises OptionError where a template writes none."""
    return None if is_plain(columns) else closed({one.name: _schema(one, row) for one in columns})


def _schema(column: RecipeColumn, row: Mapping[str, Any]) -> dict[str, Any]:
    source = source_of(column)
    if source.values:
        return {"type": "string", "enum": list(source.values)}
    if not isinstance(source.schema, Template):
        return source.schema or {"type": "string", "minLength": 1}
    text = rendered(source.schema, row)
    if text == source.schema.source:  # of what is not yet written
        return {"type": "object"}
    schema = parse_json(text)
    if not isinstance(schema, dict):
        raise OptionError(
            f"{column.place}: schema becomes {shown(text)} in a row, and that is no JSON schema."
        )
    try:
        ReplyForm(schema)
    except OptionError as error:
        raise OptionError(f"{column.place}: schema becomes {shown(text)} in a row: {error}") from None
    return schema


def values_of(reply: Reply, columns: Sequence[RecipeColumn]) -> dict[str, Any]:
    """What a reply says of its columns."""
    if is_plain(columns):
        text, cut = unquoted(reply.text), reply.finish == "length"
        whole = cut or not source_of(columns[0]).repeat  # other turns end where `stop` says, and then here
        return {columns[0].name: shortened(columns[0], text, cut) if whole else text}
    return {one.name: _plain(one, reply.data[one.name]) for one in columns}


def _plain(column: RecipeColumn, value: Any) -> Any:
    return shortened(column, value.strip()) if isinstance(value, str) else value


def shortened(column: RecipeColumn, text: str, cut: bool = False) -> str:
    """A text up to the last sentence that its column takes; cut: it broke off."""
    most = source_of(column).sentences
    return text if most is None else first_sentences(text, most, cut)


def unquoted(text: str) -> str:
    """A text without the mark of a list of one entry, and without the quotes around all of it."""
    text = text.strip()
    if "\n" not in text:
        text = _MARK.sub("", text)
    inner = text[1:-1]
    return inner.strip() if len(text) > 1 and text[0] == text[-1] == '"' and '"' not in inner else text


def spoken(text: str, prompt: str, role: str) -> str:
    """A turn without the name of who speaks, and without what the model has others say after it. Names are
    the role, and those at the starts of lines of the prompt.
    """
    names = "|".join(re.escape(one) for one in {role, *_SPEAKER.findall(prompt)} if one)
    if not names:
        return text
    own = re.sub(rf"^\s*(?:{names}):\s*", "", text, flags=re.IGNORECASE)
    return re.split(rf"\n\s*(?:{names}):", own, maxsplit=1, flags=re.IGNORECASE)[0].strip()


def stand_in(column: RecipeColumn) -> Any:
    """A value that a column might have, for an estimate."""
    source = source_of(column)
    if source.repeat:
        return [{"role": role, "content": Standing(STAND_IN)} for role in source.roles or ("",)]
    return source.values[0] if source.values else Standing(STAND_IN)
