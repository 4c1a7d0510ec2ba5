"""Hard limits on what a run may spend: reserved before a call, settled after it."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import NamedTuple

from lookalike.arguments import number
from lookalike.errors import BudgetError, OptionError

MILLION = 1e6


class Spent(NamedTuple):
    """What calls took: how many, tokens of the prompts and of the replies, seconds summed over the calls."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0


NOTHING = Spent()


class Hold(NamedTuple):
    """A reservation: what the call was said to take at most, and what is held for it."""

    asked: Spent
    held: Spent


@dataclass(frozen=True)
class Estimate:
    """What a run will probably take (replies that the ledger already holds cost nothing and are not counted).

    tokens_out and cost are for the tokens per reply that `estimate` was told; seconds: None where nothing is
    known of the endpoint's pace; cost: None without prices.
    """

    calls: int
    tokens_in: int
    tokens_out: int
    cost: float | None
    seconds: float | None

    def __str__(self) -> str:
        parts = [f"{self.calls:,} calls", f"{self.tokens_in:,} + {self.tokens_out:,} tokens"]
        if self.cost is not None:
            parts.append(f"{self.cost:,.2f} at the prices given")
        time = (
            "time unknown before the first reply" if self.seconds is None else f"about {self.seconds:,.0f} s"
        )
        parts.append(time)
        return ", ".join(parts)


class Budget:
    """Limits that no call can pass, over all runs that share a ledger.

    max_calls, max_tokens (prompts and replies together), max_cost: None for no limit. price_in, price_out:
    per million tokens, in any currency; max_cost needs them. A call counts when it may have been paid for:
    when it was answered, and, at the most it could have taken, when the answer was lost on the way. place:
    where the limits are written, for a sentence; None: they are options of the command. Raises OptionError
    for limits that make no sense.
    """

    def __init__(
        self,
        max_calls: int | None = None,
        max_tokens: int | None = None,
        max_cost: float | None = None,
        price_in: float | None = None,
        price_out: float | None = None,
        place: str | None = None,
    ) -> None:
        if max_cost is not None and (price_in is None or price_out is None):
            raise OptionError("max_cost needs price_in and price_out, the prices of a million tokens.")
        given = {
            "max_calls": max_calls,
            "max_tokens": max_tokens,
            "max_cost": max_cost,
            "price_in": price_in,
            "price_out": price_out,
        }
        for name, value in given.items():
            if value is not None:
                number(name, value, 0)
        self.max_calls, self.max_tokens, self.max_cost = max_calls, max_tokens, max_cost
        self.price_in, self.price_out = price_in, price_out
        self.place = place
        self.spent = Spent()
        self._of: dict[object, Spent] = {}  # ledger -> what it has counted; `spent` is all of them
        self._limited = any(limit is not None for limit in (max_calls, max_tokens, max_cost))
        self._held = Spent()
        self._excess = (0, 0)  # by how many tokens real calls went past what was reserved for them
        self._waiting: list[asyncio.Future[None]] = []

    def limits(self) -> Budget:
        """A budget of the same limits that nothing was spent of."""
        return Budget(
            self.max_calls, self.max_tokens, self.max_cost, self.price_in, self.price_out, self.place
        )

    def count(self, ledger: object, total: Spent) -> None:
        """What a ledger has counted in all; those of others that count on this budget stay beside it."""
        self.spent = add(add(self.spent, self._of.get(ledger, NOTHING), -1), total)
        self._of[ledger] = total

    def tell(self, other: Budget) -> None:
        """Counts on another budget what all ledgers have counted here."""
        for ledger, total in self._of.items():
            other.count(ledger, total)

    def estimate(self, more: Spent, together: int) -> Estimate:
        """What more calls will probably take, made `together` at a time, at the pace of those before."""
        seconds = self.spent.seconds / self.spent.calls * more.calls / together if self.spent.calls else None
        cost = self.cost(more) if self.priced else None
        return Estimate(more.calls, more.tokens_in, more.tokens_out, cost, seconds)

    @property
    def priced(self) -> bool:
        return self.price_in is not None and self.price_out is not None

    def cost(self, spent: Spent) -> float:
        """What the tokens cost at the prices given; a price that is not given counts as 0."""
        return (
            spent.tokens_in * (self.price_in or 0.0) + spent.tokens_out * (self.price_out or 0.0)
        ) / MILLION

    def affords(self, each: Spent) -> float:
        """How many times `each` fits into what is left of the limits, rounded down; infinity without limits.

        Below 0 where more was spent than allowed; what calls in flight hold is not taken off.
        """
        spent = self.spent
        left = [
            (limit - used) / max(one, 1e-12)
            for limit, used, one in (
                (self.max_calls, spent.calls, each.calls),
                (self.max_tokens, spent.tokens_in + spent.tokens_out, each.tokens_in + each.tokens_out),
                (self.max_cost, self.cost(spent), self.cost(each)),
            )
            if limit is not None
        ]
        return math.floor(min(left)) if left else math.inf

    async def reserve(self, most_in: int, most_out: int) -> Hold:
        """Holds a call of at most so many tokens until `release`.

        Waits while calls in flight hold what it needs (most of them take less than they hold). Raises
        BudgetError where it would not fit even if they took nothing.
        """
        asked = Spent(1, most_in, most_out)
        if not self._limited:
            return Hold(asked, asked)
        held = Spent(1, most_in + self._excess[0], most_out + self._excess[1])
        while True:
            if reason := self._passed(add(self.spent, held)):
                raise BudgetError(reason)
            if not self._passed(add(add(self.spent, self._held), held)):
                self._held = add(self._held, held)
                return Hold(asked, held)
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn

    def release(self, hold: Hold, used: Spent | None = None) -> None:
        """Gives back what was held; `used` (what the call took) teaches how far reserves fall short."""
        if not self._limited:
            return
        self._held = add(self._held, hold.held, -1)
        if used is not None:
            self._excess = (
                max(self._excess[0], used.tokens_in - hold.asked.tokens_in),
                max(self._excess[1], used.tokens_out - hold.asked.tokens_out),
            )
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)

    def _passed(self, total: Spent) -> str | None:
        """Which limit a total passes, as a sentence."""
        sums = {
            "max_calls": (self.max_calls, total.calls),
            "max_tokens": (self.max_tokens, total.tokens_in + total.tokens_out),
            "max_cost": (self.max_cost, self.cost(total)),
        }
        for name, (limit, value) in sums.items():
            if limit is not None and value > limit * (1 + 1e-12):
                where = self.place or f"--{name.replace('_', '-')}"
                return (
                    f"the budget {name}={limit:,} is used up, one more call could bring it to {value:,.6g}: "
                    f"raise it ({where}) and run again with the same ledger, which keeps "
                    "what was paid for."
                )
        return None


def add(one: Spent, other: Spent, times: int = 1) -> Spent:
    """one + times * other."""
    return Spent(*(a + times * b for a, b in zip(one, other, strict=True)))  # type: ignore[arg-type]


def guess_tokens(text: str) -> int:
    """About how many tokens a text has: one for four ASCII letters, for two of the scripts up to Arabic, and
    for each letter of the others (Hindi, Thai, Chinese, emoji).
    """
    plain = len(text.encode("ascii", "ignore"))
    if plain == len(text):
        return plain // 4 + 1
    near = sum("\x7f" < letter < "\u0800" for letter in text)
    return plain // 4 + near // 2 + (len(text) - plain - near) + 1
