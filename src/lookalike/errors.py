"""Every error that a user can cause, as one sentence that says what to change.

LookalikeError              the root: `except lookalike.LookalikeError` catches all of them
└── UserError               the CLI prints it without a traceback and exits with 2
    ├── DataError           a table or file that cannot be used
    ├── SchemaError         a schema that the data contradict, or that cannot be read
    ├── ConditionError      a `where`, `given` or `balance` that no row can satisfy
    ├── ModelError          a model folder that is incomplete or of another format version
    ├── OptionError         an option with a value that makes no sense
    ├── MissingDependency   an optional package that is not installed
    ├── LedgerError         a ledger of replies that cannot be used: another version, a full disk
    └── LLMError            a request that got no usable reply from a language model
        ├── EndpointError   no request can: wrong key, no such model, no answer, not OpenAI-compatible
        └── BudgetError     the next call could pass a limit of the budget
"""

from __future__ import annotations

import contextlib
import csv
import errno
import os
from collections.abc import Iterator
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
LIMITED = "the system's limit on the size of a file is reached: raise it (ulimit -f)"
NEAR = 1 << 20  # bytes below that limit at which SQLite's files may fail to grow
PACKED = {".bz2": "bzip2", ".xz": "xz", ".zst": "zstandard", ".zip": "zip", ".xlsx": "Excel"}


class LookalikeError(Exception):
    """The root of the errors that lookalike raises on purpose."""


class UserError(LookalikeError):
    """Something the user can put right; the message is one sentence and names the fix."""


class DataError(UserError):
    """A table or a file that cannot be used."""


class SchemaError(UserError):
    """A schema that the data contradict, or a schema file that cannot be read."""


class ConditionError(UserError):
    """A condition (`where`, `given`, `balance`) that no row can satisfy."""


class ModelError(UserError):
    """A model folder that is incomplete, damaged or of another format version."""


class OptionError(UserError):
    """An option with a value that makes no sense."""


class MissingDependency(UserError):
    """An optional package is missing; the message holds the command that installs it."""

    def __init__(self, package: str, extra: str = "difflm") -> None:
        super().__init__(
            f"this needs the package '{package}', which is not installed: "
            f"type  pip install '.[{extra}]'  in the folder of lookalike"
        )


class LedgerError(UserError):
    """A ledger of replies that is damaged, of another format version, locked or on a full disk."""


class LLMError(UserError):
    """A request to a language model that got no usable reply.

    kind: one or two words for what went wrong, by which failures are counted ("timeout", "malformed").
    """

    def __init__(self, message: str, kind: str = "rejected") -> None:
        super().__init__(message)
        self.kind = kind


class EndpointError(LLMError):
    """An endpoint that will answer no request of this run, so that the run stops."""


class BudgetError(LLMError):
    """A call that was not started because it could pass a limit of the budget."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "budget")


@contextlib.contextmanager
def file_errors(path: str | Path, done: str = "read") -> Iterator[None]:
    """Turns whatever goes wrong with a table file while it is `done` (read or written) into a DataError."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        reasons = {
            FileNotFoundError: "does not exist: check the name",
            IsADirectoryError: "is a folder: name a table file in it",
            PermissionError: f"may not be {done}: check its permissions",
        }
        raise DataError(f"{path} {reasons[type(error)]}.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 ({first_line(error)}): save it as UTF-8.") from None
    except _damages():
        kind = PACKED.get(Path(path).suffix.lower(), "gzip")
        raise DataError(f"{path} is not a complete {kind} file: fetch or compress it again.") from None
    except BrokenPipeError:  # who reads standard output has seen enough
        raise
    except OSError as error:
        if error.errno in FULL:
            raise DataError(f"{path} cannot be {done}, the disk is full: free some space.") from None
        if at_limit(error, path):
            raise DataError(f"{path} cannot be {done}, {LIMITED}.") from None
        raise DataError(f"{path} cannot be {done}: {error.strerror or first_line(error)}.") from None
    except (ValueError, ArithmeticError, NotImplementedError, TypeError, csv.Error) as error:
        # what pandas and pyarrow raise for damaged files and for values that a format cannot hold
        advice = ": check that it is complete, and of the kind that its name says" if done == "read" else ""
        raise DataError(f"{path} cannot be {done} ({first_line(error)}){advice}.") from None


def first_line(error: BaseException) -> str:
    """What an error says, without the lines that follow and the full stop."""
    return (str(error).splitlines() or [type(error).__name__])[0].strip().rstrip(".")


def is_full(error: BaseException) -> bool:
    """Whether the system, or SQLite, says that a disk is full."""
    return "full" in str(error) or getattr(error, "errno", None) in FULL


def at_limit(error: BaseException, path: str | Path) -> bool:
    """Whether a file, which may be one of SQLite, could grow no further as the system limits its size."""
    if getattr(error, "errno", None) == errno.EFBIG:
        return True
    if not str(getattr(error, "sqlite_errorname", "")).startswith("SQLITE_IOERR"):
        return False
    try:
        import resource
    except ImportError:  # not on Windows
        return False
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    sizes = [os.path.getsize(one) for end in ("", "-wal") if os.path.exists(one := f"{path}{end}")]
    return limit != resource.RLIM_INFINITY and max(sizes, default=0) + NEAR > limit


def _damages() -> tuple[type[Exception], ...]:
    """What the readers of packed files raise; looked up when something has been raised."""
    import gzip
    import lzma
    import zipfile
    import zlib

    return EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile
