"""Builds conda/recipe.yaml and runs its tests without a channel of conda's: `make conda-check`.

    python conda/check.py ENVIRONMENT OUT

ENVIRONMENT is a virtual environment with hatchling and all that the recipe needs. Each of its packages, and
the Python that runs this, becomes a conda package in OUT/channel. With these the recipe is solved, built, and
tested in an environment of its own. Packages have their names of PyPI here; those that conda names otherwise
(torch) are only bounded by the recipe, not needed.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import sys
import sysconfig
from importlib.metadata import Distribution, distributions
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rattler_build import Package, Stage0Recipe, ToolConfiguration, assemble_package

RECIPE = Path(__file__).with_name("recipe.yaml")
SUBDIR = {"x86_64": "linux-64", "aarch64": "linux-aarch64"}.get(platform.machine(), "")
LEFT_OUT = ("site-packages", "test", "__pycache__", "idlelib", "tkinter", "lib2to3")
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


def python(out: Path) -> None:
    """The Python that runs this as a conda package."""
    base = Path(sys.base_prefix)
    with TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "bin").mkdir()
        shutil.copy2(base / "bin" / PYTHON, here / "bin")
        for name in ("python", "python3"):
            (here / "bin" / name).symlink_to(PYTHON)
        ignored = shutil.ignore_patterns(*LEFT_OUT, "config-*")
        shutil.copytree(sysconfig.get_path("stdlib"), here / "lib" / PYTHON, ignore=ignored)
        for library in (base / "lib").glob("libpython3*.so*"):
            shutil.copy2(library, here / "lib")
        assemble_package(
            "python", platform.python_version(), SUBDIR, "0_cpython", out, files_dir=here, compression_level=1
        )


def package(found: Distribution, site: Path, out: Path) -> None:
    """An installed package as a conda package: what lies in site-packages, and what it needs."""
    asked = [Requirement(one) for one in found.requires or ()]
    needs = [
        f"{canonicalize_name(one.name)} {one.specifier}".strip()
        for one in asked
        if one.marker is None or one.marker.evaluate({"extra": ""})
    ]
    with TemporaryDirectory() as folder:
        for file in found.files or ():
            if ".." in file.parts or "__pycache__" in file.parts:
                continue
            copy = Path(folder) / "lib" / PYTHON / "site-packages" / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(site / file, copy)
        assemble_package(
            canonicalize_name(found.metadata["Name"]),
            found.version,
            SUBDIR,
            "py_0",
            out,
            files_dir=folder,
            depends=[f"python {PYTHON.removeprefix('python')}.*", *needs],
            compression_level=1,
        )


def index(folder: Path) -> None:
    """repodata.json of a folder of packages."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = {}
    for path in sorted(folder.glob("*.conda")):
        one, data = Package.from_file(path), path.read_bytes()
        entries[path.name] = {
            "name": one.name,
            "version": one.version,
            "build": one.build_string,
            "build_number": one.build_number,
            "depends": list(one.depends),
            "subdir": folder.name,
            "md5": hashlib.md5(data).hexdigest(),
            "sha256": hashlib.sha256(data).hexdigest(),
            "size": len(data),
        }
    told = {"info": {"subdir": folder.name}, "packages": {}, "packages.conda": entries, "repodata_version": 1}
    (folder / "repodata.json").write_text(json.dumps(told))


def main(environment: Path, out: Path) -> None:
    if not SUBDIR or sys.platform != "linux":
        sys.exit("conda-check: only on Linux, on x86-64 or ARM")
    channel = out / "channel"
    (channel / SUBDIR).mkdir(parents=True)
    python(channel / SUBDIR)
    (site,) = environment.glob("lib/python3*/site-packages")
    for found in distributions(path=[str(site)]):
        package(found, site, channel / SUBDIR)
    index(channel / SUBDIR)
    index(channel / "noarch")
    url = channel.resolve().as_uri()
    (rendered,) = Stage0Recipe.from_file(RECIPE).render()
    built = rendered.run_build(
        ToolConfiguration(test_strategy="skip"), output_dir=out / "built", channels=[url], no_build_id=True
    )
    (path,) = built.packages
    made = Package.from_file(path)
    for number, test in enumerate(made.tests):
        result = made.run_test(number, channel=[url])
        print(f"conda-check: {type(test).__name__}: {'passed' if result.success else 'failed'}")
        if not result.success:
            sys.exit(str(result.output))
    print(f"conda-check: {made.filename} needs {', '.join(made.depends)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
