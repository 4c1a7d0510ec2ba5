"""A release: one version everywhere, and what it needs is the same everywhere."""

import re
import tomllib

import yaml

import lookalike
from tests.paths import ROOT


def test_one_version() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(\d\S*)\] - (\S+)$", changes, re.MULTILINE)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert versions[0] == (lookalike.__version__, citation["date-released"])
    assert citation["version"] == recipe()["context"]["version"] == lookalike.__version__


def test_conda_needs_what_pip_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    run = [one for one in recipe()["requirements"]["run"] if not one.startswith("python ")]
    assert sorted(one.replace(" ", "") for one in run) == sorted(project["dependencies"])
    extra = [one.replace("torch>", "pytorch>") for one in project["optional-dependencies"]["difflm"]]
    bounded = recipe()["requirements"]["run_constraints"]
    assert sorted(one.replace(" ", "") for one in bounded) == sorted(extra)
    (built,) = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"][
        "requires"
    ]
    host = [one.replace(" ", "") for one in recipe()["requirements"]["host"]]
    assert built in host
    assert recipe()["context"]["python_min"] == project["requires-python"].removeprefix(">=")


def test_the_workflow_checks_before_it_publishes() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))["jobs"]
    commands = [step.get("run", "") for step in jobs["build"]["steps"]]
    assert ".ci/run" in commands and "make release-check" in commands
    used = [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]
    assert used and all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", one) for one in used)  # a tag can be moved
    pythons = [
        step["with"]["python-version"] for step in jobs["build"]["steps"] if "python" in str(step.get("uses"))
    ]
    assert pythons == [recipe()["context"]["python_min"]]
    assert jobs["publish"]["needs"] == "build" and jobs["publish"]["permissions"] == {"id-token": "write"}


def recipe() -> dict:
    return yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
