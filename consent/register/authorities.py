"""Where people complain (GDPR 13(2)(d), 15(1)(f), 77): the authority of the place where they live.

Names as the authorities give them themselves (members of the European Data Protection Board, and
beside it those of the other places whose law the gate knows). No addresses: they move.
"""

from collections.abc import Mapping

AUTHORITIES: Mapping[str, str] = {
    "AT": "Datenschutzbehörde",
    "BE": "Gegevensbeschermingsautoriteit / Autorité de protection des données",
    "BG": "Commission for Personal Data Protection",
    "CY": "Office of the Commissioner for Personal Data Protection",
    "CZ": "Úřad pro ochranu osobních údajů",
    "DE": "the data protection authority of your Land",
    "DK": "Datatilsynet",
    "EE": "Andmekaitse Inspektsioon",
    "ES": "Agencia Española de Protección de Datos",
    "FI": "Tietosuojavaltuutetun toimisto",
    "FR": "Commission nationale de l'informatique et des libertés (CNIL)",
    "GR": "Hellenic Data Protection Authority",
    "HR": "Agencija za zaštitu osobnih podataka",
    "HU": "Nemzeti Adatvédelmi és Információszabadság Hatóság",
    "IE": "Data Protection Commission",
    "IS": "Persónuvernd",
    "IT": "Garante per la protezione dei dati personali",
    "LI": "Datenschutzstelle",
    "LT": "Valstybinė duomenų apsaugos inspekcija",
    "LU": "Commission nationale pour la protection des données",
    "LV": "Datu valsts inspekcija",
    "MT": "Office of the Information and Data Protection Commissioner",
    "NL": "Autoriteit Persoonsgegevens",
    "NO": "Datatilsynet",
    "PL": "Urząd Ochrony Danych Osobowych",
    "PT": "Comissão Nacional de Proteção de Dados",
    "RO": "Autoritatea Națională de Supraveghere a Prelucrării Datelor cu Caracter Personal",
    "SE": "Integritetsskyddsmyndigheten",
    "SI": "Informacijski pooblaščenec",
    "SK": "Úrad na ochranu osobných údajov",
    "GB": "the Information Commissioner",
    "CN": "Cyberspace Administration of China",
    "US-CA": "California Privacy Protection Agency",
}


def authority(country: str | None, region: str | None) -> str | None:
    """The authority of a residence (ISO 3166-1, ISO 3166-2); None: unknown, or none known here."""
    return AUTHORITIES.get((region or "").upper()) or AUTHORITIES.get((country or "").upper())
