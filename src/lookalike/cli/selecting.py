"""`lookalike select`: the rows of a table whose labels would teach most."""

from __future__ import annotations

import argparse

from lookalike.cli import files, shared
from lookalike.defaults import SELECT_METHODS


def options(one: argparse.ArgumentParser) -> None:
    one.add_argument("table", metavar="TABLE", help="the rows to choose of")
    shared.rows(one, "rows to choose", required=True)
    one.add_argument(
        "-o", "--out", metavar="OUT", required=True, help="the chosen rows, the most useful first"
    )
    one.add_argument("--text", metavar="COL", help="compare this column of text (default: whole rows)")
    one.add_argument(
        "--label",
        metavar="COL",
        help="the column of labels: rows that have one are not chosen, but learned from",
    )
    one.add_argument(
        "--method",
        choices=SELECT_METHODS,
        default=SELECT_METHODS[0],
        help=f"how they are chosen (default {SELECT_METHODS[0]}: one row of each cluster); entropy and "
        "confidence need labels",
    )
    one.add_argument(
        "--compare",
        action="store_true",
        help="say for every method how far the other rows are from its choice",
    )
    one.add_argument("--embedder", metavar="NAME", help=shared.EMBEDDER)
    shared.missing(one)
    shared.usual(one)


def select(args: argparse.Namespace) -> None:
    """A table -> the rows to label next, with their place in it."""
    files.check_outputs(args)
    from lookalike.curate.selecting import compared
    from lookalike.curate.selecting import select as selected

    table = files.read(args.table, args.missing, args)
    assert table is not None
    files.check_text(table, args.text, args.table)
    given = {"text": args.text, "label": args.label, "embed": args.embedder, "seed": args.seed}
    if args.compare:
        for method, words in compared(table, args.rows, progress=not args.quiet, **given).items():
            print(f"{method:12}{words}")
    chosen = selected(table, args.rows, args.method, progress=not args.quiet, **given)
    files.write(chosen, args.out, table, args)
    print(f"{len(chosen):,} rows by '{args.method}' -> {args.out}; 'row' is their place in {args.table}")
    if len(chosen) < args.rows:
        print(f"note: no other row has no label, so there are {len(chosen):,} instead of {args.rows:,}")
