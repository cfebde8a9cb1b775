"""One person, looked at for one purpose, and the signed decision on it."""
