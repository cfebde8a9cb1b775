"""Whom a marketer means, whom they may reach, and why not the rest.

- `rules.py`: rules, read from JSON; `segments.py`: saved, and compiled to SQL over derived values.
- `audiences.py`: who matches, and of those whom the gate lets be reached; `left_out.py`: why not the rest.
- `parts.py`: both as a caller may see them, each person in one part.
- `previews.py`: how many; `small_counts.py`: told so that nobody is found by counting.
"""
