"""What went wrong is told apart, and said in sound words."""

from __future__ import annotations

import pytest

from lookalike.llm.faults import refused, server_message


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, '{"error": {"message": "slow down", "code": "rate_limit_exceeded"}}', "rate limit"),
        (429, '{"error": {"message": "no money", "code": "insufficient_quota"}}', "quota"),
        (400, '{"error": {"message": "too long", "code": "context_length_exceeded"}}', "too long"),
        (400, '{"message": "This model\'s maximum context length is 4096 tokens"}', "too long"),
        (400, '{"detail": "temperature must be at most 2"}', "rejected"),
        (404, '{"error": "model \'x\' not found, try pulling it first"}', "model"),
        (404, "<html>not here</html>", "endpoint"),
        (301, "", "endpoint"),
        (502, "<html>bad gateway</html>", "server error"),
        (503, "", "rate limit"),
        (403, '{"error": {"message": "forbidden"}}', "forbidden"),
        (403, '{"error": {"message": "Your input was flagged", "metadata": {"reasons": ["x"]}}}', "refused"),
        (
            400,
            '{"error": {"message": "API key not valid. Please pass a valid API key.", "code": 400}}',
            "key",
        ),
        (400, '{"error": {"message": "The response was filtered", "code": "content_filter"}}', "refused"),
        (400, '[{"error": {"message": "Developer instruction is not enabled for gemma"}}]', "dialect"),
        (500, '{"error": {"message": "Conversation roles must alternate user/assistant"}}', "dialect"),
        (500, '{"error": {"message": "temperature exploded, unsupported"}}', "server error"),
        (407, "", "proxy"),
    ],
)
def test_statuses_are_told_apart(status: int, body: str, kind: str) -> None:
    assert refused(status, {}, body.encode()).kind == kind


def test_error_texts_and_addresses_are_sound() -> None:
    for body in (
        b'{"error": {"message": "no \\ud83d \\u0000"}}',
        b'["no \xed\xa0\xbd"]',
        b"no \x00 \xed\xa0\xbd",
    ):
        said = server_message(body)[0]
        assert said and "\x00" not in said and said.encode()
    assert server_message(b"[" * 100_000)[0]
    reason = refused(302, {"Location": "http://x/\udce9"}, b"").reason
    assert reason == "it sends calls on to http://x/\ufffd"
