"""Texts -> unit vectors by an endpoint's /embeddings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from lookalike.errors import LLMError
from lookalike.llm.batch import all_or_first_error
from lookalike.llm.budget import Spent
from lookalike.llm.client import LLM
from lookalike.llm.dialect import Sent, dumps
from lookalike.llm.faults import Fault
from lookalike.llm.ledger import Entry
from lookalike.llm.request import key_of, usage_of
from lookalike.llm.sync import wait
from lookalike.progress import bar

EMBEDDINGS = "/embeddings"
HALVED = ("too long", "rejected")  # failures of a call after which fewer texts are sent at once
if TYPE_CHECKING:  # numpy is loaded when there are vectors: a run that only asks needs none of its memory
    import numpy as np
    import numpy.typing as npt

    Vectors: TypeAlias = npt.NDArray[np.float32]


async def embed(llm: LLM, texts: Sequence[str], *, progress: bool = True) -> Vectors:
    """(n, dims) float32 rows of length 1 for n texts, by the model of `llm`.

    Every text is kept in the ledger by itself, so that it is paid for once whatever it is asked together
    with. Raises LLMError for a text that the model does not take, and as `LLM.ask`.
    """
    import numpy as np

    keys = [key_of(llm.url, EMBEDDINGS, dumps({"model": llm.model, "input": text}), 0) for text in texts]
    found: dict[bytes, bytes] = {}
    missing: dict[bytes, str] = {}
    for key, text in zip(keys, texts, strict=True):
        if key in found or key in missing:
            continue
        entry = llm.ledger.get(key) if llm.ledger is not None else None
        if entry is None:
            missing[key] = text or " "  # no server takes an empty text
        else:
            found[key] = bytes(entry.body)  # type: ignore[arg-type]
    parts = [list(missing)]
    with bar(len(missing), "embedding", unit="texts", progress=progress) as shown:

        async def work() -> None:
            while parts:
                names = parts.pop()
                if len(names) > llm.batch:  # which falls where the endpoint takes fewer
                    parts.append(names[llm.batch :])
                    names = names[: llm.batch]
                try:
                    found.update(await _some(llm, {key: missing[key] for key in names}))
                except LLMError as error:
                    if len(names) == 1 or error.kind not in HALVED:
                        raise
                    llm.batch = min(llm.batch, _fewer(str(error), len(names)))
                    parts.append(names)
                    continue
                shown.update(len(names))

        count = min(-(-len(missing) // llm.batch), llm.throttle.most)
        await all_or_first_error([work() for _ in range(count)])
    if not texts:
        return np.zeros((0, 1), dtype=np.float32)
    rows = [np.frombuffer(found[key], dtype="<f4") for key in keys]
    if len({row.size for row in rows}) > 1:
        raise LLMError(f"{llm.url} gives vectors of different lengths for {llm.model!r}: use a new ledger.")
    return _unit(np.stack(rows).astype(np.float32))


def embedder(llm: LLM, *, progress: bool = True) -> Callable[[Sequence[str]], Vectors]:
    """`embed` as a plain function from texts to unit rows."""
    return lambda texts: wait(embed(llm, texts, progress=progress))


def _fewer(said: str, count: int) -> int:
    """How many texts to send after a call of `count` was refused: as many as the server names, else half."""
    named = [one for one in map(int, re.findall(r"\d+", said)) if 1 <= one < count] if "batch" in said else []
    return max(named, default=count // 2)


async def _some(llm: LLM, texts: Mapping[bytes, str]) -> dict[bytes, bytes]:
    """The vectors of one call, as float32 bytes."""
    import numpy as np

    body = dumps({"model": llm.model, "input": list(texts.values())})

    def read(answer: dict[str, Any], sent: Sent, most: Spent) -> tuple[list[bytes], Spent]:
        try:
            items = sorted(answer["data"], key=lambda one: one["index"])
            vectors = np.asarray([one["embedding"] for one in items], dtype="<f4")
        except (KeyError, TypeError, ValueError, OverflowError):
            raise Fault("malformed", "its answer holds no vectors", paid=True) from None
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            raise Fault("malformed", "its answer holds other vectors than were asked for", paid=True)
        return [row.tobytes() for row in vectors], Spent(1, usage_of(answer, most)[0], 0)

    async def keep(rows: list[bytes], used: Spent) -> list[bytes]:
        each = used.tokens_in // len(rows)
        entries = {key: Entry(row, "embedding", None, each, 0) for key, row in zip(texts, rows, strict=True)}
        kept = await llm.keep(entries, used)
        return [bytes(kept[key].body) for key in texts]  # type: ignore[arg-type]

    rows = await llm.call(EMBEDDINGS, lambda: Sent(body, 0), read, keep)
    return dict(zip(texts, rows, strict=True))


def _unit(rows: Vectors) -> Vectors:
    import numpy as np

    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(length > 1e-12, length, 1.0)).astype(np.float32)
