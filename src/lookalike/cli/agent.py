"""`lookalike agent`: what a coding agent needs in one text, made from `SKILL.md` and from the parser."""

from __future__ import annotations

import argparse
from importlib.resources import files

from lookalike.atomic import replace_text
from lookalike.cli.examples import EXAMPLES, EXITS
from lookalike.errors import file_errors

UNTOLD = (["-h", "--help"], ["--config"])  # options that a reader of this needs not


def agent(args: argparse.Namespace) -> None:
    """The text, on the screen or in a file."""
    if args.out in (None, "-"):
        print(text())
        return
    with file_errors(args.out, "written"):
        replace_text(args.out, text() + "\n")
    print(f"skill -> {args.out}")


def text() -> str:
    """The skill, then every verb with its options and examples, then the exit codes."""
    from lookalike.cli.parser import parsers

    skill = files("lookalike").joinpath("SKILL.md").read_text(encoding="utf-8").strip()
    verbs = [_verb(name, one) for name, one in parsers()[1].items()]
    exits = "\n".join(f"- {code}: {meaning}" for code, meaning in EXITS.items())
    return "\n\n".join([skill, "## Verbs", *verbs, "## Exit codes", exits])


def _verb(name: str, one: argparse.ArgumentParser) -> str:
    """One verb: what it does, how it is written, its options, its examples."""
    usage = " ".join(_written(action) for action in one._actions if action.required)
    options = [_option(action) for action in one._actions if action.option_strings not in UNTOLD]
    return "\n".join(
        [
            *(
                f"### lookalike {name}",
                f"{one.description}",
                "",
                f"    lookalike {name} {usage}".rstrip(),
                "",
            ),
            *options,
            f"\nExamples:\n```{EXAMPLES[name]}\n```",
        ]
    )


def _written(action: argparse.Action) -> str:
    """An argument as it is typed."""
    value = "" if action.nargs == 0 else str(action.metavar or "|".join(map(str, action.choices or ())))
    return " ".join(part for part in (*action.option_strings[:1], value) if part)


def _option(action: argparse.Action) -> str:
    names = ", ".join(action.option_strings) or str(action.metavar)
    value = "" if action.nargs == 0 or not action.option_strings else f" {action.metavar or ''}".rstrip()
    choices = f" (one of {', '.join(map(str, action.choices))})" if action.choices else ""
    return f"- `{names}{value}`{choices}: {action.help}"
