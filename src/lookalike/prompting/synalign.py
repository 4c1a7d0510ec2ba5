"""SynAlign: any language model writes records that cover a real table (arXiv 2502.08661)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from lookalike.arguments import choice, number, path, shown, switch, whole
from lookalike.arguments import text as text_of_argument
from lookalike.decisions import Decisions
from lookalike.defaults import DEMONSTRATIONS, GEN_SIZE, METHODS
from lookalike.embed import REMOTE, Embed, embedder
from lookalike.errors import DataError, LedgerError, LLMError, OptionError
from lookalike.learn import ClassCheck, class_check
from lookalike.llm.budget import Estimate
from lookalike.llm.client import LLM
from lookalike.llm.embeddings import embedder as endpoint_embedder
from lookalike.llm.ledger import Ledger
from lookalike.llm.request import Request
from lookalike.progress import say, watched
from lookalike.prompting.arms import Array
from lookalike.prompting.asking import LOOKS, Asking, checked_names, probes
from lookalike.prompting.checks import Checker
from lookalike.prompting.consensus import consensus
from lookalike.prompting.growth.errors import STEERING
from lookalike.prompting.growth.growing import FIXED, Grow, Growth
from lookalike.prompting.growth.novelty import Pool
from lookalike.prompting.planned import checked_growth, dealt, grown, planned, share_of
from lookalike.prompting.prompts import Prompts
from lookalike.prompting.record import Form
from lookalike.prompting.source import Picks, locate, read
from lookalike.prompting.telling import places_for, settle
from lookalike.prompting.templates import Templates
from lookalike.prompting.turns import behind, wanted
from lookalike.prompting.work import Work
from lookalike.prompting.writing import Writer
from lookalike.prompting.written import Written
from lookalike.table.schema import Schema, given_schema
from lookalike.table.sources import PANDAS, Origin, Table, taken


class SynAlign:
    """A synthesizer that has a language model write the rows.

        real = lookalike.read_table("examples/messages.csv")
        llm = LLM("my-model", "http://127.0.0.1:8000/v1", ledger="run/ledger.sqlite")
        synthetic = lookalike.SynAlign(llm, text="text", label="label").fit(real).sample(2000)

    llm: a `lookalike.llm.LLM`. text: the column of text, or a list of several, such as question and answer.
        The model writes the other columns, too.
    label: the column of the class. A request is for records of one class; classes have their real shares.
    method: one of `METHODS` (see arms.py). "auto" settles it by what the model says of a few real rows.
    demonstrations: how many real rows are shown, at most. gen_size: how many records a request is for.
    embed: what turns texts into points, as `embed.embedder` takes it, or "openai:MODEL" of the same endpoint.
    attributes: what a record is described by. None: the usual names; "propose": the model names them; a list.
    grow: how the plan changes as rows come in: one of `defaults.GROW` (see growth/growing.py), or a function
        (places, accepted rows, seed) -> weights. None: it does not change; classes keep their real shares.
    steering: with grow="errors" the share of the real rows, 0 to 1, whose errors steer. The others measure.
    task: what the data are, in half a sentence. templates: a folder of prompts in place of the built-in ones.
    temperature: of the model; None: the server's. max_tokens: of a reply; None: by the longest real records.
    seed: it decides what is shown. Another seed asks anew. progress: False for silence.

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
        self.grow, self.steering = checked_growth(grow, steering, method, label)
        self.llm, self.label, self.method, self.task = llm, label, method, task
        self.texts: list[Any] = list(text) if isinstance(text, list | tuple) else [text]
        if not self.texts:
            raise OptionError("no text column is named: name at least one.")
        self.demonstrations, self.gen_size, self.embed = demonstrations, gen_size, embed
        self.attributes = checked_names(attributes)
        self.templates = Templates(templates)
        self.temperature, self.max_tokens, self.seed, self.progress = temperature, max_tokens, seed, progress
        self._written = Written()
        self._alarms: list[str] = []
        self._wanted = 0
        self._fitted = False
        self._told: float | None = None
        self._told_by: list[int] | None = None  # real rows whose descriptions the method is kept by
        self._names: list[str] = []  # of the attributes, as they were settled then
        self._picked: Picks | None = None  # of another process, which `fit_on` has `fit` take
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
        source = read(real, self.texts, self.label, given_schema(schema))
        prompts = Prompts(
            source.form, source.rows, self.templates, self.task, self.temperature, self.max_tokens
        )
        steering = self.steering if self.grow == "errors" else None
        self._class_check: ClassCheck | None = None
        with watched("choosing what is shown of the real rows", progress=self.progress):
            embed = self._embedder(source.texts)
            self._located = locate(
                source, self.method, embed, self.demonstrations, steering, self.seed, self._picked
            )
            if source.form.label is not None:
                labels = [str(one) for one in source.labels]
                self._class_check = class_check(embed, source.texts, labels, self.seed)
        self._asking = Asking(
            self.llm, prompts, source, self.method, self.attributes, self.gen_size, self.seed,
            self.progress, len(self._located.places),
        )  # fmt: skip
        self._source, self._fitted = source, True
        self._unsettled = self._asking, self._located  # as "auto" has them before each look at the model
        self._told, self._told_by = None, None
        self._say_what_is_left_out()
        return self

    def requests(self, n: int) -> list[Request]:
        """What `sample(n)` asks first, for an estimate or to look at; nothing is asked. For a plan that grows
        they are those of the fixed plan, as the rows decide on them.

        Requests that need a reply first (of the attributes) are there with stand-ins of about that length.
        """
        return self._asking.at_first(self._works(n))

    def estimate(self, n: int) -> Estimate:
        """What `sample(n)` will take at least: the calls that are known before the first reply, without those
        that the ledger holds, and replies as long as the real records. Rejected records come on top.
        """
        requests = self.requests(n)
        return self.llm.estimate(requests, [self._asking.prompts.expected(request) for request in requests])

    def sample(self, n: int) -> Table:
        """n records as a table of the real one's kind, columns and dtypes; fewer where the budget ends, or
        where the model keeps failing; a line on stderr says why.

        The same seed, real rows and replies give the same table; with a ledger, so does a run that was
        killed and started again. Raises EndpointError where the endpoint answers nothing more: what was
        accepted by then is in `accepted`, `rejected` and `provenance`.
        """
        self._works(n)  # whether n rows can be asked for
        names = self._begin(n)
        growth, works = self._growth(n), self._works(n)
        self._fill_in(works, names)
        self._write(works, names, growth)
        return self.accepted

    @property
    def picks(self) -> Picks:
        """The demonstrations that `fit` picked, for `fit_on` in another process."""
        self._need_fit()
        return self._located.places, self.coverage

    def fit_on(self, real: Table, schema: Schema | None, picks: Picks) -> SynAlign:
        """`fit` with the demonstrations that another process picked on the same rows."""
        self._picked = picks
        try:
            return self.fit(real, schema)
        finally:
            self._picked = None

    def prepare(self, n: int) -> None:
        """Asks for what all shards of n rows share, such as the names of attributes."""
        self._works(n)
        names = self._begin(n)
        self._fill_in(self._works(n), names)

    def deal(self, n: int, shards: int) -> list[int]:
        """How many of n rows each shard is to bring: `sample_shard` writes them. Places are dealt to shards,
        so the numbers differ by the rows of a place.

        Raises OptionError for more shards than places with rows, and for a plan that grows with its rows.
        """
        return dealt(self._works(n), shards, self.grow)

    def sample_shard(self, n: int, shard: int, shards: int, ledger: Ledger) -> Table:
        """The rows of one of the shards of `sample(n)`, by the same requests at the same places.

        ledger: of the shard's replies. What is asked for all shards, as the names of attributes, is kept in
        the ledger of the `llm`. Rows are compared with those of the same shard: `curate_shards` finds those
        that repeat rows of another. Errors as of `sample`.
        """
        self.deal(n, shards)
        names = self._begin(n)
        works = share_of(self._works(n), shard, shards)
        self._fill_in(works, names)
        with self.llm.keeping(ledger):
            try:
                self._write(works, names, None)
            finally:
                self._written.paid = ledger.totals(self.llm.account)
        return self.accepted

    def _begin(self, n: int) -> list[str]:
        """Forgets the last sample, settles how to write, and returns the names of the attributes."""
        self._written, self._alarms, self._wanted = Written(), [], int(n)
        rows = probes(self._works(n)) if self.method == "auto" else []
        try:
            if self.method != "auto":
                names = self._asking.names(self._written)
            elif self._told_by == rows[: LOOKS[1]]:  # it is settled, and not asked again
                names = self._names
            else:
                names = self._settle(rows)
        except (LLMError, LedgerError) as error:
            self._written.stop(error)
            raise
        finally:
            self._written.paid = self.llm.budget.spent
        return names

    def _settle(self, rows: list[int]) -> list[str]:
        """Chooses the method by what the model says of these real rows; the names of the attributes."""
        asking, located = self._unsettled
        found = settle(asking, located, rows, self._written)
        shown = places_for(found.method, located.places)
        self._asking, self._located = replace(asking, method=found.method), replace(located, places=shown)
        self._told_by, self._names, self._told = rows[: LOOKS[1]], found.names, found.told
        return found.names

    def _fill_in(self, works: list[Work], names: list[str]) -> None:
        """Asks for what these places need to have."""
        self._wanted = sum(work.wanted for work in works)
        if self.method == "attributes":
            self._asking.fill_in_grids(works, names, self._written)

    def _write(self, works: list[Work], names: list[str], growth: Growth | None) -> None:
        """Fills `_written` with the records of these places."""
        asking, source, describing = self._asking, self._source, self._asking.method == "synalign"
        pool = Pool(source.texts) if self.grow == "novelty" else None
        checker = Checker(source.form, source.texts, source.column_texts, self._class_check, pool)
        first = self._located.places[0]

        def make(work: Work, count: int, part: int) -> Request:
            return asking.records(work, count, part, work.attributes)

        writer = Writer(
            self.llm,
            works,
            checker,
            make,
            asking.describing(names, first, self._written) if describing else None,
            self._written,
            affordable=asking.affordable(first) if describing else lambda: math.inf,
            live=self._class_check is None or self.embed in (None, "tfidf"),
            progress=self.progress,
            growth=growth,
            doubtful=consensus(asking, self._located.embed),
        )
        self._alarms = writer.alarm.said
        writer.write()
        self._say_what_is_missing(works if growth is None or growth.wanted is not None else [])

    @property
    def form(self) -> Form:
        """The columns as fields of a JSON object. Raises DataError before `fit`, as those below do."""
        self._need_fit()
        return self._source.form

    @property
    def coverage(self) -> Array | None:
        """The variance that is left after each demonstration; None where nothing is explored."""
        self._need_fit()
        return self._located.coverage

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
        return self._written.rejects(self.form, self._source.numbers)

    @property
    def provenance(self) -> pd.DataFrame:
        """Where each accepted row came from: demonstration (row number in the real table, -1 for none), shown
        (JSON: the numbers of all real rows that the prompts for it showed or described), attributes (JSON;
        "{}" for none), prompt (version of the templates), key (of the reply in the ledger) and sample (the
        reply's sample index there).
        """
        self._need_fit()
        return self._written.provenance(self._source.numbers, self.templates.version)

    @property
    def shown(self) -> list[list[int]]:
        """For each accepted row the numbers of all real rows that the prompts for it showed or described."""
        self._need_fit()
        return [row.shown(self._source.numbers) for row in self._written.accepted]

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
        (known: read back from the ledger) and tokens; written_as: the method that "auto" took, and told: how
        well the model describes (telling.py); the coverage when the last place was shown; alarms;
        stopped: why it ended early.
        """
        self._need_fit()
        done = self._written
        shown = {id(row.place) for row in done.accepted}
        used = [at for at, place in enumerate(self._located.places) if id(place) in shown]
        explored = [at for at in used if at < self._located.fixed]  # growth adds places that nothing explored
        left = float(self.coverage[max(explored)]) if self.coverage is not None and explored else None
        return {
            "method": self.method,
            "written_as": self._asking.method,
            "told": self._told,
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
        return planned(n, self._source, self._located, self.gen_size, self.grow == "even", self.seed)

    def _growth(self, n: int) -> Growth | None:
        """How n rows grow; None for a plan that is fixed before the first reply."""
        self._need_fit()
        n = whole("the number of rows", n, 1)
        if self.grow in FIXED:
            return None
        return grown(n, self._source, self._located, self.gen_size, self.grow, self.seed)

    @property
    def steering_rows(self) -> list[int]:
        """Row numbers in the real table of the rows that steered: whoever measures leaves them out."""
        self._need_fit()
        return [int(self._source.numbers[row]) for row in self._located.steering]

    def _embedder(self, texts: list[str]) -> Embed:
        if isinstance(self.embed, str) and self.embed.startswith(REMOTE) and len(self.embed) > len(REMOTE):
            other = self.llm.of_model(self.embed.removeprefix(REMOTE))
            return endpoint_embedder(other, progress=self.progress)
        return embedder(self.embed, texts, self.seed)

    def _need_fit(self) -> None:
        if not self._fitted:
            raise DataError("nothing was fitted yet: call fit(real) first.")

    def _say_what_is_left_out(self) -> None:
        lines, cut, rows = list(self._source.notes), self._asking.prompts.cut, len(self._source.rows)
        if cut:
            lines.append(f"{cut:,} real texts are too long for a prompt and are cut there.")
        if self.method != "zero-shot" and rows < self.demonstrations:
            lines.append(f"there are {rows:,} real rows, fewer than {self.demonstrations} "
                         "demonstrations: all of them are used.")  # fmt: skip
        for line in lines:
            say(line, progress=self.progress)

    def _say_what_is_missing(self, works: Sequence[Work]) -> None:
        """works: places whose classes were to have their shares."""
        missing = self._wanted - len(self._written.accepted)
        if not missing:
            return
        why = self._written.why_missing().rstrip(".")
        say(f"{missing:,} of {self._wanted:,} rows are missing: {why}.", progress=self.progress)
        made = Counter(row.place.label for row in self._written.accepted)
        if line := behind(wanted(works), made):
            say(line, progress=self.progress)
