"""Who is one person after all.

- `merging.py`: separating and joining; `graph.py`: drawing; `evaluation.py`: measuring against a truth.
"""
