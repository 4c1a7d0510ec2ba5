"""`lookalike curate`: from options to the call of `curate`, and what it writes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.cli import endpoint, files, sharding, shared
from lookalike.errors import OptionError

if TYPE_CHECKING:
    from lookalike.annotator import Annotator

LLM_OPTIONS = (
    *("key", "task", "votes", "people", "max_calls", "max_tokens", "max_cost", "price_in", "price_out"),
    *("concurrency", "timeout", "header"),
)


def language_model(one: argparse.ArgumentParser) -> None:
    """The options of a language model that is asked for labels."""
    llm = one.add_argument_group("labels by a language model, with --method relabel")
    llm.add_argument("--llm", metavar="URL", help="the endpoint, such as http://127.0.0.1:8000/v1")
    llm.add_argument("--model", metavar="NAME", help="the model's name there")
    llm.add_argument("--key", help="key of the endpoint (default: OPENAI_API_KEY, which others cannot see)")
    llm.add_argument("--task", metavar="TEXT", help="what the records are, in half a sentence for the model")
    llm.add_argument(
        "--votes",
        metavar="N",
        type=shared.number("--votes", int, 1, 5, "the forms of the prompt are a whole number from 1 to 5"),
        help="ask about each doubtful row in so many forms of the prompt, a call each (default 1)",
    )
    llm.add_argument(
        "--people",
        metavar="SHARE",
        type=shared.number("--people", float, 0, 1, "the share of people is a number from 0 to 1"),
        help="leave this share of the rows asked about for `lookalike review`: those whose votes differ most",
    )
    endpoint.options(llm)


def curate(args: argparse.Namespace) -> None:
    """A synthetic table -> the rows of it that are worth keeping, and what was decided on the others."""
    asking = _asks(args)
    if sharding.in_shards(args.synthetic):
        return sharding.curate(args)
    record = None if args.out == "-" else f"{args.out}.decisions.json"
    if not args.dry_run:
        files.check_outputs(args)
        files.check_paths(args, [args.out, record, args.rejected, args.report])
    from lookalike.curate import curate as curated
    from lookalike.files.suffixes import check_suffix
    from lookalike.files.writing import check_target
    from lookalike.table.schema import Schema

    if args.rejected is not None:
        check_suffix(args.rejected)
    table, real = (files.read(getattr(args, name), args.missing, args) for name in ("synthetic", "real"))
    assert table is not None
    if not args.dry_run:
        check_target(args.out, table)
    options: dict[str, Any] = {
        "text": args.text,
        "label": args.label,
        "only": files.listed(args.only),
        "without": files.listed(args.without) or (),
        "near": args.near,
        "method": args.method,
        "doubt": args.doubt,
        "embed": args.embedder,
        "schema": None if args.schema is None else Schema.load(args.schema),
        "workers": args.workers,
        "seed": args.seed,
        "progress": not args.quiet,
    }
    if asking and args.dry_run:
        most = _most_calls(len(table), args.votes or 1)
        print(f"estimate: at most {most:,} calls; none is made in a dry run")
        options["method"] = "auto"
    elif asking:
        options |= {"annotate": _annotator(args), "people": args.people or 0.0}
    kept, decisions = curated(table, real, report=None if args.dry_run else args.report, **options)
    print(f"{decisions}\n")
    if args.dry_run:
        print("nothing was written: this was a dry run")
        return
    if record is not None:
        decisions.save(record)  # first: no row leaves a table without its decision
        print(f"decisions -> {record}")
    files.write(kept, args.out, table, args)
    print(f"{len(kept):,} rows -> {args.out}")
    if args.rejected is not None:
        files.write(decisions.rejected(table), args.rejected, table, args)
        print(f"dropped rows -> {args.rejected}")
    if args.report is not None:
        print(f"report -> {args.report}")


def _asks(args: argparse.Namespace) -> bool:
    """Whether a language model is asked for labels.

    Raises OptionError for options that do not go together.
    """
    asking = bool(args.llm or args.model)
    wrong = [f"--{name.replace('_', '-')}" for name in LLM_OPTIONS if getattr(args, name)]
    if wrong and not asking:
        raise OptionError(f"{wrong[0]} is for labels by a language model: add --llm and --model.")
    if not asking:
        return False
    if args.model is None:
        raise OptionError("the model is not named: add  --model NAME.")
    if args.method != "relabel":
        raise OptionError("a language model gives new labels: add  --method relabel.")
    if args.label is None:
        raise OptionError("the column of labels is not named: add  --label COL.")
    if args.only is not None and "labels" not in (files.listed(args.only) or ()):
        raise OptionError("--only leaves out the check 'labels', which the language model is for: add it.")
    if args.out == "-":
        raise OptionError("the replies are kept beside the output: name a file in place of '-'.")
    endpoint.check_prices(args)
    if args.people and (args.votes or 1) < 2:
        raise OptionError("--people needs several votes on a label, which can differ: add  --votes 3.")
    return True


def _annotator(args: argparse.Namespace) -> Annotator:
    """The language model, with its replies in OUT.run, so that the same command asks nothing twice."""
    from lookalike.annotator import Annotator
    from lookalike.run import Run

    run = Run(f"{args.out}.run")
    run.folder.mkdir(exist_ok=True)
    args.kept = Path(run.folder)
    llm = endpoint.language_model(args, run.ledger)
    return Annotator(llm, args.task, args.votes or 1, progress=not args.quiet)


def _most_calls(rows: int, votes: int) -> int:
    from lookalike.curate.annotating import ROUNDS
    from lookalike.curate.relabel import ASKED_AGAIN

    return max(1, int(ASKED_AGAIN * rows)) * ROUNDS * votes
