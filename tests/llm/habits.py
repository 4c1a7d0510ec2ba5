"""The habits of servers, for server.py: what they refuse, where they put an answer, how they stream it."""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Collection
from typing import Any

SHAPES = (
    "content",
    "reasoning",  # in reasoning_content, with no content
    "tool",  # as the arguments of a tool call
    "think",  # behind thinking with braces of which only the end is marked
    "prose",  # fenced, behind a sentence with brackets
    "bare",  # the list alone
    "lines",  # an object a line
    "two",  # two objects, with half of the records each
)
FLAWS = (
    "half",  # the last character of every text is half of one
    "half-escaped",  # the same, spelt as an escape of JSON
    "extra",  # a key that nobody asked for
    "missing",  # every second record has no text
    "null",  # every second record has null for a text
    "case",  # keys and labels in capitals
    "type",  # numbers as texts, labels in a list
    "emoji",  # texts of emoji alone
)
EMOJI = "😀😂😍😭😡👍👎🎉🔥💔🙏🤔"
KEYWORDS = ("minItems", "maxItems", "pattern", "format")  # that some compilers of grammars do not know
PLAN = "quota: requests per minute, limit: 10. Check your plan and billing details."


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--tls", metavar="PEM", help="speak https, with the certificate and key of this file")
    add("--key", help="refuse other keys with 401")
    add("--key-status", type=int, default=401, help="with this status in place of 401")
    add("--azure", action="store_true", help="refuse calls without ?api-version and the header api-key")
    add("--header", help="NAME=VALUE: refuse calls without this header with 401")
    add("--model", help="refuse other models with 404")
    add("--context", type=int, help="tokens of the prompt, about: refuse more with 400")
    add("--window", type=int, help="tokens of prompt and reply: refuse a max_tokens beyond it with 400")
    add("--most-tokens", type=int, help="refuse a larger max_tokens with 400")
    ways = ("take", "strict", "object", "refuse", "ignore")
    add(
        "--schemas",
        choices=ways,
        default="take",
        help="response_format; strict: refuse schemas with minItems",
    )
    add("--renamed", action="store_true", help="take only max_completion_tokens")
    add("--no-system", action="store_true", help="refuse messages of the system")
    add("--no", action="append", default=[], metavar="FIELD", help="refuse calls with this field")
    add("--stream", choices=("take", "only", "refuse", "ignore"), default="take", help="stream: true")
    add("--pace", type=float, default=0.0, help="seconds between two events of a stream")
    add("--slots", type=int, default=1 << 20, help="calls that are answered at once; the others wait")
    add("--batch", type=int, help="texts of a call for embeddings: refuse more with 413")
    add("--think", type=int, default=0, help="tokens of thinking before every reply, of max_tokens, too")
    add("--hidden", action="store_true", help="thinking counts in total_tokens alone")
    add("--per-letter", type=float, default=0.25, help="tokens of a letter")
    add("--no-usage", action="store_true", help="do not say what a call took")
    add("--flaw", choices=FLAWS, help="what is wrong with the records of every reply")
    add("--shape", choices=SHAPES, default="content", help="where the answer stands")


def refusal(options: argparse.Namespace, path: str, headers: dict[str, str], asked: dict[str, Any]) -> Any:
    """Status, message and code for a call that a real server would refuse; None for the others."""
    sent, wrong = headers.get("authorization", ""), "invalid_request_error"
    if options.azure and ("api-version=" not in path or headers.get("api-key") != options.key):
        return 401, "Access denied due to invalid subscription key or wrong API endpoint.", "401"
    if options.key and not options.azure and sent != f"Bearer {options.key}":
        return options.key_status, f"API key not valid: {sent}", "invalid_api_key"  # quotes it, as some do
    name, _, value = (options.header or "").partition("=")
    if name and headers.get(name.lower()) != value:
        return 401, f"the header {name} is missing", "unauthorized"
    if options.model and asked.get("model") != options.model:
        return 404, f"The model `{asked.get('model')}` does not exist", "model_not_found"
    if options.batch and len(asked.get("input", ())) > options.batch:
        return 413, f"batch size {len(asked['input'])} > maximum allowed batch size {options.batch}", wrong
    return None if "input" in asked else _of_a_chat(options, asked, wrong)


