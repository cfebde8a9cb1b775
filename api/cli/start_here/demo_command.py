"""`cdp demo`: the whole story on real parts."""

import typer

from api.cli.output import Json, NoSearch, note
from api.cli.running import ending_in_order, settings
from api.demo import story


def demo(no_search: NoSearch = False, as_json: Json = False) -> None:
    """Play the whole story on real parts, and print a scorecard; exits 0 only if all of it holds."""
    with ending_in_order():
        code = story.run(settings(), as_json=as_json, tell=note, search=not no_search)
    raise typer.Exit(code)
