"""What is derived of a person (`profiles.py`): the few golden values and figures that are kept in clear."""
