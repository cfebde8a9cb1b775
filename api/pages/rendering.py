"""Pages, rendered on the server: they work without JavaScript, and nothing in them is inline."""

from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

# Only our own style sheet, and forms that come back to us.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

_pages = Environment(
    loader=PackageLoader("api.pages", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)


def page(name: str, **values: str) -> str:
    """The page `name` as HTML; every value is escaped, and a missing one is an error."""
    return _pages.get_template(f"{name}.html").render(values)


@cache
def style() -> str:
    """The style sheet."""
    return resources.files("api.pages").joinpath("templates", "page.css").read_text()
