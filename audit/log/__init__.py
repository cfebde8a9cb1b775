"""The log itself: entries, the tree over them, checkpoints, and how they are verified."""
