"""Looking at the log of who did what, and taking copies and proofs of it."""
