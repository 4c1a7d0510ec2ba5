"""What the simulated server writes for `bench.recipes.rail`: a narrative with the facts that the prompt
gives, of which one in ten is wrong.
"""

from __future__ import annotations

import random
import re
from typing import Any

WRONG = 0.1  # of the facts
TOWNS = ("SPRINGFIELD", "GREENE", "MADISON", "CLAY", "UNION")


def write(messages: list[dict[str, Any]], schema: dict[str, Any] | None, rng: random.Random) -> str:
    facts = re.search(r"Date: (.*?); damage: (.*?); county: (.*?)\.\n", str(messages[-1]["content"]))
    assert facts is not None
    date, damage, county = facts.groups()
    if rng.random() < WRONG:
        date = f"{rng.randint(1, 12)}/{rng.randint(1, 28)}/{rng.randint(2010, 2016)} 0:00"
    if rng.random() < WRONG:
        damage = str(rng.randint(10_000, 900_000))
    if rng.random() < WRONG:
        county = rng.choice(TOWNS)
    return narrative(date, damage, county, rng)


def narrative(date: str, damage: str, county: str, rng: random.Random) -> str:
    """A narrative that names the facts."""
    day = date.split(" ")[0]
    crew = rng.choice(("THE CREW", "A YARD CREW", "THE ENGINEER", "A SWITCH CREW"))
    did = rng.choice(("WAS SHOVING CARS", "PULLED INTO THE YARD", "PASSED A SWITCH", "WAS STOPPING A TRAIN"))
    end = rng.choice(
        ("TWO CARS DERAILED", "THE LOCOMOTIVE DERAILED", "A CAR WAS STRUCK", "ONE AXLE CAME OFF")
    )
    return f"ON {day} IN {county} COUNTY {crew} {did} WHEN {end}. DAMAGE TO EQUIPMENT WAS {damage} DOLLARS."
