"""Whether any pattern could find anything in a text, in one pass: most texts are done with then."""

import re2

from governance.detection import tongues

_DOTS = tongues.of(tongues.DOT)
_ATS = tongues.of({language: words for language, words in tongues.AT.items() if language != "en"})
_ANY = re2.compile(
    r"@|(?:[0-9][^0-9]{0,4}){5}[0-9]"  # addresses, and whatever has many digits
    r"|(?i:[a-z]{2}[ ._-]?[0-9]{2}[ ._-]?[a-z0-9]{4})|(?i:[a-z]{3} ?[a-z]{3} ?[0-9l-v]{2}[a-t][0-9l-v]{2})"
    r"|(?:[0-9]{1,3}\.){3}[0-9]|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:|[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-"
    r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.|[A-Za-z0-9+/_-]{12}|(?i:bc1)|eyJ|://|-----BEGIN"
    rf"|(?i:pass|pwd|pw|secret|pin[ .:=-]|{tongues.of(tongues.PASSWORD)})"
    rf"|(?i: at [^ ]+ ?(?:\.| dot )|[ _*|-](?:{_DOTS})[ _*|-])"
    rf"|{tongues.unparted(tongues.DOT)}|[A-Za-z]AT[A-Za-z]|(?i: (?:{_ATS}) )"
    rf"|(?i:{tongues.of(tongues.LICENCE).replace('~dl(?![a-z])', 'dl')})"
    r"|(?i:paszp|paspo|pasa|护照|護照|旅券|パスポート|travel doc|reisdoc)"
    r"|(?i:lat(?:itude)?[^\p{L}\p{N}]{1,8}[0-9])"
    r"|\p{Han}{2}|(?:19|20)[0-9]{2}|[0-9] ?[°º˚]|[\p{L}'.-],? ?(?:n[º°]? ?)?[0-9]|[0-9],? ?\p{L}"
    r"|[0-9]/[0-9]|(?i:[\"'“‘] ?at ?[\"'”’])"
)


def suspicious(text: str) -> bool:
    """Whether any finder could find anything; False is certain."""
    return _ANY.search(text) is not None
