"""Runs the notebooks of docs/.

python -m tests.docs.notebooks     (on the whole data, and keeps their outputs)
"""

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.paths import ROOT
from tests.processes import environment

FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def execute(notebook: Any, folder: Path) -> Any:
    """The notebook with its outputs, as of a reader in a folder."""
    client = NotebookClient(
        notebook, timeout=600, startup_timeout=300, kernel_name="python3", coalesce_streams=True
    )
    with client.setup_kernel(cwd=str(folder), env=environment()):
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                client.execute_cell(cell, number)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # its times
    return notebook


if __name__ == "__main__":
    for path in NOTEBOOKS:
        nbformat.write(execute(nbformat.read(path, 4), path.parent), path)
        print(path)
