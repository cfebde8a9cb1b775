"""Whether any pattern could find anything in a text, in one pass: most texts are done with then."""

import re2

_ANY = re2.compile(
    r"@|(?:[0-9][^0-9]{0,4}){5}[0-9]"  # addresses, and whatever has many digits
    r"|(?i:[a-z]{2}[ .-]?[0-9]{2}[ .-]?[a-z0-9]{4})|(?i:[a-z]{3} ?[a-z]{3} ?[0-9l-v]{2}[a-t][0-9l-v]{2})"
    r"|(?:[0-9]{1,3}\.){3}[0-9]|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:|[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-"
    r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.|[A-Za-z0-9+/_-]{12}|(?i:bc1)|eyJ|://|-----BEGIN"
    r"|(?i:pass|pwd|pw|kennwort|l[öo]senord|mdp|contrase|has[łl]o|wachtwoord|密码|口令|secret|api.?key)"
    r"|(?i: at [^ ]+ ?(?:\.| dot )| (?:dot|punkt|point|punto|punt|kropka) )"
    r"|(?i: (?:chez|arroba|snabel-a|małpa|klammeraffe) )"
    r"|(?i:licen|driv|f[üu]e?hrers|permis|dvla|rkort|prawo|rijbewijs|patente|carnet|驾|dl)"
    r"|(?i:paszp|paspo|pasa|护照|lat(?:itude)?[^\p{L}\p{N}]{1,8}[0-9])"
    r"|(?:19|20)[0-9]{2}|[0-9]°|[\p{L}'.-],? ?(?:n[º°]? ?)?[0-9]|[0-9],? ?\p{L}"
)


def suspicious(text: str) -> bool:
    """Whether any finder could find anything; False is certain."""
    return _ANY.search(text) is not None
