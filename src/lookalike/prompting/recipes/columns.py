"""What a recipe says, as checked values: its columns, each of one kind, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lookalike.prompting.recipes.drawing import Pool
from lookalike.prompting.recipes.functions import Function
from lookalike.prompting.recipes.templates import Template

KINDS = ("prompt", "sample", "function", "real")


@dataclass(frozen=True)
class Judge:
    """A model that rates what was written.

    criteria: what it is rated by; least: the score (1 to 5) below which it is written again or rejected, None
    for a score that is only kept; model: its name in the recipe, None for the one of the run.
    """

    criteria: Template
    least: float | None
    model: str | None


@dataclass(frozen=True)
class Written:
    """A column that a language model writes (`prompt`).

    schema: of the value, or a template that writes one for each row; None for plain text; values: the texts
    that it is one of. call: columns of the same call come from one reply. repeat: (fewest, most) turns of a
    list, None for a single value; stop: text that ends it; roles: of the turns, in their order. refine:
    drafts after the first, at most. once: rows that ask the same share one reply, where there is a ledger.
    sentences: that a text, or each turn, has at most; what the model writes after them is left out.
    """

    prompt: Template
    system: Template | None
    model: str | None
    temperature: float | None
    max_tokens: int
    schema: dict[str, Any] | Template | None
    values: tuple[str, ...]
    call: str | None
    repeat: tuple[int, int] | None
    stop: str | None
    roles: tuple[str, ...]
    refine: int
    once: bool = False
    sentences: int | None = None


@dataclass(frozen=True)
class Drawn:
    """A column that is drawn (`sample`, `given`).

    pool: what from, None where `given` or a model says it. given: column -> its value -> what from then.
    several: how many different ones, as a list; None for one. model: the folder of a DiffLM, of which all
    columns are drawn together, and of_model the column there; where: conditions on them.
    """

    pool: Pool | None
    given: tuple[str, Mapping[str, Pool]] | None
    several: int | None
    model: str | None
    of_model: str
    where: tuple[str, ...]


@dataclass(frozen=True)
class Computed:
    """A column that is computed here (`function`): of the columns that stand above it, or by a template."""

    function: Function | Template


@dataclass(frozen=True)
class Taken:
    """A column of real rows (`real`): all such columns of a row come from the same one.

    column: its name in the real table. several: cells of so many different rows, as a list; None for the one
    row. same: they are of rows that have the same value there as this row has.
    """

    column: str
    several: int | None
    same: str | None


@dataclass(frozen=True)
class Check:
    """What a value has to pass.

    name: for the reason; test: value, row -> whether it passes. kind: "alone", or "near", "exact", "novel",
    "copy", "language" for what needs other rows. names: of the columns that it looks at.
    """

    name: str
    kind: str
    test: Callable[[Any, Mapping[str, Any]], bool] | None = None
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RecipeColumn:
    """A column of a recipe.

    place: where it stands, for a sentence. keep: False for a helper, which only the provenance holds.
    tries: how often a value that fails is made again, before the row is lost. needs: the columns that have to
    be there before it.
    """

    name: str
    source: Written | Drawn | Computed | Taken
    place: str
    keep: bool = True
    checks: tuple[Check, ...] = ()
    judge: Judge | None = None
    tries: int = 3
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Served:
    """A further model of a recipe: what `llm.LLM` takes, and its own limits. place: where it stands."""

    name: str
    model: str
    url: str | None
    key_env: str | None
    limits: Mapping[str, float]
    concurrency: int | None
    timeout: float | None
    place: str


@dataclass(frozen=True)
class Plan:
    """A recipe that was read and checked.

    columns: in the order in which they are made; names: those that are kept, as in the recipe. label, texts:
    of the class and of texts. grow: the table `[grow]`, None without one. version: 12 hex digits that change
    with anything in it. place: where it stands, and at: the keys to something in it -> where that stands.
    """

    columns: tuple[RecipeColumn, ...]
    names: tuple[str, ...]
    task: str | None
    rows: int | None
    label: str | None
    texts: tuple[str, ...]
    models: Mapping[str, Served] = field(default_factory=dict)
    grow: Mapping[str, Any] | None = None
    version: str = ""
    place: str = "the recipe"
    at: Callable[..., str] = lambda *keys: "the recipe"

    def __getitem__(self, name: str) -> RecipeColumn:
        return next(one for one in self.columns if one.name == name)

    def of(self, kind: type) -> list[RecipeColumn]:
        """The columns whose source is of a kind."""
        return [one for one in self.columns if isinstance(one.source, kind)]
