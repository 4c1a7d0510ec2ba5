"""SynAlign: any language model writes records that cover a real table (arXiv 2502.08661)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import choice, number, path, shown, switch, whole
from lookalike.arguments import text as text_of_argument
from lookalike.decisions import Decisions
from lookalike.defaults import DEMONSTRATIONS, GEN_SIZE, METHODS
from lookalike.embed import REMOTE, Embed, embedder
from lookalike.errors import DataError, OptionError
from lookalike.learn import ClassCheck, class_check
from lookalike.llm.batch import ask_all
from lookalike.llm.budget import Estimate, Spent, guess_tokens
from lookalike.llm.client import LLM
from lookalike.llm.embeddings import embedder as endpoint_embedder
from lookalike.llm.ledger import Ledger
from lookalike.llm.request import Failure, Reply, Request
from lookalike.llm.sync import wait
from lookalike.progress import say
from lookalike.prompting.alarm import fix
from lookalike.prompting.arms import ABOUT_ROWS, EXPLORED, Place, places, places_about, quotas
from lookalike.prompting.checks import Checker, text_of
from lookalike.prompting.facts import Facts, asked_of, described
from lookalike.prompting.growth.errors import STEERING, steering_rows
from lookalike.prompting.growth.growing import (
    COVERAGE_ROUNDS,
    FIXED,
    LOCATED,
    ROUNDS,
    Grow,
    Growth,
    checked,
    strategy,
    totals,
)
from lookalike.prompting.growth.known import Known
from lookalike.prompting.growth.novelty import Pool
from lookalike.prompting.prompts import ATTRIBUTES, STAND_IN, Prompts, cell, first_number, sample_of
from lookalike.prompting.record import as_json, form_of, with_text
from lookalike.prompting.templates import Templates
from lookalike.prompting.writing import Work, Writer, answer, share_of
from lookalike.prompting.written import Row, Written
from lookalike.table.inferring import infer
from lookalike.table.schema import Schema, check_schema, given_schema
from lookalike.table.sources import PANDAS, Origin, Table, taken

Picks = tuple[list[Place], Any]
NO_RECORD = (
    "the budget that is left pays for a description but for no record after it: raise it (--max-calls, "
    "--max-tokens, --max-cost) and run again with the same ledger, which keeps what was paid for."
)


class SynAlign:
    """A synthesizer that has a language model write the rows.

        real = lookalike.read_table("examples/messages.csv")
        llm = LLM("my-model", "http://127.0.0.1:8000/v1", ledger="run/ledger.sqlite")
        synthetic = lookalike.SynAlign(llm, text="text", label="label").fit(real).sample(2000)

    text: the text column, or several (question and answer); the other columns are written too.
    label: the column of the class: all records of a request are of one class, in the real shares.
    method: one of `METHODS` (see arms.py). demonstrations: places of the real data that are shown, at most.
    gen_size: records a request. embed: as in `embed.embedder`, or "openai:<model>" of the same endpoint.
    attributes: None for the usual names, "propose" to have the model name them, or a list.
    grow: how the plan changes as the rows come in: one of `defaults.GROW` (see growth/growing.py), or a
    function (places, accepted rows, seed) -> weights; None: the classes in their real shares. steering: the
    share of the real rows whose errors steer with grow="errors"; the others measure.
    task: what the data are, in half a sentence. templates: a folder of prompts in place of the built-in ones.
    temperature: None for the server's own. max_tokens: of a reply; None: by the longest real records.
    seed: of what is shown, and of the replies: another seed asks anew. progress: False for silence.

    Raises OptionError for values that make no sense and for templates that cannot be used.
    """

    def __init__(
        self,
        llm: LLM,
        text: Any,
        label: Any | None = None,
        *,
        method: str = METHODS[0],
        demonstrations: int = DEMONSTRATIONS,
        gen_size: int = GEN_SIZE,
        embed: str | Embed | None = None,
        attributes: str | Sequence[str] | None = None,
        grow: str | Grow | None = None,
        steering: float = STEERING,
        task: str | None = None,
        templates: str | Path | None = None,
        temperature: float | None = 1.0,
        max_tokens: int | None = None,
        seed: int = 0,
        progress: bool = True,
    ) -> None:
        if not hasattr(llm, "answer"):
            raise OptionError(f"llm is {shown(llm)}: give a lookalike.llm.LLM.")
        method = choice("method", method, METHODS)
        demonstrations = whole("demonstrations", demonstrations, 1)
        gen_size = whole("gen_size", gen_size, 1)
        max_tokens = None if max_tokens is None else whole("max_tokens", max_tokens, 1)
        temperature = None if temperature is None else number("temperature", temperature, 0)
        seed, progress = whole("seed", seed), switch("progress", progress)
        templates = None if templates is None else path("templates", templates)
        if task is not None:
            task = text_of_argument("task", task, "say what the data are, in half a sentence")
        self.grow, self.steering = checked(grow), number("steering", steering, 0, 1, above=True)
        if self.grow in LOCATED and method not in ABOUT_ROWS:
            raise OptionError(
                f"grow={self.grow!r} asks near real rows, which the method {method} does not: choose one of "
                f"{', '.join(ABOUT_ROWS)}."
            )
        if self.grow == "errors" and label is None:
            raise OptionError("grow='errors' follows the errors of a classifier: name the label.")
        self.llm, self.label, self.method, self.task = llm, label, method, task
        self.texts: list[Any] = list(text) if isinstance(text, list | tuple) else [text]
        if not self.texts:
            raise OptionError("no text column is named: name at least one.")
        self.demonstrations, self.gen_size, self.embed = demonstrations, gen_size, embed
        self.attributes = _checked_names(attributes)
        self.templates = Templates(templates)
        self.temperature, self.max_tokens, self.seed, self.progress = temperature, max_tokens, seed, progress
        self._written = Written()
        self._alarms: list[str] = []
        self._wanted = 0
        self._fitted = False
        self._picked: Picks | None = None  # of another process, which `fit` then takes
        self._origin: Origin = PANDAS

    def fit(self, real: Table, schema: Schema | None = None) -> SynAlign:
        """Reads the real rows and picks the demonstrations; only an embedder of the endpoint makes calls.

        real: a table of any library, as `table/sources.py` lists them; `sample` gives the same kind back.
        schema: from `lookalike.infer`, edited if need be; None infers it. Rows without a text or of a class
        that fewer than 5 rows hold are left out (but see `Column.min_rows`), and so are keys (ids), which
        nobody can invent, pseudonyms and columns that the schema drops: no prompt shows them. Raises
        DataError for a table that cannot be used, and what the embedder raises.
        """
        real, self._origin = taken("the real table", real)
        filled = with_text(real, self.texts, self.label)
        schema = given_schema(schema) or infer(real.iloc[filled], source="the real table")
        check_schema(schema, real)
        self.form = form_of(real.iloc[filled], self.texts, self.label, schema)
        self._rows = filled
        if self.form.label is not None:  # a class of a single row would be shown with that row
            kept = (
                real[self.label].iloc[filled].astype(object).map(str).isin(self.form[self.form.label].values)
            )
            self._rows = filled[kept.to_numpy(bool)]
        self._real = real.iloc[self._rows].reset_index(drop=True)
        self._prompts = Prompts(
            self.form, self._real, self.templates, self.task, self.temperature, self.max_tokens
        )
        records = as_json(self.form, self._real[self.form.order])
        self._real_texts = [text_of(self.form, record) for record in records]
        self._labels: list[str | None] = [
            None if self.form.label is None else str(record[self.form.label]) for record in records
        ]
        embed = self._embedder()
        self._facts = Facts(self._real_texts, self._labels)
        needed = self.method in ABOUT_ROWS
        needed = needed and self._picked is None
        points = embed(self._real_texts) if needed else None
        picks: Picks = self._picked or places(
            self.method, self._labels, points, self.demonstrations, self.seed
        )
        self._places, self.coverage = list(picks[0]), picks[1]
        self._fixed, self._steering = len(self._places), list[int]()
        if self.grow == "errors":
            assert points is not None
            self._steering = steering_rows(self._labels, self.steering, self.seed)
            self._places += places_about(self.method, self._labels, points, self._steering, self._places)
        self._points, self._embed = points, embed
        self._class_check: ClassCheck | None = None
        if self.form.label is not None:
            labels = [str(one) for one in self._labels]
            self._class_check = class_check(embed, self._real_texts, labels, self.seed)
        self._column_texts = {
            name: [str(record[name]) for record in records if record[name] is not None]
            for name in self.form.texts
        }
        self._fitted = True
        for note in schema.notes():
            say(note, progress=self.progress)
        self._say_what_is_left_out(len(real), len(real) - len(filled))
        return self

    def requests(self, n: int) -> list[Request]:
        """What `sample(n)` asks first, for an estimate or to look at; nothing is asked. For a plan that grows
        they are those of the fixed plan, as the rows decide on them.

        Requests that need a reply first (of the attributes) are there with stand-ins of about that length.
        """
        names = list(ATTRIBUTES) if isinstance(self.attributes, str) else self.attributes
        found: list[Request] = []
        has_attributes = self.method in ("synalign", "attributes")
        if has_attributes and self.attributes == "propose":
            found.append(self._prompts.names(self.seed))
        works = [work for work in self._works(n) if work.wanted]
        if self.method == "synalign":
            found += [self._prompts.attributes(names, work.place.row, 0) for work in works]
        if self.method == "attributes":
            labels = dict.fromkeys(work.place.label for work in works)
            found += [self._prompts.grid(names, label) for label in labels]
        for at, work in enumerate(works):
            stand_in = {name: f"{STAND_IN} ({at})" for name in names} if has_attributes else None
            for part in range(-(-work.wanted // work.size)):
                count = min(work.size, work.wanted - part * work.size)
                found.append(self._record_request(work, count, part + 1, stand_in))
        return found

    def estimate(self, n: int) -> Estimate:
        """What `sample(n)` will take at least: the calls that are known before the first reply, without those
        that the ledger holds, and replies as long as the real records. Rejected records come on top.
        """
        requests = self.requests(n)
        return self.llm.estimate(requests, [self._prompts.expected(request) for request in requests])

    def sample(self, n: int) -> Table:
        """n records as a table of the real one's kind, columns and dtypes; fewer where the budget ends, or
        where the model keeps failing; a line on stderr says why.

        The same seed, real rows and replies give the same table; with a ledger, so does a run that was
        killed and started again. Raises EndpointError where the endpoint answers nothing more: what was
        accepted by then is in `accepted`, `rejected` and `provenance`.
        """
        growth, works = self._growth(n), self._works(n)
        names = self._begin(works, int(n))
        self._write(works, names, growth)
        return self.accepted

    @property
    def picks(self) -> Picks:
        """The demonstrations that `fit` picked, for `fit_on` in another process."""
        self._need_fit()
        return self._places, self.coverage

    def fit_on(self, real: Table, schema: Schema | None, picks: Picks) -> SynAlign:
        """`fit` with the demonstrations that another process picked on the same rows."""
        self._picked = picks
        return self.fit(real, schema)

    def prepare(self, n: int) -> None:
        """Asks for what all shards of n rows share, such as the names of attributes."""
        self._begin(self._works(n), n)

    def deal(self, n: int, shards: int) -> list[int]:
        """How many of n rows each shard is to bring: `sample_shard` writes them. Places are dealt to shards,
        so the numbers differ by the rows of a place.

        Raises OptionError for more shards than places with rows, and for a plan that grows with its rows.
        """
        if self.grow not in FIXED:
            raise OptionError(
                f"grow={self.grow!r} looks at all rows that are there, which no shard knows: leave it out."
            )
        works = [work for work in self._works(n) if work.wanted]
        if shards > len(works):
            raise OptionError(
                f"{shards:,} shards cannot share {len(works):,} demonstrations: choose at most that many "
                "shards, or more demonstrations."
            )
        return [sum(one.wanted for one in share_of(works, shard, shards)) for shard in range(shards)]

    def sample_shard(self, n: int, shard: int, shards: int, ledger: Ledger) -> Table:
        """The rows of one of the shards of `sample(n)`, by the same requests at the same places.

        ledger: of the shard's replies. What is asked for all shards, as the names of attributes, is kept in
        the ledger of the `llm`. Rows are compared with those of the same shard: `curate_shards` finds those
        that repeat rows of another. Errors as of `sample`.
        """
        self.deal(n, shards)
        works = share_of(self._works(n), shard, shards)
        names = self._begin(works, sum(work.wanted for work in works))
        with self.llm.keeping(ledger):
            try:
                self._write(works, names, None)
            finally:
                self._written.paid = ledger.totals(self.llm.account)
        return self.accepted

    def _begin(self, works: list[Work], n: int) -> list[str]:
        """Forgets the last sample; asks for what the places need to have, and returns the attributes."""
        self._written, self._alarms, self._wanted = Written(), [], n
        names = self._attribute_names()
        if self.method == "attributes":
            self._fill_in_grids(works, names)
        return names

    def _write(self, works: list[Work], names: list[str], growth: Growth | None) -> None:
        """Fills `_written` with the records of these places."""
        pool = Pool(self._real_texts) if self.grow == "novelty" else None
        checker = Checker(self.form, self._real_texts, self._column_texts, self._class_check, pool)
        described_only = self._affords_no_record() if self.method == "synalign" else lambda request: False

        async def describe(place: Place, tries: int) -> dict[str, str] | Failure:
            request = self._prompts.attributes(names, place.row, tries)
            if described_only(request):
                return Failure("budget", NO_RECORD)
            reply = await answer(self.llm, request)
            if isinstance(reply, Failure):
                return reply
            self._written.count(reply)
            found = described(reply.data, self._real_texts[place.row], place.label)
            if not found and not tries:  # a second time, what is computed has to do
                return Failure(
                    "quote", "every attribute quotes the record that it describes, or speaks of it"
                )
            return found | self._facts.of(place.row)

        def make(work: Work, count: int, part: int) -> Request:
            return self._record_request(work, count, part, work.attributes)

        writer = Writer(
            self.llm,
            works,
            checker,
            make,
            describe if self.method == "synalign" else None,
            self._written,
            affordable=self._affordable() if self.method == "synalign" else lambda: math.inf,
            live=self._class_check is None or self.embed in (None, "tfidf"),
            progress=self.progress,
            growth=growth,
        )
        self._alarms = writer.alarm.said
        writer.write()
        self._say_what_is_missing()

    @property
    def accepted(self) -> Table:
        """The rows of the last `sample`, whether it came to its end or not."""
        self._need_fit()
        return self._origin.back(self._written.records(self.form))

    @property
    def rejected(self) -> pd.DataFrame:
        """The records that were rejected, as the model wrote them, with reason, demonstration (row number in
        the real table, -1 for none) and key (of the reply in the ledger).
        """
        self._need_fit()
        return self._written.rejects(self.form, self._rows)

    @property
    def provenance(self) -> pd.DataFrame:
        """Where each accepted row came from: demonstration (row number in the real table, -1 for none), shown
        (JSON: the numbers of all real rows that the prompts for it showed or described), attributes (JSON;
        "{}" for none), prompt (version of the templates), key (of the reply in the ledger) and sample (the
        reply's sample index there).
        """
        self._need_fit()
        return self._written.provenance(self._rows, self.templates.version)

    @property
    def shown(self) -> list[list[int]]:
        """For each accepted row the numbers of all real rows that the prompts for it showed or described."""
        self._need_fit()
        return [row.shown(self._rows) for row in self._written.accepted]

    @property
    def decisions(self) -> Decisions:
        """On the accepted rows of the last `sample` and, after them, the rejected ones: why each of these was
        rejected, by the checks of `lookalike.curate`.
        """
        self._need_fit()
        return self._written.decisions(self.label)

    def summary(self) -> dict[str, Any]:
        """The last `sample` in figures: records asked for, accepted, rejected by reason, left over; requests
        without a reply by kind (said: of each kind the first sentence, with the server's own words); calls
        (known: read back from the ledger) and tokens; the coverage when the last place was shown; alarms;
        stopped: why it ended early.
        """
        self._need_fit()
        done = self._written
        shown = {id(row.place) for row in done.accepted}
        used = [at for at, place in enumerate(self._places) if id(place) in shown]
        explored = [at for at in used if at < self._fixed]  # growth adds places that nothing explored
        left = float(self.coverage[max(explored)]) if self.coverage is not None and explored else None
        return {
            "method": self.method,
            "grow": self.grow if isinstance(self.grow, str) else "function",
            "wanted": self._wanted,
            **done.figures(),
            "demonstrations": len(used),
            "coverage": left,
            "alarms": list(self._alarms),
            "stopped": done.stopped,
        }

    def _works(self, n: int) -> list[Work]:
        self._need_fit()
        n = whole("the number of rows", n, 1)
        by = "even" if self.grow == "even" else "real"
        counts = quotas(self._places[: self._fixed], totals(by, self._labels, n), self.gen_size)
        counts += [0] * (len(self._places) - self._fixed)
        first = first_number(self.seed)
        return [
            Work(number, place, count, self.gen_size)
            for number, (place, count) in enumerate(zip(self._places, counts, strict=True), first)
        ]

    def _growth(self, n: int) -> Growth | None:
        """How n rows grow; None for a plan that is fixed before the first reply."""
        self._need_fit()
        n = whole("the number of rows", n, 1)
        if self.grow in FIXED:
            return None
        points = np.zeros((len(self._labels), 1)) if self._points is None else self._points

        def text(row: Row) -> str:
            return text_of(self.form, row.record)

        known = Known(self._labels, points, self._embed, text, n, self._steering, self._fixed)
        grow, crowded = strategy(self.grow, known)
        wanted = None if callable(self.grow) else totals("real", self._labels, n)
        rounds = COVERAGE_ROUNDS if self.grow == "coverage" else ROUNDS
        return Growth(grow, n, self.gen_size, self.seed, rounds, wanted, crowded)

    @property
    def steering_rows(self) -> list[int]:
        """Row numbers in the real table of the rows that steered: whoever measures leaves them out."""
        self._need_fit()
        return [int(self._rows[row]) for row in self._steering]

    def _record_request(self, work: Work, n: int, part: int, attributes: dict[str, str] | None) -> Request:
        place, plan = work.place, list[str]()
        shown = place.shown[: max(len(place.shown) >> work.shorter, 1)]
        steered = self.method == "steered"
        if self.method in EXPLORED:
            rng = np.random.default_rng((self.seed, sample_of(work.number, part)))
            plan = self._facts.plan(place, n, rng, words=steered)
        told = [self._facts.line(row) for row in shown] if steered else []
        return self._prompts.records(place.label, n, part, attributes, shown, work.number, plan, told)

    def _attribute_names(self) -> list[str]:
        """The names of the attributes; asked for where they are to be proposed."""
        if self.attributes != "propose":
            return list(self.attributes)
        if self.method not in ("synalign", "attributes"):
            return []
        reply = wait(answer(self.llm, self._prompts.names(self.seed)))
        if isinstance(reply, Reply):
            self._written.count(reply)
            names = dict.fromkeys(" ".join(str(one).split())[:60] for one in reply.data["attributes"])
            if found := asked_of([name for name in names if name]):
                return found
        else:
            self._written.failed(reply)
        say("no attributes were proposed: the usual ones are taken.", progress=self.progress)
        return list(ATTRIBUTES)

    def _fill_in_grids(self, works: list[Work], names: list[str]) -> None:
        """Asks for a grid a class and gives every place its cell; classes without a grid are given up."""
        labels = list(dict.fromkeys(work.place.label for work in works if work.wanted))
        asked = [self._prompts.grid(names, label) for label in labels]
        replies = wait(ask_all(self.llm, asked, progress=self.progress, label="grids"))
        grids: dict[str | None, Any] = {}
        for label, reply in zip(labels, replies, strict=True):
            if isinstance(reply, Reply):
                self._written.count(reply)
                grids[label] = reply.data
            else:
                self._written.failed(reply)
                if reply.kind == "budget":
                    self._written.stopped = reply.reason
        for work in works:
            if work.place.label in grids:
                work.attributes = cell(grids[work.place.label], work.place.draw)
            else:
                work.closed = True

    def _affordable(self) -> Callable[[], float]:
        """Tells how many places, each with a description and a request, the budget that is left pays for."""
        _, both = self._each()
        return lambda: self.llm.budget.affords(both)

    def _affords_no_record(self) -> Callable[[Request], bool]:
        """Tells whether a description would be paid, and no record after it."""
        one, both = self._each()
        budget = self.llm.budget

        def told(request: Request) -> bool:
            return budget.affords(both) < 1 <= budget.affords(one) and self.llm.estimate([request]).calls > 0

        return told

    def _each(self) -> tuple[Spent, Spent]:
        """What the budget holds for a description, and for a request for records once that is paid."""
        work = Work(0, self._places[0], self.gen_size, self.gen_size)
        one = self._prompts.attributes(ATTRIBUTES, work.place.row, 0)
        many = self._record_request(work, self.gen_size, 1, dict.fromkeys(ATTRIBUTES, STAND_IN))
        said, asked = (str(some.messages) + str(some.schema) for some in (one, many))
        paid = guess_tokens(said) + self._prompts.expected(one)
        return (
            Spent(1, len(said.encode()), one.max_tokens),
            Spent(2, len(asked.encode()) + paid, many.max_tokens),
        )

    def _embedder(self) -> Embed:
        if isinstance(self.embed, str) and self.embed.startswith(REMOTE) and len(self.embed) > len(REMOTE):
            other = self.llm.of_model(self.embed.removeprefix(REMOTE))
            return endpoint_embedder(other, progress=self.progress)
        return embedder(self.embed, self._real_texts, self.seed)

    def _need_fit(self) -> None:
        if not self._fitted:
            raise DataError("nothing was fitted yet: call fit(real) first.")

    def _say_what_is_left_out(self, rows: int, empty: int) -> None:
        lines = list(self.form.notes)
        if empty:
            lines.append(f"{empty:,} of {rows:,} real rows have no text and are left out.")
        if self._prompts.cut:
            lines.append(f"{self._prompts.cut:,} real texts are too long for a prompt and are cut there.")
        if self.method != "zero-shot" and len(self._real) < self.demonstrations:
            lines.append(f"there are {len(self._real):,} real rows, fewer than {self.demonstrations} "
                         "demonstrations: all of them are used.")  # fmt: skip
        for line in lines:
            say(line, progress=self.progress)

    def _say_what_is_missing(self) -> None:
        done = self._written
        missing = self._wanted - len(done.accepted)
        if not missing:
            return
        reason = done.main_reason()
        if done.stopped is None:
            done.stopped = "no way was found to the rows that are missing"
            if reason is not None:
                done.stopped = f"most others fail as '{reason}': {fix(reason)}"
        say(f"{missing:,} of {self._wanted:,} rows are missing: {done.stopped.rstrip('.')}.",
            progress=self.progress)  # fmt: skip


def _checked_names(attributes: str | Sequence[str] | None) -> str | list[str]:
    if attributes is None:
        return list(ATTRIBUTES)
    if isinstance(attributes, str):
        if attributes != "propose":
            raise OptionError(f"attributes={attributes!r} is not known: write 'propose' or a list of names.")
        return attributes
    if not isinstance(attributes, list | tuple) or not all(isinstance(name, str) for name in attributes):
        raise OptionError(f"attributes is {shown(attributes)}: write 'propose' or a list of names.")
    names = [str(name).strip() for name in attributes]
    if not names or not all(names) or len(set(names)) < len(names):
        raise OptionError("attributes must be different names, at least one: write a list such as ['topic'].")
    return names
