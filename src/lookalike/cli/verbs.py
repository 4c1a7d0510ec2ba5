"""What the verbs of the command line do: one short function each, from options to objects and their call.

Heavy packages are imported inside them, so that `lookalike --help` is instant. What a user can get wrong is
checked before the expensive work.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.cli import files, fitting, sharding
from lookalike.cli.agent import agent
from lookalike.cli.curating import curate
from lookalike.cli.dealing import generate
from lookalike.cli.generating import difflm
from lookalike.cli.judging import judge
from lookalike.cli.recipes import recipe
from lookalike.cli.reviewing import review
from lookalike.cli.selecting import select
from lookalike.errors import DataError, OptionError
from lookalike.progress import say, stage, working

if TYPE_CHECKING:
    from lookalike.difflm import DiffLM
    from lookalike.evaluate import Report


def prompts(args: argparse.Namespace) -> None:
    """The templates of the prompts, on the screen or in a folder to be edited."""
    from lookalike.prompting import templates

    shown = templates.show(args.templates)
    if args.out is None:
        print("\n\n".join(f"--- {name} ---\n{source.strip()}" for name, source in shown.items()))
        return
    folder = Path(args.out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OptionError(f"{folder} exists: choose a new folder, so that no edited prompt is overwritten.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in shown.items():
        (folder / name).write_text(source, encoding="utf-8")
    print(f"{len(shown)} templates -> {folder}")


def schema(args: argparse.Namespace) -> None:
    """REAL -> its schema and what was decided on the way, on the screen or in a file to be edited."""
    if args.out is not None:
        if Path(args.out).suffix != ".json":
            raise OptionError(f"{args.out}: a schema is written as .json: choose such a name.")
        files.check_paths(args, [args.out])
    from lookalike.codec import dropped_notes
    from lookalike.rules import rules_of, with_vocabularies

    real, found = files.real_table(args)
    with working("looking for rules between the columns", progress=not args.quiet):
        rules = rules_of(real, found, args.seed)
        found = with_vocabularies(real, found, rules)
        found.rules = list(rules)
    print(found)
    for note in [*found.notes(), *dropped_notes(real, found)]:
        print(f"note: {note}")
    if args.out is not None:
        found.save(args.out)
        print(f"schema -> {args.out}")


def fit(args: argparse.Namespace) -> int:
    """REAL -> MODEL_DIR; the checkpoint lies inside it until the model is complete."""
    if fitting.is_many(args):
        return fitting.fit(args, difflm(args))
    folder = Path(args.out)
    files.check_folder(folder)
    real, schema = files.real_table(args)
    model = difflm(args)
    from lookalike.difflm.storage import check_same_table
    from lookalike.pipeline import going_on

    if not args.force:
        check_same_table(folder, real)
    args.kept = folder / "checkpoint"
    if args.kept.exists():
        say(f"going on from the checkpoint in {args.kept}, if it is of this table", progress=not args.quiet)
    rows = f"{len(real):,} rows of {len(real.columns)} columns"
    with stage(f"learned {rows}", under=f"learning {rows}", progress=not args.quiet):
        model.fit(real, schema=schema, checkpoint=args.kept)
    model.save(folder)
    model.schema.save(folder / "schema.json")  # to read, and to edit a copy of for --schema
    if model.stopped:
        going_on(args.kept)
    elif args.kept.is_dir():
        shutil.rmtree(args.kept)
    print(f"{model.schema}\n")
    if model.shortfall is not None:
        print(f"{model.shortfall}\n")
    print(f"model -> {folder}")
    return 0


def sample(args: argparse.Namespace) -> None:
    """MODEL_DIR -> OUT, chunk by chunk, so that memory does not grow with the number of rows."""
    if args.shards or args.shard is not None or sharding.is_folder(args.out):
        return sharding.sample(args)
    files.check_outputs(args)
    if args.rows is None and args.given is None:
        raise OptionError("the number of rows is not given: add  -n ROWS  (only --given needs none).")
    if args.strength is not None and args.like is None:
        raise OptionError("--strength says how far rows are from those of --like: add  --like FILE.")
    with working("loading torch", progress=not args.quiet):
        import pandas as pd

        from lookalike.difflm import DiffLM
        from lookalike.files.writing import ChunkWriter, check_target

    model = fitting.load(args) or _load(args)
    check_target(args.out, pd.DataFrame(columns=model.schema.names))
    chunks = _chunks(args, model) if isinstance(model, DiffLM) else fitting.chunks(args, model)
    written = 0
    with ChunkWriter(args.out, model.schema.layout) as writer:
        for chunk in chunks:
            writer.write(chunk)
            written += len(chunk)
        if not written:  # an earlier table stays
            raise DataError(f"no row could be made, so {args.out} is not written: loosen the conditions.")
    if isinstance(model, DiffLM) and model.accepted is not None:
        good, drawn = model.accepted
        print(f"{good:,} of {drawn:,} drawn rows parse ({good / drawn:.1%})")
    print(f"{written:,} rows -> {args.out}")


def _chunks(args: argparse.Namespace, model: DiffLM) -> Iterator[Any]:
    """The rows that a model draws."""
    from lookalike.codec import parse_where

    given = files.read(args.given, model.schema.missing, args)
    return model.sample_chunks(
        len(given) if args.rows is None and given is not None else args.rows,
        where=parse_where(args.where, model.schema, model.codec.known()),
        given=given,
        like=files.read(args.like, model.schema.missing, args),
        **({} if args.strength is None else {"strength": args.strength}),
        balance=args.balance,
        **{name: value for name in ("temperature", "top_p") if (value := getattr(args, name)) is not None},
        valid_only=args.valid_only,
        seed=args.seed,
    )


def impute(args: argparse.Namespace) -> None:
    """MODEL_DIR and a TABLE with gaps -> the same table without them."""
    files.check_outputs(args)
    from lookalike.files.writing import check_target

    model = _load(args)
    table = files.read(args.table, model.schema.missing, args)
    assert table is not None
    check_target(args.out, table.dropna())
    full = model.impute(table, seed=args.seed)
    files.write(full, args.out, table, args)
    filled = int(table.isna().to_numpy().sum() - full.isna().to_numpy().sum())
    print(f"{filled:,} missing cells filled, {len(full):,} rows -> {args.out}")
    if absent := [str(name) for name in model.schema.names if name not in table.columns]:
        told = ", ".join(absent)
        print(f"note: columns that the table has not are not made: {told}; sample --given makes them")


def align(args: argparse.Namespace) -> None:
    """A real and a synthetic table -> rows of the synthetic one that are distributed like the real ones."""
    if sharding.in_shards(args.synthetic):
        return sharding.align(args)
    files.check_outputs(args, reports=[args.json])
    if args.json is not None and Path(args.json).suffix != ".json":
        raise OptionError(f"{args.json}: the figures are written as .json: choose such a name.")
    from lookalike import aligning
    from lookalike.files.writing import check_target

    tables = files.tables(args)
    check_target(args.out, tables["synthetic"])
    for name, own in tables.items():
        files.check_text(own, args.text, getattr(args, name))
    aligned, alignment = aligning.align(
        **tables,
        n=args.rows,
        text=args.text,
        label=args.label,
        method=args.method,
        embed=args.embedder,
        most_repeats=args.most_repeats,
        seed=args.seed,
        progress=not args.quiet,
    )
    files.write(aligned, args.out, tables["synthetic"], args)
    print(f"{alignment}\n")
    files.save_reports(alignment, [args.json])
    print(f"{len(aligned):,} rows -> {args.out}")


def evaluate(args: argparse.Namespace) -> int:
    """Two tables -> the report on how alike they are; the synthetic one may be in shards."""
    files.check_outputs(args, reports=[args.out, args.json])
    from lookalike.evaluate import evaluate as evaluated
    from lookalike.table.schema import Schema

    compare: Callable[..., Report] = evaluated
    tables: dict[str, Any] = {}
    if sharding.in_shards(args.synthetic):
        from lookalike.shards.evaluating import evaluate_shards

        names = ("real", "holdout")
        tables = {name: files.read(getattr(args, name), args.missing, args) for name in names}
        tables["synthetic"] = args.synthetic
        compare = partial(evaluate_shards, **sharding.reading(args))
    report = compare(
        **(tables or files.tables(args)),
        schema=None if args.schema is None else Schema.load(args.schema),
        target=args.target,
        text=args.text,
        ids=args.id,
        seed=args.seed,
        only=files.listed(args.only),
        quick=args.quick,
        show_real=args.show_real,
        names=files.names(args, synthetic=args.synthetic),
        progress=not args.quiet,
    )
    print(f"{report}\n")
    files.save_reports(report, [args.out, args.json])
    return files.gate(report, args.fail_under)


def _load(args: argparse.Namespace) -> DiffLM:
    fitting.check_single(args.model)
    from lookalike.difflm import DiffLM

    with working(f"loading {args.model}", progress=not args.quiet):
        return DiffLM.load(
            args.model,
            device=args.device,
            backbone=args.backbone,
            threads=args.threads,
            progress=not args.quiet,
        )


# all but `resume`, which becomes the command that began the run: see main.py
VERBS: dict[str, Callable[[argparse.Namespace], int | None]] = {
    "schema": schema,
    "generate": generate,
    "prompts": prompts,
    "recipe": recipe,
    "fit": fit,
    "sample": sample,
    "impute": impute,
    "align": align,
    "curate": curate,
    "select": select,
    "review": review,
    "judge": judge,
    "evaluate": evaluate,
    "agent": agent,
}
