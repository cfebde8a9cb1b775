"""The fixtures of the journeys."""

from worlds.journeys import journey

__all__ = ["journey"]
