"""The best values of a person, as pointers, and the sealed addresses behind contacts."""
