"""What people said: words, appended and folded, suppressions, and what is told of them."""
