"""What a row begins with: cells that are drawn, of a real row, or drawn together by a saved model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from lookalike.arguments import is_column, listed
from lookalike.errors import DataError, LookalikeError, OptionError
from lookalike.prompting.recipes.columns import Drawn, Plan, RecipeColumn, Taken
from lookalike.seed import child, child_seed

CHUNK = 256  # rows that a model draws at once


class Model(Protocol):
    """A saved model of a table, such as a DiffLM."""

    schema: Any
    codec: Any

    def sample(self, n: int, /, *, where: Any = None, seed: int | None = None) -> pd.DataFrame: ...


Load = Callable[[str], Any]  # folder -> Model


class Draws:
    """Draws the cells of rows; the same seed, row and draw give the same cells.

    real: the real table, None without one. load: loads a saved model, None where there is none to load.
    where: conditions on every model, beside those of the columns. Raises OptionError, DataError or
    ConditionError for what cannot be drawn.
    """

    def __init__(
        self, plan: Plan, real: pd.DataFrame | None, load: Load | None, where: Sequence[str], seed: int
    ) -> None:
        self._real, self._seed = real, seed
        self.dtypes: dict[str, Any] = {}
        for column in plan.of(Taken):
            self._check_taken(column)
        self._models: dict[str, tuple[Model, Any]] = {}
        paths: dict[str, list[RecipeColumn]] = {}
        for column in plan.of(Drawn):
            assert isinstance(column.source, Drawn)
            if column.source.model is not None:
                paths.setdefault(column.source.model, []).append(column)
        if where and not paths:
            raise OptionError(
                f"{plan.place}: where holds for columns of a saved model, and there is none: write "
                'sample = "model:FOLDER" in one.'
            )
        for path, columns in paths.items():
            self._models[path] = self._loaded(path, columns, load, where)
        self._tables: dict[tuple[str, int, int], list[dict[str, Any]]] = {}
        self._groups: dict[str, dict[str, np.ndarray]] = {}

    def value(self, column: RecipeColumn, row: Mapping[str, Any], number: int, draw: int, tries: int) -> Any:
        """The cell of a row; draw: of the row, tries: of the cell. None of `given` raises KeyError."""
        source = column.source
        if isinstance(source, Taken):
            return self._taken(source, row, number, draw)
        assert isinstance(source, Drawn)
        if source.model is not None:
            return self._modelled(source.model, number, draw)[source.of_model]
        pool = source.pool
        if source.given is not None:
            name, pools = source.given
            pool = pools.get(str(row[name]), pool)
            if pool is None:
                raise KeyError(str(row[name]))
        assert pool is not None
        return pool.draw(child(self._seed, "sample", column.name, number, draw, tries), source.several)

    def prepare(self, numbers: Sequence[int]) -> None:
        """Draws the models' rows of these numbers, which takes its time, before calls are waited for."""
        for path in self._models:
            for number in numbers:
                self._modelled(path, number, 0)

    def _check_taken(self, column: RecipeColumn) -> None:
        source = column.source
        assert isinstance(source, Taken)
        if self._real is None:
            raise OptionError(
                f"{column.place} is of a real table, and none is given: name one, or sample it."
            )
        if not is_column(source.column, self._real.columns):
            names = listed(self._real.columns)
            raise DataError(
                f"{column.place}: the real table has no column '{source.column}': it has {names}."
            )
        if source.same is not None and not is_column(source.same, self._real.columns):
            raise DataError(
                f"{column.place}: the real table has no column '{source.same}', which same names."
            )
        if source.several is None:
            self.dtypes[column.name] = self._real[source.column].dtype

    def _loaded(
        self, path: str, columns: Sequence[RecipeColumn], load: Load | None, where: Sequence[str]
    ) -> tuple[Model, Any]:
        from lookalike.codec.where import as_where

        place = columns[0].place
        if load is None:
            raise OptionError(
                f"{place} is of a saved model: say how it is loaded, Recipe(..., load=lookalike.DiffLM.load)."
            )
        try:
            model = load(path)
        except LookalikeError as error:
            raise OptionError(f"{place}: {error}") from None
        wanted = [*where, *(one for column in columns for one in column.source.where)]  # type: ignore[union-attr]
        try:
            conditions = as_where(wanted, model.schema, model.codec.known()) if wanted else None
            first = model.sample(1, where=conditions, seed=self._seed)
        except LookalikeError as error:
            raise OptionError(f"{place}: {error}") from None
        for column in columns:
            assert isinstance(column.source, Drawn)
            if column.source.of_model not in first.columns:
                raise OptionError(
                    f"{column.place}: the model {path} has no column '{column.source.of_model}': it has "
                    f"{listed(first.columns)}."
                )
            self.dtypes[column.name] = first[column.source.of_model].dtype
        return model, conditions

    def _modelled(self, path: str, number: int, draw: int) -> dict[str, Any]:
        at = (path, draw, number // CHUNK)
        if at not in self._tables:
            model, where = self._models[path]
            seed = child_seed(self._seed, "model", *at[1:])
            table = model.sample(CHUNK, where=where, seed=seed)
            self._tables[at] = [
                {name: plain(value) for name, value in one.items()} for one in table.to_dict("records")
            ]
        return self._tables[at][number % CHUNK]

    def _taken(self, source: Taken, row: Mapping[str, Any], number: int, draw: int) -> Any:
        assert self._real is not None
        cells = self._real[source.column]
        rng = child(self._seed, "real", number, draw)
        if source.several is None:
            return plain(cells.iloc[int(rng.integers(len(self._real)))])
        places = np.arange(len(self._real))
        if source.same is not None:
            places = self._group(source.same).get(str(row[source.same]), places[:0])
        found = rng.choice(places, min(source.several, len(places)), replace=False)
        return [plain(cells.iloc[at]) for at in found.tolist()]

    def _group(self, name: str) -> dict[str, np.ndarray]:
        if name not in self._groups:
            assert self._real is not None
            found: dict[str, list[int]] = {}
            for at, value in enumerate(self._real[name].tolist()):
                found.setdefault(str(plain(value)), []).append(at)
            self._groups[name] = {value: np.array(some) for value, some in found.items()}
        return self._groups[name]


def plain(value: Any) -> Any:
    """A cell as a value of JSON: numpy's as Python's, what is missing as None, a time as ISO text."""
    if isinstance(value, list | dict | str):
        return value
    value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    if not isinstance(value, list) and pd.isna(value):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value
