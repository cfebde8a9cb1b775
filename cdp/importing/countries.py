"""Countries as exports name them: ISO 3166-1 codes of two and of three letters, and names.

Names are those that libphonenumber has for the world's numbering plans, in the languages that it
knows, and a few that people write beside them.
"""

import unicodedata
from collections.abc import Mapping
from functools import cache

from cdp.kernel.country_names import COUNTRY_NAMES

# ISO 3166-1: alpha-3 and alpha-2.
_CODES = (
    " ABWAW AFGAF AGOAO AIAAI ALAAX ALBAL ANDAD AREAE ARGAR ARMAM ASMAS ATAAQ ATFTF ATGAG AUSAU AUTAT"
    " AZEAZ BDIBI BELBE BENBJ BESBQ BFABF BGDBD BGRBG BHRBH BHSBS BIHBA BLMBL BLRBY BLZBZ BMUBM BOLBO"
    " BRABR BRBBB BRNBN BTNBT BVTBV BWABW CAFCF CANCA CCKCC CHECH CHLCL CHNCN CIVCI CMRCM CODCD COGCG"
    " COKCK COLCO COMKM CPVCV CRICR CUBCU CUWCW CXRCX CYMKY CYPCY CZECZ DEUDE DJIDJ DMADM DNKDK DOMDO"
    " DZADZ ECUEC EGYEG ERIER ESHEH ESPES ESTEE ETHET FINFI FJIFJ FLKFK FRAFR FROFO FSMFM GABGA GBRGB"
    " GEOGE GGYGG GHAGH GIBGI GINGN GLPGP GMBGM GNBGW GNQGQ GRCGR GRDGD GRLGL GTMGT GUFGF GUMGU GUYGY"
    " HKGHK HMDHM HNDHN HRVHR HTIHT HUNHU IDNID IMNIM INDIN IOTIO IRLIE IRNIR IRQIQ ISLIS ISRIL ITAIT"
    " JAMJM JEYJE JORJO JPNJP KAZKZ KENKE KGZKG KHMKH KIRKI KNAKN KORKR KWTKW LAOLA LBNLB LBRLR LBYLY"
    " LCALC LIELI LKALK LSOLS LTULT LUXLU LVALV MACMO MAFMF MARMA MCOMC MDAMD MDGMG MDVMV MEXMX MHLMH"
    " MKDMK MLIML MLTMT MMRMM MNEME MNGMN MNPMP MOZMZ MRTMR MSRMS MTQMQ MUSMU MWIMW MYSMY MYTYT NAMNA"
    " NCLNC NERNE NFKNF NGANG NICNI NIUNU NLDNL NORNO NPLNP NRUNR NZLNZ OMNOM PAKPK PANPA PCNPN PERPE"
    " PHLPH PLWPW PNGPG POLPL PRIPR PRKKP PRTPT PRYPY PSEPS PYFPF QATQA REURE ROURO RUSRU RWARW SAUSA"
    " SDNSD SENSN SGPSG SGSGS SHNSH SJMSJ SLBSB SLESL SLVSV SMRSM SOMSO SPMPM SRBRS SSDSS STPST SURSR"
    " SVKSK SVNSI SWESE SWZSZ SXMSX SYCSC SYRSY TCATC TCDTD TGOTG THATH TJKTJ TKLTK TKMTM TLSTL TONTO"
    " TTOTT TUNTN TURTR TUVTV TWNTW TZATZ UGAUG UKRUA UMIUM URYUY USAUS UZBUZ VATVA VCTVC VENVE VGBVG"
    " VIRVI VNMVN VUTVU WLFWF WSMWS YEMYE ZAFZA ZMBZM ZWEZW"
)
_ALPHA_2 = {pair[:3]: pair[3:] for pair in _CODES.split()}
_KNOWN = frozenset(_ALPHA_2.values())
# What people write that is no name of the list.
_ALSO = {
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "united states of america": "US",
    "u.s.a.": "US",
    "u.s.": "US",
    "america": "US",
    "holland": "NL",
    "the netherlands": "NL",
    "czech republic": "CZ",
    "tschechien": "CZ",
    "korea": "KR",
    "south korea": "KR",
    "republic of korea": "KR",
    "russian federation": "RU",
    "peoples republic of china": "CN",
    "pr china": "CN",
    "中国": "CN",
    "中华人民共和国": "CN",
    "norge": "NO",
    "danmark": "DK",
    "suomi": "FI",
    "island": "IS",
    "česko": "CZ",
    "magyarország": "HU",
    "türkiye": "TR",
    "eire": "IE",
    "viet nam": "VN",
}


def country(text: str) -> str | None:
    """The ISO 3166-1 alpha-2 code that a cell plainly means; None if it means none, or several."""
    word = unicodedata.normalize("NFKC", text).strip()
    upper = word.upper()
    if upper in _KNOWN:
        return upper
    if upper in _ALPHA_2:
        return _ALPHA_2[upper]
    return _names().get(_plain(word))


def name_of(code: str) -> str:
    """A country's name in English, or its code where none is known."""
    names: Mapping[str, str] = COUNTRY_NAMES.get(code, {})
    name = names.get("en", code)
    # A name that is the same in another language stands there alone, and a star says in which.
    return names.get(name[1:], code) if name.startswith("*") else name


@cache
def _names() -> Mapping[str, str]:
    found: dict[str, set[str]] = {}
    for code, names in COUNTRY_NAMES.items():
        if code in _KNOWN:
            for name in names.values():
                if not name.startswith("*"):
                    found.setdefault(_plain(name), set()).add(code)
    known = {name: next(iter(codes)) for name, codes in found.items() if len(codes) == 1}
    return {**known, **{_plain(name): code for name, code in _ALSO.items()}}


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("'", "").replace("’", "").split())
