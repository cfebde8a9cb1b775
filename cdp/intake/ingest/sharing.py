"""Contacts of a role or of nobody in particular, told by their shape: they join nobody (ADR-0024).

`info@shop.example` is a mailbox that real customers write from and that may be written to, so it
is a contact: a yes and a no stand at it, and a message can go there. But it is whoever sits at the
desk, and `guest@` is whoever gives no address. So two records that go by it are not one person's.
Pure, and given normalised identifiers.
"""

import re
from itertools import pairwise

import phonenumbers

from cdp.vocabulary import Identifier, Namespace

_BETWEEN = re.compile(r"[\W_]+")
_COUNTED = re.compile(r"(\D+)\d{1,2}")  # `info2`; of three digits and more are people's own


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# RFC 2142, and what else desks, shifts and machines are called in the languages that files come in.
_ROLES = _words(
    "info infos information marketing sales support noc security abuse postmaster hostmaster usenet news"
    " webmaster www uucp ftp root admin administrator admins sysadmin it helpdesk help service services"
    " kundservice kundenservice kundenbetreuung customerservice customercare customersupport care office"
    " offices team contact contacts hello welcome enquiries enquiry inquiries inquiry mail email post"
    " mailbox inbox reception frontdesk desk secretary secretariat order orders bestellung bestellungen"
    " shop store webshop ecommerce onlineshop booking bookings reservation reservations billing accounts"
    " accounting account finance invoice invoices invoicing payments payroll purchasing procurement"
    " purchase buchhaltung rechnung rechnungen rechnungswesen einkauf vertrieb verkauf verwaltung zentrale"
    " sekretariat empfang kontakt buero hr jobs job career careers recruiting recruitment personal"
    " bewerbung press presse media pr legal compliance privacy dataprotection datenschutz gdpr dpo"
    " feedback newsletter subscribe unsubscribe list lists majordomo all everyone staff employees"
    " management director board ceo warehouse logistics shipping delivery returns studio salon praxis"
    " clinic school ekonomi faktura fakturor bokning kundtjanst vaxel registrator firmapost postmottak"
    " salg regnskab bogholderi myynti toimisto laskut ventas compras contacto administracion contabilidad"
    " comercial pedidos reservas atencion commercial comptabilite compta accueil ventes achats commande"
    " commandes direction vendite acquisti ufficio amministrazione contabilita ordini prenotazioni"
    " segreteria verkoop inkoop administratie boekhouding klantenservice biuro sprzedaz sklep ksiegowosc"
    " kadry obchod prodej iletisim bilgi demo demos system daemon server cron monitor alerts notification"
    " notifications bot robot api automation"
)
# Who gives no address of their own, or the till for them.
_STAND_INS = _words(
    "guest guests customer customers client clients user users visitor visitors member members buyer"
    " shopper consumer passenger patient tenant walkin walkincustomer cashcustomer cash gast gaeste kunde"
    " kunden kund kunder klient invite invitado cliente clientes ospite cashier kasse kassa pos someone"
    " somebody person"
)
_NOBODYS = _ROLES | _STAND_INS
# What a company that has several of them sets beside the word (`sales-de@`, `info.eu@`).
_PLACES = _words(
    "de at ch se no dk fi uk gb us ca au nz ie fr be nl lu es pt it pl cz sk hu ro bg gr tr cn jp kr in"
    " br mx eu emea apac na int intl international global online web nord sud west east north south"
)
_END = 4  # last digits, which a made-up number shares with all of its subscriber's
_SUBSCRIBER = 6  # digits that say whose line it is: one of them again and again is nobody's in particular


def joins(identifier: Identifier) -> bool:
    """Whether two who go by this identifier can be one person for it."""
    if identifier.namespace == Namespace.EMAIL:
        return not _is_of_a_role(identifier.value.rpartition("@")[0])
    if identifier.namespace == Namespace.PHONE:
        return not _is_made_up(identifier.value)
    return True


def _is_of_a_role(local: str) -> bool:
    words = [word for word in _BETWEEN.split(local.partition("+")[0]) if word]
    words = [found[1] if (found := _COUNTED.fullmatch(word)) else word for word in words]
    named = [word for word in words if word not in _PLACES]
    if not named or len(named) > 3:
        return False
    whole = "".join(words)  # `walk-in`
    return whole in _NOBODYS or _NOBODYS.issuperset(named)


def _is_made_up(number: str) -> bool:
    """`0123456789`, `+46 8 222 22 22`: lines that somebody can have, and many give who want to give none."""
    # Each message with a number comes by here, and nearly each has an end that nobody makes up.
    if len(set(number[-_END:])) > 1 and not _counts(number[-_END:]):
        return False
    parsed = phonenumbers.parse(number)
    line = phonenumbers.national_significant_number(parsed)
    subscriber = line[phonenumbers.length_of_national_destination_code(parsed) :]
    alike = len(subscriber) >= _SUBSCRIBER and len(set(subscriber)) == 1
    return alike or _counts(line) or _counts(f"0{line}")


def _counts(digits: str) -> bool:
    """Whether each digit follows the one before it, up or down."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(digits)}
    return steps in ({1}, {9})
