"""The verbs `generate` and `resume`: a synthesizer out of the options, a run, and `pipeline.generate`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.cli import files
from lookalike.cli.parser import parse
from lookalike.defaults import CONCURRENCY, DEMONSTRATIONS, GEN_SIZE, METHODS, TIMEOUT
from lookalike.errors import OptionError

if TYPE_CHECKING:
    from lookalike.difflm import DiffLM
    from lookalike.llm import Request
    from lookalike.prompting import SynAlign
    from lookalike.run import Run
    from lookalike.synthesizer import Synthesizer

LLM_OPTIONS = (
    *("text", "label", "task", "attributes", "templates", "temperature", "embedder"),
    *("max_calls", "max_tokens", "max_cost", "price_in", "price_out", "dry_run"),
    *("method", "grow", "demonstrations", "gen_size", "concurrency", "timeout", "header", "reply_tokens"),
    "key",
)
TRAINING_OPTIONS = ("where", "max_time", "backbone", "lora", "schema", "threads")
RAISED = ("max_calls", "max_tokens", "max_cost", "concurrency", "timeout", "header")  # by `resume`
SHOWN = 3  # prompts of a dry run


def generate(args: argparse.Namespace) -> int:
    """REAL -> a synthetic table and the report on it, in one go."""
    files.check_outputs(args, reports=[args.report])
    asking = _asks(args)
    from lookalike import pipeline
    from lookalike.files.writing import check_target
    from lookalike.run import Run

    run = Run(_folder(args), options=vars(args), temporary=not (asking or args.run))
    _check_run(run, args.out, asking)
    real, schema = files.real_table(args)
    holdout = files.read(args.holdout, schema.missing, args)
    check_target(args.out, real)
    if args.dry_run:
        pipeline.check(real, args.rows, args.target or args.label, holdout)
        writer = synalign(args, run.ledger if run.ledger.exists() else None).fit(real, schema)
        print(f"estimate: at least {writer.estimate(args.rows)}\n{prompts(writer.requests(args.rows))}")
        return 0
    with run.begun():
        args.kept = run.folder
        llm = synalign(args, run.ledger) if asking else None
        synthesizer: Synthesizer = difflm(args) if llm is None else llm

        def estimated(_: Synthesizer) -> None:
            if llm is not None:
                print(f"estimate: at least {llm.estimate(args.rows)}", flush=True)

        synthetic, report = pipeline.generate(
            real,
            args.rows,
            synthesizer,
            schema=schema,
            where=args.where or None,
            target=args.target,
            holdout=holdout,
            run=run,
            out=args.out,
            show_real=args.show_real,
            names=files.names(args, synthetic=args.out),
            seed=args.seed,
            progress=not args.quiet,
            on_fit=estimated,
        )
    print(f"{report}\n\n{run}")
    for path in run.reports:
        print(f"report -> {path}")
    files.save_reports(report, [args.report])
    made = f"; how each was made -> {run.folder}" if asking else ""
    print(f"{len(synthetic):,} rows -> {args.out}{made}")
    return files.gate(report, args.fail_under) or _short(run, args.rows)


def _short(run: Run, wanted: int) -> int:
    """4 where a class has no row, or fewer than half of the rows were written, with a sentence on stderr."""
    empty, rows = run.summary.get("classes_without_rows", []), run.summary["rows"]
    if not empty and rows >= wanted / 2:
        return 0
    lack = (
        f"nothing was written of {', '.join(empty)}" if empty else f"{rows:,} of {wanted:,} rows were written"
    )
    why = (run.summary.get("stopped") or "see the summary").rstrip(".")
    print(f"lookalike: {lack}: {why}.", file=sys.stderr)
    return 4


def resume(args: argparse.Namespace) -> None:
    """The options of `resume` become those of the command that began the run, with the run's folder."""
    from lookalike.run import config

    again = parse(["generate", f"--config={config(args.run)}"])
    again.folder, again.key, again.quiet = args.run, args.key, args.quiet
    asking = bool(again.llm or again.model)
    for name in ("threads",) if asking else ("method", "demonstrations", "gen_size", "concurrency"):
        setattr(again, name, None)  # written down by an earlier version, and without effect
    for name in RAISED:
        if getattr(args, name):  # what is said now counts more
            setattr(again, name, getattr(args, name))
    if not asking and any(getattr(again, name) for name in RAISED):
        raise OptionError(f"{args.run} is a training, which has no budget of calls: leave the limits out.")
    vars(args).update(vars(again))


