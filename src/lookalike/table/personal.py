"""Which columns look personal, and as what: by their name (English and other European languages) and by a
sample of their values. Few false alarms count more than every find: a city or a product is no person.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from lookalike.table.column import Column
from lookalike.table.kind_groups import OF_ENTITIES

SORTS = {  # what a column can look like -> how it is called in a sentence
    "name": "names of persons",
    "first_name": "first names",
    "last_name": "family names",
    "username": "user names",
    "email": "e-mail addresses",
    "phone": "phone numbers",
    "address": "postal addresses",
    "national_id": "numbers of persons or their documents",
    "iban": "bank accounts (IBAN)",
    "card": "card numbers",
    "ip": "IP addresses",
    "key": "keys that repeat",
}
LEARNED = (
    "category",
    "compound",
    "list",
    "text",
    "number",
)  # kinds whose real values, or some of them, can be written again
SAMPLE = 1000  # distinct values that are looked at, at most
_DISTINCT = 10  # fewer distinct values are a category, whatever they look like
_HELPS = {
    "key": "key (fresh ones that repeat alike)",
    "pseudonym": "pseudonym (made up, the same for the same person)",
}
_LONG = 80  # letters; longer values, on average, are texts
_MOST, _HALF, _SOME = 0.8, 0.5, 0.15  # shares of the values that have to look like it


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_PERSONS = _set(
    "customer client patient employee person user member student passenger guest buyer contact subscriber "
    "applicant cardholder donor tenant driver doctor physician teacher author owner manager recipient "
    "beneficiary borrower debtor witness victim visitor voter participant respondent worker account kunde "
    "kunden patienten mitarbeiter nutzer benutzer mitglied schueler fahrer besitzer mieter empfaenger "
    "kontakt cliente paciente empleado usuario miembro alumno socio titular utilisateur employe adherent "
    "eleve dipendente utente paziente klant medewerker gebruiker klient pacjent kund"
)
_NAMES = {
    "first_name": "firstname givenname forename fname vorname prenom primernombre "
    "voornaam imie fornamn fornavn",
    "last_name": "lastname surname familyname lname nachname familienname apellido apellidos cognome "
    "sobrenome achternaam nazwisko efternamn etternavn",
    "name": "fullname kundenname patientenname mitarbeitername personname nombrecompleto nomecompleto "
    "nomprenom contactname",
    "username": "username login loginname benutzername nutzername",
    "email": "email emails mail mails emailadresse mailadresse emailaddress correo courriel epost",
    "phone": "phone phones tel telephone phonenumber mobile cell cellphone fax telefon telefonnummer handy "
    "handynummer mobil telefono celular telefone telemovel telefoon gsm portable",
    "address": "address addr street streetaddress streetname addressline address1 address2 adresse anschrift "
    "strasse str rue direccion calle domicilio indirizzo endereco adres straat adress ulica",
    "national_id": "ssn nin passport passportnumber passportno socialsecurity nationalid taxid steuerid "
    "steuernummer personalausweis dni nif nie cpf pesel bsn insee nir codicefiscale personnummer ahv "
    "aadhaar driverslicense driverlicense",
    "iban": "iban bankaccount kontonummer",
    "card": "creditcard cardnumber ccnumber pan kreditkarte kartennummer creditcardnumber",
}
_WORDS = {sort: _set(words) for sort, words in _NAMES.items()}
_ANY_NAME = {"name", "nom", "nombre", "nome", "naam", "nazwa", "namn", "navn"}  # of anything
_KEYS = {"id", "ids", "uuid", "guid", "key"}
_NUMBERS = {"no", "nr", "num", "number", "nummer", "code"}  # a key where the name says whose
_KEY_WORDS = _set(
    "kundennummer kundennr mitarbeiternummer personalnummer patientennummer customerid userid clientid "
    "custid patientid patid memberid employeeid personid subjid subjectid caseid pid uid respid studyid "
    "idno idnr idnum idnumber caseno casenumber hhid"
)
_CASES = _set("subject subj case invoice order household pupil child animal specimen session visitor")
_ROWS = _set("row rownames rowname rownumber rownum rowno rowid unnamed0 index0")
_MEASURES = _set(
    "age ages year years yr yrs quarter month months week weeks day days hour hours hr hrs minute minutes "
    "second seconds sec time times date period t dist distance dose rank ranking position temp temperature "
    "speed height weight size count length depth price cost income score value amount population total"
)
_OTHER = _set("type status group segment count total age class category country city")

_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_IP = re.compile(
    r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}|(?=.*:.*:)(?!\d+:\d+:\d+$)(?!(?:\w\w:){5}\w\w$)[0-9a-fA-F:]{6,39}"
)
_DOCUMENT = re.compile(r"(?=.*\d)[\w ./-]{6,20}")
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}")
_DIALLED = re.compile(
    r"(?:\+|00)\d{1,3}[\d\s().\-/]{6,18}|\(\d{2,5}\)[\d\s.\-/]{5,14}|\d{3}[-. ]\d{3}[-. ]\d{4}(?:\s*x\d+)?"
)
_PHONE = re.compile(r"\+?[\d\s().\-/]{6,22}(?:\s*(?:x|ext\.?)\s*\d+)?")
_WORD = r"[^\W\d_a-z][^\W\d_]*(?:['\u2019-][^\W\d_]+)*\.?"  # begins with a capital, or has none
_PERSON = re.compile(
    rf"{_WORD}(?: (?:de|da|di|van|von|der|den|la|le|el|bin|{_WORD})){{1,3}}|{_WORD}, {_WORD}(?: {_WORD})?"
)
_SURNAME = re.compile(r"[^\W\d_][^\d_@]{1,30}")
_STREET = re.compile(
    r"\d+\w? [\w .'-]*\b(?:st|street|ave|avenue|rd|road|blvd|lane|ln|drive|dr|court|ct|way|place|square)\b"
    r"|.*(?:str\.|stra(?:ß|ss)e|gasse|weg|platz|straat|laan) ?\d+|\d+,? (?:rue|avenue|boulevard|place) "
    r"|(?:via|calle|rua|avenida|ul\.) .*\d+",
    re.IGNORECASE,
)
_FIRST_NAMES = _set(
    "james john robert michael william david richard joseph thomas charles christopher daniel matthew "
    "anthony mark donald steven paul andrew joshua kenneth kevin brian george timothy edward ronald jason "
    "jeffrey ryan jacob gary nicholas eric jonathan stephen larry justin scott brandon benjamin samuel "
    "gregory frank alexander raymond patrick jack dennis jerry tyler aaron jose adam nathan henry douglas "
    "zachary peter kyle walter ethan jeremy harold keith christian roger noah gerald carl terry sean "
    "arthur lawrence jesse dylan bryan joe billy bruce albert willie gabriel logan alan juan wayne roy "
    "ralph randy eugene vincent russell louis philip bobby johnny bradley mary patricia jennifer linda "
    "elizabeth barbara susan jessica sarah karen lisa nancy betty margaret sandra ashley kimberly emily "
    "donna michelle carol amanda dorothy melissa deborah stephanie rebecca sharon laura cynthia kathleen "
    "amy angela shirley anna brenda pamela emma nicole helen samantha katherine christine debra rachel "
    "carolyn janet catherine maria heather diane ruth julie olivia joyce virginia victoria kelly lauren "
    "christina joan evelyn judith megan andrea cheryl hannah jacqueline martha gloria teresa ann sara "
    "madison frances kathryn janice jean abigail alice julia judy sophia grace denise amber doris marilyn "
    "danielle beverly isabella theresa diana natalie brittany charlotte marie kayla alexis lori mia ava "
    "ella lily zoe oliver harry oscar leo max ben tom sam tim jim bob bill mike dave steve chris alex "
    "nick dan matt rob kate liz sue ada pia eva ivy ian hugo felix lena lea leon luca luka lukas jonas "
    "finn elias paula klara clara hans klaus jürgen wolfgang uwe dieter horst bernd karl heinz günter "
    "gunter helmut manfred stefan andreas markus matthias sabine ursula monika petra renate karin ingrid "
    "claudia susanne birgit heike katrin anja silke jan nils sven lars ole erik björn bjorn anders per "
    "johan kristina astrid sofia pierre michel jacques andré andre françois francois philippe alain "
    "bernard luc antoine camille chloé chloe manon nathalie isabelle sylvie monique françoise carlos luis "
    "miguel antonio francisco javier manuel pedro jorge rafael pablo diego sergio fernando carmen josé "
    "jesús ana lucía lucia pilar dolores rosa elena marta giuseppe giovanni mario luigi francesco marco "
    "alessandro matteo lorenzo giulia chiara francesca paolo roberto joão joao tiago beatriz inês piotr "
    "krzysztof andrzej tomasz paweł pawel katarzyna małgorzata agnieszka ewa ivan dmitri sergei alexei "
    "vladimir olga natalia svetlana tatiana mohamed mohammed muhammad ahmed ali omar hassan hussein "
    "fatima aisha khadija yusuf ibrahim mustafa mehmet ayşe ayse emre wei li ming jing yan hiroshi yuki "
    "kenji akira min jun raj priya amit rahul anita sunita sanjay vijay ravi deepak arjun lakshmi noor "
    "leila layla amir reza willem pieter kees sander daan sem bram femke sanne anouk mateo santiago "
    "valentina camila ximena"
)


def note(column: Column) -> str | None:
    """What is to be said of a column that looks personal and is learned as it is, is made up, or left out."""
    if column.kind == "drop":
        return f"column '{column.name}' is dropped: it is not learned, and the synthetic table has none."
    if column.kind == "pseudonym":
        said = SORTS.get(column.personal or "", "values in the shapes of the real ones")
        return f"column '{column.name}' gets made-up {said} (others with COL=pseudonym:SORT)."
    if column.personal is None or column.kind not in LEARNED:
        return None
    name, sort = column.name, column.personal
    kind, other = OF_ENTITIES if sort == "key" else OF_ENTITIES[::-1]
    return (
        f"column '{name}' looks like {SORTS[sort]}, and the synthetic table can hold real ones: make it a "
        f"{_HELPS[kind]} with  --kind {shlex.quote(f'{name}={kind}')}  (in Python "
        f"schema[{name!r}].kind = '{kind}'), or a {_HELPS[other]}, or drop it."
    )


def looks_personal(
    name: Any, values: Sequence[Any], rows: int, distinct: int, declared: bool = False
) -> str | None:
    """What a column looks like, one of `SORTS`; None for what does not look personal.

    values: distinct values of the column, none missing (a sample will do: the first 1000 are looked at);
    rows: how many of its cells are not missing; distinct: how many distinct values it has; declared: it is
    said to be of persons, so that few values are enough, and words are names.
    """
    words = words_of(str(name))
    texts = [str(value).strip() for value in values[:SAMPLE]]
    few = distinct < min(_DISTINCT, max(2, rows // 2)) and not declared
    if not texts or few or sum(map(len, texts)) > _LONG * len(texts):
        return None
    numeric = all(isinstance(value, (int, float)) for value in values[:SAMPLE])
    if numeric:
        texts = [text.removesuffix(".0") for text in texts]
    said = _said(words) if not numeric or all(map(str.isdigit, texts)) else None
    for sort, by_name, by_values in _TESTS:
        test = by_name if said == sort else None if numeric and sort != "card" else by_values
        if test is not None and test(texts):
            return sort
    if not numeric and _person(words, texts, said):
        return "name"
    if declared:
        return "name" if _share(texts, _SURNAME.fullmatch) >= _MOST else None
    return "key" if distinct < rows and _key(words, texts, rows, distinct, numeric) else None


def words_of(name: str) -> list[str]:
    """The words of a column's name, in small letters without accents."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    for letter, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        apart = apart.lower().replace(letter, plain)
    flat = unicodedata.normalize("NFKD", apart).encode("ascii", "ignore").decode()
    return re.findall(r"[a-z]+\d*|\d+", flat)


