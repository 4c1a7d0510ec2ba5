"""Where the tests find files of the project."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
PACKAGE = SRC / "lookalike"
EXAMPLES = ROOT / "examples"
DATA = ROOT / "tests" / "data"
