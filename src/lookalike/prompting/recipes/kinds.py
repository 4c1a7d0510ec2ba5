"""One column of a recipe read: of which kind it is, and each of its keys checked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from lookalike.arguments import as_number, close, shown
from lookalike.errors import OptionError
from lookalike.prompting.recipes.checks import check_of
from lookalike.prompting.recipes.columns import (
    KINDS,
    Check,
    Computed,
    Drawn,
    Judge,
    RecipeColumn,
    Taken,
    Written,
)
from lookalike.prompting.recipes.drawing import Pool, pool_of
from lookalike.prompting.recipes.functions import function_of, is_named
from lookalike.prompting.recipes.lines import Lines
from lookalike.prompting.recipes.templates import Template

COMMON = ("keep", "check", "judge", "tries")
KEYS = {
    "prompt": ("prompt", "system", "model", "temperature", "max_tokens", "values", "schema", "call", "repeat",
               "stop", "roles", "refine", "once", "sentences"),
    "sample": ("sample", "given", "several", "column", "where"),
    "function": ("function",),
    "real": ("real", "several", "same"),
}  # fmt: skip
ALL = tuple(dict.fromkeys([*KINDS, *(key for keys in KEYS.values() for key in keys), *COMMON]))
TURN = ("turns", "turn", "role")  # names that a prompt with `repeat` may use
SHORT: dict[str, dict[str, Any]] = {  # what `schema` may be in a word
    "text": {"type": "string", "minLength": 1},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "list": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    "object": {"type": "object"},
}
REAL, MODEL = "real", "model:"
TOKENS, TRIES, LEAST, MOST = 512, 3, 1, 5
Wrong = Callable[[str, str], OptionError]


class Reader:
    """Reads the columns of one recipe. names: of all columns; models: of the recipe's own models."""

    def __init__(
        self,
        found: Mapping[str, Any],
        lines: Lines,
        folder: Path,
        names: tuple[str, ...],
        models: tuple[str, ...],
    ) -> None:
        self._found, self._lines, self._folder = found, lines, folder
        self._names, self._models = names, models
        self._columns: dict[str, Any] = {
            name: one if isinstance(one, Mapping) else {} for name, one in found["columns"].items()
        }

    @staticmethod
    def is_text(column: RecipeColumn) -> bool:
        source = column.source
        return isinstance(source, Written) and not source.values and source.schema in (None, SHORT["text"])

    def column(self, name: str, given: Any) -> RecipeColumn:
        """A column of the recipe. Raises OptionError for what is wrong with it."""
        place = f"{self._lines.at('columns', name)}, column '{name}'"
        if not isinstance(given, Mapping):
            raise OptionError(f"{place} is {shown(given)}: write a table [columns.{name}].")
        kinds = [one for one in KINDS if one in given]
        if "given" in given and not kinds:
            kinds = ["sample"]
        for key in given:
            if key not in ALL:
                near = close(str(key), ALL)
                fix = f"the nearest is {near[0]}." if near else f"the keys are {', '.join(ALL)}."
                raise OptionError(f"{self._at(name, key)}: '{key}' is no key of a column: {fix}")
        if len(kinds) != 1:
            has = f"has {' and '.join(kinds)}" if kinds else "says not where it comes from"
            raise OptionError(f"{place} {has}: give exactly one of {', '.join(KINDS)}.")
        kind = kinds[0]
        for key in given:
            if key not in (*COMMON, *KEYS[kind]):
                other = next(one for one in KINDS if key in KEYS[one])
                known = f"the keys of a column with {kind} are {', '.join((*KEYS[kind], *COMMON))}"
                raise OptionError(f"{self._at(name, key)}: '{key}' is for {other}: {known}.")
        source = getattr(self, f"_{kind}")(name, given)
        checks = self._checks(name, given)
        judge = self._judge(name, given)
        later = {one for check in checks for one in check.names - {name}}
        later |= set() if judge is None else judge.criteria.names - {name, "value", "task"}
        needs = self._needs(name, source, kind) | {one for one in later if not self._together(name, one)}
        if isinstance(source, Written) and source.refine and (judge is None or judge.least is None):
            raise OptionError(
                f"{self._at(name, 'refine')}: refine needs a judge with least, which says when."
            )
        tries = self._whole(name, given, "tries", self._found.get("tries", TRIES), 1, 20)
        return RecipeColumn(
            name,
            source,
            place,
            self._switch(name, given, "keep", True),
            checks,
            judge,
            tries,
            frozenset(needs),
        )

    def check_calls(self, columns: Collection[RecipeColumn]) -> None:
        """Raises OptionError where columns of one call differ in what holds for the whole reply."""
        first: dict[str, RecipeColumn] = {}
        for one in columns:
            if not isinstance(one.source, Written) or one.source.call is None:
                continue
            other = first.setdefault(one.source.call, one)
            for key in ("model", "temperature", "max_tokens", "system"):
                own, its = (self._columns[some.name].get(key) for some in (one, other))
                if own is not None and own != its:
                    raise OptionError(
                        f"{self._at(one.name, key)}: {key} is of the whole call '{one.source.call}': give "
                        f"it in its first column, '{other.name}'."
                    )
            if one.source.repeat:
                raise OptionError(
                    f"{self._at(one.name, 'repeat')}: turns are calls of their own: leave call out."
                )
            if one.source.refine:
                raise OptionError(
                    f"{self._at(one.name, 'refine')}: a column of a call with others is not refined: "
                    "leave call out."
                )

    def _together(self, name: str, other: str) -> bool:
        """Whether two columns come from one reply, of which each check sees both."""
        calls = [one.get("call") for one in (self._columns[name], self._columns[other])]
        return calls[0] is not None and calls[0] == calls[1]

    def _wrong(self, name: str, key: str, value: Any, advice: str) -> OptionError:
        return OptionError(f"{self._at(name, key)}: {key} is {shown(value)}: {advice}")

    def _at(self, name: str, key: str) -> str:
        return f"{self._lines.at('columns', name, key)}, column '{name}'"

    def _inside(self, name: str, key: str) -> Callable[[int], str]:
        return lambda line: f"{self._lines.inside(line, 'columns', name, key)}, column '{name}'"

    def _template(self, name: str, key: str, value: Any, more: Collection[str] = ()) -> Template:
        """A text of a recipe; more: names that it may use beside the columns."""
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(name, key, value, "write a text.")
        found = Template(value, self._inside(name, key))
        self._check_names(found, more)
        return found

    def _check_names(self, template: Template, more: Collection[str] = ()) -> None:
        known = {*self._names, *more, *(["task"] if self._found.get("task") else [])}
        for one in template.names - known:
            raise OptionError(
                f"{template.place(one)}: there is no column '{one}', only {', '.join(sorted(known))}."
            )

    def _prompt(self, name: str, given: Mapping[str, Any]) -> Written:
        repeat = self._repeat(name, given)
        turn = TURN if repeat else ()
        system = given.get("system", self._found.get("system"))
        own = "system" in given
        schema, values = self._schema(name, given), self._values(name, given)
        if schema is not None and values:
            raise OptionError(f"{self._at(name, 'schema')}: give values or a schema, not both.")
        roles = given.get("roles", [])
        if not isinstance(roles, list) or not all(isinstance(one, str) and one for one in roles):
            raise self._wrong(name, "roles", roles, "write a list of texts.")
        for key in ("stop", "roles"):
            if key in given and repeat is None:
                raise OptionError(f"{self._at(name, key)}: {key} is for a column with repeat: add it.")
        if repeat and (schema is not None or values):
            raise OptionError(f"{self._at(name, 'repeat')}: turns are texts: leave values and schema out.")
        if "sentences" in given and (values or schema not in (None, SHORT["text"])):
            raise OptionError(
                f"{self._at(name, 'sentences')}: sentences is for texts: leave values and schema out."
            )
        template = self._template(name, "prompt", given["prompt"], turn)
        temperature = given.get("temperature", self._found.get("temperature", 1.0))
        if as_number(temperature) is None or not 0 <= float(temperature) <= 10:
            raise self._wrong(name, "temperature", temperature, "write a number from 0 to 10.")
        return Written(
            template,
            None if system is None else self._system(name, system, own, turn),
            self._model(name, given.get("model"), "model"),
            float(temperature),
            self._whole(name, given, "max_tokens", self._found.get("max_tokens", TOKENS), 1, 1 << 20),
            schema,
            values,
            self._word(name, given, "call"),
            repeat,
            self._word(name, given, "stop"),
            tuple(roles),
            self._whole(name, given, "refine", 0, 0, 10),
            self._switch(name, given, "once", False),
            None if "sentences" not in given else self._whole(name, given, "sentences", None, 1, 1000),
        )

    def _system(self, name: str, system: Any, own: bool, turn: Collection[str]) -> Template:
        if own:
            return self._template(name, "system", system, turn)
        if not isinstance(system, str) or not system.strip():
            raise OptionError(f"{self._lines.at('system')}: system is {shown(system)}: write a text.")
        found = Template(system, lambda line: self._lines.inside(line, "system"))
        self._check_names(found)
        return found

    def _sample(self, name: str, given: Mapping[str, Any]) -> Drawn | Taken:
        sample, several = given.get("sample"), self._several(name, given)
        if isinstance(sample, str):
            for key in ("given", *(("several",) if sample != REAL else ("column", "where"))):
                if key in given:
                    raise OptionError(
                        f"{self._at(name, key)}: {key} does not go with sample = {shown(sample)}."
                    )
            if sample == REAL:
                return Taken(name, several, None)
            if sample.startswith(MODEL) and sample != MODEL:
                path = Path(sample.removeprefix(MODEL)).expanduser()
                folder = str(path if path.is_absolute() else self._folder / path)
                where = given.get("where", [])
                some = [where] if isinstance(where, str) else where
                if not isinstance(some, list) or not all(isinstance(one, str) for one in some):
                    raise self._wrong(name, "where", where, 'write conditions such as "age=18.." in a list.')
                return Drawn(None, None, None, folder, str(given.get("column", name)), tuple(some))
        for key in ("column", "where"):
            if key in given:
                raise OptionError(f"{self._at(name, key)}: {key} is for a sample of a model.")
        pool = None if sample is None else self._pool(name, "sample", sample, several)
        return Drawn(pool, self._given(name, given, several), several, None, name, ())

    def _given(
        self, name: str, given: Mapping[str, Any], several: int | None
    ) -> tuple[str, Mapping[str, Pool]] | None:
        found = given.get("given")
        if found is None:
            return None
        at = self._at(name, "given")
        shape = "{ COLUMN = { VALUE = [...], OTHER = [...] } }"
        if not isinstance(found, Mapping) or len(found) != 1:
            raise OptionError(f"{at}: given is {shown(found)}: write {shape}.")
        column, values = next(iter(found.items()))
        if column not in self._names or column == name:
            raise OptionError(
                f"{at}: there is no other column '{column}': choose one of "
                f"{', '.join(one for one in self._names if one != name)}."
            )
        if not isinstance(values, Mapping) or not values:
            raise OptionError(f"{at}: given is {shown(found)}: write {shape}.")
        return column, {value: self._pool(name, "given", one, several) for value, one in values.items()}

    def _pool(self, name: str, key: str, value: Any, several: int | None) -> Pool:
        at = self._at(name, key)
        pool = pool_of(value, lambda end: OptionError(f"{at}: {end}."))
        if several is not None and not pool.values:
            raise OptionError(f"{at}: several are drawn of a list, not of a range.")
        return pool

    def _function(self, name: str, given: Mapping[str, Any]) -> Computed:
        value = given["function"]
        if callable(value) or (isinstance(value, str) and is_named(value)):
            return Computed(function_of(value, self._at(name, "function"), self._folder))
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(name, "function", value, 'write "module:name" or a Jinja expression.')
        text = "{{" in value or "{%" in value
        template = Template(value, self._inside(name, "function"), expression=not text)
        self._check_names(template)
        return Computed(template)

    def _real(self, name: str, given: Mapping[str, Any]) -> Taken:
        value, same = given["real"], given.get("same")
        if value is not True and (not isinstance(value, str) or not value):
            raise self._wrong(name, "real", value, "write true, or the name of a column of the real table.")
        several = self._several(name, given)
        if same is not None and (same not in self._names or same == name):
            raise OptionError(f"{self._at(name, 'same')}: there is no other column {shown(same)}.")
        if same is not None and several is None:
            raise OptionError(f"{self._at(name, 'same')}: same is for several rows: add  several = 3.")
        return Taken(name if value is True else value, several, same)

    def _schema(self, name: str, given: Mapping[str, Any]) -> dict[str, Any] | Template | None:
        schema = given.get("schema")
        if isinstance(schema, str) and schema in SHORT:
            return dict(SHORT[schema])
        if isinstance(schema, str) and "{{" in schema:
            return self._template(name, "schema", schema)
        if schema is not None and not isinstance(schema, Mapping):
            raise self._wrong(
                name, "schema", schema, f"write a JSON schema, a template of one, or {', '.join(SHORT)}."
            )
        if schema is None:
            return None
        from lookalike.llm.structured import ReplyForm

        try:
            ReplyForm(dict(schema))
        except OptionError as error:
            raise OptionError(f"{self._at(name, 'schema')}: {error}") from None
        return dict(schema)

    def _values(self, name: str, given: Mapping[str, Any]) -> tuple[str, ...]:
        values = given.get("values", [])
        texts = isinstance(values, list) and all(isinstance(one, str) and one.strip() for one in values)
        if not texts or ("values" in given and len(set(values)) < 2) or len(set(values)) < len(values):
            raise self._wrong(name, "values", values, "write a list of different texts, at least two.")
        return tuple(values)

    def _repeat(self, name: str, given: Mapping[str, Any]) -> tuple[int, int] | None:
        value = given.get("repeat")
        if value is None:
            return None
        low, high = value if isinstance(value, list) and len(value) == 2 else (value, value)
        if type(low) is not int or type(high) is not int or not 1 <= low <= high <= 1000:
            raise self._wrong(name, "repeat", value, "write a number of turns, or [fewest, most].")
        return low, high

    def _checks(self, name: str, given: Mapping[str, Any]) -> tuple[Check, ...]:
        some = given.get("check", [])
        some = some if isinstance(some, list) else [some]
        found = tuple(check_of(one, self._inside(name, "check"), self._folder) for one in some)
        for one in found:
            for other in one.names - {*self._names}:
                raise OptionError(
                    f"{self._at(name, 'check')}: the check {shown(one.name)} names '{other}', and there is"
                    f" no such column: the names are {', '.join((*self._names, 'value'))}."
                )
        return found

    def _judge(self, name: str, given: Mapping[str, Any]) -> Judge | None:
        value = given.get("judge")
        if value is None:
            return None
        one = {"criteria": value} if isinstance(value, str) else value
        if not isinstance(one, Mapping) or set(one) - {"criteria", "least", "model"} or "criteria" not in one:
            raise self._wrong(
                name,
                "judge",
                value,
                'write { criteria = "...", least = 4 }, and a model if it is another one.',
            )
        least = one.get("least")
        if least is not None and (as_number(least) is None or not LEAST <= float(least) <= MOST):
            raise self._wrong(name, "judge", least, f"scores go from {LEAST} to {MOST}.")
        criteria = self._template(name, "judge", one["criteria"], ("value",))
        return Judge(
            criteria, None if least is None else float(least), self._model(name, one.get("model"), "judge")
        )

    def _needs(self, name: str, source: Written | Drawn | Computed | Taken, kind: str) -> set[str]:
        if isinstance(source, Written):
            templates = (source.prompt, source.system, source.schema)
            used = [one.names for one in templates if isinstance(one, Template)]
            return set().union(*used) & set(self._names)
        if isinstance(source, Drawn):
            return {source.given[0]} if source.given else set()
        if isinstance(source, Taken):
            return {source.same} if source.same else set()
        if isinstance(source.function, Template):
            return set(source.function.names) & set(self._names)
        return set(self._names[: self._names.index(name)])

    def _model(self, name: str, value: Any, key: str) -> str | None:
        if value is not None and value not in self._models:
            known = ", ".join(self._models) or "none"
            raise OptionError(
                f"{self._at(name, key)}: there is no model {shown(value)}: the tables [models.NAME] "
                f"are {known}."
            )
        return value

    def _several(self, name: str, given: Mapping[str, Any]) -> int | None:
        return None if "several" not in given else self._whole(name, given, "several", None, 1, 1000)

    def _word(self, name: str, given: Mapping[str, Any], key: str) -> str | None:
        value = given.get(key)
        if value is not None and (not isinstance(value, str) or not value):
            raise self._wrong(name, key, value, "write a text.")
        return value

    def _switch(self, name: str, given: Mapping[str, Any], key: str, default: bool) -> bool:
        value = given.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(name, key, value, "write true or false.")
        return value

    def _whole(
        self, name: str, given: Mapping[str, Any], key: str, default: Any, least: int, most: int
    ) -> int:
        value = given.get(key, default)
        if type(value) is not int or not least <= value <= most:
            raise self._wrong(name, key, value, f"write a whole number from {least:,} to {most:,}.")
        return value
