"""`lookalike curate`: from options to the call of `curate`, and what it writes."""

from __future__ import annotations

import argparse

from lookalike.cli import files, sharding


def curate(args: argparse.Namespace) -> None:
    """A synthetic table -> the rows of it that are worth keeping, and what was decided on the others."""
    if sharding.in_shards(args.synthetic):
        return sharding.curate(args)
    record = None if args.out == "-" else f"{args.out}.decisions.json"
    if not args.dry_run:
        files.check_outputs(args)
        files.check_paths(args, [args.out, record, args.rejected])
    from lookalike.curate import curate as curated
    from lookalike.files.suffixes import check_suffix
    from lookalike.files.writing import write_table
    from lookalike.table.schema import Schema

    if args.rejected is not None:
        check_suffix(args.rejected)
    table, real = (files.read(getattr(args, name), args.missing, args) for name in ("synthetic", "real"))
    assert table is not None
    kept, decisions = curated(
        table,
        real,
        text=args.text,
        label=args.label,
        only=files.listed(args.only),
        without=files.listed(args.without) or (),
        near=args.near,
        method=args.method,
        embed=args.embedder,
        schema=None if args.schema is None else Schema.load(args.schema),
        seed=args.seed,
        progress=not args.quiet,
    )
    print(f"{decisions}\n")
    if args.dry_run:
        print("nothing was written: this was a dry run")
        return
    write_table(kept, args.out, table.attrs.get("layout"))
    print(f"{len(kept):,} rows -> {args.out}")
    if record is not None:
        decisions.save(record)
        print(f"decisions -> {record}")
    if args.rejected is not None:
        write_table(decisions.rejected(table), args.rejected)
        print(f"dropped rows -> {args.rejected}")
