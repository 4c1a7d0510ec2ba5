"""A language model behind an endpoint: what a run with one may take, and the model that the options name."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.cli import shared
from lookalike.defaults import CONCURRENCY, TIMEOUT
from lookalike.errors import OptionError

if TYPE_CHECKING:
    from lookalike.llm import LLM


def options(one: argparse._ActionsContainer) -> None:
    """Limits, prices, and how the endpoint is asked."""
    shared.budget(one)
    one.add_argument("--price-in", metavar="X", type=shared.MONEY, help="price of a million prompt tokens")
    one.add_argument("--price-out", metavar="X", type=shared.MONEY, help="price of a million reply tokens")
    shared.endpoint(one)


def check_prices(args: argparse.Namespace) -> None:
    """Raises OptionError for a limit of the cost without prices."""
    if args.max_cost is not None and (args.price_in is None or args.price_out is None):
        raise OptionError("--max-cost needs --price-in and --price-out, the prices of a million tokens.")


def language_model(args: argparse.Namespace, ledger: str | Path | None) -> LLM:
    """The language model that the options describe, with its replies in this ledger."""
    from lookalike.llm import LLM, Budget

    return LLM(
        args.model,
        args.llm,
        args.key,
        headers=dict(args.header),
        ledger=ledger,
        budget=Budget(args.max_calls, args.max_tokens, args.max_cost, args.price_in, args.price_out),
        concurrency=args.concurrency or CONCURRENCY,
        timeout=args.timeout or TIMEOUT,
        progress=not args.quiet,
    )
