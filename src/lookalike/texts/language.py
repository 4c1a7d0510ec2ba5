"""Whether a text is in a language of the real texts: by its script and by its function words.

No library: one that guesses a language has to name one for every text, and short texts often have no plain
one. Here only what is plain counts: letters of another script, or function words of one other language.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from lookalike.texts.words import words_of

RARE = 0.01  # share of the real letters below which a script counts as foreign
MOST_FOREIGN = 0.3  # share of foreign letters that a text may have: names and brands
HOME = 0.05  # share of the real words that are function words of a language that is at home there
TEXTS = 5000  # that are looked at
JOINED = {"HIRAGANA": "CJK", "KATAKANA": "CJK"}  # always written together with Chinese characters
FUNCTION_WORDS = {
    name: frozenset(words.split())
    for name, words in {
        "English": "the and of to is was are you i it that for with this have not my your but what "
        "how can on do",
        "German": "der die das und ich nicht ist ein eine mit auf für zu den dem des sie wir es "
        "auch wie meine mein habe wird sind wurde noch oder aber kann nach bei",
        "French": "le la les des et est une un que qui pas pour dans je ne vous nous sur avec mon "
        "ma mes ce cette du au il elle mais plus votre sont été",
        "Spanish": "el la los las y es una un que en no por para con mi se lo su del como pero más "
        "está muy yo tengo ha son fue cómo qué",
        "Italian": "il lo gli le che di è una un non per con sono mi la della del nel ho mia mio "
        "come ma più si anche questo questa alla ha",
        "Portuguese": "o os as um uma que não é para com por meu minha do da dos das em no na eu mas "
        "mais como foi são está você seu",
        "Dutch": "de het een en van ik niet is dat op te zijn voor met mijn maar ook aan er heb "
        "wat hoe naar bij worden deze kan nog",
        "Scandinavian": "och att det en är jag inte på för med som har till den av ett min kan jeg ikke "
        "og er at til men om var hvordan hva",
        "Polish": "nie i na w się jest to z do że jak mi moja mój ale czy po za od mam przez dla jestem co",
        "Czech": "se na je v že s z do to a jak jsem není pro mi ale můj moje si jako který mám když",
        "Turkish": "bir ve bu için de da ne çok ile ben benim mi var daha gibi ama kadar sonra önce olarak",
        "Finnish": "ja on ei että se en ole mitä miten minun kun niin mutta tämä voi olen oli joka",
        "Romanian": "și nu este o un la cu în că de pe mi care pentru sunt mai am cum ce din am fost",
        "Hungarian": "a az és nem hogy egy van de meg is ez én mi csak már volt mint kell hogyan",
        "Indonesian": "yang dan di ini itu saya tidak untuk dengan dari apa bagaimana ke ada bisa sudah "
        "akan pada",
        "Vietnamese": "tôi của là không và có một được cho này các với đã như thế nào trong",
    }.items()
}


@lru_cache(65536)
def script(letter: str) -> str | None:
    """The script of a letter, by its Unicode name; None for what is no letter."""
    if letter.isascii():
        return "LATIN" if letter.isalpha() else None
    if not letter.isalpha():
        return None
    name = unicodedata.name(letter, "OTHER").split()[0].partition("-")[0]
    return JOINED.get(name, name)


def scripts(texts: Iterable[str]) -> Counter[str]:
    """How many letters of each script."""
    return Counter(found for text in texts for letter in text if (found := script(letter)) is not None)


class Language:
    """What the real texts are written in.

    scripts: those that hold at least 1% of their letters; foreign: function words of other languages, without
    words that occur in the real texts; empty where the real texts hold no function words, such as lists
    of codes.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        step = max(len(texts) // TEXTS, 1)
        some = texts[::step][:TEXTS]
        letters = scripts(some)
        total = sum(letters.values())
        self.scripts = {name for name, count in letters.items() if count >= RARE * total}
        counts = Counter(word for text in some for word in words_of(text))
        rare = RARE / 10 * sum(counts.values())
        known = {word for word, count in counts.items() if count > rare}
        shares = {
            name: sum(counts[word] for word in words) / max(sum(counts.values()), 1)
            for name, words in FUNCTION_WORDS.items()
        }
        best = max(shares.values())
        self.home = {name for name, share in shares.items() if share >= max(HOME, best / 2)}
        at_home = known.union(*(FUNCTION_WORDS[name] for name in self.home))
        self.foreign = {
            name: words - at_home
            for name, words in FUNCTION_WORDS.items()
            if self.home and name not in self.home
        }
        self._at_home = at_home

    def is_foreign(self, text: str) -> bool:
        """Whether a text is plainly not in a language of the real texts."""
        letters = scripts([text])
        strange = sum(count for name, count in letters.items() if name not in self.scripts)
        if self.scripts and strange > MOST_FOREIGN * sum(letters.values()):
            return True
        words = set(words_of(text))
        own = len(words & self._at_home)
        return any(len(words & foreign) >= max(2, own + 1) for foreign in self.foreign.values())
