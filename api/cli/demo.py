"""`cdp demo`: the whole story on real parts."""

import typer

from api.cli.output import Json
from api.cli.running import settings
from api.demo import story
from cdp.kernel import logs


def demo(as_json: Json = False) -> None:
    """Play the whole story on real parts, and print a scorecard; exits 0 only if all of it holds."""
    chosen = settings()
    logs.configure("error")
    raise typer.Exit(story.run(chosen, as_json=as_json))
