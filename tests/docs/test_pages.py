"""Every page of docs/: its blocks run, and what it names exists."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import lookalike
from lookalike.cli.examples import EXAMPLES
from lookalike.cli.parser import parsers
from tests.docs.blocks import DOCS, PAGES, blocks, run
from tests.paths import ROOT

WITH_CODE = [page for page in PAGES if {"python", "sh"} & {lang for lang, _ in blocks(page.read_text())}]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", WITH_CODE, ids=name)
def test_every_block_runs(
    page: Path, reader: Path, learned: Path, instead: Callable[[str], dict[str, str]]
) -> None:
    run(page, **instead(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_options_and_files_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    _, verbs = parsers()
    known = {
        verb: {o for action in one._actions for o in action.option_strings} for verb, one in verbs.items()
    }
    code = "\n".join(code for language, code in blocks(text) if language in ("sh", "text"))
    for line in [*code.replace("\\\n", " ").splitlines(), *re.findall(r"`(lookalike [^`]*)`", text)]:
        if said := re.match(r"lookalike ([a-z]+)\b(.*)", line):
            assert said[1] in known, line
            for option in re.findall(r"(?<![\w-])--?[a-z][\w-]*", said[2]):
                assert option in known[said[1]], line
    everything = {"--version", "--help"}.union(*known.values())
    for option in re.findall(r"`(--[a-z][\w-]*)", text):
        assert option in everything, option
    for path in re.findall(r"`((?:examples|docs|bench|tests|src)/[\w./-]*\w)`", text):
        assert (ROOT / path).exists(), path
    extras = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for named in re.findall(r"pip install (?:-c \S+ )?(?:-e )?'\.\[([\w,]+)\]'", text):
        for extra in named.split(","):
            assert re.search(rf"^{extra} = \[", extras, re.MULTILINE), extra


@pytest.mark.parametrize("page", [page for page in PAGES if DOCS in page.parents], ids=name)
def test_a_page_has_one_title_and_its_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert len(re.findall(r"^# \S", text, re.MULTILINE)) == 1
    made = ("architecture.md", "reference/verbs/", "notebooks/", "benchmarks/results/")
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
        whole = (page.parent / target).resolve().relative_to(DOCS)
        assert (DOCS / whole).exists() or str(whole).startswith(made), target


KNOWN = {"arxiv.org", "creativecommons.org", "doi.org", "github.com", "keepachangelog.com", "pytorch.org",
         "semver.org", "www.synthpop.org.uk"}  # fmt: skip


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md", ROOT / "examples" / "README.md"], ids=name)
def test_links_elsewhere_are_well_formed_and_of_hosts_that_a_person_has_looked_at(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for scheme, host, path in re.findall(r"[(<](https?)://([^/)>\s]+)([^)>\s]*)", text):
        assert host == "127.0.0.1:8000" or (scheme == "https" and host in KNOWN), host
        assert host != "github.com" or re.fullmatch(r"/[\w-]+/[\w-]+", path), path
        assert host != "arxiv.org" or re.fullmatch(r"/abs/\d{4}\.\d{5}", path), path


def test_errors_that_are_explained_are_those_that_are_raised() -> None:
    """The longest part of each sentence of the FAQ that names nothing stands in the source."""
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    plain = re.sub(r'"\s*\n?\s*f?"', "", source)  # sentences that go on in the next line
    said = re.findall(r"^> (.*)$", (DOCS / "faq.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(said) > 5
    for sentence in said:
        parts = re.split(r"'[^']*'|\S+\.(?:csv|docx|model)\b|\([^)]*\)|\S*[\d=]\S*|[:;]|one row", sentence)
        part = max((part.strip(" ,.;") for part in parts), key=len)
        assert len(part) > 10 and part in plain, sentence


def test_every_chapter_of_the_results_names_its_command() -> None:
    text = (ROOT / "bench" / "RESULTS.md").read_text(encoding="utf-8")
    for chapter in re.split(r"^## ", text, flags=re.MULTILINE):
        title = chapter.partition("\n")[0]
        assert re.search(r"\bbench\.[a-z]+|`lookalike [a-z]+ |by hand", chapter), title


ORDINARY = """ AI AMD API CPU CSV EPYC GB GPU HTML HTTP JSON JSONL MB NA PDF README SDK SMS SQL URL US
ARCHITECTURE CONTRIBUTING CITATION RESULTS DIR FILE FOLDER OUT """
NAMES = """ ADBC AGPL APIBench BANKING77 BFCL BY CC DataDesigner DiffLM DuckDB LLM MBPP MOSTLY NVIDIA OpenAI
SDMetrics SDV SQLAlchemy SQLite SST STaSy SmolLM2 TREC TVAE TabPC TabularARGN WikiSQL vLLM XGBoost """


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name != "notebooks"], ids=name)
def test_short_words_are_explained(page: Path) -> None:
    """An abbreviation is ordinary, a name, or stands among the words."""
    words = (DOCS / "concepts" / "words.md").read_text(encoding="utf-8")
    text = re.sub(
        r"^```.*?^```|`[^`]*`|\]\([^)]*\)", " ", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    for word in set(re.findall(r"\b[A-Za-z]*[A-Z]{2,}[A-Za-z0-9]*\b", text)) - {
        *ORDINARY.split(),
        *NAMES.split(),
    }:
        assert re.search(rf"\b{word}\b", words), word


@pytest.mark.parametrize("verb", EXAMPLES)
def test_examples_of_a_verb_name_options_and_files_that_exist(verb: str) -> None:
    known = {option for action in parsers()[1][verb]._actions for option in action.option_strings}
    text = EXAMPLES[verb].replace("\\\n", " ")
    for path in re.findall(r"\bexamples/[\w.-]*\w", text):
        assert (ROOT / path).exists(), path
    for line in re.findall(rf"^  lookalike {verb} ([^(|\n]*)", text, re.MULTILINE):
        for option in re.findall(r"(?<![\w'-])--?[a-z][\w-]*", line):
            assert option in known, line


def test_the_reference_has_every_public_name() -> None:
    page = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    shown = re.findall(r"^::: [\w.]*\.(\w+)$", page, re.MULTILINE)
    assert set(lookalike.__all__) - {"__version__"} <= set(shown)
