"""Options that several verbs have, and what the value of an option may be."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from lookalike.defaults import CONCURRENCY, DEVICES, LORA_RANK, TIMEOUT
from lookalike.errors import OptionError
from lookalike.progress import parse_time

Parser = argparse.ArgumentParser
EMBEDDER = "what turns texts into vectors: tfidf (default) or sentence-transformers:<name or path>"


def number(
    option: str, kind: Callable[[str], float], low: float, high: float, rule: str
) -> Callable[[str], float]:
    """An argparse type: the option's number, or an OptionError that quotes what was written."""

    def parse(text: str) -> float:
        try:
            value = kind(text)
        except (ValueError, OverflowError):
            value = float("nan")
        if not low <= value <= high:
            raise OptionError(f"{option} {text}: {rule}.")
        return value

    return parse


def count(option: str) -> Callable[[str], float]:
    return number(option, int, 1, 2**62, "write a whole number of at least 1")


MONEY = number("the amount", float, 0, float("inf"), "write a number of at least 0")


def limits_of(text: str) -> str:
    from lookalike.evaluate.figures import limits

    limits(text)  # a mistake is found before hours of work
    return text


def time_of(text: str) -> float | None:
    try:
        return parse_time(text)
    except OptionError as error:
        raise OptionError(f"--max-time: {error}") from None


def header_of(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise OptionError("--header: write the header as NAME:VALUE, such as 'X-Team: data'.")
    return name.strip(), value.strip()


def real(one: Parser) -> None:
    one.add_argument("real", metavar="REAL", help="the real table")


def whole_of(text: str) -> int:
    """A whole number, also as 1e9. Raises ValueError for another text."""
    try:
        return int(text)
    except ValueError:
        value = float(text)
        if not value.is_integer():
            raise ValueError(text) from None
        return int(value)


def rows(one: Parser, text: str, required: bool = False) -> None:
    kind = number("-n", whole_of, 1, float("inf"), "the number of rows is a whole number of at least 1")
    one.add_argument("-n", "--rows", metavar="ROWS", type=kind, required=required, help=text)


def where(one: Parser) -> None:
    one.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="COND",
        help="COL=VALUE, COL=A,B, COL=LO..HI, COL= (missing) or COL!= (not missing); may be repeated",
    )


def counted(one: argparse._ActionsContainer, option: str, default: int, text: str) -> None:
    """An option that is None where it is not given, so that one that has no effect is found."""
    one.add_argument(option, metavar="N", type=count(option), help=f"{text} (default {default})")


def budget(one: argparse._ActionsContainer) -> None:
    """Hard limits on what a language model may take, in all runs of a folder together."""
    one.add_argument(
        "--max-calls", metavar="N", type=count("--max-calls"), help="hard limit of calls, over all runs"
    )
    one.add_argument(
        "--max-tokens",
        metavar="N",
        type=count("--max-tokens"),
        help="hard limit of tokens, prompts and replies",
    )
    one.add_argument("--max-cost", metavar="X", type=MONEY, help="hard limit of the cost; needs both prices")


def endpoint(one: argparse._ActionsContainer) -> None:
    """How an endpoint is asked."""
    counted(one, "--concurrency", CONCURRENCY, "calls at once, at most")
    one.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=number("--timeout", float, 0.1, 1e6, "write seconds, at least 0.1"),
        help=f"seconds of silence after which a call is given up (default {TIMEOUT:g})",
    )
    one.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="NAME:VALUE",
        type=header_of,
        help="sent with every call, and kept in no file; may be repeated",
    )


def verdict(one: Parser) -> None:
    one.add_argument(
        "--show-real",
        action="store_true",
        help="the report may show values and texts that fewer than five real rows have",
    )
    one.add_argument(
        "--fail-under",
        metavar="LIMITS",
        type=limits_of,
        help="exit with 3 if a figure is worse, such as c2st=0.60,utility=0.95",
    )


