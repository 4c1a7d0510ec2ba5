"""The alarm that sounds when a model's records stop being accepted, with what helps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from lookalike.progress import say

WINDOW = 20  # requests
SOONEST = 10  # requests before which a low acceptance may be chance
LOW, FALLEN = 0.25, 0.5  # acceptance by itself, and as a share of what it was at first
FIXES = {  # reason or kind of failure -> what helps
    "label": "use a model that follows instructions better, or merge classes that are hard to tell apart",
    "class": "say what the classes mean (--task), or show real rows (--method few-shot)",
    "meta": "use a model that follows instructions better, or show it real rows (--method steered)",
    "refusal": "say what the data are for (--task), or use another model",
    "language": "name the language of the data (--task)",
    "copy": "raise the temperature, or use --method synalign, which shows the writing call no text",
    "duplicate": "raise the temperature, give more demonstrations, or ask for fewer rows",
    "not novel": "raise the temperature, give more demonstrations, or ask for fewer rows",
    "empty": "use another model: this one leaves texts empty",
    "too long": "say how long a text is (--task)",
    "repetition": "use another model, or less of --temperature: this one repeats itself",
    "symbols": "say what a text looks like (--task), or show it real rows (--method few-shot)",
    "value": "say what the columns mean (--task)",
    "context": "use a model with a longer context, or ask for fewer records a call (--gen-size)",
    "malformed": "ask for fewer records a call (--gen-size), or use a model that writes JSON better",
    "missing": "ask for fewer records a call (--gen-size), or use a model that writes JSON better",
    "cut off": "allow more tokens a reply (--reply-tokens), or ask for fewer records a call (--gen-size)",
    "refused": "say what the data are for (--task), or use another model",
    "rejected": "look at what the endpoint says of them in the summary",
    "timeout": "bear a longer silence (--timeout), or ask for fewer records a call (--gen-size)",
    "quote": "use a model that describes a text in words of its own",
}


class Alarm:
    """Listens to every request's acceptance and says once a reason what is going wrong.

    said: the sentences so far. helps: a reason -> what helps, as half a sentence; None: as of `FIXES`.
    """

    def __init__(self, progress: bool, helps: Callable[[str], str] | None = None) -> None:
        self.said: list[str] = []
        self._progress, self._helps = progress, helps or fix
        self._heard: list[tuple[int, int, Counter[str]]] = []
        self._reasons: set[str] = set()

    def heard(self, asked: int, good: int, reasons: Counter[str]) -> None:
        """One request: records asked for and accepted, and the others by reason."""
        self._heard.append((asked, good, reasons))
        if len(self._heard) < SOONEST:
            return
        now = acceptance(self._heard[-WINDOW:])
        fallen = len(self._heard) >= 2 * WINDOW and now < FALLEN * acceptance(self._heard[:WINDOW])
        if now >= LOW and not fallen:
            return
        reason = main_reason(sum((one[2] for one in self._heard[-WINDOW:]), Counter()))
        if reason is None or reason in self._reasons:
            return
        self._reasons.add(reason)
        first = acceptance(self._heard[:WINDOW])
        self.said.append(
            f"the model collapses: of its last records {now:.0%} were accepted (at first {first:.0%}), "
            f"most others are rejected as '{reason}': {self._helps(reason)}."
        )
        say(f"warning: {self.said[-1]}", progress=self._progress)


def acceptance(heard: list[tuple[int, int, Counter[str]]]) -> float:
    return sum(one[1] for one in heard) / max(sum(one[0] for one in heard), 1)


def main_reason(reasons: Counter[str]) -> str | None:
    """The most frequent reason; None where nothing was rejected."""
    return max((one for one in reasons if one), key=lambda one: reasons[one], default=None)


def fix(reason: str) -> str:
    """What helps against a reason, as half a sentence."""
    return FIXES.get(reason, "look at the rejected rows and the failures in the summary")
