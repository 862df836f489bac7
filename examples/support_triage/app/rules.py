"""Rules: how a ticket is triaged when no model may or can."""

import re

from app.decision import Label, Language, Triage, Urgency

# The first label whose words occur in the ticket wins. A word stands for its endings too:
# "refund" also finds "refunded".
LABEL_WORDS: dict[Label, tuple[str, ...]] = {
    "refund": (
        *("refund", "return", "money back", "exchange", "cancel", "send it back"),
        *("erstatt", "rücksend", "retoure", "zurückgeb", "zurückgeschickt", "storn", "umtausch"),
        *("reembolso", "devol", "anul", "cancel", "cambiar los"),
    ),
    "account": (
        *("account", "password", "log in", "login", "sign-in", "newsletter", "unsubscribe"),
        *("konto", "passwort", "anmelden", "abmeld", "profil", "gehackt"),
        *("cuenta", "contraseña", "perfil", "boletín", "dar de baja"),
    ),
    "technical": (
        *("app", "website", "page", "checkout", "error", "crash", "browser", "button"),
        *("webseite", "fehler", "stürzt", "filter", "suche"),
        *("aplicación", "página", "web", "pantalla"),
    ),
    "shipping": (
        *("parcel", "package", "tracking", "deliver", "shipp", "courier", "arrived"),
        *("paket", "liefer", "sendung", "versand", "verschickt", "bote"),
        *("paquete", "envío", "entrega", "repartidor", "pedido", "llegó", "llegado"),
    ),
    "billing": (
        *("invoice", "charged", "payment", "paid", "voucher", "discount", "price", "vat"),
        *("rechnung", "abgebucht", "gutschein", "zahl", "mahnung", "rabatt"),
        *("factura", "cobra", "pagar", "cupón", "precio", "recibo"),
    ),
    "complaint": (
        *("disappointed", "rude", "terrible", "worst", "never again", "fed up", "misleading"),
        *("enttäuscht", "unverschämt", "saftladen", "schlechter"),
        *("decepcionad", "pésima", "vergüenza"),
    ),
}

HIGH_URGENCY_WORDS = (
    *("urgent", "immediately", "right away", "today", "tomorrow", "twice", "dangerous"),
    *("dringend", "sofort", "heute", "doppelt", "gehackt", "gefährlich"),
    *("urgente", "hoy", "ya,", "dos veces"),
)

LANGUAGE_WORDS: dict[Language, tuple[str, ...]] = {
    "en": ("the", "is", "my", "i", "you", "and", "to", "do", "it"),
    "de": ("der", "die", "das", "ich", "ist", "und", "sie", "nicht", "mein", "kann", "in"),
    "es": ("el", "la", "de", "que", "no", "mi", "en", "y", "me", "los", "una", "un"),
}


def triage_by_rules(text: str) -> Triage:
    """Return a decision about any ticket, even an empty one, without a model."""
    lowered = text.lower()
    return Triage(
        label=label_of(lowered),
        urgency=urgency_of(lowered),
        language=language_of(lowered),
        source="rules",
    )


def label_of(lowered: str) -> Label:
    """Return the first label one of whose words occurs, else `other`."""
    for label, words in LABEL_WORDS.items():
        if any(occurs(word, lowered) for word in words):
            return label
    return "other"


def urgency_of(lowered: str) -> Urgency:
    """Return how soon the ticket needs somebody; rules see only what is plainly urgent."""
    if any(occurs(word, lowered) for word in HIGH_URGENCY_WORDS):
        return "high"
    return "normal" if lowered.strip() else "low"


def language_of(lowered: str) -> Language:
    """Return the language most of whose little words occur, or `other` if none does."""
    words = re.findall(r"\w+", lowered)
    counts = {
        language: sum(word in little_words for word in words)
        for language, little_words in LANGUAGE_WORDS.items()
    }
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] else "other"


def occurs(word: str, lowered: str) -> bool:
    """Whether a word of the text begins with `word`."""
    return re.search(rf"\b{re.escape(word)}", lowered) is not None