def training(one: Parser) -> None:
    one.add_argument(
        "--max-time",
        metavar="TIME",
        type=time_of,
        help="time for preparing and training, such as 90s, 5m or 1h30m (default: as long as it helps)",
    )
    one.add_argument(
        "--backbone",
        metavar="NAME",
        help="a pretrained language model writes the records: a folder, a GGUF file, or OWNER/NAME on "
        "the Hugging Face hub",
    )
    one.add_argument(
        "--lora",
        metavar="RANK",
        type=number("--lora", int, 0, 1024, "the rank of the adapters is a whole number from 0 to 1024"),
        nargs="?",
        const=LORA_RANK,
        help=f"rank of the adapters that fit the backbone to the table (default {LORA_RANK}; 0 leaves it as "
        "it is, which learns less in the same time)",
    )
    one.add_argument(
        "--refine",
        action=argparse.BooleanOptionalAction,
        help="learn, too, which rows the model draws too often; draw a quarter more, of texts twice as many, "
        "and leave those out, and texts that are copies: rows that are more like the real ones, drawn more "
        "slowly (default: for texts, of fewer than 400 rows only copies; and for tables of 5,000 rows and "
        "more where a look at drawn rows says that it helps)",
    )
    device(one)


def model_folder(one: Parser) -> None:
    one.add_argument("model", metavar="MODEL_DIR", help="a folder written by `lookalike fit`")
    one.add_argument(
        "--backbone",
        metavar="DIR",
        help="where the pretrained backbone of the model is now, if it has moved",
    )
    device(one)


def device(one: Parser) -> None:
    one.add_argument(
        "--device", choices=DEVICES, default=DEVICES[0], help=f"where it runs (default {DEVICES[0]})"
    )
    one.add_argument(
        "--threads",
        metavar="N",
        type=count("--threads"),
        help="threads of the CPU (default: as many as are fastest now, measured again and again)",
    )


def schema_file(one: Parser) -> None:
    one.add_argument(
        "--schema",
        metavar="FILE",
        help="take the columns' kinds from this JSON file (written by `lookalike schema`)",
    )


def kinds(one: Parser) -> None:
    one.add_argument(
        "--kind",
        action="append",
        default=[],
        metavar="COL=KIND",
        help="key (fresh keys), pseudonym[:SORT] (made-up names, mails, ...), drop, or any kind; may be "
        "repeated",
    )
    one.add_argument(
        "--keep-rare",
        action="store_true",
        help="reproduce the values of categories that fewer than 5 rows hold, too",
    )
    one.add_argument(
        "--rule",
        action="append",
        default=[],
        metavar="RULE",
        help="keep this rule between columns, too, such as 'end >= start', 'total = room + tax' or "
        "'city -> country'; may be repeated",
    )
    one.add_argument(
        "--no-rules", action="store_true", help="look for no rules between columns (default: they are found)"
    )


def missing(one: Parser) -> None:
    one.add_argument(
        "--missing",
        action="append",
        default=[],
        metavar="VALUE",
        help="this value, such as '?', means missing; may be repeated",
    )


def usual(one: Parser) -> None:
    """How tables are read, the seed, and what is said."""
    one.add_argument(
        "--encoding",
        metavar="NAME",
        help="encoding of text tables that are not UTF-8, such as latin-1 (default: told from the file)",
    )
    one.add_argument(
        "--sep",
        metavar="CHAR",
        help="separator of delimited text: one character, or tab (default: told from the file)",
    )
    one.add_argument(
        "--decimal",
        choices=[".", ","],
        help="decimal sign of delimited text (default: told from the file)",
    )
    one.add_argument(
        "--seed",
        type=number("--seed", int, 0, 2**63 - 1, "a seed is a whole number from 0 to 2^63 - 1"),
        default=0,
        help="same seed, same table (default 0)",
    )
    one.add_argument("--quiet", action="store_true", help="no progress on stderr")
    one.add_argument(
        "--config",
        metavar="FILE",
        help="take long options from this TOML file; those on the command line count more",
    )
