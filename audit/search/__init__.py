"""The search engine beside the log: its node, its documents, how it is fed and compared."""