def _said(words: list[str]) -> str | None:
    """The sort that a column's name says, by one of its words or by two that belong together."""
    if not words or words[-1] in _OTHER or {"ip", "web", "mac", "url"} & set(words):
        return None
    pairs = {a + b for a, b in pairwise(words)}
    for sort in ("email", "iban", "card", "national_id", "phone", "first_name", "last_name", "username"):
        if _WORDS[sort] & (pairs | set(words)):
            return sort
    if _WORDS["address"] & (pairs | set(words)):
        return "address"
    named = bool(_ANY_NAME & set(words)) and bool(_PERSONS & set(words))
    return "name" if named or _WORDS["name"] & (pairs | set(words)) else None


def _share(texts: list[str], test: Callable[[str], Any]) -> float:
    return sum(bool(test(text)) for text in texts) / len(texts)


def _person(words: list[str], texts: list[str], said: str | None) -> bool:
    """Whether the texts are full names: by their shape, and by first names in them or the column's name."""
    if words and words[-1] in _OTHER:
        return False
    shaped = _share(texts, _PERSON.fullmatch)
    known = _share(texts, lambda text: _first_name(text) in _FIRST_NAMES)
    if said == "name":
        return _share(texts, _SURNAME.fullmatch) >= _MOST
    if words and words[-1] in _PERSONS:
        return shaped >= _HALF
    return shaped >= _MOST and known >= (_SOME if set(words) <= _ANY_NAME else 2 * _SOME)


