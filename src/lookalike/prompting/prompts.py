"""The requests that a method makes: which template, which rows, how long a reply."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from lookalike.llm.budget import guess_tokens
from lookalike.llm.request import Request
from lookalike.llm.structured import closed
from lookalike.prompting.facts import LONGEST_VALUE
from lookalike.prompting.record import Form, as_json, reply_schema
from lookalike.prompting.templates import Templates

ATTRIBUTES = ("topic", "tone", "style", "details")  # what cannot be computed: see facts.py
SAMPLE = 20  # real rows that names are proposed from
CELLS = 8  # values of an attribute in a grid
MOST_LETTERS = 16_000  # of real rows in a prompt, so that it fits into a small context
LONGEST_SHOWN = 3200  # letters of one of them
MOST_PLACES = MOST_PARTS = 1_000_000  # places of a run, and requests of one place
MOST_TOKENS = 8192  # of a reply
MOST_REPLY = 4 * MOST_TOKENS  # of one that was cut off and is asked for again
NAME_TOKENS, VALUE_TOKENS, SPARE_TOKENS = 256, 80, 64
STAND_IN = "what the first call will say of it, in about a dozen words, once it was asked"


class Prompts:
    """Makes the requests of one data set.

    real: the usable rows, numbered from 0; temperature, max_tokens (None: by the longest real records): of
    the requests. cut: how many real texts are too long to be shown as a whole.
    """

    def __init__(
        self,
        form: Form,
        real: pd.DataFrame,
        templates: Templates,
        task: str | None,
        temperature: float | None,
        max_tokens: int | None,
    ) -> None:
        self.form, self._real, self._templates = form, real, templates
        self._temperature, self._max_tokens, self._task = temperature, max_tokens, task
        self._system = templates.render("system.j2", task=task, fields=form.fields)
        names = [form[name].column.name for name in form.texts]
        letters = sum(real[name].fillna("").astype(str).str.len() for name in names)
        self.cut = int((letters > LONGEST_SHOWN).sum())
        tokens = sum(real[name].fillna("").astype(str).map(guess_tokens) for name in names)
        other = 12 * (len(form.fields) - len(names)) + 8 * len(form.fields)
        self._record_tokens = 2 * int(np.percentile(tokens, 99)) + 16 + other
        self._usual_tokens = int(tokens.mean()) + 8 * len(form.fields)

    def names(self, seed: int) -> Request:
        """Asks for the names of attributes, from a sample of the real rows."""
        drawn = np.random.default_rng(seed).permutation(len(self._real))[:SAMPLE]
        schema = closed({"attributes": {"type": "array", "items": {"type": "string"}, "minItems": 1}})
        prompt = self._templates.render("names.j2", records=self._records(drawn.tolist()))
        return self._request(prompt, schema, 0, NAME_TOKENS)

    def attributes(self, names: Sequence[str], row: int, sample: int) -> Request:
        """Asks for the attributes of one real row (the first call, SynAlign section 3.3); its label is not
        shown, so that no attribute repeats it.
        """
        record = self._records([row])[0]
        record.pop(self.form.label or "", None)
        prompt = self._templates.render("attributes.j2", task=self._task, names=list(names), record=record)
        schema = closed({name: {"type": "string"} for name in names})
        tokens = VALUE_TOKENS * len(names) + SPARE_TOKENS
        return self._request(prompt, schema, sample, tokens, told=False)  # to write comes later

    def grid(self, names: Sequence[str], label: str | None) -> Request:
        """Asks for values of attributes of a class, without showing any data."""
        prompt = self._templates.render("grid.j2", m=CELLS, names=list(names), given=self._given(label))
        one = {"type": "array", "items": {"type": "string"}, "minItems": 1}
        return self._request(prompt, closed(dict.fromkeys(names, one)), 0, 32 * CELLS * len(names))

    def records(
        self,
        label: str | None,
        n: int,
        part: int,
        attributes: dict[str, str] | None = None,
        shown: Sequence[int] = (),
        place: int = 0,
        plan: Sequence[str] = (),
        told: int | None = None,
    ) -> Request:
        """Asks for n records of a class.

        part: 1 for the first request of a place, then 2 and so on; the prompt says it, so that equal requests
        are not answered alike. place: its number, because two places may have the same attributes. plan: a
        line for each record, what it is to be like. told: the part that the prompt says, None for part.
        """
        prompt = self._templates.render(
            "records.j2",
            n=n,
            given=self._given(label),
            attributes=attributes or {},
            demonstrations=self._records(shown),
            part=part if told is None else told,
            plan=list(plan),
        )
        tokens = n * self._record_tokens + SPARE_TOKENS
        schema = reply_schema(
            self.form
        )  # small models write one record, or one after the other without an end
        schema["properties"]["records"] |= {"minItems": n, "maxItems": n}
        return self._request(prompt, schema, sample_of(place, part), min(tokens, MOST_TOKENS))

    def expected(self, request: Request) -> int:
        """Tokens that a reply will probably have; its max_tokens are several times as many."""
        properties = (request.schema or {})["properties"]
        if "records" in properties:
            return int(request.max_tokens * self._usual_tokens / self._record_tokens)
        return request.max_tokens // 5

    def record(self, row: int) -> dict[str, Any]:
        """A real row as the model sees it, but for its length."""
        return as_json(self.form, self._real.iloc[[row]])[0]

    def _given(self, label: str | None) -> dict[str, str]:
        return {} if label is None else {str(self.form.label): label}

    def _records(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        if not len(rows):
            return []
        most = min(LONGEST_SHOWN, MOST_LETTERS // len(rows)) // len(self.form.texts)
        found = as_json(self.form, self._real.iloc[list(rows)])
        for record in found:
            for name in self.form.texts:
                if record[name] is not None and len(record[name]) > most:
                    record[name] = record[name][:most].rstrip() + " ..."
        return found

    def _request(
        self, prompt: str, schema: dict[str, Any], sample: int, tokens: int, told: bool = True
    ) -> Request:
        """told: whether the model hears what it writes, and in which fields."""
        messages = [{"role": "system", "content": self._system}] if told else []
        messages.append({"role": "user", "content": prompt})
        most = MOST_REPLY if self._max_tokens is None else None
        return Request(
            messages, schema, sample, self._max_tokens or tokens, self._temperature, most_tokens=most
        )


def first_number(seed: int) -> int:
    """The number of the first place: those of two seeds are apart, so that they share no reply."""
    return int(np.random.default_rng(seed).integers(1, MOST_PLACES)) * MOST_PLACES if seed else 0


def sample_of(place: int, part: int) -> int:
    """The sample index of a place's part: two requests of a run never share a reply."""
    return place * MOST_PARTS + part - 1


def cell(grid: dict[str, list[str]], draw: int) -> dict[str, str]:
    """One value of each attribute of a grid, drawn by a seed."""
    rng = np.random.default_rng(draw)
    return {
        name: re.sub(r"\s+", " ", values[int(rng.integers(len(values)))]).strip()[:LONGEST_VALUE]
        for name, values in grid.items()
    }
