"""A place and how far it is; the reply to a request, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from lookalike.errors import EndpointError, LLMError
from lookalike.llm.client import LLM
from lookalike.llm.request import Failure, Reply, Request
from lookalike.prompting.arms import Place


@dataclass
class Work:
    """A place and how far it is.

    number: of the place; wanted: rows to bring; made: rows accepted; parts: requests made; size: records a
    request; tries: of its description; bad: rounds in a row with little accepted; asked, good: records in
    this round; shorter: how often fewer rows had to be shown; refused: the model will not write there;
    total_asked, total_good: in the rounds before.
    """

    number: int
    place: Place
    wanted: int
    size: int
    attributes: dict[str, str] | None = None
    made: int = 0
    parts: int = 0
    tries: int = 0
    bad: int = 0
    shorter: int = 0
    refused: bool = False
    closed: bool = False
    asked: int = 0
    good: int = 0
    total_asked: int = 0
    total_good: int = 0


async def answer(llm: LLM, request: Request) -> Reply | Failure:
    """The reply to one request; raises EndpointError where there will be none for any."""
    try:
        return await llm.answer(request)
    except EndpointError:
        raise
    except LLMError as error:
        return Failure(error.kind, str(error))
