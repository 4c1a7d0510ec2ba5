"""Options and verbs for work in shards: `lookalike sample MODEL -n 1e9 -o DIR/ --shards 1000`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lookalike.cli import files, shared
from lookalike.defaults import DOUBTS, LABEL_METHODS
from lookalike.errors import DataError, OptionError
from lookalike.files.place import is_url

Parser = argparse.ArgumentParser


def options(one: Parser) -> None:
    """How many shards, and who makes them."""
    group = one.add_argument_group("in shards (OUT is then a folder, or its URL such as s3://bucket/made/)")
    group.add_argument(
        "--shards", metavar="N", type=shared.count("--shards"), help="Parquet files to deal the rows to"
    )
    group.add_argument(
        "--shard",
        metavar="I",
        type=shared.number("--shard", int, 0, 2**31, "shards count from 0"),
        help="make this one alone, from 0, as one task of a Slurm array or of Kubernetes does",
    )
    crew(group)
    group.add_argument(
        "--gpus-each",
        metavar="X",
        type=shared.number("--gpus-each", float, 0, 1024, "write a number of at least 0"),
        default=0,
        help="GPUs of a worker, with ray (default 0)",
    )


def written(one: Parser) -> None:
    """How many shards a language model writes: `cli/dealing.py`."""
    one.add_argument(
        "--shards",
        metavar="N",
        type=shared.count("--shards"),
        help="with --llm: OUT is a folder of so many Parquet files, each with a ledger of its own; one "
        "budget and one rate for all",
    )
    one.add_argument(
        "--shard",
        metavar="I",
        type=shared.number("--shard", int, 0, 2**31, "shards count from 0"),
        help="with --shards: write this one alone, counted from 0",
    )
    one.add_argument(
        "--workers",
        metavar="N",
        type=shared.count("--workers"),
        help="with --shards: processes that write at once, with --concurrency calls in all (default 1)",
    )
    one.add_argument(
        "--engine",
        metavar="NAME",
        default="processes",
        help="with --shards: processes (default) or ray, on this machine",
    )


def crew(group: argparse._ActionsContainer) -> None:
    """Who does the work."""
    group.add_argument(
        "--workers",
        metavar="N",
        type=shared.count("--workers"),
        help="processes at once (default: one for each core; with ray as many as there is room for)",
    )
    group.add_argument(
        "--engine",
        metavar="NAME",
        default="processes",
        help="processes (default), ray, or ray://HOST:PORT of a cluster",
    )


def in_shards(path: str) -> bool:
    """Whether a table is in shards: a folder of tables or a pattern, here or behind a URL. Raises DataError
    for an empty folder.
    """
    from lookalike.files.sharded import shard_files

    found = bool(shard_files(path))
    if not found and Path(path).is_dir() and not any(Path(path).iterdir()):
        raise DataError(f"{path} is an empty folder: name that of the table's files.")
    return found


def reading(args: argparse.Namespace) -> dict[str, Any]:
    """How shards are read, and by whom."""
    return {
        "missing": args.missing,
        "how": files.how(args),
        "workers": args.workers,
        "engine": args.engine,
    }


def many(one: Parser) -> None:
    """Options of a verb whose table may be in shards."""
    crew(one.add_argument_group("of a table in shards (a folder of .parquet, .csv or .jsonl files)"))


def is_folder(out: str) -> bool:
    """Whether an output is a folder of shards."""
    return out.endswith("/") or Path(out).is_dir() or (is_url(out) and not Path(out).suffix)


def sample(args: argparse.Namespace) -> None:
    """MODEL_DIR -> OUT, a folder of shards."""
    if args.rows is None:
        raise OptionError("the number of rows is not given: add  -n ROWS.")
    for name in ("given", "like"):
        if getattr(args, name) is not None:
            raise OptionError(f"--{name} is for a single file: leave it out, or --shards.")
    if args.shard is not None and args.shards is None:
        raise OptionError(f"--shard {args.shard} needs the number of all shards: add  --shards N.")
    if not is_url(args.out) and Path(args.out).is_file():
        raise OptionError(f"{args.out} is a file: shards go into a folder, choose another name.")
    from lookalike.shards.sampling import sample_shards

    made = sample_shards(
        args.model,
        args.rows,
        args.out,
        shards=args.shards,
        shard=args.shard,
        where=args.where or None,
        balance=args.balance,
        temperature=args.temperature,
        top_p=args.top_p,
        valid_only=args.valid_only,
        seed=args.seed,
        workers=args.workers,
        engine=args.engine,
        gpus=args.gpus_each,
        device=args.device,
        threads=args.threads or 1,
        backbone=args.backbone,
        progress=not args.quiet,
    )
    print(made)


def curate(args: argparse.Namespace) -> None:
    """A synthetic table in shards -> OUT, a folder of as many, without the rows that are dropped."""
    whole = ("rejected", "embedder", "report", "llm")  # what needs all rows at once
    for name, usual in (
        *((name, None) for name in whole),
        ("method", LABEL_METHODS[0]),
        ("doubt", DOUBTS[0]),
    ):
        if getattr(args, name) != usual:
            raise OptionError(f"--{name} needs the table in one file: leave it out of work in shards.")
    if not args.dry_run and not is_folder(args.out) and Path(args.out).suffix:
        raise OptionError(
            f"{args.out}: a table in shards is curated into a folder: name one, such as curated/."
        )
    from lookalike.shards.curating import curate_shards
    from lookalike.table.schema import Schema

    made = curate_shards(
        args.synthetic,
        None if args.dry_run else args.out,
        files.read(args.real, args.missing, args),
        text=args.text,
        label=args.label,
        only=files.listed(args.only),
        without=files.listed(args.without) or (),
        near=args.near,
        schema=None if args.schema is None else Schema.load(args.schema),
        seed=args.seed,
        progress=not args.quiet,
        **reading(args),
    )
    print(f"{made}\n")
    print("nothing was written: this was a dry run" if args.dry_run else f"{made.kept:,} rows -> {args.out}")


def align(args: argparse.Namespace) -> None:
    """A synthetic table in shards -> OUT, a folder of as many, of rows distributed like real ones."""
    if not is_folder(args.out) and Path(args.out).suffix:
        raise OptionError(f"{args.out}: a table in shards is aligned into a folder: name one, as aligned/.")
    files.check_paths(args, [args.json])
    from lookalike.shards.aligning import align_shards

    made, alignment = align_shards(
        files.read(args.real, args.missing, args),
        args.synthetic,
        args.rows,
        args.out,
        text=args.text,
        label=args.label,
        method=args.method,
        embed=args.embedder,
        most_repeats=args.most_repeats,
        holdout=files.read(args.holdout, args.missing, args),
        seed=args.seed,
        progress=not args.quiet,
        **reading(args),
    )
    print(f"{alignment}\n")
    files.save_reports(alignment, [args.json])
    print(made)
