"""The command `lookalike`: a verb with its options, run; every mistake is one sentence and exit code 2."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence

from lookalike.cli.generating import resume
from lookalike.cli.parser import parse
from lookalike.cli.verbs import VERBS
from lookalike.errors import UserError
from lookalike.progress import watched

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line.

    argv: None takes that of the process, which has nothing else to do then: the handlers of signals stay as
    the command leaves them. A caller in the same process gets its own back.

    Returns the exit code, one of `examples.EXITS`.
    """
    before = {one: signal.getsignal(one) for one in SIGNALS}
    try:
        return _main(sys.argv[1:] if argv is None else argv)
    finally:
        if argv is not None:
            for one, handler in before.items():
                signal.signal(one, handler)


def _main(argv: Sequence[str]) -> int:
    args = argparse.Namespace(kept=None)  # where a command that was stopped goes on from
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill cleans up like Ctrl-C
        parse(argv, args)
        return _run(args) or 0
    except UserError as error:
        print(f"lookalike: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # who read the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # as of a program that SIGPIPE ends
    except OSError as error:
        what = f"{error.filename}: {error.strerror}." if error.filename else error
        print(f"lookalike: {what}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever presses it twice is not to see a traceback
        more = ""
        if args.kept is not None and args.kept.exists():
            more = f"; the same command goes on from what is kept in {args.kept}"
        print(f"lookalike: stopped{more}.", file=sys.stderr)
        return 130


def _run(args: argparse.Namespace) -> int | None:
    """A verb; where its table goes to standard output, what is told goes to stderr."""
    if args.verb == "resume":
        resume(args)  # from here on it is the command that began the run
    progress = not getattr(args, "quiet", False)
    with contextlib.ExitStack() as both:
        if getattr(args, "out", None) == "-":
            both.enter_context(contextlib.redirect_stdout(sys.stderr))
        both.enter_context(watched(args.verb, progress=progress))
        return VERBS[args.verb](args)
