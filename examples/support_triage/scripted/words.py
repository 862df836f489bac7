"""Words: what the scripted model makes of a ticket's text, before it slips.

It reads nothing but the text. A word stands for its endings too: "invoice" finds "invoices".
"""

import re

LABELS = ("refund", "billing", "shipping", "technical", "account", "complaint", "other")

STRONG = 3
FAIR = 2
WEAK = 1

LABEL_WORDS = {
    "billing": {
        STRONG: (
            *("invoice", "charged", "charge of", "voucher", "gift card", "vat", "discount"),
            *("payment method", "american express", "awaiting payment", "bank transfer"),
            *("paypal", "billed", "receipt", "on my bill", "credit card statement", "invoce"),
            *("took the money", "overdrawn", "debit card"),
            *("rechnung", "rechung", "abgebucht", "mahnung", "gutschein", "raten zahlen"),
            *("rabatt", "neukundenrabatt", "vorkasse", "zahlung offen"),
            *("factura", "cobrado", "bizum", "cupon", "cupón", "recibo", "suscripción"),
        ),
        FAIR: ("payment", "card", "price", "fee", "überwiesen", "pagar", "precio", "tarjeta"),
        WEAK: ("paid", "pay", "money", "bank", "bezahl", "zahlen"),
    },
    "refund": {
        STRONG: (
            *("refund", "money back", "refnud", "retrun", "exchange", "i'd like to return"),
            *("send back", "send it back", "hand it back", "return label", "have to return"),
            *("have my money", "to return", "i returned"),
            *("i cancelled", "cancel his order", "please cancel"),
            *("erstatt", "rücksende", "retoure", "zurückgeb", "zurückgeschickt", "umtau"),
            *("zurücktreten", "stornierung", "kein geld", "geld bis"),
            *("reembolso", "devol", "devuelv", "cancelar el pedido", "anulé", "canbiar"),
        ),
        FAIR: ("sent the", "sent back", "returned", "sending back", "zurückzugeben", "dinero"),
        WEAK: ("return", "money", "geld", "talla"),
    },
    "shipping": {
        STRONG: (
            *("parcel", "pacakge", "tracking", "courier", "where's my stuff", "wheres my stuff"),
            *("deliver", "express", "customs", "dispatched", "house number", "arrived soaked"),
            *("glass vase in a paper bag", "your driver", "sofa in the middle"),
            *("paket", "packet", "sendungsverfolgung", "lieferadresse", "lieferung", "versand"),
            *("verschickt", "karton aufgerissen", "ersatzlieferung", "packstation"),
            *("paquete", "envío", "entrega", "repartidor", "donde sta mi pedido", "llegado"),
            *("llegó", "reparto"),
        ),
        FAIR: ("carrier", "ship ", "delivery", "box arrived", "address", "almacén", "caja"),
        WEAK: ("order", "bestellung", "pedido"),
    },
    "technical": {
        STRONG: (
            *("app ", "app,", "app.", "website", "checkout is", "white page", "error", "crash"),
            *("traceback", "browser", "firefox", "search on your site", "404", "upload"),
            *("qr code", "can't enter my postcode", "address form", "pay now"),
            *("basket empties", "bug", "typo on", "barcode"),
            *("stürzt", "bezahlknopf", "webseite", "website", "der filter", "in der app"),
            *("die app", "die ap ", "link kaputt", "browser"),
            *("aplicación", "página en blanco", "la página web", "la ap ", "herror", "la web el"),
        ),
        FAIR: ("freezes", "frozen", "page", "pixel", "iphone", "ipad", "fehler", "versión móvil"),
        WEAK: ("button", "site", "update", "suche", "seite", "web"),
    },
    "account": {
        STRONG: (
            *("account", "password", "pasword", "log in", "login", "newsletter", "profile"),
            *("two-step", "unsubscribe", "loyalty points", "personal data", "as a guest"),
            *("already registered", "e-mail address", "got into my account"),
            *("mein konto wurde gehackt", "passwort", "anmelden", "newsletter", "kundenkonto"),
            *("im profil", "dsgvo", "verteiler"),
            *("mi cuenta", "contraseña", "perfil", "datos personales"),
        ),
        FAIR: ("locked out", "sign-in", "surname", "sperren", "löschen"),
        WEAK: ("register", "konto", "correo"),
    },
    "complaint": {
        STRONG: (
            *("disappointed", "misleading", "worst shop", "terrible service", "hung up", "rude to"),
            *("tasteless", "embarrassing", "fed up", "realy fed", "cheated", "dangerous"),
            *("four agents", "some feedback", "scorched"),
            *("unverschämt", "saftladen", "schlechter", "lebensgefährlich", "enttäuscht"),
            *("pésima", "decepcionad", "qué vergüenza", "no vuelvo a comprar"),
        ),
        FAIR: ("never again", "joke", "apology", "hotline", "nie wieder", "colgaron"),
        WEAK: ("idiots", "service", "mitarbeiter"),
    },
    "other": {
        STRONG: (
            *("internship", "back in stock", "do you sell", "interview", "thank you to"),
            *("measurements", "search engine optim", "recommend", "suitable for", "easter"),
            *("is the wool", "four lines about", "spülmaschinenfest", "lob an ihr", "aushilfen"),
            *("llevan perfume", "gracias por el detalle", "tienda física", "venden"),
        ),
        FAIR: ("opening hours", "vegan", "press"),
        WEAK: (),
    },
}

