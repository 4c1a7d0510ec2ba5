"""The blocks of code in the README and in docs/, and how they are run in small.

```python is run, the blocks of a page one after the other in one namespace; of ```sh every line is run by the
function that `lookalike` calls, and what make and pip are asked for has to exist; ```toml and ```json have to
parse, and become the file that their first line names (# NAME.toml). ```text is shown, not run.
"""

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

from lookalike.cli.main import main
from tests.paths import ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
QWEN, URL = "Qwen/Qwen2.5-0.5B", "http://127.0.0.1:8000/v1"
LANGUAGES = {"python", "sh", "text", "toml", "json"}
SMALLER = [  # as long as it takes to see that it runs
    (r'max_time="\w+"', 'max_time="0.5s"'),
    (r"DiffLM\((?=\))", 'DiffLM(max_time="0.5s"'),
    (r"DiffLM\((?!max_time)\s*(?=\w)(?!rate)", 'DiffLM(max_time="0.5s", '),
    (r"sample\(100\b", "sample(10"),
    (r"--workers \d+", "--workers 1"),
    (r"\b10_000\b|\b2_000\b|\b(10000|2000)\b", "60"),
    (r"\b1_000\b|\b1000\b", "40"),
]


def blocks(text: str) -> list[tuple[str, str]]:
    """(language, code) of every fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def small(code: str, **instead: str) -> str:
    for pattern, other in SMALLER:
        code = re.sub(pattern, other, code)
    for old, new in instead.items():
        code = code.replace(old, new)
    return code


def run(page: Path, **instead: str) -> dict[str, Any]:
    """All blocks of a page; the namespace that they leave. instead: old text -> new text, in all of them."""
    namespace: dict[str, Any] = {}
    for number, (language, code) in enumerate(blocks(page.read_text(encoding="utf-8")), 1):
        name = f"{page.name}, block {number}"
        assert language in LANGUAGES, f"{name} is of no language: {' '.join(sorted(LANGUAGES))}"
        if language == "python":
            exec(compile(small(code, **instead), name, "exec"), namespace)
        elif language == "sh":
            for line in code.replace("\\\n", " ").splitlines():
                command(small(line, **instead))
        elif language != "text":
            {"toml": tomllib, "json": json}[language].loads(code)
            if named := re.match(r"# ([\w-]+\.toml)\n", code):
                Path(named[1]).write_text(code, encoding="utf-8")
    return namespace


def command(line: str) -> None:
    """One line of a shell."""
    program, *arguments = shlex.split(line, comments=True) or ["", ""]
    if program == "lookalike":
        verb = arguments[0]
        if verb == "fit" or (verb == "generate" and ("--llm" not in arguments or "--then" in arguments)):
            arguments += ["--max-time", "0.5s"]
        if verb == "fit":
            arguments += [] if {"--by", "--seeds"} & set(arguments) else ["--force"]
        quiet = [] if verb in ("prompts", "recipe", "agent") else ["--quiet"]
        assert main([*arguments, *quiet]) == 0, line
    elif program == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert re.search(rf"^{arguments[0]}:", makefile, re.MULTILINE), line
    else:
        assert program in ("pip", ""), f"only lookalike, make and pip are known here: {line}"
