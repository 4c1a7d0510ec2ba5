"""`lookalike review`: from options to the page that people answer, and the files that it leaves."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.cli import files
from lookalike.defaults import QUEUE
from lookalike.errors import OptionError
from lookalike.progress import say, waiting, working

if TYPE_CHECKING:
    import pandas as pd

    from lookalike.review.reviewing import Review


def review(args: argparse.Namespace) -> None:
    """A table -> the table as people corrected it, what they decided, and how far they agree."""
    if args.agreement:
        _agreement(args)
        return
    if args.table is None or args.out is None:
        raise OptionError(
            "the table or the output is not given: write  lookalike review TABLE -o OUT  or  --agreement A B."
        )
    if args.out == "-":
        raise OptionError("a review keeps its answers beside the output: name a file in place of '-'.")
    out = {name: f"{args.out}.{name}" for name in ("review", "decisions.json", "answers.jsonl")}
    files.check_outputs(args)
    files.check_paths(args, [args.out, *out.values(), args.static])
    if args.static is not None and args.imported is not None:
        raise OptionError("--static writes a page and --import takes its answers back: give one of them.")
    if args.static is not None and Path(args.static).suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"--static {args.static}: it is a page: choose a name that ends in .html.")
    from lookalike.decisions import Decisions
    from lookalike.files.writing import check_target
    from lookalike.review.reviewing import Review

    table, real = (files.read(getattr(args, name), args.missing, args) for name in ("table", "real"))
    assert table is not None
    check_target(args.out, table)
    with working("choosing the rows to look at", progress=not args.quiet):
        begun = Review.of(
            table,
            None if args.decisions is None else Decisions.load(args.decisions),
            real,
            args.label,
            args.text,
            args.pair,
            queue=QUEUE if args.queue is None else args.queue,
            answers=out["review"],
            limit=args.limit,
            seed=args.seed,
        )
    with begun as one:
        if args.static is not None:
            with working("writing the page", progress=not args.quiet):
                _static(args, one)
            return
        if args.imported is not None:
            _import(args, one)
        else:
            title = Path(args.table).name
            with waiting():
                one.serve(title, args.reviewer, args.port, lambda: _write(args, one, table, out))
        _write(args, one, table, out)
        if args.imported is None:
            print(f"to go on: the same command; the answers are in {out['review']}")


def _write(args: argparse.Namespace, one: Review, table: pd.DataFrame, out: dict[str, str]) -> None:
    """The answers, the decisions on the table, and the corrected table."""
    from lookalike.review import exchange

    for line in one.summary():
        print(line)
    count = exchange.write(out["answers.jsonl"], one.store.state(), one.items, one.store.fact("table"))
    print(f"{count:,} answers -> {out['answers.jsonl']}")
    if not count:
        print(f"{args.out} is not written, as nothing was answered")
        return
    corrected, decisions = one.outcome()
    decisions.save(out["decisions.json"])
    print(f"decisions -> {out['decisions.json']}")
    if not len(corrected):
        say(f"{args.out} is not written: every row was rejected.")
        return
    files.write(corrected, args.out, table, args)
    print(f"{len(corrected):,} rows -> {args.out}")


def _static(args: argparse.Namespace, one: Review) -> None:
    """The page that works from disk, with its rows inside."""
    from lookalike.atomic import replace_text
    from lookalike.errors import file_errors
    from lookalike.review import exchange
    from lookalike.review.server import config

    told = config(one.cards, Path(args.table).name, one.limit, args.reviewer)
    told["saved"] = f"{Path(args.static).stem}.answers.jsonl"
    source = exchange.static_page(one.cards, one.items, told, one.store.fact("table"))
    with file_errors(args.static, "written"):
        replace_text(args.static, source)
    print(f"a page of {len(one.items):,} items -> {args.static}")
    print(f"its answers come back by  lookalike review ... -o {args.out} --import FILE")


def _import(args: argparse.Namespace, one: Review) -> None:
    """The answers that were given elsewhere; a file that is read again adds nothing."""
    from lookalike.review import exchange

    found = exchange.read(args.imported, one.cards, one.store.fact("table"))
    fresh = sum(one.store.add(answer) for answer in found.answers)
    known = len(found.answers) - fresh
    print(f"{fresh:,} answers from {args.imported}" + (f", {known:,} were known" if known else ""))
    for note in found.notes:
        print(f"note: {note}")


def _agreement(args: argparse.Namespace) -> None:
    """How far the reviewers of several files agree."""
    from lookalike.review import exchange
    from lookalike.review.outcome import agreement

    named = [(path, exchange.said(path)) for path in args.agreement]
    people = [{one.reviewer for one in some} for _, some in named]
    clash = len(set().union(*people)) < sum(map(len, people))
    answers: dict[object, list[tuple[str, object]]] = {}
    for path, some in named:
        for one in sorted(some, key=lambda one: one.turn):
            if one.answer != "skip":
                place = one.place if isinstance(one.place, int) else tuple(sorted(one.place.items()))
                who = f"{one.reviewer} ({Path(path).name})" if clash else one.reviewer
                value = tuple(sorted(one.value.items())) if isinstance(one.value, dict) else one.value
                answers.setdefault(place, []).append((who, (one.answer, value)))
    for line in agreement(answers) or ["no item has two answers, so that agreement cannot be told"]:
        print(line)
