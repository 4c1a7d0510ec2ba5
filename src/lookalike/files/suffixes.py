"""What the suffix of a file says: .csv .tsv .jsonl .json .parquet .feather .xlsx; .txt and folders.

Text files may be packed: .csv.gz, .bz2, .xz, .zst, .zip. "-" is CSV from standard input, or to standard
output.
"""

from __future__ import annotations

from pathlib import Path

from lookalike.errors import DataError
from lookalike.files.packed import STANDARD, packing

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".parquet", ".jsonl", ".jsonl.gz", ".json", ".feather", ".xlsx")
LINES = ".txt"  # one text per line: no table but a column
FOLDER = "a folder"
DELIMITED = {".csv": ",", ".tsv": "\t", ".tab": "\t"}  # suffix -> what stands between the columns
JSON_LINES = (".jsonl", ".ndjson")
TEXT_KINDS = (*DELIMITED, *JSON_LINES, ".json", LINES)
KINDS = (*TEXT_KINDS, ".parquet", ".feather", ".xlsx")


def check_suffix(path: str | Path) -> str:
    """The suffix of a table file, without that of its packing; ".csv" for "-". Raises DataError for a suffix
    that no table is written with.
    """
    if str(path) == STANDARD:
        return ".csv"
    packed = packing(path)
    name = Path(path).name.lower().removesuffix(packed)
    for kind in TEXT_KINDS if packed else KINDS:
        if name.endswith(kind):
            return kind
    named = f"name it such as table.csv{packed}" if packed else f"name it with one of {', '.join(KINDS)}"
    raise DataError(f"{path} has no suffix of a table: {named}.")
