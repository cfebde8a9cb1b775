"""Pages and pictures for people: rendered here, without a script, a font or a request.

- `rendering.py`: the pages in `templates`, filled in.
- `access_page.py`: an access package, as its person reads it.
- `pictures.py`: SVG, drawn as text.
"""
