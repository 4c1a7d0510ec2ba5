"""`Models`: the models that `fit_many` left in a folder, from which rows are drawn as from one."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lookalike import arguments
from lookalike.arguments import shown, whole
from lookalike.errors import ConditionError, ModelError, OptionError
from lookalike.files.sharded import PLAN
from lookalike.seed import child, child_seed
from lookalike.table.kinds import from_json
from lookalike.table.schema import Schema

if TYPE_CHECKING:
    from lookalike.codec.where import Condition
    from lookalike.difflm import DiffLM


VERB, SCHEMA = "fit", "schema.json"
MODEL = "model-{:05d}"


def is_there(folder: Path) -> bool:
    """Whether a model is complete: the file of its facts is written last."""
    return (folder / "model.json").is_file()


@dataclass(frozen=True)
class Part:
    """A model of the folder: the table, the value of the column of groups, the variant of the model, and how
    many real rows it is of.
    """

    folder: Path
    table: str
    value: Any
    variant: str
    rows: int

    @property
    def there(self) -> bool:
        return is_there(self.folder)


class Models:
    """Rows of many models, each in proportion to the real rows that it learned.

        models = lookalike.Models("cities/")
        synthetic = models.sample(10_000, seed=0)
        romans = models.sample(1000, where={"city": "Rome"})
        one = models.model("Rome")                  # a DiffLM

    folder: what `fit_many` or `lookalike fit --by` wrote.
    device, threads, progress: as of `DiffLM.load`.

    Rows of models that failed or are not there yet are missing, and `missing` names these models. Raises
    ModelError for a folder that is something else, or has no model yet.
    """

    def __init__(
        self, folder: str | Path, device: str = "auto", threads: int | None = None, progress: bool = True
    ) -> None:
        self.folder = Path(arguments.path("the folder", folder))
        self._how: dict[str, Any] = {"device": device, "threads": threads, "progress": progress}
        plan = plan_of(self.folder)
        if plan is None:
            raise ModelError(f"{self.folder} holds no models: give what fit_many or fit --by wrote.")
        self.by, every = _parts(self.folder, plan)
        self.parts = [part for part in every if part.there]
        self.missing = [part for part in every if not part.there]
        if not self.parts:
            raise ModelError(f"{self.folder} holds no finished model yet: fit again.")
        self._loaded: tuple[Part, DiffLM] | None = None
        self._checked: set[str] = set()  # what was asked of which model

    def __repr__(self) -> str:
        what = "" if self.by is None else f" by {self.by}"
        return f"Models({str(self.folder)!r}): {len(self.parts):,} models{what}"

    @property
    def schema(self) -> Schema:
        """Of the whole table; that of the first model where the models are not of its groups."""
        if self.by is not None:
            return Schema.load(self.folder / SCHEMA)
        return self._model(self.parts[0]).schema

    def model(self, value: Any = None, *, table: str = "", variant: str = "") -> DiffLM:
        """One of the models: of a group, of a table, of a variant. Raises OptionError where there is none."""
        for part in self.parts:
            same = (pd.isna(part.value) and pd.isna(value)) or part.value == value
            if same and (part.table, part.variant) == (table, variant):
                return self._model(part)
        asked = ", ".join(shown(one) for one in (value, table, variant) if one not in (None, ""))
        raise OptionError(f"{self.folder} has no model of {asked or 'nothing in particular'}: see  .parts")

    def sample(
        self,
        n: int,
        *,
        where: Mapping[str, Any] | str | Sequence[str] | None = None,
        balance: str | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        valid_only: bool = False,
        seed: int = 0,
    ) -> pd.DataFrame:
        """n rows, those of a model after those of the one before; the arguments are of `DiffLM.sample`.

        where: a condition on the column of groups chooses among the models, the others hold in each. balance:
        the column of groups gives all of them as many rows; another one is balanced in each.
        """
        chunks = self.sample_chunks(
            n, where=where, balance=balance, temperature=temperature, top_p=top_p, valid_only=valid_only,
            seed=seed,
        )  # fmt: skip
        return pd.concat(list(chunks), ignore_index=True)

    def sample_chunks(
        self,
        n: int,
        *,
        where: Mapping[str, Any] | str | Sequence[str] | None = None,
        balance: str | None = None,
        seed: int = 0,
        after: int = 0,
        **drawing: Any,
    ) -> Iterator[pd.DataFrame]:
        """The rows of `sample` in chunks, as `DiffLM.sample_chunks` gives them. What is asked for is checked
        at once, conditions by every model that they leave.
        """
        n, seed, after = whole("n, the number of rows,", n, 1), whole("seed", seed), whole("after", after)
        chosen, rest = self._chosen(where)
        even = balance is not None and balance == self.by
        weights = np.array([1 if even else part.rows for part in chosen], dtype=np.float64)
        counts = dealt(weights, n, child(seed, "models"))
        options = {"where": rest or None, "balance": None if even else balance, **drawing}
        self._check(chosen, options)
        return self._chunks(chosen, counts, options, seed, after)

    def _check(self, chosen: Sequence[Part], options: Mapping[str, Any]) -> None:
        """Raises for what a model cannot do; draws nothing. What was checked once is not checked again."""
        each = options["where"] is not None or options["balance"] is not None  # the rest is alike for all
        for part in chosen if each else chosen[:1]:
            asked = repr((part.folder.name, options))
            if asked not in self._checked:
                with self._named(part):
                    self._model(part).sample_chunks(1, seed=0, **options)
                self._checked.add(asked)

    @contextlib.contextmanager
    def _named(self, part: Part) -> Iterator[None]:
        """Conditions that a model never meets are said with its name."""
        try:
            yield
        except ConditionError as error:
            raise ConditionError(f"{part.folder.name} ({self._called(part)}): {error}") from None

    def _chunks(
        self, chosen: Sequence[Part], counts: Sequence[int], options: Mapping[str, Any], seed: int, after: int
    ) -> Iterator[pd.DataFrame]:
        for part, count in zip(chosen, counts, strict=True):
            if count:
                own = child_seed(seed, "model", part.folder.name)
                with self._named(part):
                    yield from self._model(part).sample_chunks(count, seed=own, after=after, **options)
                after += count

    def _called(self, part: Part) -> str:
        names = [f"{self.by} = {shown(part.value)}"] if self.by is not None else []
        return ", ".join([*names, *(one for one in (part.table, part.variant) if one)])

    def _chosen(self, where: Any) -> tuple[list[Part], dict[str, Any]]:
        """The models that a condition on the column of groups leaves, and the other conditions."""
        from lookalike.codec.where import as_where, read_where

        if self.by is None:
            rest = as_where(where, self.schema, self._model(self.parts[0]).codec.known())
            return self.parts, dict(rest)
        known = {self.by: [part.value for part in self.parts]}
        rest = dict(as_where(where, self.schema, known))
        if self.by not in rest:
            return self.parts, rest
        condition = read_where({self.by: rest.pop(self.by)}, self.schema)[self.by]
        chosen = [part for part in self.parts if _meets(condition, part.value)]
        if not chosen:
            names = arguments.listed([part.value for part in self.parts])
            raise ConditionError(f"no model was learned for that '{self.by}': choose one of {names}.")
        return chosen, rest

    def _model(self, part: Part) -> DiffLM:
        """One at a time is held."""
        from lookalike.difflm import DiffLM

        if self._loaded is None or self._loaded[0] != part:
            self._loaded = part, DiffLM.load(part.folder, **self._how)
        return self._loaded[1]


def plan_of(folder: Path) -> dict[str, Any] | None:
    """The plan of a folder of models; None where it is something else."""
    try:
        plan = json.loads((folder / PLAN).read_bytes())
    except (OSError, ValueError):
        return None
    return plan if isinstance(plan, dict) and plan.get("verb") == VERB else None


def _parts(folder: Path, plan: Mapping[str, Any]) -> tuple[str | None, list[Part]]:
    """The column of groups, and all models of a plan in the order of `fit_many`. Raises ModelError for a plan
    that is damaged.
    """
    try:
        by, groups = plan["by"], [(from_json(value), rows) for value, rows in plan["groups"]]
        found = [
            (name, value, variant, facts["rows"] if rows is None else rows)
            for name, facts in plan["tables"].items()
            for value, rows in (groups or [(None, None)])
            for variant in plan["models"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ModelError(f"{folder / PLAN} is damaged: fit again into another folder.") from None
    return by, [
        Part(folder / MODEL.format(at), name, value, variant, rows)
        for at, (name, value, variant, rows) in enumerate(found)
    ]


def _meets(condition: Condition, value: Any) -> bool:
    if pd.isna(value):
        return condition.missing
    if condition.values is not None:
        return value in condition.values or str(value) in map(str, condition.values)
    try:
        return condition.holds(value)
    except TypeError:
        return condition.holds(str(value))


def dealt(weights: Any, n: int, rng: np.random.Generator) -> list[int]:
    """Whole numbers that sum to n: each is its share of n, rounded up or down at random, so that over many
    shards no small share is lost.
    """
    ends = np.cumsum(weights) / np.sum(weights) * n
    ends[-1] = n
    cuts = np.floor(np.concatenate([[0.0], ends]) + rng.random())
    cuts[-1] = n + cuts[0]
    found: list[int] = np.diff(cuts).astype(int).tolist()
    return found
