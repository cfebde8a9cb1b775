"""What people write around a value: mails with what they answer to, chats, tickets; and their haste."""

import re
from collections.abc import Callable, Mapping
from random import Random

from benchmarks.labelled.foreign.marks import bare, outside, pieces

# What stands before and after, by language: nobody is named in it.
AROUND: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Hello, I ordered the oak shelf three weeks ago and nothing has happened since.",
        "The tracking page has said the same thing for days.",
        "I already tried the chat twice.",
        "Could somebody look into it before the weekend?",
        "Otherwise I'd like my money back.",
    ),
    "de": (
        "Guten Tag, die Lampe ist leider beschädigt angekommen.",
        "Im Shop finde ich keine Möglichkeit zur Rücksendung.",
        "Bitte um kurze Rückmeldung.",
    ),
    "fr": (
        "Bonjour, ma commande est arrivée incomplète.",
        "Personne ne répond depuis lundi.",
        "Merci de faire le nécessaire.",
    ),
    "es": ("Hola, el pedido llegó roto.", "Llevo una semana esperando.", "Gracias de antemano."),
    "sv": ("Hej, fåtöljen saknar ett ben.", "Jag har väntat i två veckor nu.", "Tack på förhand."),
    "it": ("Buongiorno, il pacco era aperto.", "Aspetto una risposta da giorni.", "Grazie mille."),
    "nl": ("Hallo, de kast past niet.", "Ik wacht al twee weken.", "Alvast bedankt."),
    "pl": ("Dzień dobry, przesyłka była uszkodzona.", "Czekam od tygodnia.", "Z góry dziękuję."),
    "zh": ("你好，包裹破损了。", "我已经等了一周。", "谢谢。"),
    "ja": ("こんにちは、荷物が壊れていました。", "一週間待っています。", "よろしくお願いします。"),
}


def sentence(_random: Random, said: str, _language: str) -> str:
    """The sentence alone."""
    return said


def mail(random: Random, said: str, language: str) -> str:
    """A mail with what it answers to quoted below."""
    around = AROUND[language]
    quoted = "\n".join(f"> {random.choice(around)}" for _ in range(2))
    head = f"Subject: Re: [#{random.randrange(10_000, 99_999)}] order"
    return f"{head}\n\n{around[0]}\n{said}\n{around[-1]}\n\n{quoted}"


def quoted_mail(random: Random, said: str, language: str) -> str:
    """A mail that answers, with the value in what it quotes."""
    around = AROUND[language]
    cited = pieces(said, lambda one: one.replace("\n", "\n> "))
    return f"{around[-1]}\n\n-----\n> {random.choice(around)}\n> {cited}\n> {around[1]}"


def chat(random: Random, said: str, language: str) -> str:
    """A chat as its export has it."""
    around, minute = AROUND[language], random.randrange(10, 50)
    said = pieces(said, lambda one: one.replace("\n", "\n   "))
    return (
        f"[05:{minute}] visitor: {around[0]}\n[05:{minute + 1}] agent: ok, one moment\n"
        f"[05:{minute + 2}] visitor: {said}\n[05:{minute + 4}] agent: thx"
    )


def ticket(random: Random, said: str, language: str) -> str:
    """A ticket with its head and a note of the desk."""
    return (
        f"Ticket {random.randrange(100_000, 999_999)} | queue: returns | prio: low\n"
        f"{AROUND[language][1]} {said}\n--\ninternal: waiting for the warehouse"
    )


TALK: Mapping[str, Callable[[Random, str, str], str]] = {
    one.__name__: one for one in (sentence, mail, quoted_mail, chat, ticket)
}

_WIDE = {ord(sign): ord(sign) + 0xFEE0 for sign in "0123456789@.-"}


def hasty(random: Random, text: str) -> str:
    """Small letters and left-out stops around the values."""
    return outside(text, lambda one: one.lower().replace(". ", " ").replace("!", random.choice(("", "!!"))))


def loud(_random: Random, text: str) -> str:
    """Capitals around the values."""
    return outside(text, str.upper)


def smiling(random: Random, text: str) -> str:
    """A picture where a stop would do."""
    return f"{text} {random.choice(('🙏', '😤', '👍🏽', '📦'))}"


def tight_spaces(random: Random, text: str) -> str:
    """Spaces that don't break, as word processors and French typography put them."""
    sign = random.choice("\u00a0\u202f\u2009")
    return pieces(text, lambda one: one.replace(" ", sign) if re.search(r"\d", one) else one)


def soft_dashes(random: Random, text: str) -> str:
    """Dashes that a word processor made longer or unbreakable."""
    sign = random.choice("\u2011\u2013")
    return pieces(text, lambda one: one.replace("-", sign))


def wide(_random: Random, text: str) -> str:
    """Digits as a Japanese or a Chinese keyboard makes them."""
    return pieces(text, lambda one: one.translate(_WIDE))


NOISE: Mapping[str, Callable[[Random, str], str]] = {
    one.__name__: one for one in (hasty, loud, smiling, tight_spaces, soft_dashes, wide)
}
# Full-width and dashed forms are nothing that somebody types into these.
AS_TYPED = frozenset({"hasty", "loud", "smiling"})
PLAIN_NUMBERS = frozenset(
    [
        "phone_international",
        "phone_national",
        "card",
        "iban",
        "us_ssn",
        "uk_nhs",
        "se_personnummer",
        "de_steuer_id",
        "fr_nir",
    ]
)


def disturb(random: Random, text: str, kind: str) -> tuple[str, str]:
    """The text with a noise that befits the kind, and the noise's name; or as it was, and no name."""
    names = sorted(NOISE) if kind in PLAIN_NUMBERS else sorted(AS_TYPED)
    name = random.choice(names)
    changed = NOISE[name](random, text)
    return (changed, name) if bare(changed) != bare(text) else (text, "")
