"""Characters that no file, database or terminal takes: found and replaced where text comes in."""

from __future__ import annotations

import re
from typing import Any

REPLACEMENT = "\ufffd"  # what Unicode has for a character that was lost
_UNSOUND = re.compile("[\x00\ud800-\udfff]")


def sound(value: Any, nul: str = REPLACEMENT) -> Any:
    """A text, or a JSON value with all its texts and keys, without what UTF-8 cannot hold.

    Two halves of a character (surrogates) are joined; a half that stands alone becomes U+FFFD. nul: what
    takes the place of NUL, at which some programs stop reading. Raises RecursionError for a value that is
    nested too deep.
    """
    if isinstance(value, str):
        if _UNSOUND.search(value) is None:
            return value
        joined = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return joined.replace("\x00", nul)
    if isinstance(value, list):
        return [sound(one, nul) for one in value]
    if isinstance(value, dict):
        return {sound(name, nul): sound(one, nul) for name, one in value.items()}
    return value
