"""What the verbs of the command line do: one short function each.

Heavy packages are imported inside them, so that `lookalike --help` is instant. What a user can get wrong is
checked before the expensive work.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.errors import DataError, OptionError
from lookalike.progress import say, stage

if TYPE_CHECKING:
    import pandas as pd

    from lookalike.difflm import DiffLM
    from lookalike.table.schema import Schema

INPUTS = ("real", "synthetic", "holdout", "table", "given", "like", "schema")  # they name files to read
REPORTS = (".html", ".json")
LLM_OPTIONS = (
    *("text", "label", "task", "run", "attributes", "templates", "temperature", "embedder"),
    *("max_calls", "max_tokens", "max_cost", "price_in", "price_out", "dry_run"),
)


def generate(args: argparse.Namespace) -> int:
    """REAL -> a synthetic table and the report on it, in one go."""
    _check_outputs(args, reports=[args.report])
    if _by_llm(args):
        return _written(args)
    from lookalike import pipeline
    from lookalike.files.writing import check_target

    real, schema = _real(args)
    check_target(args.out, real)
    _resume(args, _run_folder(args.out))
    synthetic, report = pipeline.generate(
        real,
        args.rows,
        schema=schema,
        where=args.where,
        target=args.target,
        holdout=_read(args.holdout, schema.missing, args),
        max_time=args.max_time,
        seed=args.seed,
        device=args.device,
        backbone=args.backbone,
        lora=args.lora,
        threads=args.threads,
        checkpoint=args.checkpoint,
        out=args.out,
        show_real=args.show_real,
        names=_file_names(args, synthetic=args.out),
        progress=not args.quiet,
    )
    print(f"{report}\n")
    _save_reports(report, [args.report])
    print(f"{len(synthetic):,} rows -> {args.out}")
    return _gate(report, args.fail_under)


def _by_llm(args: argparse.Namespace) -> bool:
    """Whether a language model writes the table; options of the other way are a mistake."""
    asked = [f"--{name}" for name in ("llm", "model") if getattr(args, name)]
    others = ("where", "max_time", "backbone", "lora", "schema") if asked else LLM_OPTIONS
    wrong = [f"--{name.replace('_', '-')}" for name in others if getattr(args, name)]
    if wrong and asked:
        raise OptionError(f"{wrong[0]} is for a table that is learned here: leave it or {asked[0]} out.")
    if wrong:
        raise OptionError(f"{wrong[0]} is for a language model that writes the table: add --llm and --model.")
    return bool(asked)


def _written(args: argparse.Namespace) -> int:
    """REAL -> rows that a language model writes, everything that led to them in a run folder, the report."""
    if not args.text:
        raise OptionError("which column holds the text is not said: add  --text COL.")
    if "-" in (args.real, args.holdout):
        raise OptionError("a run reads its tables again when it is resumed: name a file in place of '-'.")
    from lookalike import pipeline, run
    from lookalike.evaluate import evaluate
    from lookalike.files.writing import check_target, write_table
    from lookalike.llm import LLM, Budget
    from lookalike.prompting import SynAlign

    folder = Path(args.run) if args.run else _run_folder(args.out)
    run.check(folder)
    real, schema = _real(args)
    holdout = _read(args.holdout, args.missing, args)
    pipeline.check(real, args.rows, args.target or args.label, holdout)
    check_target(args.out, real)
    names = [name.strip() for name in (args.attributes or "").split(",") if name.strip()]
    with run.begun(folder, vars(args)) as ledger:
        llm = LLM(
            args.model,
            args.llm,
            args.key,
            ledger=ledger,
            budget=Budget(args.max_calls, args.max_tokens, args.max_cost, args.price_in, args.price_out),
            concurrency=args.concurrency,
        )
        writer = SynAlign(
            llm,
            args.text if len(args.text) > 1 else args.text[0],
            args.label,
            method=args.method,
            demonstrations=args.demonstrations,
            gen_size=args.gen_size,
            embed=args.embedder,
            attributes="propose" if names == ["propose"] else names or None,
            task=args.task,
            templates=args.templates,
            **({} if args.temperature is None else {"temperature": args.temperature}),
            seed=args.seed,
            progress=not args.quiet,
        ).fit(real, schema)
        print(f"estimate: at least {writer.estimate(args.rows)}", flush=True)
        if args.dry_run:
            print(run.shown(writer.requests(args.rows)))
            return 0
        args.checkpoint = folder
        try:
            synthetic = writer.sample(args.rows)
        except BaseException:
            run.keep(folder, writer, whole=False)  # what was made by then, whatever stopped it
            raise
        run.keep(folder, writer)
        if not len(synthetic):
            raise run.nothing(writer, args.out)
    write_table(synthetic, args.out, real.attrs.get("layout"))
    columns = list(synthetic.columns)  # keys of the real table are not made up
    report = evaluate(
        real[columns],
        synthetic,
        holdout if holdout is None else holdout[columns],
        target=args.target or args.label,
        text=args.text[0],
        seed=args.seed,
        show_real=args.show_real,
        names=_file_names(args, synthetic=args.out),
        progress=not args.quiet,
    )
    print(f"{report}\n\n{run.told(writer)}")
    _save_reports(report, [str(folder / "report.html"), str(folder / "report.json"), args.report])
    print(f"{len(synthetic):,} rows -> {args.out}; how each was made -> {folder}")
    return _gate(report, args.fail_under)


def resume(args: argparse.Namespace) -> int:
    """A run folder -> the command that made it, given again: the replies that it paid for are read back."""
    from lookalike import run
    from lookalike.cli.parser import main

    key = [f"--key={args.key}"] if args.key else []
    return main(["generate", f"--config={run.config(args.run)}", *key, *(["--quiet"] if args.quiet else [])])


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
        _check_paths(args, [args.out])
    from lookalike.codec import dropped_notes

    real, found = _real(args)
    print(found)
    for note in [*found.notes(), *dropped_notes(real, found)]:
        print(f"note: {note}")
    if args.out is not None:
        found.save(args.out)
        print(f"schema -> {args.out}")


def fit(args: argparse.Namespace) -> None:
    """REAL -> MODEL_DIR; the checkpoint lies inside it until the model is complete."""
    folder = Path(args.out)
    _check_folder(folder)
    from lookalike.pipeline import close

    real, schema = _real(args)
    from lookalike.difflm import DiffLM
    from lookalike.difflm.storage import check_same_table

    model = DiffLM(
        max_time=args.max_time,
        seed=args.seed,
        device=args.device,
        backbone=args.backbone,
        lora=args.lora,
        threads=args.threads,
        progress=not args.quiet,
    )
    if not args.force:
        check_same_table(folder, real)
    _resume(args, folder / "checkpoint")
    with stage(f"learned {len(real):,} rows of {len(real.columns)} columns", progress=not args.quiet):
        model.fit(real, schema=schema, checkpoint=args.checkpoint)
    model.save(folder)
    model.schema.save(folder / "schema.json")  # to read, and to edit a copy of for --schema
    close(args.checkpoint, model)
    print(f"{model.schema}\n")
    if model.shortfall is not None:
        print(f"{model.shortfall}\n")
    print(f"model -> {folder}")


def sample(args: argparse.Namespace) -> None:
    """MODEL_DIR -> OUT, chunk by chunk, so that memory does not grow with the number of rows."""
    _check_outputs(args)
    if args.rows is None and args.given is None:
        raise OptionError("how many rows is not said: add  -n ROWS  (only --given has a number of its own).")
    import pandas as pd

    from lookalike.codec import parse_where
    from lookalike.files.writing import ChunkWriter, check_target

    model = _load(args)
    check_target(args.out, pd.DataFrame(columns=model.schema.names))
    given = _read(args.given, model.schema.missing, args)
    rows = len(given) if args.rows is None and given is not None else args.rows
    chunks = model.sample_chunks(
        rows,
        where=parse_where(args.where, model.schema, model.codec.known()),
        given=given,
        like=_read(args.like, model.schema.missing, args),
        strength=args.strength,
        balance=args.balance,
        temperature=args.temperature,
        top_p=args.top_p,
        valid_only=args.valid_only,
        seed=args.seed,
    )
    written = 0
    with ChunkWriter(args.out, model.schema.layout) as writer:
        for chunk in chunks:
            writer.write(chunk)
            written += len(chunk)
        if not written:  # an earlier table stays
            raise DataError(f"no row could be made, so {args.out} is not written: ease the conditions.")
    if model.accepted is not None:
        good, drawn = model.accepted
        print(f"{good:,} of {drawn:,} drawn rows parse ({good / drawn:.1%})")
    print(f"{written:,} rows -> {args.out}")


def impute(args: argparse.Namespace) -> None:
    """MODEL_DIR and a TABLE with gaps -> the same table without them."""
    _check_outputs(args)
    from lookalike.files.reading import read_table
    from lookalike.files.writing import check_target, write_table

    model = _load(args)
    table = read_table(args.table, model.schema.missing, **_how(args))
    check_target(args.out, table.dropna())
    full = model.impute(table, seed=args.seed)
    write_table(full, args.out, table.attrs.get("layout"))
    filled = int(table.isna().to_numpy().sum() - full.isna().to_numpy().sum())
    print(f"{filled:,} missing cells filled, {len(full):,} rows -> {args.out}")


def align(args: argparse.Namespace) -> None:
    """A real and a synthetic table -> rows of the synthetic one that are distributed like the real ones."""
    _check_outputs(args, reports=[args.json])
    if args.json is not None and Path(args.json).suffix != ".json":
        raise OptionError(f"{args.json}: the figures are written as .json: choose such a name.")
    from lookalike import pipeline
    from lookalike.files.writing import check_target, write_table

    tables = _tables(args)
    check_target(args.out, tables["synthetic"])
    aligned, alignment = pipeline.align(
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
    write_table(aligned, args.out, tables["synthetic"].attrs.get("layout"))
    print(f"{alignment}\n")
    _save_reports(alignment, [args.json])
    print(f"{len(aligned):,} rows -> {args.out}")


def evaluate(args: argparse.Namespace) -> int:
    """Two tables -> the report on how alike they are."""
    _check_outputs(args, reports=[args.out, args.json])
    from lookalike.evaluate import evaluate as measure

    tables = _tables(args)
    report = measure(
        **tables,
        target=args.target,
        text=args.text,
        ids=args.id,
        seed=args.seed,
        only=[name.strip() for name in args.only.split(",")] if args.only else None,
        quick=args.quick,
        show_real=args.show_real,
        names=_file_names(args, synthetic=args.synthetic),
        progress=not args.quiet,
    )
    print(f"{report}\n")
    _save_reports(report, [args.out, args.json])
    return _gate(report, args.fail_under)


# --- what the verbs share --------------------------------------------------------------------------------


def _read(path: str | None, missing: Collection[Any], args: argparse.Namespace) -> pd.DataFrame | None:
    from lookalike.files.reading import read_table

    return None if path is None else read_table(path, missing, **_how(args))


def _tables(args: argparse.Namespace) -> dict[str, Any]:
    """The tables that are compared, by the names of the options."""
    return {name: _read(getattr(args, name), args.missing, args) for name in ("real", "synthetic", "holdout")}


def _how(args: argparse.Namespace) -> dict[str, Any]:
    """What the options say of how the tables are written."""
    return {"encoding": args.encoding, "sep": args.sep, "decimal": args.decimal}


def _run_folder(out: str) -> Path:
    """Where a run to this file goes on from."""
    return Path("stdout.run" if out == "-" else f"{out}.run")


def _load(args: argparse.Namespace) -> DiffLM:
    from lookalike.difflm import DiffLM

    return DiffLM.load(
        args.model,
        device=args.device,
        backbone=args.backbone,
        threads=args.threads,
        progress=not args.quiet,
    )


def _real(args: argparse.Namespace) -> tuple[pd.DataFrame, Schema]:
    """REAL and its schema: that of --schema, or else the inferred one; --keep-rare counts for both."""
    from lookalike.pipeline import read_real
    from lookalike.table.inferring import infer
    from lookalike.table.schema import Schema

    given = Schema.load(args.schema) if getattr(args, "schema", None) else None
    missing = args.missing or (given.missing if given else ())
    real = read_real(args.real, missing=missing, seed=args.seed, **_how(args))
    if given is None:
        schema = infer(real, missing, source=args.real, keep_rare=args.keep_rare)
    else:
        schema = given
        schema.missing = tuple(missing)
        schema.layout = schema.layout or real.attrs.get("layout", {})
        for column in schema.columns if args.keep_rare else []:
            column.min_rows = 1
    schema.set_kinds(args.kind)
    return real, schema


def _file_names(args: argparse.Namespace, synthetic: str) -> dict[str, str]:
    """What the report calls the tables: their files, without the folders."""
    files = {"real": args.real, "synthetic": synthetic, "holdout": args.holdout}
    return {table: Path(path).name for table, path in files.items() if path is not None}


def _check_outputs(args: argparse.Namespace, reports: Sequence[str | None] = ()) -> None:
    """Whatever makes a result impossible to write is found before hours of work, not after."""
    if [getattr(args, name, None) for name in INPUTS].count("-") > 1:
        raise OptionError("two tables cannot come from standard input: name a file in place of one '-'.")
    tables = [] if args.out in reports else [args.out]
    _check_paths(args, [*tables, *reports])
    for report in reports:
        if report is not None and Path(report).suffix not in REPORTS:
            raise OptionError(f"{report}: a report is written as {' or '.join(REPORTS)}: choose such a name.")
    if tables:
        from lookalike.files.suffixes import check_suffix

        check_suffix(args.out)


def _check_paths(args: argparse.Namespace, outputs: Sequence[str | None]) -> None:
    """An output is a file in a folder that exists, and no input of the command."""
    inputs = [value for name in INPUTS if (value := getattr(args, name, None))]
    for path in [Path(path) for path in outputs if path is not None]:
        if not path.parent.is_dir():
            raise OptionError(f"{path}: the folder {path.parent} does not exist: make it first.")
        if path.is_dir():
            raise OptionError(f"{path} is a folder: name a file to write to.")
        if any(path.exists() and Path(other).exists() and path.samefile(other) for other in inputs):
            raise OptionError(f"{path} is an input of this command: choose another file to write to.")


def _check_folder(folder: Path) -> None:
    """A model may go into a new folder, an empty one, or over an earlier model or its checkpoint."""
    if str(folder) == "-":
        raise OptionError("a model is a folder, which standard output cannot be: name one.")
    if not folder.absolute().parent.is_dir():
        raise OptionError(f"{folder}: the folder {folder.parent} does not exist: make it first.")
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{folder} is a file: a model is a folder, choose another name.")
    ours = (folder / "model.json").exists() or (folder / "checkpoint").exists()
    if folder.is_dir() and any(folder.iterdir()) and not ours:
        raise OptionError(f"{folder} holds other files: choose a new or an empty folder.")


def _save_reports(report: Any, paths: Sequence[str | None]) -> None:
    for path in paths:
        if path is not None:
            report.save(path)
            print(f"report -> {path}")


def _gate(report: Any, wanted: str | None) -> int:
    """3 if a figure is worse than --fail-under says, each with a sentence on stderr."""
    failed = report.failures(wanted) if wanted else []
    for sentence in failed:
        print(f"lookalike: {sentence}", file=sys.stderr)
    return 3 if failed else 0


def _resume(args: argparse.Namespace, checkpoint: Path) -> None:
    """Say that an earlier run left something to go on from; whether it fits is for the training to see."""
    args.checkpoint = checkpoint
    if checkpoint.exists():
        say(f"going on from the checkpoint in {checkpoint}, if it is of this table", progress=not args.quiet)
