"""Faults in words that a user can act on."""

from __future__ import annotations

from collections.abc import Sequence

from lookalike.llm.faults import Fault

SHOWN = 8  # names of models in a message


def sentence(fault: Fault, url: str, model: str, has_key: bool, models: Sequence[str] = ()) -> str:
    """Why a request failed or a run stops, with what to do about it."""
    said = fault.reason
    if fault.kind == "key" and not has_key:
        return f"{url} asks for a key ({said}): set OPENAI_API_KEY or give the key."
    if fault.kind == "key":
        return f"{url} does not accept the key ({said}): check OPENAI_API_KEY or the key that was given."
    if fault.kind == "model":
        names = ", ".join(models[:SHOWN]) + (", ..." if len(models) > SHOWN else "")
        fix = f"name one of these: {names}" if names else "check the name"
        return f"{url} has no model {model!r} ({said}): {fix}."
    if fault.kind == "quota":
        return f"{url} has no credit left for this key ({said}): add some, then run again."
    if fault.kind == "endpoint":
        advice = "give its base URL, which often ends in /v1"
        return f"{url} is not an OpenAI-compatible endpoint ({said}): {advice}."
    if fault.kind == "too long":
        return f"the prompt is too long for {model!r} ({said}): send less of it, or lower max_tokens."
    if fault.kind == "malformed" and "cut off" in said:
        return f"{said}."
    if fault.kind == "malformed":
        return f"{model!r} gave no usable reply, asked several times ({said}): simplify the prompt."
    return f"{url} does not take this request ({said}): change it."


def gave_up(fault: Fault, url: str, tries: int, seconds: float) -> str:
    """Why a request that was repeated is repeated no more."""
    fix = {
        "timeout": "raise timeout, or lower concurrency or max_tokens",
        "rate limit": "lower concurrency, or run again later",
    }.get(fault.kind, "run again later")
    return f"{url} gave no reply in {tries} tries and {seconds:.0f} s ({fault.reason}): {fix}."


def dead(fault: Fault, url: str, seconds: float) -> str:
    """Why a run stops when nothing comes back any more."""
    return (
        f"{url} has not answered for {seconds:.0f} s ({fault.reason}): check its URL and that the server "
        "runs, then run again; replies that a ledger holds are read back."
    )
