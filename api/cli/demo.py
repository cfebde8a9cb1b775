"""`cdp demo`: the whole story on real parts."""

import typer

from api.cli.output import Json, NoSearch
from api.cli.running import settings
from api.demo import story
from cdp.kernel import logs


def demo(no_search: NoSearch = False, as_json: Json = False) -> None:
    """Play the whole story on real parts, and print a scorecard; exits 0 only if all of it holds."""
    chosen = settings()
    logs.configure("error")
    raise typer.Exit(story.run(chosen, as_json=as_json, search=not no_search))
