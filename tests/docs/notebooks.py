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


def execute(notebooks: list[Any], folder: Path) -> None:
    """Gives the notebooks their outputs, as of a reader in a folder; one kernel runs one after the other."""
    client = NotebookClient(
        notebooks[0], timeout=600, startup_timeout=300, kernel_name="python3", coalesce_streams=True
    )
    with client.setup_kernel(cwd=str(folder), env=environment()):
        for notebook in notebooks:
            client.nb = notebook
            client.reset_execution_trackers()
            for number, cell in enumerate(notebook.cells):
                if cell.cell_type == "code":
                    client.execute_cell(cell, number)
                cell.metadata.pop("execution", None)  # its times


if __name__ == "__main__":
    for path in NOTEBOOKS:
        notebook = nbformat.read(path, 4)
        execute([notebook], path.parent)
        nbformat.write(notebook, path)
        print(path)
