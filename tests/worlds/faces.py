"""Both faces of an act: HTTP as somebody in a role, and the command line; and what the log says after."""

from worlds.acts_world import counted, log

from api.cli.exits import Exit

NOBODY = "0190f5fe-7c00-7000-8000-00000000ffff"


def told(town, database, *subjects):
    """The entries about kinds of things: (what the leaf says, the detail).

    That of what was typed says besides by whom (`test_acting_as.py`), which no other face says.
    """
    found = [one for one in log(town, database) if one[0]["action"].split(":")[1] in subjects]
    for leaf, detail in found:
        if detail.pop("login", None) is not None:
            assert leaf["actor"] == "system:operator"
    return found


def names(said):
    """The names of these entries."""
    return [leaf["action"] for leaf, _ in said]


def both(*verbs):
    """The names of an act by HTTP, and then by command."""
    return [f"{source}:{verb}" for verb in verbs for source in ("client", "operator")]


class Faces:
    """HTTP as somebody in a role, and the command line."""

    def __init__(self, town, cdp, *roles):
        self._town, self._cdp, self._roles = town, cdp, roles

    def get(self, path, **params):
        """What a list answers."""
        answer = self._town.http.get(path, params=params, headers=self._town.as_(*self._roles))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path, body=None, status=200):
        """What a change answers."""
        return self._sent("POST", path, body, status)

    def put(self, path, body, status=200):
        """What a change in place answers."""
        return self._sent("PUT", path, body, status)

    def _sent(self, method, path, body, status):
        headers = self._town.as_(*self._roles)
        answer = self._town.http.request(method, path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    def run(self, *arguments, stdin=""):
        """What a command prints."""
        done = self._cdp(*arguments, "--json", stdin=stdin)
        assert done.code == Exit.OK, done.err
        return done.document


def refused_to(town, database, role, *asked):
    """The names under which it was counted that a client of that role may do none of these."""
    before = len(counted(town, database))
    for method, path, body in asked:
        answer = town.http.request(method, path, json=body, headers=town.as_(role))
        assert (answer.status_code, answer.json()["code"]) == (403, "act-not-allowed"), path
    rows = counted(town, database)[before:]
    assert {outcome for _, _, outcome in rows} <= {"refused"}
    return [name for _, name, _ in rows]


def looked(town, database):
    """The looks at the set-up that were counted."""
    return [name for _, name, outcome in counted(town, database) if outcome == "ok"]
