"""The one door by which personal data leaves, and where it may leave to."""
