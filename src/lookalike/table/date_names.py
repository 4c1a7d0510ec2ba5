"""Names of months and days in dates: English ones, and those of a few other languages.

A directive of another language names it: `%{de}B` is a German month. Names are as the language writes them
within a sentence; a language with a capital, `%{Fr}B`, begins them with one.
"""

from __future__ import annotations

import re
from functools import cache

from lookalike.texts.words import MONTHS

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
NAMED = "BbAa"  # the directives of names that a language has
NAMES = {"B": MONTHS, "b": [name[:3] for name in MONTHS], "A": DAYS, "a": [name[:3] for name in DAYS]}
_OTHERS = {  # language -> months, short months, days
    "de": (
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",
        "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    ),
    "fr": (
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
    ),
    "es": (
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "ene feb mar abr may jun jul ago sep oct nov dic",
        "lunes martes miércoles jueves viernes sábado domingo",
    ),
    "it": (
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "gen feb mar apr mag giu lug ago set ott nov dic",
        "lunedì martedì mercoledì giovedì venerdì sabato domenica",
    ),
    "pt": (
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "jan fev mar abr mai jun jul ago set out nov dez",
        "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
    ),
    "nl": (
        "januari februari maart april mei juni juli augustus september oktober november december",
        "jan feb mrt apr mei jun jul aug sep okt nov dec",
        "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    ),
}
WORD = re.compile(r"[^\W\d_]+(?:-feira)?")  # a word of a date


def names_of(letter: str, language: str = "") -> list[str]:
    """The names that a directive (B, b, A or a) stands for, in their order; none where there are none."""
    if not language:
        return NAMES[letter]
    own = _OTHERS.get(language.lower())
    if own is None or letter == "a":
        return []
    names = own["BbA".index(letter)].split()
    return names if language.islower() else [name[0].upper() + name[1:] for name in names]


def directives_of(word: str) -> list[str]:
    """The directives of names that a word of a date may be; English ones, if it may be one of them."""
    languages = [own for one in _OTHERS for own in (one, one.capitalize())]
    return list(_directives("").get(word) or _directives(*languages).get(word, []))


@cache
def _directives(*languages: str) -> dict[str, list[str]]:
    """Name -> the directives that stand for it in these languages, in their order."""
    found: dict[str, list[str]] = {}
    for language in languages:
        said = "{" + language + "}" if language else ""
        for letter in ("b", "a", "B", "A"):
            own = names_of(letter, language)
            for form, names in ((f"%{said}{letter}", own), (f"%^{said}{letter}", map(str.upper, own))):
                for name in dict.fromkeys(names):
                    found.setdefault(name, []).append(form)
    return found
