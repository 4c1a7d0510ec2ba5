"""Pages of the site that are made from other files, so that each fact has one place.

The home page is the README; a page a verb comes from the parser; the results of the benchmarks from
bench/RESULTS.md, a page a chapter; the notebooks with the outputs that are kept in them. A page in docs/jobs/
that mkdocs.yml does not name is put at the end of the jobs.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
WHOLE = {  # files of the repository that are pages of the site as they are
    "README.md": "index.md",
    "CHANGELOG.md": "changes.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
}
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The pages that are in no list yet."""
    assert config.nav is not None
    sections = {name: pages for one in config.nav for name, pages in one.items()}
    jobs = sections["Jobs"]
    jobs += sorted({f"jobs/{page.name}" for page in (ROOT / "docs" / "jobs").glob("*.md")} - set(jobs))
    sections["Benchmarks"] += [f"benchmarks/results/{name}.md" for name, _ in results()]
    reference = sections["Reference"]
    place = reference.index("reference/verbs/index.md")
    reference[place] = {"Verbs": ["reference/verbs/index.md", *(f"reference/verbs/{v}.md" for v in verbs())]}
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """All pages that are made."""
    for name, text in made():
        files.append(File.generated(config, name, content=text))
    return files


def made() -> Iterator[tuple[str, str]]:
    """(name in docs/, Markdown) of every page that is made."""
    for name, page in WHOLE.items():
        yield page, linked((ROOT / name).read_text(encoding="utf-8"))
    for name, text in results():
        yield f"benchmarks/results/{name}.md", text
    yield "reference/verbs/index.md", index_of_verbs()
    for verb, text in verbs().items():
        yield f"reference/verbs/{verb}.md", text
    for notebook in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        yield f"notebooks/{notebook.stem}.md", shown(notebook)


def linked(text: str) -> str:
    """The links of a file at the root of the repository, as the site has them: to pages, else to nothing."""

    def other(match: re.Match[str]) -> str:
        target, anchor = match[1], match[2] or ""
        if target in WHOLE:
            return f"]({WHOLE[target]}{anchor})"
        if target.startswith("docs/"):
            return f"]({target.removeprefix('docs/')}{anchor})"
        return "]()"

    text = LINK.sub(other, text)
    return re.sub(r"\[([^\]]*)\]\(\)", r"\1", text)


def results() -> list[tuple[str, str]]:
    """(name, Markdown) of every chapter of bench/RESULTS.md; the first has the five tables."""
    text = (ROOT / "bench" / "RESULTS.md").read_text(encoding="utf-8")
    first, *others = re.split(r"^## ", text, flags=re.MULTILINE)
    pages = [("tables", first.replace("# Results", "# Five tables, ablation and growth", 1))]
    for chapter in others:
        title, _, rest = chapter.partition("\n")
        name = re.sub(r"[^a-z0-9]+", "-", title.lower().replace("'", "")).strip("-")
        pages.append((name, f"# {title}\n{rest}"))
    return pages


def verbs() -> dict[str, str]:
    """verb -> its page: what `lookalike VERB --help` prints."""
    from lookalike.cli.parser import parsers

    os.environ["COLUMNS"] = "100"  # of the help
    _, known = parsers()
    page = "# lookalike {}\n\n```text\n{}\n```\n"
    return {verb: page.format(verb, one.format_help().rstrip()) for verb, one in known.items()}


def index_of_verbs() -> str:
    """A line a verb."""
    from lookalike.cli.parser import parsers

    _, known = parsers()
    lines = [f"| [{verb}]({verb}.md) | {one.description} |" for verb, one in known.items()]
    return "\n".join(["# Verbs", "", "| verb | what it does |", "|---|---|", *lines, ""])


def shown(notebook: Path) -> str:
    """A notebook as Markdown, with its outputs: texts, tables and pictures."""
    parts = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        parts += [text for output in cell["outputs"] if (text := _output(output))]
    return "\n\n".join([*parts, f"*The notebook: `docs/notebooks/{notebook.name}`*", ""])


def _output(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return f"```text\n{''.join(output['text']).rstrip()}\n```"
    data = output.get("data", {})
    if "image/png" in data:
        return f"![output](data:image/png;base64,{''.join(data['image/png']).strip()})"
    if "text/html" in data:
        return "".join(line.strip() for line in data["text/html"])
    return f"```text\n{''.join(data['text/plain']).rstrip()}\n```" if "text/plain" in data else ""
