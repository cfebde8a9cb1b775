"""What is derived of a person: the few golden values and figures that are kept in clear."""