def _first_name(text: str) -> str:
    """The first word of a name, in small letters; of "Baker, Pia" the one after the comma."""
    found = re.search(r"[^\W\d_]+", text.rpartition(",")[2].lower())
    return found[0] if found else ""


def _key(words: list[str], texts: list[str], rows: int, distinct: int, numeric: bool) -> bool:
    """Whether a column that repeats holds keys: its name says so, and its values are numbers or codes."""
    if not words or (not numeric and _share(texts, lambda text: re.fullmatch(r"\S*\d\S*", text)) < _MOST):
        return False
    if numeric and not all(re.fullmatch(r"\d+", text) for text in texts):
        return False
    whose = bool((_PERSONS | _KEY_WORDS) & set(words))
    if whose and words[-1] in _KEYS | _NUMBERS | _KEY_WORDS:
        return True
    return words[-1] in _KEYS and distinct >= max(50, rows // 20)


def says_rows(name: Any) -> bool:
    """Whether a column's name says that it names the rows."""
    return not str(name).strip() or "".join(words_of(str(name))) in _ROWS


def says_key(name: Any) -> bool:
    """Whether a column's name says that its whole numbers, each of one row, are keys."""
    words = words_of(str(name))
    if not words:
        return False
    whose = bool(_PERSONS & set(words)) and words[-1] in _NUMBERS
    return whose or words[-1] in _KEYS | _KEY_WORDS or (len(words) > 1 and words[0] == "id")


def says_entity(name: Any) -> bool:
    """Whether a column's name says that its values, each of several rows, are those of persons or keys."""
    words = words_of(str(name))
    return says_key(name) or bool(words and (_PERSONS | _CASES) & {words[0], words[-1]})


def says_measure(name: Any) -> bool:
    """Whether a column's name says that its whole numbers are measured, or count the time, not the rows."""
    words = words_of(str(name))
    return not says_key(name) and bool(_MEASURES & set(words))


def _first(texts: list[str], least: float) -> bool:
    return _share(texts, lambda text: text.lower() in _FIRST_NAMES) >= least


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def luhn(digits: str) -> int:
    """The check digit of a card's number that goes on with it (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return -total % 10


def _is_card(text: str) -> bool:
    if re.fullmatch(r"[\d -]{13,23}", text) is None:
        return False
    digits = _digits(text)
    return 13 <= len(digits) <= 19 and luhn(digits[:-1]) == int(digits[-1])


def iban_check(country: str, account: str) -> str:
    """The two check digits of an IBAN (ISO 13616): 98 less the remainder of its letters and digits by 97."""
    number = "".join(str(int(letter, 36)) for letter in f"{account}{country}00")
    return f"{98 - int(number) % 97:02d}"


def _is_iban(text: str) -> bool:
    plain = text.replace(" ", "")
    return _IBAN.fullmatch(plain) is not None and iban_check(plain[:2], plain[4:]) == plain[2:4]


def _is_phone(text: str) -> bool:
    return _PHONE.fullmatch(text) is not None and 6 <= len(_digits(text)) <= 15


def _most(test: Callable[[str], Any], least: float = _MOST) -> Callable[[list[str]], bool]:
    """Whether so large a share of texts passes a test; it is known as soon as too many have failed."""

    def enough(texts: list[str]) -> bool:
        spare = (1 - least) * len(texts) + 1e-9
        for text in texts:
            spare -= not test(text)
            if spare < 0:
                return False
        return True

    return enough


_TESTS: list[tuple[str, Callable[[list[str]], bool], Callable[[list[str]], bool] | None]] = [
    # sort, the test where the column's name says so, the test of values alone (None: they say too little)
    ("email", _most(_EMAIL.fullmatch, _HALF), _most(_EMAIL.fullmatch)),
    ("iban", _most(lambda text: _IBAN.fullmatch(text.replace(" ", "")), _HALF), _most(_is_iban)),
    ("card", _most(lambda text: 13 <= len(_digits(text)) <= 19, _HALF), _most(_is_card)),
    ("ip", _most(_IP.fullmatch), _most(_IP.fullmatch)),
    ("national_id", _most(_DOCUMENT.fullmatch, _HALF), _most(_SSN.fullmatch)),
    ("phone", _most(_is_phone, _HALF), _most(_DIALLED.fullmatch)),
    ("first_name", _most(_SURNAME.fullmatch), lambda texts: _first(texts, 0.7)),
    ("last_name", _most(_SURNAME.fullmatch), None),
    ("username", _most(lambda text: re.fullmatch(r"[\w.@-]{3,40}", text)), None),
    ("address", _most(lambda text: re.search(r"[^\W\d_]{3,}", text), _MOST), _most(_STREET.match, _HALF)),
]  # fmt: skip
