"""Words that say what a value is, in the ten languages that the platform's people write.

Each entity has a row of words a language, as patterns without regard to case; `~` stands for a border of
letters. A language's word is added to its row, and every finder knows it.

Sources: what people and forms commonly write, the Wikipedias' articles on the at sign, and what is printed on
passports beside their numbers (ICAO 9303: `Passport No.`, with its translations).
"""

import re

from governance.detection.patterns import Pattern

PASSWORD = {
    "en": "pass ?word|passwd|pass ?phrase|pass ?code|pwd|client.?secret|api.?key|login code",
    "de": "passwort|kennwort|zugangscode",
    "fr": "mot de passe|mdp|code d['’]acc[eè]s",
    "es": "contrase[ñn]a|\\bclave(?: de acceso| secreta)?\\b",
    "it": "parola d['’](?:ordine|accesso)|codice di accesso",
    "nl": "wachtwoord|toegangscode",
    "sv": "l[öo]senord(?:et)?|\\blösen\\b",
    "pl": "has[łl]o|has[łl]em|has[łl]a",
    "zh": "密码|密碼|口令",
    "ja": "パスワード|暗証番号",
}
PASSPORT = {
    "en": "passport|travel document",
    "de": "reisepass|pass.?n(?:r|ummer)|(?:mein|ihr|sein|neuer|alter) ~pass(?![a-z])",
    "fr": "passeport",
    "es": "pasaporte",
    "it": "passaporto",
    "nl": "paspoort|reisdocument",
    "sv": "(?:mitt|ditt|nytt) ~pass(?![a-z])|passet ",
    "pl": "paszport[a-z]{0,3}",
    "zh": "护照|護照",
    "ja": "パスポート|旅券",
}
LICENCE = {
    "en": "licen[cs]e|driving|driver|dvla|~dl(?![a-z])",
    "de": "f[üu]e?hrerschein|fahrerlaubnis",
    "fr": "permis",
    "es": "(?:permiso|carnet|carné|licencia) de (?:conducir|manejo)|licencia|carn[eé]t",
    "it": "patente",
    "nl": "rijbewijs",
    "sv": "k[öo]rkort",
    "pl": "prawo|prawa jazdy",
    "zh": "驾驶?证?|駕照",
    "ja": "免許",
}
# What opens something and is written by a program: beside one of these stands what chance wrote.
TOKEN = {
    "en": "token|bearer|authori[sz]ation|(?:api|access|account|private|signing|encryption|shared) ?_?-?key"
    "|secret|credential|session|cookie",
    "de": "schl[üu]ssel",
    "fr": "jeton|cl[ée] (?:d['’]|api|secr)",
    "es": "clave|credencial",
    "it": "gettone|chiave",
    "nl": "sleutel",
    "sv": "nyckel",
    "pl": "klucz|żeton",
    "zh": "令牌|密钥|密鑰|密匙|凭证|憑證",
    "ja": "トークン|鍵|キー",
}
# A bank's account, beside digits alone.
ACCOUNT = {
    "en": "account|acct|~acc(?![a-z])|~a/c",
    "de": "konto|~kto",
    "fr": "compte|~cpte",
    "es": "cuenta|~cta(?![a-z])",
    "it": "conto|~c/c",
    "nl": "rekening",
    "sv": "konto|clearing",
    "pl": "kont[oaue]|rachun(?:ek|ku)",
    "zh": "[账帐賬帳](?:号|號|户|戶)",
    "ja": "口座|普通預金|当座預金",
}
# Somebody's birth. Words that are part of a longer one are those of a form: `Geburtsdatum`, `födelsedag`.
BORN = {
    "en": "birth|born|~d\\.?o\\.?b(?![a-z])|~b-?day",
    "de": "geb(?:oren|urt|\\.)|~geb[ :]|zur welt",
    "fr": "naiss|~n(?:é|e|É)(?:e|\\(e\\)|[.·]e)?s?(?: [àa] [\\w-]+)? (?:le|en)|naquit|anniversaire",
    "es": "nacid|nacim|naci[óo]|~nac[.:]|cumplea|~cumple",
    "it": "nascita|~nat[oa](?: [ai] \\w+)? (?:il|l)|compleanno",
    "nl": "geboorte|geboren|verjaardag",
    "sv": "f[öo]d(?:d|else)",
    "pl": "urodz|~ur\\.",
    "zh": "出生|生日|生于|生於|诞生",
    "ja": "生年月日|誕生|生まれ",
}
# How months begin; what follows is letters.
MONTH = {
    "en": "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec",
    "de": "jän|mär|mrz|mai|okt|dez",
    "fr": "f[ée]v|avr|juin|juil|ao[ûu]|d[ée]c",
    "es": "ene|abr|ago|dic",
    "it": "gen|mag|giu|lug|set|ott",
    "nl": "mrt|maa|mei",
    "sv": "maj",
    "pl": "stycz|lut|kwie|czerw|lip|sierp|wrze|pa[źz]d|lis|gru",
}
CAR = {
    "en": "~vin(?![a-z])|chassis|vehicle",
    "de": "~fin(?![a-z])|fahrgestell|fahrzeug-?ident",
    "fr": "ch[âa]ssis|carte grise",
    "es": "bastidor|chasis",
    "it": "telaio|libretto",
    "nl": "chassis",
    "sv": "chassi",
    "pl": "nadwozi|podwozi",
    "zh": "车架|車架|车辆识别",
    "ja": "車台|車体番号",
}
LATITUDE = {
    "en": "lat(?:itude)?",
    "de": "breite(?:ngrad)?",
    "es": "latitud",
    "it": "latitudine",
    "nl": "breedte(?:graad)?",
    "sv": "breddgrad|latitud",
    "pl": "szeroko[śs][ćc](?: geograficzna)?",
    "zh": "纬度",
    "ja": "緯度",
}
LONGITUDE = {
    "en": "lon(?:g|gitude)?|lng",
    "de": "l[äa]nge(?:ngrad)?",
    "es": "longitud",
    "it": "longitudine",
    "nl": "lengte(?:graad)?",
    "sv": "l[äa]ngdgrad",
    "pl": "d[łl]ugo[śs][ćc](?: geograficzna)?",
    "zh": "经度",
    "ja": "経度",
}
# How the signs of an address are said.
AT = {
    "en": "at",
    "de": "ät|klammeraffe",
    "fr": "arobase?|arrobase?|chez",
    "es": "arroba",
    "it": "chiocciola",
    "nl": "apenstaartje|apestaartje",
    "sv": "snabel-?a",
    "pl": "małpa|małpka",
    "zh": "艾特",
    "ja": "アットマーク|アット",
}
DOT = {
    "en": "dot",
    "de": "punkt",
    "fr": "point",
    "es": "punto",
    "nl": "punt",
    "pl": "kropka",
    "zh": "点",
    "ja": "ドット",
}
DASH = {
    "en": "dash|hyphen|minus",
    "de": "bindestrich|strich",
    "fr": "tiret",
    "es": "gui[óo]n",
    "it": "trattino",
    "nl": "streepje|koppelteken",
    "sv": "bindestreck|streck",
    "pl": "myślnik|kreska",
}
UNDERSCORE = {
    "en": "underscore",
    "de": "unterstrich",
    "fr": "tiret bas|soulign[ée]",
    "es": "gui[óo]n bajo",
    "it": "trattino basso",
    "sv": "understreck",
    "pl": "podkreślnik|podkreślenie",
}
# What says that a name follows, where no field of a program does.
NAME = {
    "zh": "姓名|名字|收件人|收货人|寄件人|发件人|联系人|聯絡人|联络人|收貨人|收件者|签收人|签名|署名"
    "|持卡人|户名|户主|经办人|申请人|客户|顾客|用户|患者|病人",
}
# What a number is if it is no telephone's.
OTHER = {
    "en": "order|invoice|ticket|tracking|parcel|reference|ref|sku|serial|article|item|part|product|model|case"
    "|batch|lot|version|build|booking|contract|policy|transaction|receipt|isbn|ean|upc|gtin|asin|mpn|code|id"
    "|account|consignment|shipment|session|request|inv|po|rma",
    "de": "bestellung|bestell|rechnung|auftrag|vorgang|vertrag|artikel|lieferschein|sendung|beleg",
    "fr": "commande|facture|r[ée]f[ée]rence|contrat|colis|article|dossier",
    "es": "pedido|factura|referencia|contrato|art[íi]culo|albar[áa]n|env[íi]o",
    "it": "ordine|fattura|riferimento|contratto|articolo|spedizione|pratica",
    "nl": "bestelling|bestel|factuur|referentie|contract|artikel|zending",
    "sv": "beställning|order|faktura|referens|avtal|artikel|sändning|ärende",
    "pl": "zamówieni[ea]|faktur[ay]|faktura|umow[ay]|artykuł|przesyłk[ai]|zlecenie",
    "zh": "订单号?|单号|编号|流水号|快递号?",
    "ja": "注文番号?|伝票|品番|請求書",
}
# What stands between a word and the value that it names.
LINKS = {
    "en": "is|was|are|to|now|still|set|changed|reads|stays|remains",
    "de": "ist|war|nach wie vor|lautet|lautete|heißt|bleibt|immer|noch|jetzt|auf|nun",
    "fr": "est|était|reste|toujours|maintenant|encore|donc",
    "es": "es|era|sigue|siendo|ahora|todavía",
    "it": "è|era|resta|ancora|adesso|sempre",
    "nl": "is|was|nog|steeds|nu|blijft|luidt",
    "sv": "är|var|fortfarande|nu|lyder|heter",
    "pl": "to|jest|było|brzmi|nadal|teraz|wciąż",
    "zh": "是|为|為|还是|仍然|现在",
    "ja": "は|が|まだ|今も",
}