def _of_a_chat(options: argparse.Namespace, asked: dict[str, Any], wrong: str) -> Any:
    most = asked.get("max_tokens", asked.get("max_completion_tokens", 0))
    if options.schemas == "refuse" and "response_format" in asked:
        return 400, "Unknown field: response_format", wrong
    if options.schemas == "object" and asked.get("response_format", {}).get("type") == "json_schema":
        return 500, "response_format: Input should be 'text' or 'json_object'", "internal_server_error"
    wanted = json.dumps(asked.get("response_format", {}))
    if options.schemas == "strict" and any(f'"{name}"' in wanted for name in KEYWORDS):
        return 400, "The provided JSON schema contains features not supported by xgrammar.", "BadRequestError"
    if options.no_system and any(one["role"] == "system" for one in asked.get("messages", ())):
        return 400, "System role not supported", "BadRequestError"
    if options.renamed and "max_tokens" in asked:
        return 400, "Unsupported: use 'max_completion_tokens' instead.", "unsupported_parameter"
    for name in options.no:
        if name in asked:
            return 400, f"Unsupported parameter: '{name}' is not supported with this model.", wrong
    if options.most_tokens and most > options.most_tokens:
        return 400, f"max_tokens is too large: {most}. It supports at most {options.most_tokens}.", wrong
    size = len(json.dumps(asked.get("messages", ""))) // 4
    if options.context and size > options.context:
        return 400, f"This model's maximum context length is {options.context} tokens", "context_length"
    if options.window and size + most > options.window:
        text = f"This model's maximum context length is {options.window} tokens. However, you requested "
        return 400, f"{text}{size + most} tokens ({size} in the messages, {most} in the completion).", wrong
    if options.stream == "only" and not asked.get("stream"):
        return 400, "This model only support stream mode, please enable the stream parameter.", wrong
    if options.stream == "refuse" and asked.get("stream"):
        return 400, "stream is not supported", wrong
    return None


def shaped(text: str, shape: str) -> dict[str, Any]:
    """The message that brings a reply."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if shape == "reasoning":
        return message | {"content": None, "reasoning_content": text}
    if shape == "tool":
        call = {"type": "function", "function": {"name": "reply", "arguments": text}}
        return message | {"content": None, "tool_calls": [call]}
    if shape == "think":
        return message | {"content": f'It looks like {{"records": [...]}}, or [so].\n</think>\n{text}'}
    if shape == "prose":
        return message | {
            "content": f'Here are the "records" [as asked]:\n```json\n{text}\n```\nAnything else?'
        }
    records = json.loads(text).get("records") if shape != "content" else None
    if not isinstance(records, list):
        return message
    if shape == "bare":
        return message | {"content": json.dumps(records)}
    if shape == "lines":
        return message | {"content": "\n".join(map(json.dumps, records))}
    halves = records[: len(records) // 2], records[len(records) // 2 :]
    return message | {"content": "\n".join(json.dumps({"records": half}) for half in halves if half)}


def flawed(text: str, flaw: str | None, given: Collection[str]) -> str:
    """A reply whose records have a flaw; given: the fields that a prompt gives, such as the label."""
    found = json.loads(text) if flaw else None
    if not isinstance(found, dict) or not isinstance(found.get("records"), list):
        return text
    for at, record in enumerate(found["records"]):
        texts = [name for name, value in record.items() if isinstance(value, str) and name not in given]
        if flaw == "extra":
            record["id"] = {"number": at}
        elif flaw == "case":
            cased = {
                name.upper(): value.upper() if name in given else value for name, value in record.items()
            }
            record.clear()
            record.update(cased)
        elif flaw == "type":
            record |= {name: [value] if name in given else str(value)
                       for name, value in record.items() if name not in texts}  # fmt: skip
        for name in texts:
            if flaw == "emoji":
                record[name] = "".join(random.Random(record[name]).choices(EMOJI, k=5))
            if flaw in ("half", "half-escaped"):
                record[name] += "\ud83d"
            elif flaw == "null" and at % 2:
                record[name] = None
            elif flaw == "missing" and at % 2:
                del record[name]
    return json.dumps(found, ensure_ascii=flaw != "half")


def counted(options: argparse.Namespace, tokens_in: int, written: int, most: int) -> dict[str, int]:
    """What a call says that it took; written: tokens of the reply without the thinking."""
    out = min(options.think + written, most)
    usage = {"prompt_tokens": tokens_in, "completion_tokens": out, "total_tokens": tokens_in + out}
    return usage | ({"completion_tokens": min(written, out)} if options.hidden else {})


def events(found: dict[str, Any], usage: bool) -> list[bytes]:
    """A chat completion as server-sent events: a word of each text an event, then the end, then the usage."""
    (choice,) = found["choices"]
    deltas: list[dict[str, Any]] = [{"role": "assistant"}]
    for name in ("reasoning_content", "content", "refusal"):
        words = (choice["message"].get(name) or "").split(" ")
        deltas += [{name: word if at == 0 else f" {word}"} for at, word in enumerate(words) if word or at]
    for call in choice["message"].get("tool_calls", ()):
        whole = call["function"]["arguments"]
        parts = [whole[: len(whole) // 2], whole[len(whole) // 2 :]]
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in parts]
    base = {"id": found["id"], "object": "chat.completion.chunk", "model": found["model"]}
    chunks = [base | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append(base | {"choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]})
    if usage and "usage" in found:
        chunks.append(base | {"choices": [], "usage": found["usage"]})
    return [f"data: {json.dumps(one)}\n\n".encode() for one in chunks] + [b"data: [DONE]\n\n"]
