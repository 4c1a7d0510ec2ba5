"""Texts that speak of themselves, of their label or of the task, as a weak model writes them in place of a
record.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lookalike.texts.refusals import unusual


def _one(words: str, ending: str = "") -> str:
    """One of some words, with an ending where the pattern says so."""
    return f"(?:{'|'.join(words.split())}){ending}"


_RECORD = _one("text review record sentence dataset passage paragraph snippet sample", "s?")
_POST = _one("message email e-mail query comment post tweet statement question request response description")
_ANY = rf"(?:{_RECORD}|{_POST}|data set)"
_WRITER = _one("person user customer author writer reviewer speaker individual people someone somebody")
_SAYS = _one(
    "express convey describ discuss highlight emphasis emphasiz reflect showcas illustrat depict",
    "(?:e?s|ing)",
)
_HAS = (
    r"(?:uses|mentions|contains|includes|talks about|speaks of|starts with|ends with|asks about|"
    r"focuses on|consists of)"
)
_MOOD = r"(?:positive|negative|neutral)"
_MANNER = _one(
    "positive negative neutral formal informal casual polite natural simple clear concise descriptive "
    "emotional varied "
    "professional friendly conversational"
)
_WORDING = r"(?:language|tone|wording|vocabulary|style|sentence structure|sentiment|adjectives)"
_MANY = r"(?:an?|another|the|this|these|some|my|your|new|\d+|two|three|five|ten)"
_KIND = r"(?:example|description|summary|statement|expression|record|request)"
META = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # whoever writes the text
        rf"\b{_WRITER}(?:,? (?:who|that))?(?: is| was| has)? (?:writing|wrote|written|behind|posting) "
        rf"(?:the|this|an?) (?:\w+ ){{0,2}}{_ANY}\b",
        rf"\b(?:the|this) {_one('author writer speaker narrator')}(?: of (?:the|this) {_ANY})? "
        rf"(?:is |seems |appears )?(?:{_SAYS}|to be \w+ing|uses|asks|asking|wants to know|states|"
        r"mentions|feels)\b",
        rf"\b(?:author|writer) of (?:the|this) (?:\w+ )?{_ANY}\b",
        rf"^\W*(?:in|for) (?:this|the) {_ANY},? (?:the|a) {_WRITER}\b",
        rf"^\W*(?:the|this|an?) (?:\w+ )?{_WRITER} (?:wrote|writes|sent|sends|expresses|expressed)\b",
        # the text itself
        rf"\b(?:the|this|each|every) (?:\w+ )?{_RECORD} (?:{_SAYS}|{_HAS})",
        rf"\b(?:the|this|each|every) (?:\w+ )?{_RECORD} (?:should|must) (?:be|have|use|include)\b",
        rf"\b(?:the|this) (?:\w+ )?{_RECORD} (?:is|was) (?:about|written|labell?ed|categori[sz]ed|"
        rf"classified|meant to|"
        rf"intended to|designed to|(?:an? )?(?:\w+ )?{_KIND} (?:of|about|for)|(?:very |quite |clearly "
        rf")?{_MANNER}\b)",
        rf"\b(?:the|this) (?:\w+ )?{_POST} (?:{_SAYS}|is (?:about (?:a|the)|written in|labell?ed|"
        rf"categori[sz]ed|classified))\b",
        rf"\b(?:an?|another|the|one|this) (?:(?:new|real|synthetic|different|first|second|next|{_MOOD}) )*"
        r"record (?:about|of the data|that i|with (?:a |the )?(?:label|category|text|sentiment|topic))",
        rf"\b(?:length|tone|style|topic|structure|sentiment) of (?:the|this) {_ANY} (?:is|should|was|must)\b",
        # its label
        r"\blabell?ed (?:as|with)\b",
        r"\b(?:classified|categori[sz]ed|tagged|rated) (?:as|under|with) (?:an? |the )?[\"']?"
        rf"(?:{_MOOD}|label|category|spam|ham)\b",
        r"\b(?:the|its|whose|an?) (?:\w+ )?label (?:is|=|:|should|must|\")",
        r"^\W*(?:text|label|category|sentiment|record|class)\"? ?[:=] ?",
        rf"\b{_MOOD} (?:label|category|class|record|sentiment label)\b",
        rf"\b(?:an?|the) (?:\w+ )?{_MOOD} {_WORDING} (?:about|of|is|and|that|to|in|towards)\b",
        # the task
        rf"\b(?:us(?:e|ing|es)|employs?|avoid(?:s|ing)?|maintain|keep) (?:(?:an?|the|more|any|very) )?"
        rf"{_MANNER}(?:,? (?:and |or )?\w+)? {_WORDING}\b",
        rf"\b(?:writ|generat|creat|provid|compos|produc)(?:e|ing) {_MANY}(?: \w+){{0,3}} (?:{_RECORD}|"
        rf"examples?)\b",
        rf"^\W*here(?: is|'s| are) {_MANY}(?: \w+){{0,3}} (?:{_ANY}s?|examples?)\b",
        r"\bmake sure (?:that )?(?:to (?:use|include|mention|write)|(?:the|your|each|every) (?:text|"
        r"record|review|sentence))",
        r"\b(?:as|in|of) (?:an? |the |this |each |every )?(?:json|data set|dataset)"
        r"(?: object| format| record)?\b",
        r"\b(?:record|example|sentence|sample) (?:number |no\. ?|#)?\d+ ?[:.)]",
        r"[\[<{](?:insert|your|name of|the|text|label|category|topic|record|product|customer)"
        r"(?:[ _]\w+){0,4}[\]>}]",
        r"\babout \d+ (?:words|characters)(?:,? (?:long|each|in length))?\W*(?:$|begins with\b)",  # a plan
        r"\blorem ipsum\b",
        # the same in other languages
        r"\b(?:dieser|der|dieses|das) (?:text|datensatz|satz|beispiel) (?:beschreibt|handelt|drückt|"
        r"enthält)\b",
        r"\b(?:ce|le|cette|la) (?:texte|phrase|enregistrement|avis) (?:décrit|exprime|parle|contient)\b",
        r"\b(?:est[ea]|el|la|o) (?:texto|registro|frase|reseña) (?:describe|expresa|habla|descreve|"
        r"expressa)\b",
        r"(?:这|該|该)(?:个|段|條|条|篇)?(?:文本|记录|句子|评论)(?:描述|表达|是关于)",
    )
)


def meta_of(texts: Sequence[str]) -> list[re.Pattern[str]]:
    """The patterns of `META` that are no habit of the real texts."""
    return unusual(META, texts)
