"""Words of real servers: how long to wait, what to write differently."""

from __future__ import annotations

import json

import pytest

from lookalike.llm.faults import inside, refused
from lookalike.llm.said import Said, dialect, server_message, wait_in


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please retry in 1.2s.", 1.2),
        ("Rate limit reached. Please try again in 20ms. Visit the page", 0.02),
        ("Please try again in 6m0s.", 360.0),
        ("Try again in 1h2m3s", 3723.0),
        ("retry after 5 seconds", 5.0),
        ("Please wait 2 minutes and try again", 120.0),
        ("You may retry soon", None),
        ("limit 10 per minute", None),
    ],
)
def test_waits_are_read_in_words(text: str, seconds: float | None) -> None:
    assert wait_in(Said(text)) == (seconds if seconds is None else pytest.approx(seconds))


def test_a_wait_in_a_field_of_its_own_counts_first() -> None:
    details = [{"@type": "QuotaFailure"}, {"@type": "RetryInfo", "retryDelay": "36s"}]
    body = json.dumps([{"error": {"message": "retry in 2s", "details": details}}]).encode()
    assert wait_in(server_message(body)) == 36.0


@pytest.mark.parametrize(
    ("message", "asked", "adapt", "limit"),
    [
        ("Unsupported parameter: 'temperature' is not supported with this model.", 9,
         "drop temperature", None),
        ("Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value "
         "is supported.", 9, "drop temperature", None),
        ("invalid temperature: only 1 is allowed for this model", 9, "drop temperature", None),
        ("Unknown field: top_p", 9, "drop top_p", None),
        ("temperature must be at most 2", 9, None, None),
        ("System role not supported", 9, "system", None),
        ("messages: Unexpected role \"system\". The role is not taken", 9, "system", None),
        ("Only user and assistant roles are supported!", 9, "system", None),
        ("Invalid schema for response_format 'reply': 'minItems' is not permitted.", 9,
         "response_format", None),
        ("The provided JSON schema contains features not supported by xgrammar.", 9, "response_format", None),
        ("Grammar error: Unimplemented keys: [\"minItems\"]", 9, "response_format", None),
        ("The specified schema produces a constraint that has too many states for serving.", 9,
         "response_format", None),
        ("format.schema: For 'array' type, 'minItems' values other than 0 or 1 are not supported", 9,
         "response_format", None),
        ("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
         "instead.", 9, "max_completion_tokens", None),
        ("max_tokens is too large: 9000. This model supports at most 4096 completion tokens, whereas you "
         "provided 9000.", 9000, "tokens", 4096),
        ("`max_tokens` must be less than or equal to `8192`, the maximum value", 9000, "tokens", 8192),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", 9000, "tokens", 8192),
        ("max_tokens: 9000 > 4096, which is the maximum allowed number of output tokens", 9000,
         "tokens", 4096),
        ("max_tokens exceeds the limit", 9000, "tokens", 4500),
        ("This model's maximum context length is 4096 tokens. However, you requested 9300 tokens (300 in the "
         "messages, 9000 in the completion).", 9000, "room", 3795),
        ("'max_tokens' or 'max_completion_tokens' is too large: 9000. This model's maximum context length is "
         "8192 tokens and your request has 300 input tokens", 9000, "room", 7891),
        ("This model's maximum context length is 4096 tokens (5000 in the messages)", 9000, None, None),
        ("This model only support stream mode, please enable the stream parameter", 9, "stream", None),
        ("stream is not supported", 9, "no stream", None),
        ("Extra inputs are not permitted: stream_options", 9, "stream_options", None),
        ("I do not like this", 9, None, None),
    ],
)  # fmt: skip
def test_what_to_write_differently_is_read_in_words(
    message: str, asked: int, adapt: str | None, limit: int | None
) -> None:
    assert dialect(Said(message), asked) == (adapt, limit)


def test_the_field_that_a_server_names_counts() -> None:
    detail = [{"loc": ["body", "temperature"], "msg": "Extra inputs are not permitted"}]
    said = server_message(json.dumps({"detail": detail}).encode())
    assert said.param == "temperature" and dialect(said, 9) == ("drop temperature", None)
    raw = {"message": "Provider returned error", "metadata": {"raw": "System role not supported"}}
    assert dialect(server_message(json.dumps({"error": raw}).encode()), 9) == ("system", None)


@pytest.mark.parametrize(
    ("body", "kind", "wait"),
    [
        ('{"error": {"message": "You exceeded your current quota, check your plan and billing details. '
         'Please retry in 1.2s."}}', "rate limit", 1.2),
        ('{"error": {"message": "You exceeded your current quota, check your plan and billing details."}}',
         "quota", None),
        ('{"error": {"message": "Limit, try again in 2s", "code": "insufficient_quota"}}', "quota", None),
        ('{"error": {"message": "Quota of requests per day used up. Retry in 30s"}}', "quota", None),
        ('{"error": {"message": "your credit balance is too low"}}', "quota", None),
        ('{"error": {"message": "slow down"}}', "rate limit", None),
    ],
)  # fmt: skip
def test_a_429_is_a_rate_limit_or_an_empty_account(body: str, kind: str, wait: float | None) -> None:
    fault = refused(429, {}, body.encode())
    assert (fault.kind, fault.wait) == (kind, wait)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "slow down", "code": 429}, "rate limit"),
        ({"message": "slow down", "code": "rate_limit_exceeded"}, "rate limit"),
        ({"message": "x", "type": "overloaded_error"}, "rate limit"),
        ({"message": "x", "code": "invalid_api_key"}, "key"),
        ({"message": "x", "code": "context_length_exceeded"}, "too long"),
        ({"message": "internal"}, "server error"),
        ("Internal Server Error", "server error"),
    ],
)
def test_an_error_in_a_200_goes_by_its_code(error: object, kind: str) -> None:
    found = {"error": error}
    fault = inside(found, {}, json.dumps(found).encode())
    assert fault is not None and fault.kind == kind and not fault.paid
    assert inside({"choices": [], "error": None}, {}, b"") is None
