"""What the simulated server writes for `bench.recipes.rail`: a narrative with the facts that the prompt
gives, of which one in ten is wrong; or a row like those that the prompt shows.
"""

from __future__ import annotations

import json
import random
import re
from typing import Any

WRONG = 0.1  # of the facts
KEPT = 0.7  # of the cells of a row that are of the same row shown
TOWNS = ("SPRINGFIELD", "GREENE", "MADISON", "CLAY", "UNION")


def write(messages: list[dict[str, Any]], schema: dict[str, Any] | None, rng: random.Random) -> str:
    if schema is not None:
        return json.dumps(row(str(messages[-1]["content"]), schema["properties"], rng))
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


def row(prompt: str, fields: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """A row: each cell is that of one of the rows shown, most often of the same one; numbers are rounded to
    their first digit, as language models do.
    """
    shown = [dict(re.findall(r"(\w+): (.*?)(?:; |$)", line)) for line in prompt.splitlines() if "; " in line]
    shown = [one for one in shown if set(fields) <= set(one)]
    main, found = rng.choice(shown), {}
    for name, field in fields.items():
        cell = (main if rng.random() < KEPT else rng.choice(shown))[name]
        found[name] = int(float(f"{float(cell):.0e}")) if field["type"] == "integer" else cell
    return found


def narrative(date: str, damage: str, county: str, rng: random.Random) -> str:
    """A narrative that names the facts."""
    day = date.split(" ")[0]
    crew = rng.choice(("THE CREW", "A YARD CREW", "THE ENGINEER", "A SWITCH CREW"))
    did = rng.choice(("WAS SHOVING CARS", "PULLED INTO THE YARD", "PASSED A SWITCH", "WAS STOPPING A TRAIN"))
    end = rng.choice(
        ("TWO CARS DERAILED", "THE LOCOMOTIVE DERAILED", "A CAR WAS STRUCK", "ONE AXLE CAME OFF")
    )
    return f"ON {day} IN {county} COUNTY {crew} {did} WHEN {end}. DAMAGE TO EQUIPMENT WAS {damage} DOLLARS."