NEIGHBOUR = {
    "billing": "refund",
    "refund": "billing",
    "shipping": "complaint",
    "technical": "account",
    "account": "technical",
    "complaint": "other",
    "other": "complaint",
}

SECOND_PROBLEM = re.compile(
    r"[.!?,]\s+(?:also|besides|and another thing|apart from that|by the way|oh, and"
    r"|außerdem|und noch etwas|übrigens|además|por otro lado)\b",
    re.IGNORECASE,
)

HIGH_URGENCY = (
    *("charged twice", "three times", "never ordered", "overdrawn", "before friday", "by friday"),
    *("immediately", "right away", "this afternoon", "urgent", "ends tonight", "quickly"),
    *("dangerous", "got into my account", "tomorrow"),
    *("doppelt abgebucht", "sofort", "dringend", "schnell", "gehackt", "lebensgefährlich"),
    *("bis freitag", "dos veces", "hoy mismo", "urgente", "urgentísim", "antes del viernes"),
    *("ayuda por favor", "bloquéenla"),
)

LOW_URGENCY = (
    *("do you ", "do i have to keep", "how many days", "is it possible", "can i use your shop"),
    *("is vat", "which payment", "how big", "thought you'd like", "are you planning"),
    *("no rush", "some feedback", "you're welcome", "when will the", "where can i apply"),
    *("just wanted to say", "what are the measurements", "is the wool", "which of your"),
    *("are the candles", "unbeatable", "who looks after", "hello?"),
    *("kann man", "wie lange kann", "kann ich mein", "nur zur info", "anregung", "eilt nicht"),
    *("spülmaschinenfest", "lob an", "suchen sie noch"),
    *("se puede", "cuántos días", "hacen envíos", "no es grave", "sin prisa", "gracias por el"),
    *("tienen tienda", "llevan perfume", "venden"),
)

LITTLE_WORDS = {
    "en": (
        *("the", "is", "my", "i", "you", "and", "to", "do", "it", "of"),
        *("a", "was", "on", "your", "for", "not", "this", "with", "where"),
    ),
    "de": (
        *("der", "die", "das", "ich", "ist", "und", "sie", "nicht", "mein"),
        *("ein", "kann", "zu", "auf", "wo", "im", "mit"),
    ),
    "es": (
        *("el", "la", "de", "que", "no", "mi", "en", "y", "me", "los", "una", "un"),
        *("se", "con", "por", "es", "mis", "si", "las", "ya", "o", "a", "venden"),
    ),
}


def label_of(text: str) -> str:
    """Return the label with the heaviest words; `other` if no word is known."""
    weights = label_weights(text)
    best = max(LABELS, key=lambda label: weights[label])
    return best if weights[best] else "other"


def runner_up(text: str) -> str:
    """Return the label that a slip in judgement would take instead."""
    first = label_of(text)
    weights = label_weights(text)
    others = [label for label in LABELS if label != first]
    best = max(others, key=lambda label: weights[label])
    return best if weights[best] else NEIGHBOUR[first]


def label_weights(text: str) -> dict[str, int]:
    """Return the weight of each label's words in the text."""
    lowered = text.lower()
    return {
        label: sum(
            weight * sum(occurs(word, lowered) for word in words)
            for weight, words in words_by_weight.items()
        )
        for label, words_by_weight in LABEL_WORDS.items()
    }


def problems(text: str) -> tuple[str, str]:
    """Return the text of the first problem and that of the second, which may be empty."""
    cut = SECOND_PROBLEM.search(text)
    if cut is None:
        return text, ""
    return text[: cut.start()], text[cut.end() :]


def urgency_of(text: str) -> str:
    """Return how soon the ticket seems to need somebody."""
    lowered = text.lower()
    if any(occurs(word, lowered) for word in HIGH_URGENCY):
        return "high"
    if any(occurs(word, lowered) for word in LOW_URGENCY):
        return "low"
    return "normal"


def language_of(text: str) -> str:
    """Return the language most of whose little words occur; English if none does."""
    words = re.findall(r"\w+", text.lower())
    counts = {
        language: sum(word in little_words for word in words)
        for language, little_words in LITTLE_WORDS.items()
    }
    return max(counts, key=lambda language: counts[language])


def occurs(word: str, lowered: str) -> bool:
    """Whether a word of the text begins with `word`."""
    return re.search(rf"\b{re.escape(word)}", lowered) is not None
