"""What people say, yes and no, by whatever way, and when it holds."""
