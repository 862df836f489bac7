"""Sentences: what people write around personal data; `{}` is the place for it."""

from collections.abc import Mapping

_ENGLISH = {
    "email": ("Write to {}", "My e-mail address is {}.", "From: {}"),
    "phone": ("Call {}", "My phone number is {}.", "Tel. {} (evenings)"),
    "card": ("Card {}", "Please refund my card {}.", "paid with {} yesterday"),
    "iban": ("IBAN {}", "Send the money to {}.", "Account: {}"),
    "us_ssn": ("SSN {}", "My social security number is {}."),
    "gb_nhs": ("NHS number {}", "My NHS number is {}."),
    "nl_bsn": ("BSN {}", "My Dutch BSN is {}."),
    "se_personnummer": ("personnummer {}", "My Swedish personnummer is {}."),
    "fi_hetu": ("henkil\u00f6tunnus {}", "My Finnish personal identity code is {}."),
    "passport": ("Passport {}", "My passport number is {}."),
    "ip": ("from {}", "I logged in from {}.", "client: {}"),
    "address": ("I live at {}", "Ship it to {}."),
    "name": ("Hi, {} here", "My name is {}.", "Regards, {}"),
    "date_of_birth": ("born {}", "My date of birth is {}.", "DOB: {}"),
    "api_key": ("key {}", "It fails with OPENAI_API_KEY={}", "token: {}"),
}
_GERMAN = {
    "email": ("Schreiben Sie an {}", "Meine E-Mail-Adresse ist {}."),
    "phone": ("Tel. {}", "Meine Nummer ist {}."),
    "card": ("Karte {}", "Meine Kreditkarte hat die Nummer {}."),
    "iban": ("IBAN {}", "Bitte auf das Konto {} \u00fcberweisen."),
    "passport": ("Pass {}", "Meine Passnummer ist {}."),
    "ip": ("von {}", "Ich war mit {} angemeldet."),
    "address": ("Ich wohne in {}", "Bitte an {} liefern."),
    "name": ("Hier ist {}", "Mein Name ist {}.", "Viele Gr\u00fc\u00dfe, {}"),
    "date_of_birth": ("geboren am {}", "Mein Geburtsdatum ist {}."),
    "api_key": ("Schl\u00fcssel {}", "Es geht nicht mit OPENAI_API_KEY={}"),
}
_FRENCH = {
    "email": ("\u00c9crivez \u00e0 {}", "Mon adresse est {}."),
    "phone": ("T\u00e9l. {}", "Mon num\u00e9ro est le {}."),
    "card": ("Carte {}", "Ma carte porte le num\u00e9ro {}."),
    "iban": ("IBAN {}", "Remboursez-moi sur {}."),
    "passport": ("Passeport {}", "Mon passeport est le {}."),
    "ip": ("depuis {}", "Je me connecte depuis {}."),
    "address": ("J'habite {}", "Livrez au {}."),
    "name": ("Ici {}", "Je m'appelle {}.", "Cordialement, {}"),
    "date_of_birth": ("n\u00e9e le {}", "Ma date de naissance est le {}."),
    "api_key": ("cl\u00e9 {}", "Erreur avec OPENAI_API_KEY={}"),
}
_DUTCH = {
    "email": ("Mail naar {}", "Mijn e-mailadres is {}."),
    "phone": ("Bel {}", "Mijn nummer is {}."),
    "card": ("Kaart {}", "Mijn kaartnummer is {}."),
    "iban": ("IBAN {}", "Graag storten op {}."),
    "nl_bsn": ("BSN {}", "Mijn burgerservicenummer is {}."),
    "passport": ("Paspoort {}", "Mijn paspoortnummer is {}."),
    "ip": ("vanaf {}", "Ik logde in vanaf {}."),
    "address": ("Ik woon op {}", "Bezorgen op {}."),
    "name": ("Met {}", "Ik heet {}.", "Groet, {}"),
    "date_of_birth": ("geboren op {}", "Mijn geboortedatum is {}."),
    "api_key": ("sleutel {}", "Fout met OPENAI_API_KEY={}"),
}
#: The sentences of a locale by kind or variant; the country is its last two letters.
SENTENCES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "en_US": _ENGLISH,
    "en_GB": _ENGLISH,
    "de_DE": _GERMAN,
    "fr_FR": _FRENCH,
    "nl_NL": _DUTCH,
}
LOCALES = tuple(SENTENCES)
#: What a reader knows for personal data only by what stands around it: digits, or a day.
_NEEDS_A_SENTENCE = ("national_id", "passport", "date_of_birth")
#: Sentences without personal data, which stand between the others.
FILLERS = ("", "My order is late.", "Please help!", "Thanks a lot for the quick answer \U0001f642")


def sentences_for(locale: str, kind: str, variant: str) -> tuple[str, ...]:
    """Return what may stand around a value, the value alone first where it speaks for itself."""
    known = SENTENCES[locale]
    found = known.get(variant) or known[kind]
    return found if kind in _NEEDS_A_SENTENCE else ("{}", *found)
