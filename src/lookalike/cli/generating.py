"""The verbs `generate` and `resume`: a synthesizer out of the options, a run, and `pipeline.generate`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.cli import files, recipes
from lookalike.cli.endpoint import check_prices, language_model
from lookalike.cli.parser import parse
from lookalike.defaults import DEMONSTRATIONS, GEN_SIZE, METHODS, USUAL_CHECKS
from lookalike.errors import OptionError
from lookalike.progress import working

if TYPE_CHECKING:
    from lookalike.difflm import DiffLM
    from lookalike.llm import LLM, Request
    from lookalike.prompting import SynAlign
    from lookalike.run import Run
    from lookalike.synthesizer import Synthesizer

LLM_OPTIONS = (
    *("text", "label", "task", "attributes", "templates", "temperature", "embedder"),
    *("max_calls", "max_tokens", "max_cost", "price_in", "price_out", "dry_run"),
    *("method", "grow", "demonstrations", "gen_size", "concurrency", "timeout", "header", "reply_tokens"),
    *("key", "shards", "shard", "workers"),
)
TRAINING_OPTIONS = ("where", "max_time", "backbone", "lora", "refine", "schema", "threads")
RAISED = ("max_calls", "max_tokens", "max_cost", "concurrency", "timeout", "header")  # by `resume`
SHOWN = 3  # prompts of a dry run
FEW = 200  # rows of which a dry run makes the prompts that it shows
MODEL = "model"  # of --then, in the folder of the run


def generate(args: argparse.Namespace) -> int:
    """REAL -> a synthetic table and the report on it, in one go."""
    files.check_outputs(args, reports=[args.report])
    beside = _beside(args)
    asking = asks(args)
    from lookalike import pipeline
    from lookalike.files.writing import check_target
    from lookalike.inputs import check
    from lookalike.run import Run

    rows = _rows(args)
    run = Run(_folder(args), options=vars(args), temporary=not (asking or args.run))
    _check_run(run, args.out, asking)
    real, schema, holdout = None, None, None
    if args.real is not None:
        real, schema = files.real_table(args)
        holdout = files.read(args.holdout, schema.missing, args)
        check_target(args.out, real)
    if args.dry_run:
        if real is not None:
            check(real, rows, args.target or args.label, holdout)
        writer = asker(args, run.ledger if run.ledger.exists() else None)
        writer.fit(real, schema)
        return _dry_run(args, writer, rows)
    with run.begun():
        args.kept = run.folder
        llm = asker(args, run.ledger, run.folder / MODEL) if asking else None
        synthesizer: Synthesizer = difflm(args) if llm is None else llm

        def estimated(_: Synthesizer) -> None:
            if llm is not None:
                print(f"estimate: at least {llm.estimate(rows)}", flush=True)

        synthetic, report = pipeline.generate(
            real,
            rows,
            synthesizer,
            schema=schema,
            where=None if args.recipe else args.where or None,
            target=args.target,
            curate=_curated(args),
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
    if report.decisions is not None:
        print(f"\n{report.decisions}\n")
        for path, what in zip(beside, ("decisions", "rows as they were drawn"), strict=False):
            print(f"{what} -> {path}")
    for path in run.reports:
        print(f"report -> {path}")
    files.save_reports(report, [args.report])
    made = f"; how each was made -> {run.folder}" if asking else ""
    print(f"{len(synthetic):,} rows -> {args.out}{made}")
    return files.gate(report, args.fail_under) or _short(run, rows)


def _dry_run(args: argparse.Namespace, writer: Any, rows: int) -> int:
    """What a language model would cost and be asked, without a call."""
    print(f"estimate: at least {writer.estimate(rows)}\n{prompts(writer.requests(min(rows, FEW)))}")
    if args.grow not in (None, "real", "even"):
        print(f"\nThe fixed plan's: --grow {args.grow} decides between rounds, by the rows that came.")
    return 0


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
    with working("loading torch", progress=not args.quiet):
        from lookalike.difflm import DiffLM

    return DiffLM(
        max_time=args.max_time,
        seed=args.seed,
        device=args.device,
        backbone=args.backbone,
        lora=args.lora,
        refine=getattr(args, "refine", None),
        threads=args.threads,
        progress=not args.quiet,
    )


def asker(args: argparse.Namespace, ledger: Path | None, model: Path | None = None) -> Any:
    """What the options describe that writes by a language model, with its replies in this ledger.

    model: where the model is saved that learns what was written (--then).
    """
    llm = language_model(args, ledger)
    writer: Any = recipes.writer(args, llm) if args.recipe else synalign(args, llm)
    return recipes.then(args, writer, difflm(args), model) if args.then else writer


def synalign(args: argparse.Namespace, llm: LLM) -> SynAlign:
    """The synthesizer that the options describe."""
    from lookalike.prompting import SynAlign

    names = [name.strip() for name in (args.attributes or "").split(",") if name.strip()]
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


def asks(args: argparse.Namespace) -> bool:
    """Whether a language model behind an endpoint writes the table.

    Raises OptionError for options of the other way, and for what such a run lacks.
    """
    recipes.check(args)
    asked = [f"--{name}" for name in ("llm", "model") if getattr(args, name)]
    others: tuple[str, ...] = TRAINING_OPTIONS if asked else LLM_OPTIONS
    if args.recipe or args.then:
        others = ()
    wrong = [f"--{name.replace('_', '-')}" for name in others if getattr(args, name, None)]
    if wrong and asked:
        raise OptionError(f"{wrong[0]} is for a table that is learned here: leave it or {asked[0]} out.")
    if wrong:
        raise OptionError(f"{wrong[0]} is for a language model that writes the table: add --llm and --model.")
    check_prices(args)
    if asked and not args.text and not args.recipe:
        raise OptionError("the column of text is not named: add  --text COL.")
    if asked and "-" in (args.real, args.holdout):
        raise OptionError("a run reads its tables again when it is resumed: name a file in place of '-'.")
    return bool(asked)


def _curated(args: argparse.Namespace) -> bool | list[str]:
    """The checks that are named; True where they are the usual ones, of which those of a label need one."""
    names = files.listed(args.curate) or []
    return names == list(USUAL_CHECKS) or names or False


def _beside(args: argparse.Namespace) -> list[Path]:
    """What --curate writes beside the output, none of which may be another file of the command."""
    if not args.curate or args.out == "-":
        return []
    from lookalike.curation import paths

    beside = [str(path) for path in paths(args.out)]
    files.check_paths(args, [args.out, args.report, *beside])
    return [Path(path) for path in beside]


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


def _rows(args: argparse.Namespace) -> int:
    """Of the option, else of the recipe. Raises OptionError for neither."""
    if args.rows is not None:
        return int(args.rows)
    from lookalike.prompting.recipes.read import read

    rows = read(args.recipe).rows
    if rows is None:
        raise OptionError(f"the number of rows is not given: add  -n ROWS, or  rows = ...  to {args.recipe}.")
    args.rows = rows
    return rows


def _folder(args: argparse.Namespace) -> Path:
    """Of the run: the one that is resumed, that of --run, or OUT.run."""
    if args.folder or args.run:
        return Path(args.folder or args.run)
    return Path("stdout.run" if args.out == "-" else f"{args.out}.run")
