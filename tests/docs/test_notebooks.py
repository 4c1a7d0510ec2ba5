"""Every notebook of docs/ runs in small, without a red line; the outputs that are kept are sound."""

from pathlib import Path

import pytest

from tests.docs.blocks import small
from tests.paths import ROOT
from tests.short_fits import HERE

for package in ("nbformat", "nbclient", "ipykernel"):
    pytest.importorskip(package, reason="the extra `docs` is not installed")
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
NAMES = [path.name for path in NOTEBOOKS]


def test_they_run_in_small(folder: Path) -> None:
    """In one process, which has imported what they need once, and forgets all names between two of them."""
    import nbformat

    from tests.docs.notebooks import execute

    where = folder / "docs" / "notebooks"
    where.mkdir(parents=True, exist_ok=True)
    if not (folder / "tests").exists():
        (folder / "tests").symlink_to(ROOT / "tests")
    notebooks = {path.name: nbformat.read(path, 4) for path in NOTEBOOKS}
    for notebook in notebooks.values():
        codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for cell in codes:
            cell.source = small(cell.source)
        short = HERE if any("DiffLM" in cell.source for cell in codes) else ""
        codes[0].source = f"%reset -f\n{short}\n{codes[0].source}"
    execute([*notebooks.values()], where)
    for name, notebook in notebooks.items():
        said = [out for cell in notebook.cells for out in cell.get("outputs", [])]
        wrong = [out for out in said if out.output_type == "error" or out.get("name") == "stderr"]
        assert said and not wrong, (name, wrong)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_its_outputs_are_kept_and_small(path: Path) -> None:
    assert path.stat().st_size < 100_000
    import nbformat

    text = path.read_text(encoding="utf-8")
    assert str(ROOT) not in text and "/tmp/" not in text and '"stderr"' not in text
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert sum(bool(cell.outputs) for cell in cells) > len(cells) / 2
