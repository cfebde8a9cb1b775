"""Looking at the log of who did what (`trail_search.py`), and taking copies and proofs of it (`trail.py`)."""
