"""Whom a marketer means, whom they may reach, and why not the rest."""
