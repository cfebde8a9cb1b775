"""Keys and what is sealed under them: the keyring, envelopes, wrapping, blind indexes, the vault."""
