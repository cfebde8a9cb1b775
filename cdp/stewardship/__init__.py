"""Who is one person after all: separating, joining, drawing, measuring."""
