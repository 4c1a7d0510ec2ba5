"""Faults in words that a user can act on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from lookalike.llm.faults import NO_MORE_TODAY, Fault

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
        if any(word in said.lower() for word in NO_MORE_TODAY):
            return f"{url} has reached its limit for now ({said}): run again when it is set back."
        return f"{url} has no credit left for this key ({said}): add some, then run again."
    if fault.kind == "proxy":
        return (
            f"the proxy on the way to {url} does not work ({said}): correct or unset HTTP_PROXY and "
            "HTTPS_PROXY, or name the host in NO_PROXY."
        )
    if fault.kind == "certificate":
        return (
            f"the certificate of {url} is not accepted ({said}): if you trust it, set SSL_CERT_FILE to a "
            ".pem file that holds it or its issuer."
        )
    if fault.kind == "endpoint":
        advice = "give its base URL, which often ends in /v1"
        if "https" in said:
            advice = "write http:// in its URL"
        return f"{url} is not an OpenAI-compatible endpoint ({said}): {advice}."
    if fault.kind == "too long":
        return f"the prompt is too long for {model!r} ({said}): send less of it, or expect a shorter reply."
    if fault.kind == "refused":
        return f"{model!r} refuses this request ({said}): it is not asked again."
    if fault.kind == "cut off":
        if "context" in said:
            return f"{said}: ask for fewer records a call, or serve the model with a longer context."
        return f"{said}: allow more tokens a reply (--reply-tokens; max_tokens in Python)."
    if fault.kind == "malformed":
        return f"{model!r} gave no usable reply, asked several times ({said}): simplify the prompt."
    return f"{url} does not take this request ({said}): change it."


def hopeless(fault: Fault, url: str, times: int) -> str:
    """Why a run stops after so many failures alike in a row."""
    fix = {
        "rejected": "change what it names, or use another model",
        "refused": "say what the data are for (--task), or use another model",
        "malformed": "ask for fewer records a call (--gen-size), or use a model that writes JSON better",
        "cut off": "allow more tokens a reply (--reply-tokens), or ask for fewer records a call (--gen-size)",
    }
    return f"{url} fails alike for every request, {times} in a row ({fault.reason}): {fix[fault.kind]}."


def trying(fault: Fault, url: str, seconds: float) -> str:
    """What is said at once of an endpoint that has not answered yet."""
    return f"{url} does not answer yet ({fault.reason}): trying again for {seconds:.0f} s ..."


def later(fault: Fault, url: str) -> str:
    """Why a run stops that would have to wait for long."""
    at = datetime.now() + timedelta(seconds=(fault.wait or 0.0) + 59)
    when = f"{at:%H:%M}" if (fault.wait or 0.0) < 20 * 3600 else f"{at:%H:%M on %Y-%m-%d}"
    return f"{url} takes no call for a while ({fault.reason}): resume at {when}; what was paid for is kept."


def gave_up(fault: Fault, url: str, tries: int, seconds: float) -> str:
    """Why a request that was repeated is repeated no more."""
    fix = {
        "timeout": "bear a longer silence (--timeout), or lower --concurrency",
        "rate limit": "lower --concurrency, or run again later",
    }.get(fault.kind, "run again later")
    return f"{url} gave no reply in {tries} tries and {seconds:.0f} s ({fault.reason}): {fix}."


def dead(fault: Fault, url: str, seconds: float) -> str:
    """Why a run stops when nothing comes back any more."""
    return (
        f"{url} has not answered for {seconds:.0f} s ({fault.reason}): check its URL and that the server "
        "runs, then run again; replies that a ledger holds are read back."
    )
