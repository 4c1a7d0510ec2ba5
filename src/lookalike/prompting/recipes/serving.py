"""The further models of a recipe, each with limits of its own."""

from __future__ import annotations

import os

from lookalike.errors import OptionError
from lookalike.llm.budget import Budget
from lookalike.llm.client import LLM
from lookalike.prompting.recipes.columns import Served


def llm_of(served: Served, llm: LLM) -> LLM:
    """A further model of a recipe, with limits of its own and the ledger of the run."""
    key = None
    if served.key_env is not None:
        key = os.environ.get(served.key_env)
        if not key:
            raise OptionError(f"{served.place}: the environment has no {served.key_env}: set it to the key.")
    elif served.url is None:
        key = llm.key
    try:
        return LLM(
            served.model,
            served.url or llm.address.of(""),
            key,
            headers=llm.address.headers if served.url is None else None,
            ledger=llm.ledger,
            budget=Budget(**served.limits, place=served.place),  # type: ignore[arg-type]
            concurrency=served.concurrency or llm.throttle.most,
            timeout=served.timeout or llm.timeout,
            progress=llm.progress,
        )
    except OptionError as error:
        raise OptionError(f"{served.place}: {error}") from None