# What people say in every message: greetings, days, months, words of trade. None of it is a name, though it
# may have a capital.
TALK = {
    "en": "hello hi hey thanks thank regards cheers sincerely sir madam customer team support service "
    "order refund jehovah jehovahs witnesses shabbat sikh lorem ipsum voicemail",
    "de": "guten gute guter tag morgen abend nacht hallo moin viele vielen liebe lieber beste bester grüße "
    "grüßen gruß mfg danke dank bitte sehr geehrte geehrter damen herren freundlichen montag "
    "dienstag mittwoch donnerstag freitag samstag sonntag januar februar märz mai juni juli oktober "
    "dezember rechnung telefon mobil handy reisepass pass steuerbescheid lieferung bestellung paket "
    "kunde kundin kunden konto karte adresse anschrift straße zeugen jehovas blatt artikel die der "
    "das ein eine neue neuer alte alten mein meine ihr ihre",
    "fr": "bonjour bonsoir salut merci beaucoup bonne journée cordialement cher chère lundi mardi mercredi "
    "jeudi vendredi samedi dimanche janvier février mars avril mai juin juillet août septembre "
    "octobre novembre décembre commande facture livraison colis client cliente carte compte adresse "
    "rue téléphone portable témoins jéhovah",
    "es": "hola buenos buenas días dias tardes noches gracias muchas saludos saludo estimado estimada "
    "estimados cordialmente lunes martes miércoles jueves viernes sábado domingo enero febrero marzo "
    "abril mayo junio julio agosto septiembre octubre noviembre diciembre pedido factura entrega "
    "paquete cliente tarjeta cuenta dirección calle teléfono móvil quedo milito testigos jehová",
    "it": "ciao buongiorno buonasera salve grazie mille tante saluti cordiali distinti gentile egregio "
    "spett lunedì martedì mercoledì giovedì venerdì sabato domenica gennaio febbraio marzo aprile "
    "maggio giugno luglio agosto settembre ottobre novembre dicembre ordine fattura consegna pacco "
    "cliente carta conto indirizzo via telefono cellulare testimoni geova",
    "nl": "hallo goedemorgen goedemiddag goedenavond dag bedankt dank hartelijk hartelijke vriendelijke "
    "groet groeten geachte beste mvg maandag dinsdag woensdag donderdag vrijdag zaterdag zondag "
    "januari februari maart mei juni juli augustus oktober december bestelling factuur levering "
    "pakket klant kaart rekening adres straat telefoon mobiel",
    "sv": "hej god morgon kväll tack hälsningar hälsning vänliga vänlig mvh bästa kära måndag tisdag "
    "onsdag torsdag fredag lördag söndag januari februari mars maj juni juli augusti oktober "
    "december beställning faktura leverans paket kund kort konto adress gata telefon mobil metall",
    "pl": "cześć dzień dobry wieczór dziękuję proszę pozdrawiam pozdrowienia szanowny szanowna szanowni "
    "państwo poważaniem poniedziałek wtorek środa czwartek piątek sobota niedziela styczeń luty "
    "marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień zamówienie "
    "faktura dostawa paczka klient karta konto adres ulica telefon sprawdzić świadkowie jehowy",
}


_LOOKS = re.compile(r"\(\?[=!<][^()]*\)")  # what a linear pattern has not
_UNPARTED = ("zh", "ja")  # put no blanks between words


def of(row: dict[str, str]) -> str:
    """All languages' words of one row, as alternatives."""
    return "|".join(row.values())


def parted(row: dict[str, str]) -> str:
    """The words of the languages that part them by blanks."""
    return of({language: words for language, words in row.items() if language not in _UNPARTED})


def unparted(row: dict[str, str]) -> str:
    """The words of the other languages."""
    return of({language: row[language] for language in _UNPARTED if language in row})


def roughly(row: dict[str, str]) -> str:
    """The words of one row for a first look, by a pattern that knows no borders: it finds all, and more."""
    return _LOOKS.sub("", of(row)).replace("~", "")


def pattern(*sources: str) -> Pattern:
    """A pattern of words; `~` stands for a border of letters."""
    border = r"(?:(?<![A-Za-z])|(?-i:(?<=[a-z])(?=[A-Z])))"
    return re.compile("|".join(sources).replace("~", border), re.IGNORECASE)
