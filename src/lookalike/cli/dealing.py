"""`lookalike generate --llm --shards N`: the rows of a language model into a folder of shards."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.cli import files, generating
from lookalike.cli.endpoint import language_model
from lookalike.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

    from lookalike.evaluate import Report
    from lookalike.table.schema import Schema

UNFIT = {  # option -> why shards have none
    "recipe": "shards are of rows that demonstrations lead to",
    "then": "sample the model in shards:  lookalike sample MODEL --shards N",
    "curate": "curate the shards when they are there:  lookalike curate OUT/ --real REAL -o DIR/",
    "run": "each shard has a run of its own in OUT",
    "grow": "a plan that grows looks at all rows at once",
}
REPORTS = ("_report.html", "_report.json")


def generate(args: argparse.Namespace) -> int:
    """REAL -> a synthetic table and the report on it, in one file or in shards."""
    for name in ("shard", "workers"):
        if getattr(args, name) is not None and not args.shards:
            raise OptionError(f"--{name} is for work in shards: add  --shards N.")
    if args.engine != "processes" and not args.shards:
        raise OptionError("--engine is for work in shards: add  --shards N.")
    return _in_shards(args) if args.shards else generating.generate(args)


def _in_shards(args: argparse.Namespace) -> int:
    _check(args)
    from lookalike import options as kept
    from lookalike.inputs import check
    from lookalike.run import CONFIG, lasting_options
    from lookalike.shards.generating import generate_shards

    real, schema = files.real_table(args)
    holdout = files.read(args.holdout, schema.missing, args)
    check(real, args.rows, args.target or args.label, holdout)
    writer, out = generating.synalign(args, language_model(args, None)), Path(args.out)
    if args.dry_run:
        writer.fit(real, schema)
        writer.deal(args.rows, args.shards)
        few = writer.requests(min(args.rows, generating.FEW))
        print(f"estimate: at least {writer.estimate(args.rows)}\n{generating.prompts(few)}")
        return 0

    def begun(_: Any) -> None:
        kept.write(out / CONFIG, lasting_options(vars(args) | {"shard": None}))
        args.kept = out

    try:
        made = generate_shards(
            real,
            args.rows,
            writer,
            out,
            shards=args.shards,
            shard=args.shard,
            schema=schema,
            on_fit=begun,
            workers=args.workers or 1,
            engine=args.engine,
            progress=not args.quiet,
        )
    except KeyboardInterrupt:
        spent = writer.llm.budget.spent
        paid = f"{spent.calls:,} calls so far, {spent.tokens_in:,} + {spent.tokens_out:,} tokens"
        print(f"lookalike: {paid}; a call that was cut off counts as the most it can cost.", file=sys.stderr)
        raise
    print(made)
    if made.stopped is not None:
        print(f"lookalike: {made.left:,} shards are missing: {made.stopped}", file=sys.stderr)
        return 4
    if args.shard is not None:  # whoever writes the others compares them
        return 0
    report = _compared(args, real, schema, holdout)
    print(f"\n{report}\n")
    files.save_reports(report, [*(str(out / name) for name in REPORTS), args.report])
    return files.gate(report, args.fail_under)


def _check(args: argparse.Namespace) -> None:
    """Raises OptionError for what does not go with shards, before anything is read."""
    for name, why in UNFIT.items():
        if getattr(args, name):
            raise OptionError(f"--{name} and --shards do not go together: {why}.")
    generating.asks(args)
    if args.shard is not None and args.workers is not None:
        raise OptionError("--shard is written by one process: leave --workers out.")
    if args.rows is None:
        raise OptionError("the number of rows is not given: add  -n ROWS.")
    if args.out == "-" or Path(args.out).is_file():
        raise OptionError(f"{args.out} is not a folder: shards go into one, choose another name.")
    if Path(args.out).suffix in (".csv", ".parquet", ".jsonl", ".xlsx"):
        raise OptionError(f"{args.out}: shards go into a folder, such as {Path(args.out).stem}/.")
    files.check_paths(args, [args.report])


def _compared(
    args: argparse.Namespace, real: pd.DataFrame, schema: Schema, holdout: pd.DataFrame | None
) -> Report:
    """The report on all shards, on the columns that were written."""
    from lookalike.files.reading import read_table
    from lookalike.files.sharded import shard_files
    from lookalike.shards.evaluating import evaluate_shards

    first = read_table(shard_files(args.out)[0], progress=False)
    columns = [name for name in real.columns if name in first.columns]
    return evaluate_shards(
        real[columns],
        args.out,
        None if holdout is None else holdout[columns],
        args.target or args.label,
        args.text[0],
        args.seed,
        schema=schema,
        show_real=args.show_real,
        names=files.names(args, synthetic=args.out),
        progress=not args.quiet,
    )