def difflm(args: argparse.Namespace) -> DiffLM:
    """The model that the options describe, for `fit`, too."""
    from lookalike.difflm import DiffLM

    return DiffLM(
        max_time=args.max_time,
        seed=args.seed,
        device=args.device,
        backbone=args.backbone,
        lora=args.lora,
        threads=args.threads,
        progress=not args.quiet,
    )


def synalign(args: argparse.Namespace, ledger: Path | None) -> SynAlign:
    """The language model that the options describe, with its replies in this ledger."""
    from lookalike.llm import LLM, Budget
    from lookalike.prompting import SynAlign

    names = [name.strip() for name in (args.attributes or "").split(",") if name.strip()]
    llm = LLM(
        args.model,
        args.llm,
        args.key,
        headers=dict(args.header),
        ledger=ledger,
        budget=Budget(args.max_calls, args.max_tokens, args.max_cost, args.price_in, args.price_out),
        concurrency=args.concurrency or CONCURRENCY,
        timeout=args.timeout or TIMEOUT,
        progress=not args.quiet,
    )
    return SynAlign(
        llm,
        args.text if len(args.text) > 1 else args.text[0],
        args.label,
        method=args.method or METHODS[0],
        grow=args.grow,
        demonstrations=args.demonstrations or DEMONSTRATIONS,
        gen_size=args.gen_size or GEN_SIZE,
        max_tokens=args.reply_tokens,
        embed=args.embedder,
        attributes="propose" if names == ["propose"] else names or None,
        task=args.task,
        templates=args.templates,
        **({} if args.temperature is None else {"temperature": args.temperature}),
        seed=args.seed,
        progress=not args.quiet,
    )


def prompts(requests: Sequence[Request]) -> str:
    """Some prompts of a run, one below the other: one of each kind first."""
    kinds = {tuple((request.schema or {}).get("properties", ())): request for request in reversed(requests)}
    some = list(dict.fromkeys(id(request) for request in [*reversed(kinds.values()), *requests]))[:SHOWN]
    parts = []
    for number, request in enumerate([one for one in requests if id(one) in some][:SHOWN], 1):
        assert not isinstance(request.messages, str)
        messages = [f"[{one['role']}]\n{one['content']}" for one in request.messages]
        parts.append("\n\n".join([f"--- prompt {number} ---", *messages]))
    return "\n\n".join(parts)


def _asks(args: argparse.Namespace) -> bool:
    """Whether a language model behind an endpoint writes the table.

    Raises OptionError for options of the other way, and for what such a run lacks.
    """
    asked = [f"--{name}" for name in ("llm", "model") if getattr(args, name)]
    others = TRAINING_OPTIONS if asked else LLM_OPTIONS
    wrong = [f"--{name.replace('_', '-')}" for name in others if getattr(args, name)]
    if wrong and asked:
        raise OptionError(f"{wrong[0]} is for a table that is learned here: leave it or {asked[0]} out.")
    if wrong:
        raise OptionError(f"{wrong[0]} is for a language model that writes the table: add --llm and --model.")
    if args.max_cost is not None and (args.price_in is None or args.price_out is None):
        raise OptionError("--max-cost needs --price-in and --price-out, the prices of a million tokens.")
    if asked and not args.text:
        raise OptionError("the column of text is not named: add  --text COL.")
    if asked and "-" in (args.real, args.holdout):
        raise OptionError("a run reads its tables again when it is resumed: name a file in place of '-'.")
    return bool(asked)


def _check_run(run: Run, out: str, asking: bool) -> None:
    """Raises OptionError where the folder is the output, or holds what a job of the other kind needs."""
    if os.path.abspath(run.folder) == os.path.abspath(out):
        raise OptionError(f"{out} is both the table and the run: name another folder with --run.")
    other = None
    if not asking and run.ledger.exists():
        other = "the run of a language model"
    elif asking and run.checkpoint.exists():
        other = "a training that can go on"
    if other is not None:
        raise OptionError(
            f"{run.folder} holds {other}: go on with it by  lookalike resume {run.folder}, or name another "
            "folder with --run."
        )


def _folder(args: argparse.Namespace) -> Path:
    """Of the run: the one that is resumed, that of --run, or OUT.run."""
    if args.folder or args.run:
        return Path(args.folder or args.run)
    return Path("stdout.run" if args.out == "-" else f"{args.out}.run")
