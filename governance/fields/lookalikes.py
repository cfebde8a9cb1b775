"""Letters that look like Latin ones: what is written with them is read as what it looks like.

A table of our own. Which letters look alike is from Unicode's `confusables.txt` (UTS 39), of Greek, Cyrillic,
Armenian, Cherokee and Lisu letters, of the International Phonetic Alphabet and small capitals; capitals in
boxes and circles have no compatibility form. A letter of an African language stands here as well, for it is
only ever read so beside the word that it would make.
"""

import re
import string

_LETTERS = {
    "a": "αаɑᴀⱥ",
    "b": "βвьƄʙɓ",
    "c": "ϲсᴄƈⅽ",
    "d": "ԁᴅɗđ",
    "e": "εеєҽᴇɛɇ",
    "f": "ϝꜰƒ",
    "g": "ɡɢցɠ",
    "h": "һнհʜħ",
    "i": "ιіɩɪıӏɨ",
    "j": "јյᴊȷϳ",
    "k": "κкᴋƙ",
    "l": "ʟƚɫ",
    "m": "мᴍɱ",
    "n": "ηпոռɴɲŋ",
    "o": "οоօσᴏɵ",
    "p": "ρрᴘƥ",
    "q": "ԛզꞯʠ",
    "r": "гʀɾɽ",
    "s": "ѕꜱʂƨ",
    "t": "τтᴛƫŧ",
    "u": "υսᴜʉ",
    "v": "νѵᴠʋⱴ",
    "w": "ԝաᴡⱳω",
    "x": "χх",
    "y": "γуүʏ",
    "z": "ᴢʐƶ",
    "A": "ΑАᎪꓮ",
    "B": "ΒВᏴꓐ",
    "C": "ϹСᏟꓚ",
    "D": "ᎠꓓƊ",
    "E": "ΕЕᎬꓰƐ",
    "F": "Ϝꓝ",
    "G": "ԌᏀꓖ",
    "H": "ΗНᎻꓧ",
    "I": "ΙІӀꓲƖ",
    "J": "ЈᎫꓙͿ",
    "K": "ΚКᏦꓗ",
    "L": "ᏞꓡԼ",
    "M": "ΜМᎷꓟ",
    "N": "Νꓠ",
    "O": "ΟОՕꓳ",
    "P": "ΡРᏢꓑ",
    "R": "ᎡꓣƦ",
    "S": "ЅᏚꓢՏ",
    "T": "ΤТᎢꓔ",
    "U": "Սꓴ",
    "V": "ѴᏙꓦ",
    "W": "ԜᎳꓪ",
    "X": "ΧХꓫ",
    "Y": "ΥҮᎩꓬ",
    "Z": "ΖᏃꓜ",
}
_BOXES = (0x1F150, 0x1F170, 0x1F1E6)  # the first of the capitals in dark circles, dark boxes, and flags
_LATIN = {ord(other): letter for letter, others in _LETTERS.items() for other in others} | {
    first + place: letter for first in _BOXES for place, letter in enumerate(string.ascii_uppercase)
}
_ANY = re.compile("[" + "".join(map(chr, _LATIN)) + "]")
# Cyrillic beside Latin, and those Greek letters that look just like Latin ones, as nobody writes who does not
# hide a word. Others stand in names of firms (`µTorrent`, `βeta`).
_GREEK = "αεικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"
_MIXED = re.compile(f"[A-Za-z][\u0400-\u04ff{_GREEK}]|[\u0400-\u04ff{_GREEK}][A-Za-z]")


def mixed(text: str) -> bool:
    """Whether letters of two scripts that look alike touch one another."""
    return _MIXED.search(text) is not None


def latin(text: str) -> str | None:
    """`text` with Latin letters for those that look like them; None: there is none."""
    return text.translate(_LATIN) if _ANY.search(text) else None
